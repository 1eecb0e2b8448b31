"""The build: what it refuses, what it makes, and that its bytes are the same."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent.parent
SCRIPTS = ROOT / "scripts/deployment"
VERSION = "packages/sqlx-py/src/sqlx/version.py"


@pytest.fixture
def checkout(tmp_path: Path, commit: Callable[[Path], None]) -> Path:
    """Lay a checkout that has the scripts and a version, and nothing else."""
    folder = tmp_path / "checkout"
    for name in (VERSION, *(f"scripts/deployment/{p.name}" for p in SCRIPTS.iterdir())):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / VERSION).write_text('__version__ = "1.2.3"\n')
    commit(folder)
    return folder


@pytest.fixture
def run(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Give a function that runs a command, and returns what it said."""

    def run(*command: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            env={**environment, **more},
        )

    return run


@pytest.mark.parametrize("name", ["build.sh", "build-no-buildkit.sh", "install.sh"])
def test_a_script_says_what_it_does(
    name: str, run: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """`--help` prints the comment at its head, without marks, on stdout."""
    done = run(SCRIPTS / name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"\n  scripts/deployment/{name}" in done.stdout
    comment = (SCRIPTS / name).read_text().partition("\nset -euo pipefail")[0]
    lines = [line[2:] for line in comment.splitlines()[1:]]
    assert done.stdout.splitlines() == lines


@pytest.mark.parametrize("name", ["build.sh", "build-no-buildkit.sh", "install.sh"])
def test_an_unknown_argument_is_misuse(
    name: str, run: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Exit code 2, and where the right ones are told."""
    done = run(SCRIPTS / name, "--fast")
    said = f"{name}: unknown argument --fast; see {name} --help\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_a_version_of_python_has_to_be_one(
    run: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """`--python` without a version, or with another word, is misuse."""
    said = "build.sh: give --python a version, as in --python 3.11\n"
    for words in (["--python"], ["--python", "python3.11"]):
        done = run(SCRIPTS / "build.sh", *words)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_what_is_not_committed_is_not_built(
    checkout: Path, run: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """A changed file and a new one are named; nothing is made."""
    (checkout / VERSION).write_text('__version__ = "1.2.4"\n')
    (checkout / "migrations").mkdir()
    (checkout / "migrations/1_new.sql").touch()
    done = run(checkout / "scripts/deployment/build.sh")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "build.sh: commit these first, or put them away:\n"
        f" M {VERSION}\n?? migrations/1_new.sql\n"
    )
    assert not (checkout / "dist").exists()


def test_a_release_is_named_by_its_tag_or_its_commit(
    checkout: Path, run: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """The version alone is for the commit that has its tag; others say their own."""
    common = checkout / "scripts/deployment/build-common.sh"
    name = ["bash", "-c", f"source {common}; release_name"]
    commit = run("git", "-C", checkout, "rev-parse", "HEAD").stdout
    assert run(*name).stdout == f"1.2.3+1.g{commit[:7]}\n"
    run("git", "-C", checkout, "tag", "v1.2")
    assert run(*name).stdout == f"1.2.3+1.g{commit[:7]}\n"
    run("git", "-C", checkout, "tag", "v1.2.3")
    assert run(*name).stdout == "1.2.3\n"


def test_without_a_container_tool_the_other_script_is_named(
    checkout: Path, tmp_path: Path, run: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """On a PATH with neither docker, podman nor buildah."""
    path = tmp_path / "bin"
    path.mkdir()
    for program in ("bash", "dirname", "id"):
        (path / program).symlink_to(str(shutil.which(program)))
    done = run(checkout / "scripts/deployment/build-no-buildkit.sh", PATH=str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "build-no-buildkit.sh: no docker with a daemon, no podman, no buildah here; "
        "scripts/deployment/build.sh needs none\n"
    )


def test_the_locks_fit_the_projects(
    run: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """All that pyproject.toml wants is pinned, to a version that it allows."""
    done = run(sys.executable, ROOT / "scripts/lock", "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_lock_that_does_not_fit_is_told(
    tmp_path: Path, run: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """A version that is too old, and a package without a pin."""
    names = ["requirements.lock", "scripts/lock", "scripts/deployment/build.lock"]
    names += ["pyproject.toml", "packages/sqlx-py/pyproject.toml"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    lock = tmp_path / "requirements.lock"
    text = re.sub(r"(?m)^numpy==.*$", "numpy==2.1.0 \\\\", lock.read_text())
    lock.write_text(text.replace("\nuvicorn==", "\nunicorn=="))
    python = tmp_path / ".venv/bin/python"
    done = run(python, tmp_path / "scripts/lock", "--check")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "lock: requirements.lock has 2.1.0 for numpy>=2.2; run scripts/lock",
        "lock: requirements.lock has nothing for uvicorn>=0.54; run scripts/lock",
    ]


def test_the_lock_has_every_hash_and_no_address() -> None:
    """What is compiled has one for each of 4 Pythons on 2 machines, others just one."""
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    blocks = re.split(r"\n(?=[a-z])", text)[1:]
    counts = {block.split("==")[0]: block.count("--hash=sha256:") for block in blocks}
    assert (counts["numpy"], counts["psycopg-binary"], counts["psycopg"]) == (8, 8, 1)
    assert set(counts.values()) == {1, 8}


@pytest.mark.slow
def test_the_same_commit_gives_the_same_bytes(
    tarball: Path,
    tmp_path: Path,
    check_out: Callable[[Path], Path],
    run: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """Also in another folder, whose files nobody else may read; the sum is noted."""
    folder = check_out(tmp_path / "elsewhere")
    done = run("bash", "-c", f"umask 077; {folder}/scripts/deployment/build.sh")
    assert (done.returncode, done.stdout) == (0, f"dist/{tarball.name}\n"), done.stderr
    again = folder / "dist" / tarball.name
    assert again.read_bytes() == tarball.read_bytes()
    digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
    sums = (folder / "dist/SHA256SUMS").read_text()
    assert sums == f"{digest}  {tarball.name}\n"


@pytest.mark.slow
def test_the_tarball_has_all_that_a_server_needs(tarball: Path) -> None:
    """All is in one folder with the release's name, and nothing only a build needs."""
    with tarfile.open(tarball) as archive:
        members = archive.getmembers()
    release = tarball.name.partition("-linux-")[0]
    names = {member.name.removeprefix(release).lstrip("/") for member in members}
    tops = {name.partition("/")[0] for name in names if name}
    assert tops == {
        ".sqlx",
        "RELEASE",
        "docs",
        "migrations",
        "requirements.lock",
        "scripts",
        "sqlx.toml",
        "wheels",
    }
    assert "scripts/deployment/install.sh" in names
    assert not [name for name in names if name.startswith("scripts/deployment/build")]
    for path in (ROOT / "migrations").iterdir():
        assert f"migrations/{path.name}" in names
    assert {(m.uid, m.gid, m.mtime, m.mode | 0o111) for m in members} == {
        (0, 0, 1767323045, 0o755)
    }
