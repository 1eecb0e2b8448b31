"""Releases of the clone: how they are built, and how others are made from them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["clone_of", "git", "vary"]

ROOT = Path(__file__).resolve().parent.parent.parent


def git(clone: Path, *arguments: str) -> str:
    """Ask git, or tell it."""
    name = ("-c", "user.name=Drill", "-c", "user.email=drill@example.com")
    done = subprocess.run(
        ["git", *name, *arguments],
        cwd=clone,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def clone_of(folder: Path) -> Path:
    """Clone this repository; what is not committed yet is committed there.

    With a clean work tree the clone's commit is this one.
    """
    git(ROOT, "clone", "--quiet", "--no-local", str(ROOT), str(folder))
    listing = ("ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for kept in folder.iterdir():
        if kept.name != ".git":
            shutil.rmtree(kept) if kept.is_dir() else kept.unlink()
    for name in filter(None, git(ROOT, *listing).split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    git(folder, "add", "--all")
    if git(folder, "status", "--porcelain"):
        git(folder, "commit", "--quiet", "--message=the work tree")
    return folder


def vary(clone: Path, of: str, release: str, change: Callable[[Path], None]) -> None:
    """Make a release from another one: the same, but for what a function changes in it.

    The build itself would refuse most of what the drill tries on a server.
    """
    name, made = f"smally-api-{release}", tarball_of(clone, release)
    with tempfile.TemporaryDirectory() as folder:
        tar("--extract", "--file", tarball_of(clone, of), cwd=folder)
        tree = next(Path(folder).iterdir()).rename(Path(folder, name))
        (tree / "RELEASE").write_text(f"{release}\n")
        change(tree)
        quickly = "--use-compress-program=gzip -1"
        tar("--create", quickly, "--file", made, name, cwd=folder)
    line = f"{hashlib.sha256(made.read_bytes()).hexdigest()}  {made.name}\n"
    with (clone / "dist/SHA256SUMS").open("a") as sums:
        sums.write(line)


def tarball_of(clone: Path, release: str) -> Path:
    """Name the tarball of a release for this machine."""
    return clone / "dist" / f"smally-api-{release}-linux-{os.uname().machine}.tar.gz"


def tar(*arguments: str | Path, cwd: str) -> None:
    """Pack, or unpack."""
    subprocess.run(["tar", *arguments], cwd=cwd, check=True)
