"""Installing a release from its tarball alone."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

INSTALL = Path(__file__).parent.parent.parent / "scripts/deployment/install.sh"
MACHINE = platform.machine()
OTHER = "aarch64" if MACHINE == "x86_64" else "x86_64"
UNCHECKED = (1).to_bytes(4, "little")


@pytest.fixture
def install(
    environment: dict[str, str],
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Give a function that installs a release; no network where that can be had."""

    def run(release: Path, **more: str) -> subprocess.CompletedProcess[str]:
        alone = ["unshare", "--net"] if os.geteuid() == 0 else []
        return subprocess.run(
            [*alone, release / "scripts/deployment/install.sh"],
            check=False,
            capture_output=True,
            text=True,
            env={**environment, "PIP_NO_INDEX": "1", **more},
        )

    return run


@pytest.fixture
def hollow(tmp_path: Path) -> Path:
    """Lay an unpacked release with nothing in it."""
    (tmp_path / "scripts/deployment").mkdir(parents=True)
    shutil.copy(INSTALL, tmp_path / "scripts/deployment")
    (tmp_path / "RELEASE").write_text("1.2.3\n")
    (tmp_path / "requirements.lock").touch()
    (tmp_path / "wheels").mkdir()
    return tmp_path


@pytest.fixture
def release(tarball: Path, tmp_path: Path) -> Path:
    """Unpack the release."""
    subprocess.run(["tar", "-xf", tarball, "-C", tmp_path], check=True)
    return tmp_path / tarball.name.partition("-linux-")[0]


def test_a_checkout_is_not_installed(
    install: Callable[..., subprocess.CompletedProcess[str]], hollow: Path
) -> None:
    """Where there is no RELEASE, the build is what is needed."""
    (hollow / "RELEASE").unlink()
    done = install(hollow)
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        (
            f"install.sh: {hollow} is no unpacked release; "
            "build one with scripts/deployment/build.sh\n"
        ),
    )


@pytest.mark.parametrize(
    ("wheel", "said"),
    [
        (
            f"numpy-2.4.6-cp399-cp399-manylinux_2_28_{MACHINE}.whl",
            (
                "this release is for Python 3.99, which is not here; "
                "install it, or build with --python"
            ),
        ),
        (
            f"numpy-2.4.6-cp311-cp311-manylinux_2_28_{OTHER}.whl",
            f"this release is for {OTHER}, and this machine is {MACHINE}",
        ),
        (
            "idna-3.20-py3-none-any.whl",
            "wheels/ is not complete; unpack the tarball again",
        ),
    ],
)
def test_what_does_not_fit_is_told(
    install: Callable[..., subprocess.CompletedProcess[str]],
    hollow: Path,
    wheel: str,
    said: str,
) -> None:
    """The wheels' names say which Python and machine they are for."""
    (hollow / "wheels" / wheel).touch()
    done = install(hollow)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"install.sh: {said}\n"
    assert not (hollow / "venv").exists()


@pytest.mark.slow
def test_a_release_installs_from_what_it_has(
    install: Callable[..., subprocess.CompletedProcess[str]], release: Path
) -> None:
    """Without an index: compiled, commands start, queries pass; then it is done."""
    name = f"smally-api {(release / 'RELEASE').read_text().strip()}"
    done = install(release)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    python = said_by(release, "python", "--version")
    assert done.stdout == (f"install.sh: {name} installed ({python}, {release}/venv)\n")
    assert not uncompiled(release / "venv/lib")
    version = (release / "RELEASE").read_text().strip().partition("+")[0]
    assert said_by(release, "smally", "--version") == f"smally {version}"
    assert said_by(release, "sqlx", "--version").startswith(f"sqlx-py {version} ")
    said_by(release, "sqlx", "check", "--offline")
    mark = (release / "venv/.installed").stat().st_mtime_ns
    done = install(release)
    said = f"install.sh: {name} is installed already\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")
    assert (release / "venv/.installed").stat().st_mtime_ns == mark


@pytest.mark.slow
def test_a_killed_installation_is_done_again(
    install: Callable[..., subprocess.CompletedProcess[str]],
    release: Path,
    tmp_path: Path,
) -> None:
    """Killed when venv/ was just made; the next run starts from nothing."""
    path = tmp_path / "bin"
    path.mkdir()
    real = shutil.which("python3.11")
    killer = path / "python3.11"
    killer.write_text(
        f'#!/bin/sh\n{real} "$@" || exit\n'
        'if [ "$2" = venv ]; then touch venv/half; kill -9 $PPID; fi\n'
    )
    killer.chmod(0o755)
    done = install(release, PATH=f"{path}:{os.environ['PATH']}")
    assert done.returncode != 0
    assert (release / "venv/half").exists()
    done = install(release)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert not (release / "venv/half").exists()
    assert said_by(release, "smally", "--version").startswith("smally ")


@pytest.mark.slow
def test_a_wheel_with_another_sum_is_refused(
    install: Callable[..., subprocess.CompletedProcess[str]], release: Path
) -> None:
    """One changed byte of our own wheel; what is there is not taken for installed."""
    (wheel,) = (release / "wheels").glob("smally-*.whl")
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    done = install(release)
    assert (done.returncode, done.stdout) == (1, "")
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr
    assert not (release / "venv/.installed").exists()


def said_by(release: Path, program: str, *arguments: str) -> str:
    """Run an installed program, and return what it prints on stdout."""
    done = subprocess.run(
        [release / "venv/bin" / program, *arguments],
        cwd=release,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def uncompiled(folder: Path) -> list[Path]:
    """List the modules without byte code that is never compared with the source."""
    return [
        path
        for path in folder.rglob("*.py")
        if not any(
            code.read_bytes()[4:8] == UNCHECKED
            for code in path.parent.glob(f"__pycache__/{path.stem}.cpython-*.pyc")
        )
    ]
