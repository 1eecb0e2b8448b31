"""A PostgreSQL of one's own behind `embedded:PATH`, from first use to its last user.

Theory of operation. Nobody is in charge and anybody may be killed at any moment, so all
that must hold rests on `flock`, which the kernel takes back from whoever ends. A folder
has three lock files:

- `users.lock`: every process that uses the server holds it shared.
- `start.lock`: held by whoever is starting or stopping, so that only one does, and so
  that no newcomer enters while the last user leaves.
- `keeper.lock`: held by the *keeper* for as long as it lives.

The keeper is a small process beside the server, and its parent. A start takes
`start.lock`, then its share of `users.lock`, and finds the server ready or launches a
keeper, which inherits `start.lock` until the server is ready. The keeper then asks for
`users.lock` alone, and so sleeps until the last user has ended, in whatever way; it
stops the server and ends itself. Somebody who comes meanwhile waits for the locks and
starts anew. A server whose keeper is killed is told to stop by the kernel (on Linux),
or by the next one who finds `keeper.lock` free. Only the wait for readiness polls.

The folder itself belongs to us: the cluster lies in `data`, which appears by one rename
once it is complete, the log beside it. How a server runs for root, which PostgreSQL
refuses, is told in `account`.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from threading import RLock
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from sqlx.embedded.folder import (
    PORT,
    USER,
    Folder,
    end_orphan,
    try_exclusive,
    unlock,
)
from sqlx.embedded.launch import Options, binaries, launch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType

__all__ = ["Server", "explain_missing_extension", "start"]

_NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


@dataclass(slots=True)
class _Hold:
    """This process's share of one folder: one lock for all its uses.

    Args:
        folder: Where the server is.
        users_lock: The descriptor that holds the share.
        uses: How many `Server` values have not been stopped.
        childs_lock: Another share while a process is being forked: the child's.
    """

    folder: Folder
    users_lock: int
    uses: int = 0
    childs_lock: int | None = None

    def is_current(self) -> bool:
        """Whether the folder is still the one that was locked, not a later one."""
        try:
            there = (self.folder.path / "users.lock").stat()
        except OSError:
            return False
        return os.path.samestat(there, os.fstat(self.users_lock))


@dataclass(slots=True)
class _Use:
    """What one `Server` value has of a hold; it is given up once."""

    hold: _Hold
    ended: bool = False

    def end(self) -> None:
        with _lock:
            if not self.ended:
                self.ended = True
                _leave(self.hold)


_holds: dict[Path, _Hold] = {}
# One for all folders: a start or a stop is short, and a fork has to wait for it.
_lock = RLock()


@dataclass(frozen=True, slots=True)
class Server:
    """A running embedded PostgreSQL, and this user's hold on it.

    It stops when its last user, in whatever process, has called `stop` or ended.

    Args:
        directory: Its folder, absolute and without symbolic links.
        socket_directory: Where its socket lies; only its owner may enter.
        port: Part of the socket's name; nothing listens on the network.
        user: A superuser, who needs no password.
        log: Its log file.
    """

    directory: str
    socket_directory: str
    port: int
    user: str
    log: str
    _use: _Use = field(repr=False, compare=False)

    def keywords(self, database: str = "postgres") -> dict[str, str]:
        """Return libpq's keywords for a connection to one of its databases."""
        return {
            "host": self.socket_directory,
            "port": str(self.port),
            "user": self.user,
            "dbname": database,
        }

    def stop(self) -> None:
        """Give up this user's hold; the last one stops the server, and waits for it.

        A second call does nothing.
        """
        self._use.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def start(
    path: str | os.PathLike[str],
    *,
    on_event: Callable[[str], None] | None = None,
    settings: Mapping[str, str] = _NO_SETTINGS,
) -> Server:
    """Return the PostgreSQL whose data lies in a folder, ready to be connected to.

    It is created on first use and started when it does not run. Threads and processes
    may do so at the same time: one starts it, all use it.

    Args:
        path: The folder: new, empty, or one that this function has created.
        on_event: Called with a sentence for what takes longer than usual.
        settings: PostgreSQL's, such as `{"fsync": "off"}` for a test; they hold from
            this start to its stop and do nothing when the server runs already.

    Raises:
        EmbeddedError: It cannot be started; the message has the log's last lines.
        DriverMissing: PostgreSQL's binaries are not installed.
    """
    return _start(path, on_event or _ignore, Options(settings=dict(settings)))


def explain_missing_extension(message: str) -> str | None:
    """Return a hint when the server says that it lacks an extension, else None.

    Args:
        message: The server's, for example `extension "citext" is not available`.
    """
    found = re.match(r'extension "(.+)" is not available', message)
    if found is None:
        return None
    return (
        f'the embedded PostgreSQL has no extension "{found[1]}", only plpgsql and '
        "vector; set the database URL of a PostgreSQL server that has it"
    )


def _ignore(_event: str) -> None:
    """Show nothing."""


def _start(
    path: str | os.PathLike[str], on_event: Callable[[str], None], options: Options
) -> Server:
    folder = Folder.at(os.fspath(path))
    if sys.platform == "win32":
        raise folder.error("not supported on Windows yet; set a database URL")
    with _lock:
        hold = _holds.get(folder.path)
        if hold is not None and not hold.is_current():
            raise folder.error(
                "the folder was deleted or moved while this program uses its server; "
                "stop that use first"
            )
        try:
            if not folder.path.exists():
                binaries()  # Without them nothing is to be created.
            folder.prepare()
            with folder.locked("start.lock") as start_lock:
                if hold is None:
                    hold = _Hold(folder, folder.lock("users.lock", shared=True))
                where = folder.running() or launch(
                    folder, start_lock, on_event, options
                )
        except BaseException as error:
            if hold is not None and not hold.uses:
                os.close(hold.users_lock)
            if isinstance(error, OSError):
                raise folder.unusable(error) from error
            raise
        hold.uses += 1
        _holds[folder.path] = hold
        return Server(
            str(folder.path), str(where), PORT, USER, str(folder.log), _Use(hold)
        )


def _leave(hold: _Hold) -> None:
    """Give up one use; with the last one, let the keeper stop the server."""
    hold.uses -= 1
    if hold.uses:
        return
    folder = hold.folder
    if _holds.get(folder.path) is hold:
        del _holds[folder.path]
    try:
        # Should the folder be deleted just now, the keeper ends the server anyway.
        with suppress(OSError):
            if hold.is_current():
                _wait_if_last(folder, hold.users_lock)
    finally:
        os.close(hold.users_lock)


def _wait_if_last(folder: Folder, users_lock: int) -> None:
    """Give up a share; if it was the last, wait until the server is gone."""
    with folder.locked("start.lock"):  # No newcomer enters meanwhile.
        if try_exclusive(users_lock):
            unlock(users_lock)  # Only now can the keeper have it.
            with folder.locked("keeper.lock"):
                end_orphan(folder.data)


def _before_fork() -> None:
    """Lock once more for the child: what it inherits is the parent's to convert."""
    _lock.acquire()
    for hold in _holds.values():
        with suppress(OSError):  # The folder was deleted just now.
            if hold.is_current():
                hold.childs_lock = hold.folder.lock("users.lock", shared=True)


def _after_fork(*, in_child: bool) -> None:
    for hold in _holds.values():
        if hold.childs_lock is not None:
            if in_child:
                hold.users_lock, hold.childs_lock = hold.childs_lock, hold.users_lock
            os.close(hold.childs_lock)
            hold.childs_lock = None
    _lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=partial(_after_fork, in_child=False),
        after_in_child=partial(_after_fork, in_child=True),
    )
