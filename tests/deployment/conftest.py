"""What the tests of the build share: checkouts of this tree, and one tarball."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from machine import exclusive, need

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent.parent
# The same files are the same commit, in whatever folder: so is the release's name.
COMMITTER = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in {
        "NAME": "a tester",
        "EMAIL": "tester@example.com",
        "DATE": "2026-01-02T03:04:05Z",
    }.items()
}


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Give the environment without what a developer may have set for git or smally."""
    ours = ("GIT_", "DATABASE_URL", "SMALLY_", "SQLX_")
    kept = {
        name: text for name, text in os.environ.items() if not name.startswith(ours)
    }
    return {**kept, **COMMITTER, "GIT_CONFIG_GLOBAL": os.devnull}


@pytest.fixture(scope="session")
def commit(environment: dict[str, str]) -> Callable[[Path], None]:
    """Give a function that commits all that a folder has."""

    def commit_all(folder: Path) -> None:
        for words in (("init", "--quiet"), ("add", "--all"), ("commit", "-qm", "Try")):
            subprocess.run(["git", *words], cwd=folder, env=environment, check=True)

    return commit_all


@pytest.fixture(scope="session")
def snapshot(
    tmp_path_factory: pytest.TempPathFactory,
    worker_id: str,
    commit: Callable[[Path], None],
) -> Path:
    """Commit the files as they are here, once for all processes of the run."""
    need("git")
    place = tmp_path_factory.getbasetemp()
    folder = (place if worker_id == "master" else place.parent) / "snapshot"
    with exclusive(folder.with_suffix(".lock")):
        if not folder.exists():
            half = folder.with_suffix(".half")
            copy_tree(half)
            commit(half)
            half.rename(folder)
    return folder


@pytest.fixture(scope="session")
def check_out(snapshot: Path) -> Callable[[Path], Path]:
    """Give a function that lays a checkout of this tree."""

    def clone(folder: Path) -> Path:
        command = ["git", "clone", "--quiet", str(snapshot), str(folder)]
        subprocess.run(command, check=True)
        return folder

    return clone


@pytest.fixture(scope="session")
def tarball(snapshot: Path, environment: dict[str, str]) -> Path:
    """Build the release once, for all processes of the run."""
    need("python3.11")
    with exclusive(snapshot.with_suffix(".build")):
        if not list(snapshot.glob("dist/*.tar.gz")):
            command = [snapshot / "scripts/deployment/build.sh"]
            subprocess.run(command, env=environment, check=True)
    (built,) = snapshot.glob("dist/*.tar.gz")
    return built


def copy_tree(folder: Path) -> None:
    """Copy what git has here, or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in listed.stdout.split("\0")[:-1]:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
