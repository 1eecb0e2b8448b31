"""The folder behind `embedded:PATH`: what lies in it, its locks, and who runs there."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlx.errors import EmbeddedError

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "MAJOR",
    "PID",
    "PORT",
    "STOP_SECONDS",
    "USER",
    "Folder",
    "end_orphan",
    "is_ready",
    "postmaster_lines",
    "try_exclusive",
    "unlock",
]

MAJOR = "18"
PORT = 5432
USER = "postgres"

_LOG_BYTES = 10 * 1024 * 1024
# postmaster.pid, one fact a line: src/include/utils/pidfile.h.
PID, _SOCKET_DIRECTORY, _STATUS = 0, 4, 7
STOP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Folder:
    """Where one embedded PostgreSQL lives.

    Args:
        path: Absolute, symbolic links resolved: two names of a folder are one server.
    """

    path: Path

    @classmethod
    def at(cls, path: str) -> Folder:
        """Return the folder that a path means, whether it exists or not."""
        if not path or "\n" in path or "\0" in path:
            # postmaster.pid keeps the path on a line.
            raise EmbeddedError(
                f"{path!r} cannot be the folder of an embedded PostgreSQL; "
                "choose a path that is not empty and has no line break or NUL"
            )
        return cls(Path(os.path.realpath(path)))

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory, which may lie elsewhere: see `account`."""
        return Path(os.path.realpath(self.path / "data"))

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.path / "postgresql.log"

    def error(self, what: str) -> EmbeddedError:
        """Return the error that says what is wrong here."""
        return EmbeddedError(f"the embedded PostgreSQL in {self.path}: {what}")

    def unusable(self, error: OSError) -> EmbeddedError:
        """Return the error for what the operating system refuses."""
        name = f" ({error.filename})" if error.filename else ""
        return self.error(
            f"{error.strerror or error}{name}; choose a folder on a disk with room, "
            "in which you may write"
        )

    def prepare(self) -> None:
        """Create the folder, or see that it is one of ours, and that its data fits.

        Raises:
            EmbeddedError: It is something else, which stays untouched.
        """
        try:
            self._claim()
            self._check_version()
        except NotADirectoryError as error:
            raise self.error(
                "the path is or crosses a file; choose a folder that is new or empty"
            ) from error
        except OSError as error:
            raise self.unusable(error) from error

    def _claim(self) -> None:
        try:
            names = {entry.name for entry in self.path.iterdir()} - {"lost+found"}
        except FileNotFoundError:
            self._create()
            return
        if names and "start.lock" not in names:
            raise self.error(
                f"the folder holds something else (such as {min(names)}) and was not "
                "touched; choose a folder that is new or empty"
            )

    def _create(self) -> None:
        """Create the folder and its parents, as their surroundings' owner's."""
        missing = [self.path]
        while not (parent := missing[-1].parent).exists():
            missing.append(parent)
        for path in reversed(missing):
            try:
                # Another account may have to pass through: see `account`.
                path.mkdir(0o711 if path == self.path else 0o777)
            except FileExistsError:  # Two begin at once.
                continue
            _give_to_owner_of(path.parent, path)

    def _check_version(self) -> None:
        """Refuse data that is not this PostgreSQL's."""
        try:
            version = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        except FileNotFoundError:
            if self.data.is_dir() and any(self.data.iterdir()):
                raise self.error(
                    f"{self.data} is not empty and has no PG_VERSION, so it is no "
                    "PostgreSQL data directory; move it away"
                ) from None
            return
        if version != MAJOR:
            raise self.error(
                f"its data is of PostgreSQL {version}, and {MAJOR} is installed; move "
                "the data with pg_dump of its own version, or choose a new folder"
            )

    @property
    def complete(self) -> bool:
        """Whether there is a cluster: `data` appears by one rename when it is done."""
        return (self.data / "PG_VERSION").exists()

    def lock(self, name: str, *, shared: bool = False) -> int:
        """Open one of the lock files and wait for its lock; close it to let go."""
        descriptor = self._open(name, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    @contextmanager
    def locked(self, name: str) -> Iterator[int]:
        """Hold one of the lock files alone; a child may inherit it and hold on."""
        descriptor = self.lock(name)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _is_locked(self, name: str) -> bool:
        descriptor = self._open(name, os.O_RDWR)
        try:
            return not try_exclusive(descriptor)
        finally:
            os.close(descriptor)

    def _open(self, name: str, flags: int) -> int:
        """Open a file of ours, creating it as the folder owner's."""
        path = self.path / name
        # Root may work in a folder of somebody who plants links: follow none.
        flags |= os.O_NOFOLLOW
        while True:
            try:
                return _above_standard(os.open(path, flags))
            except FileNotFoundError:
                pass
            try:
                descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:  # Two begin at once.
                continue
            _give_to_owner_of(self.path, descriptor)
            return _above_standard(descriptor)

    def open_log(self) -> int:
        """Open the log to append to it; a long one is first put aside, as `.1`."""
        try:
            if self.log.stat().st_size > _LOG_BYTES:
                self.log.replace(f"{self.log}.1")
        except FileNotFoundError:
            pass
        return self._open("postgresql.log", os.O_WRONLY | os.O_APPEND)

    def running(self) -> Path | None:
        """Return the folder of the socket when the server is ready, else None.

        To be asked with `start.lock` held: then a keeper that lives has a server that
        is ready, or one that has just died.
        """
        if not self._is_locked("keeper.lock"):
            return None
        lines = postmaster_lines(self.data)
        if not is_ready(lines):
            return None
        where = Path(lines[_SOCKET_DIRECTORY])
        socket_path = where / f".s.PGSQL.{PORT}"
        # When it was killed, a child that was just forked still has its socket.
        lives = _is_postmaster(int(lines[PID]), self.data)
        try:
            return where if lives and _answers(socket_path) else None
        except FileNotFoundError:
            if _is_postmaster(int(lines[PID]), self.data):
                raise self.error(
                    f"it runs, but its socket {socket_path} was removed; end the "
                    "programs that use it, then start it again"
                ) from None
            return None


def try_exclusive(descriptor: int) -> bool:
    """Turn a lock into one held alone, without waiting; False, and it is lost, if not.

    Source:
        Linux, fs/locks.c, flock_lock_inode: the old lock goes and the new one is
        granted or refused in one step. Elsewhere a waiting keeper may come between,
        and False then means that it stops the server.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(descriptor: int) -> None:
    """Give a lock back and keep its file open."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def postmaster_lines(data: Path) -> list[str]:
    """Return the lines of postmaster.pid; none when there is no such file."""
    try:
        return os.fsdecode((data / "postmaster.pid").read_bytes()).split("\n")
    except FileNotFoundError:
        return []


def is_ready(lines: list[str]) -> bool:
    """Tell whether postmaster.pid's lines say that sessions are welcome."""
    return len(lines) > _STATUS and lines[_STATUS].strip() == "ready"


def _is_postmaster(pid: int, data: Path) -> bool:
    """Tell whether a process is the PostgreSQL server of this data directory.

    A pid file outlives a crash, and its number may since be anybody's.
    """
    command = _command_line(pid)
    return b"postgres" in command and os.fsencode(data) in command


def end_orphan(data: Path) -> None:
    """Stop a server that has lost its keeper, and wait until it is gone.

    To be called with `keeper.lock` held.
    """
    lines = postmaster_lines(data)
    if not lines or not lines[PID].isdigit():
        return
    pid = int(lines[PID])
    patience = time.monotonic() + STOP_SECONDS
    order = signal.SIGINT  # A fast shutdown.
    while _is_postmaster(pid, data):
        with suppress(ProcessLookupError):  # It has just ended.
            os.kill(pid, order)
        if time.monotonic() > patience:
            order = signal.SIGQUIT  # An immediate one: the next start recovers.
        time.sleep(0.02)


def _command_line(pid: int) -> bytes:
    """Return how a process was called; nothing when there is none."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return b""
    return subprocess.run(  # noqa: S603 -- a number.
        ["/bin/ps", "-p", str(pid), "-o", "args="], capture_output=True, check=False
    ).stdout


def _answers(socket_path: Path) -> bool:
    """Tell whether a server listens on a socket."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(socket_path))
        except ConnectionRefusedError:
            return False
    return True


def _above_standard(descriptor: int) -> int:
    """Move a descriptor out of 0 to 2, which a child has for its own streams.

    A program that has closed its streams gets these numbers for its next files.
    """
    if descriptor > 2:  # noqa: PLR2004 -- standard error.
        return descriptor
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    finally:
        os.close(descriptor)


def _give_to_owner_of(example: Path, created: Path | int) -> None:
    """Let a file that root has just created belong to whoever owns its folder."""
    if os.geteuid() == 0:
        owner = example.stat()
        if owner.st_uid != 0:
            if isinstance(created, int):
                os.fchown(created, owner.st_uid, owner.st_gid)
            else:
                os.chown(created, owner.st_uid, owner.st_gid, follow_symlinks=False)
