"""Many files of a directory get new bytes: all of them, or, when writing fails, none.

Everything is first written into a folder of its own below the directory, under other
names, and only then renamed into place, one by one. So a disk that is full, or a kill,
leaves the old files whole, and who reads meanwhile sees each file old or new, never
half of one. Nothing is synced to the disk: after a power failure, prepare again.

A run that was killed leaves its folder. Runs wait for each other by a lock on the
directory, so a folder that lies there when a run begins is abandoned, and is swept.
Where a file system has no locks, one of two runs at once may fail, and says so.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sqlx.errors import CacheError

if sys.platform != "win32":  # pragma: no branch -- tests run where there is flock.
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["remove_files", "replace_files"]

_STAGE = ".writing-"


def replace_files(directory: str, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Give files their bytes; one that has them already is left untouched.

    A symbolic link or a read-only file is replaced, as SQLx does; a directory that is
    a link is written through.

    Args:
        directory: It is made when it is missing.
        files: Bytes by name, `/` between folder and file; renamed in this order.

    Returns:
        The names of those that were written.

    Raises:
        CacheError: They cannot be written.
    """
    with _writing(directory):
        for folder in {os.path.dirname(os.path.join(directory, n)) for n in files}:
            os.makedirs(folder, exist_ok=True)
        with _alone(directory):
            _sweep(directory)
            changed = {
                name: data
                for name, data in files.items()
                if _bytes(os.path.join(directory, name)) != data
            }
            if changed:
                _replace(directory, changed)
    return tuple(changed)


def remove_files(directory: str, names: Iterable[str]) -> None:
    """Remove files of a directory, in this order.

    Raises:
        CacheError: One cannot be removed.
    """
    with _writing(directory), _alone(directory):
        for name in names:
            with suppress(FileNotFoundError):  # another run did
                os.unlink(os.path.join(directory, name))


@contextmanager
def _writing(directory: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CacheError(
            directory,
            f"cannot write there: {error.strerror} ({error.filename or 'a file'}); "
            "let it be a directory with room, in which you may write",
        ) from error


@contextmanager
def _alone(directory: str) -> Iterator[None]:
    """Hold the directory's lock, on systems that can lock a directory."""
    if sys.platform == "win32":  # pragma: no cover -- as above.
        yield
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sweep(directory: str) -> None:
    for name in os.listdir(directory):
        if name.startswith(_STAGE):
            shutil.rmtree(os.path.join(directory, name), ignore_errors=True)


def _bytes(path: str) -> bytes | None:
    """Read a file; None when it may not be read, but can still be replaced."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, PermissionError):
        return None


def _replace(directory: str, files: Mapping[str, bytes]) -> None:
    stage = tempfile.mkdtemp(prefix=_STAGE, dir=directory)
    try:
        for place, data in enumerate(files.values()):
            with open(os.path.join(stage, str(place)), "xb") as file:
                file.write(data)
        for place, name in enumerate(files):
            staged = os.path.join(stage, str(place))
            os.replace(staged, os.path.join(directory, name))
    finally:
        shutil.rmtree(stage, ignore_errors=True)
