"""The keeper: a process beside the server, which stops it after its last user.

It is the server's parent, so that it knows for sure which process it stops. It has one
thread until the server runs: only such a process may fork without care. To `launch`,
which starts it, it reports in lines of JSON: `["event", text]`, then `["ready", folder
of the socket]` or `["error", text]`. Its standard error is the server's log.
"""

from __future__ import annotations

import _thread
import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from sqlx.embedded.folder import (
    PID,
    PORT,
    STOP_SECONDS,
    Folder,
    end_orphan,
    is_ready,
    postmaster_lines,
)
from sqlx.embedded.site import Refused, Site, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["main"]

_ORPHANS_SECONDS = 10.0
_QUIET_SECONDS = 2.0


def main(text: str) -> None:
    """Start the server, report, and stay until the server has ended.

    Args:
        text: What `launch` asks, in JSON.
    """
    if os.fork():
        os._exit(0)  # The launcher has no child to wait for, whoever ends first.
    job = json.loads(text)
    folder = Folder(Path(job["directory"]))
    try:
        site = prepare(folder, job, _event)
        server = _start(site, job["settings"])
    except Refused as error:
        _fail(str(error))
    except OSError as error:
        name = f" ({error.filename})" if error.filename else ""
        _fail(f"{error.strerror}{name}")
    except subprocess.SubprocessError as error:
        _fail(str(error))
    # A handler would not run while `wait` below sleeps, should the signal come just
    # before it: a thread waits for the signal instead.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    _thread.start_new_thread(_stop_when_told, (server.pid,))
    _thread.start_new_thread(_stop_after_last_user, (folder, server.pid))
    _report("ready", str(site.sockets))
    os.dup2(2, 1)  # The launcher hears the end of the report.
    os.close(job["start_lock"])
    server.wait()
    if site.sockets != site.data:
        with suppress(OSError):  # After a crash the socket is still in it.
            site.sockets.rmdir()
    os._exit(0)  # Threads may still wait; all locks go with the process.


def _report(kind: str, text: str) -> None:
    with suppress(BrokenPipeError):  # The launcher was killed; others may wait.
        os.write(1, json.dumps([kind, text]).encode() + b"\n")


def _event(text: str) -> None:
    _report("event", text)


def _fail(text: str) -> NoReturn:
    _report("error", text)
    os._exit(1)


def _start(site: Site, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the server and wait until it is ready."""
    end_orphan(site.data)
    patience = time.monotonic() + _ORPHANS_SECONDS
    while True:
        written = os.fstat(2).st_size
        server = site.spawn(_command(site, settings), _stale_pid(site.data))
        if _becomes_ready(server, site, _event):
            return server
        # Sessions of a server that was killed may need a moment to notice.
        if time.monotonic() > patience or not _has_orphans(site.folder, written):
            raise Refused("the server did not start; mend what its log says")
        time.sleep(0.05)


def _command(site: Site, settings: Mapping[str, str]) -> list[str]:
    """Return the server's command line; the last word on a setting counts."""
    sockets = str(site.sockets).replace('"', '""')
    ours = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": f'"{sockets}"',
        "unix_socket_permissions": "0700",
    }
    command = [site.program("postgres"), "-D", str(site.data)]
    for name, value in (*settings.items(), *ours.items()):
        command += ["-c", f"{name}={value}"]
    return command


def _stale_pid(data: Path) -> dict[str, str]:
    """Tell the server that a pid file's process is no server, though it may live.

    After a reboot the number can be anybody's, and the server would refuse to start.
    It still looks whether anybody has the old shared memory.

    Source:
        src/backend/utils/init/miscinit.c, CreateLockFile: pg_ctl excepts its parent so.
    """
    lines = postmaster_lines(data)
    return {"PG_GRANDPARENT_PID": lines[PID]} if lines else {}


def _becomes_ready(
    server: subprocess.Popen[bytes], site: Site, on_event: Callable[[str], None]
) -> bool:
    """Wait until the server is ready or has ended; pg_ctl looks at the same line."""
    begin = time.monotonic()
    quiet = True
    while server.poll() is None:
        lines = postmaster_lines(site.data)
        if is_ready(lines) and lines[PID] == str(server.pid):
            return True
        waited = time.monotonic() - begin
        if quiet and waited > _QUIET_SECONDS:
            quiet = False
            on_event(
                f"the embedded PostgreSQL in {site.folder.path} is still starting: "
                "it recovers what a crash has left"
            )
        time.sleep(min(0.002 + waited / 50, 0.1))
    return False


def _has_orphans(folder: Folder, written: int) -> bool:
    with folder.log.open("rb") as log:
        log.seek(written)
        return b"pre-existing shared memory block" in log.read()


def _stop_after_last_user(folder: Folder, server: int) -> None:
    """Sleep until nobody holds the server, then end it; `main` waits for its end."""
    try:
        folder.lock("users.lock")
    finally:  # Also when the folder was deleted: then nobody can find the server.
        _stop(server)


def _stop_when_told(server: int) -> None:
    """Pass on a SIGTERM, as at the machine's shutdown."""
    signal.sigwait({signal.SIGTERM})
    _stop(server)


def _stop(server: int) -> None:
    os.kill(server, signal.SIGINT)  # A fast shutdown.
    time.sleep(STOP_SECONDS)
    os.kill(server, signal.SIGQUIT)  # An immediate one: the next start recovers.
