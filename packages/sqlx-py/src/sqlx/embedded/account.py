"""Whom the server runs as: PostgreSQL refuses root.

An ordinary user's server is its own. For root, the owner of the folder decides, so that
the machine stays as it was and the owner can go on without root:

- data or a folder that somebody else owns is served as that owner;
- otherwise the server runs in a user namespace of its own, where root is an ordinary
  user of another number: outside, its files are root's, and it reaches what root owns;
- where the kernel or a container refuses namespaces, it runs as `postgres` or `nobody`.
  That account owns the data. What it cannot reach, because a folder above is closed to
  it, is put where it can: a copy of the binaries, and the data behind a symbolic link.

No account is created, and no folder that was there before changes its mode or owner.
"""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import pwd

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Account", "candidates", "end_with_parent"]

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1
_CANNOT_BECOME = 2


@dataclass(frozen=True, slots=True)
class Account:
    """Whom to run as.

    Args:
        uid: Owner of the data, as the file system knows it.
        gid: Its group.
        inside: The number that it has in a namespace of its own; None without one.
        name: For messages.
    """

    uid: int
    gid: int
    name: str
    inside: int | None = None

    def become(self) -> None:
        """Turn this process, which must have one thread and exec soon, into theirs.

        Raises:
            OSError: The kernel refuses it.
        """
        if self.inside is not None:
            _enter_namespace(self.uid, self.gid, self.inside)
        elif self.uid != os.geteuid():
            os.setgroups([])
            os.setgid(self.gid)
            os.setuid(self.uid)

    def possible(self) -> bool:
        """Tell whether the kernel lets a process become theirs."""
        return self._in_child(Path("/"), os.F_OK) != _CANNOT_BECOME

    def can(self, mode: int, path: Path) -> bool:
        """Tell whether they may access a path so, as `os.access` does."""
        return self._in_child(path, mode) == 0

    def _in_child(self, path: Path, mode: int) -> int:
        pid = os.fork()
        if pid == 0:
            status = _CANNOT_BECOME
            try:
                self.become()
                status = int(not os.access(path, mode))
            finally:
                os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def candidates(
    owner: os.stat_result, *, complete: bool, namespace: bool
) -> Iterator[Account]:
    """Choose whom a server may run as, best first.

    Args:
        owner: Status of the data, or of the folder when there is no data yet.
        complete: Whether there is data: then its owner is the only one.
        namespace: Whether a user namespace may be used.
    """
    me = os.geteuid()
    namespace = namespace and sys.platform == "linux"
    if me != 0:
        if namespace and not complete and _name(me) is None:
            # `docker run --user 12345`: initdb wants a name for its user.
            yield from _in_namespace(me, os.getegid())
        yield Account(me, os.getegid(), f"account {_name(me) or me}")
        return
    if owner.st_uid != 0 and (complete or _name(owner.st_uid)):
        name = f"account {_name(owner.st_uid) or owner.st_uid}"
        yield Account(owner.st_uid, owner.st_gid, name)
    if namespace and (owner.st_uid == 0 or not complete):
        yield from _in_namespace(0, 0)
    if not complete:
        yield from _unprivileged()


def _in_namespace(uid: int, gid: int) -> Iterator[Account]:
    for account in _unprivileged():
        yield Account(uid, gid, "a user namespace", inside=account.uid)


def _unprivileged() -> Iterator[Account]:
    """Find the account of a machine that nothing depends on."""
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        yield Account(found.pw_uid, found.pw_gid, f"account {name}")
        return


def _name(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def _enter_namespace(uid: int, gid: int, inside: int) -> None:
    """Become an ordinary user in a user namespace that has no other.

    Source:
        user_namespaces(7): who has just created a namespace may map its own number
        with one line, and its group's once setgroups is denied.
    """
    library = _libc()
    if library.unshare(_CLONE_NEWUSER) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    for name, text in (
        ("uid_map", f"{inside} {uid} 1"),
        ("setgroups", "deny"),
        ("gid_map", f"{inside} {gid} 1"),
    ):
        Path(f"/proc/self/{name}").write_text(text, encoding="ascii")


def end_with_parent(order: int) -> None:
    """Let the kernel send this process a signal when its parent ends, on Linux."""
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, order)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
