"""Where a server runs: its account, with cluster, programs and socket in its reach."""

from __future__ import annotations

import hashlib
import locale
import os
import shutil
import stat
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT
from typing import TYPE_CHECKING, TypedDict

from sqlx.embedded.account import Account, candidates, end_with_parent
from sqlx.embedded.folder import MAJOR, PORT, USER, Folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Job", "Refused", "Site", "prepare"]

# sun_path has 108 bytes on Linux and 104 on macOS, a NUL included.
_SOCKET_PATH_BYTES = 103


class Refused(Exception):
    """A start cannot go on; the text says why, and the mend."""


class Job(TypedDict):
    """What `launch` asks of a keeper."""

    directory: str
    install: str
    settings: dict[str, str]
    namespace: bool
    shared: str
    start_lock: int
    keeper_lock: int


@dataclass(frozen=True, slots=True)
class Site:
    """All that a start has found out and prepared.

    Args:
        folder: The user's.
        account: Whom the server runs as.
        install: The folder with PostgreSQL's bin, lib and share.
        data: The data directory.
        sockets: The folder of the socket.
    """

    folder: Folder
    account: Account
    install: Path
    data: Path
    sockets: Path

    def program(self, name: str) -> str:
        """Return the path of one of PostgreSQL's programs."""
        return str(self.install / "bin" / name)

    def spawn(
        self, command: list[str], environment: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a program as the account; it ends with this process.

        Its output goes to this process's standard error, the log.
        """

        def become() -> None:
            self.account.become()
            end_with_parent(SIGINT)

        return subprocess.Popen(  # noqa: S603 -- PostgreSQL's own programs.
            command,
            stdin=subprocess.DEVNULL,
            stdout=2,
            stderr=2,
            env=_environment() | environment,
            preexec_fn=become,  # noqa: PLW1509 -- this process has one thread.
        )


def prepare(folder: Folder, job: Job, on_event: Callable[[str], None]) -> Site:
    """Choose whom to run as, and give them all that they need, a cluster included.

    Raises:
        Refused: There is no way here.
        OSError: The operating system refuses something.
    """
    shared = Path(job["shared"])
    account = _choose_account(folder, namespace=job["namespace"])
    if not folder.complete and not account.can(os.X_OK, folder.path):
        _put_data_elsewhere(folder, account, shared, on_event)
    install = _reachable_install(account, Path(job["install"]), shared, on_event)
    data = folder.data
    site = Site(folder, account, install, data, _socket_directory(data, account))
    for left in data.parent.glob(f"{data.name}.new-*"):
        shutil.rmtree(left, ignore_errors=True)  # An initdb was killed.
    if not folder.complete:
        on_event(f"creating an embedded PostgreSQL {MAJOR} in {folder.path}")
        _create_cluster(site, sync=job["settings"].get("fsync") != "off")
    return site


def _choose_account(folder: Folder, *, namespace: bool) -> Account:
    complete = folder.complete
    wanted = folder.data if complete else folder.path
    possible = [
        account
        for account in candidates(wanted.stat(), complete=complete, namespace=namespace)
        if account.possible()
    ]
    for account in possible:
        if account.can(os.X_OK, wanted):
            return account
    if possible:
        return possible[-1]
    if complete:
        raise Refused(
            f"{wanted} is root's, and PostgreSQL does not run as root where user "
            f"namespaces are refused; give it to an account: chown -R nobody {wanted}"
        )
    raise Refused(
        "PostgreSQL does not run as root, and here neither a user namespace nor "
        "another account is allowed; run as an ordinary user, or set a database URL"
    )


def _put_data_elsewhere(
    folder: Folder, account: Account, shared: Path, on_event: Callable[[str], None]
) -> None:
    """Let `data` be a link to where the account may go, whom the folder is shut to."""
    _create_shared(shared)
    link = folder.path / "data"
    if not link.is_symlink():
        if link.is_dir():
            link.rmdir()  # It is empty, or `Folder.prepare` had refused it.
        link.symlink_to(shared / f"data-{os.urandom(8).hex()}")
    on_event(
        f"the {account.name} cannot reach {folder.path}: "
        f"the data is kept in {folder.data}"
    )


def _create_shared(path: Path) -> None:
    """Create the folder for what accounts have to reach, when it is missing."""
    if not path.is_dir():
        path.mkdir(parents=True)
        path.chmod(0o755)  # An umask may have shut it.


def _reachable_install(
    account: Account, install: Path, shared: Path, on_event: Callable[[str], None]
) -> Path:
    """Return an installation that the account may use: the one given, or a copy."""
    server = install / "bin" / "postgres"
    if account.can(os.X_OK, server):
        return install
    status = server.stat()
    identity = f"{server}:{status.st_size}:{status.st_mtime_ns}"
    root = shared / f"postgresql-{_digest(identity)}"
    if not root.is_dir():
        on_event(
            f"copying PostgreSQL {MAJOR} to {root}, "
            f"because the {account.name} cannot reach {install}"
        )
        _create_shared(shared)
        _copy_install(install, root)
    copy = root / install.parent.name / install.name
    if not account.can(os.X_OK, copy / "bin" / "postgres"):
        raise Refused(f"the {account.name} cannot reach {copy}; open it to everybody")
    return copy


def _copy_install(install: Path, root: Path) -> None:
    """Copy what a server needs; the copy appears by one rename when it is complete."""
    package = install.parent
    libraries = package.with_name(f"{package.name}.libs")  # Linux; macOS: .dylibs.
    new = root.with_name(f"{root.name}.new-{os.getpid()}")
    try:
        for source in (install, libraries, package / ".dylibs"):
            if source.is_dir():
                target = new / source.relative_to(package.parent)
                shutil.copytree(source, target, ignore=_needless)
        for path in (new, *new.rglob("*")):
            runs = path.is_dir() or os.access(path, os.X_OK)
            path.chmod(0o755 if runs else 0o644)
        with suppress(FileExistsError):  # Another keeper was faster.
            new.rename(root)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _needless(directory: str, names: list[str]) -> Iterable[str]:
    if Path(directory).name == "bin":
        return set(names) - {"initdb", "postgres"}
    return {name for name in names if name == "include" or name.endswith(".a")}


def _socket_directory(data: Path, account: Account) -> Path:
    """Return a folder that only the account may enter, with a name a socket may have.

    It is the data directory, or one with a short name made for it.
    """
    if _fits(data):
        return data
    name = f"sqlx-{account.uid}-{_digest(str(data))}"
    places = (os.environ.get("XDG_RUNTIME_DIR"), os.environ.get("TMPDIR"), "/tmp")  # noqa: S108 -- what is made there is checked.
    for place in filter(None, places):
        path = Path(os.path.realpath(place), name)
        if _fits(path) and account.can(os.X_OK, path.parent):
            _create_private(path, account)
            return path
    raise Refused(
        "no folder for its socket: create /tmp, or set TMPDIR to a short path"
    )


def _fits(directory: Path) -> bool:
    """Tell whether a socket may lie there, for the kernel and for libpq.

    libpq takes a comma between two hosts, and text in UTF-8.
    """
    try:
        size = len(f"{directory}/.s.PGSQL.{PORT}".encode())
    except UnicodeEncodeError:
        return False
    return size <= _SOCKET_PATH_BYTES and "," not in str(directory)


def _create_private(path: Path, account: Account) -> None:
    """Create a folder in a place where others may write too, or see that it is ours."""
    try:
        path.mkdir(0o700)
        if account.uid != os.geteuid():
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid:
            what = "is somebody else's"
        elif found.st_mode & 0o077:
            what = "is open to others"
        else:
            return
        raise Refused(
            f"{path}, where its socket would lie, {what}; remove it, or choose a "
            "folder with a shorter path"
        ) from None


def _create_cluster(site: Site, *, sync: bool) -> None:
    """Run initdb beside the data directory; the result appears by one rename."""
    parent, name = site.data.parent, site.data.name
    new = parent / f"{name}.new-{os.urandom(4).hex()}"
    new.mkdir(0o700)
    try:
        if site.account.uid != os.geteuid():
            os.chown(new, site.account.uid, site.account.gid, follow_symlinks=False)
        _run_initdb(site, new, sync=sync)
        new.rename(site.data)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    if sync:
        descriptor = os.open(parent, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def _run_initdb(site: Site, data: Path, *, sync: bool) -> None:
    """Create a cluster whose characters and order are the same on every machine.

    The provider `builtin` sees to it; little is left to the C library: C.UTF-8, or C
    where it has none.
    """
    library = "C.UTF-8"
    try:
        locale.setlocale(locale.LC_CTYPE, library)
    except locale.Error:
        library = "C"
    command = [
        *(site.program("initdb"), "-D", str(data), "-U", USER, "-A", "trust"),
        *("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        *(f"--locale={library}", "--no-instructions"),
    ]
    status = site.spawn(command + ([] if sync else ["--no-sync"]), {}).wait()
    if status != 0:
        raise Refused(f"initdb failed with status {status}; mend what its log says")


def _environment() -> dict[str, str]:
    """Return this environment without what changes a server: it runs the same anywhere.

    The time zone becomes the cluster's default.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "LC_", "LANG"))
    }
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:16]
