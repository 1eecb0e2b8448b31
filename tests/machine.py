"""What tests ask of the machine that they run on."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = "python3,python3-venv"
SUITE = "bookworm"  # Its Python is 3.11.


def need(*programs: str, root: bool = False) -> None:
    """Skip a test that cannot run here; where all have to run, it fails."""
    missing = [name for name in programs if shutil.which(name) is None]
    missing += ["root"] if root and os.geteuid() else []
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"missing: {', '.join(missing)}")
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Keep other processes out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def debian_with_python() -> Path:
    """Give a tree as a tar file, from the folder for what can be made again."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    base = Path(home, "sqlx-py/image-base", f"{SUITE}-{PACKAGES}.tar")
    with exclusive(base.with_suffix(".lock")):
        if not base.exists():
            _bootstrap(base)
    return base


def _bootstrap(base: Path) -> None:
    with tempfile.TemporaryDirectory(dir=base.parent) as folder:
        tree, half = Path(folder, "tree"), Path(folder, "half")
        options = ["--variant=minbase", f"--include={PACKAGES}"]
        command = ["debootstrap", *options, SUITE, str(tree), mirror()]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        unneeded = ["--exclude=./var/cache/apt/*", "--exclude=./var/lib/apt/lists/*"]
        command = ["tar", *unneeded, "-cf", str(half), "-C", str(tree), "."]
        subprocess.run(command, check=True)
        half.replace(base)


def mirror() -> str:
    """Read where this machine has its packages from."""
    apt = Path("/etc/apt")
    lists = [*apt.glob("sources.list.d/*.sources"), *apt.glob("sources.list.d/*.list")]
    for path in (apt / "sources.list", *lists):
        text = path.read_text() if path.exists() else ""
        found = re.search(r"(?m)^(?:URIs:|deb(?: \[[^]]*\])?) *(\S+)", text)
        if found:
            return found[1]
    pytest.fail("apt names no mirror")
