"""One process of the service: listen, open the database beside it, stop cleanly.

Theory of operation. The server answers from the first moment, so that a supervisor sees
that the process lives while a long migration runs; it is ready once the database is.
The signals are ours from beginning to end, because an interrupted migration has a
transaction to roll back and a lock to give back, and an embedded PostgreSQL has to stop
with us.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from typing import TYPE_CHECKING, Any

import uvicorn

import sqlx
from smally.app import create_app
from smally.config import Settings, SettingsError
from smally.database import Database, DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["serve"]

GRACE_SECONDS = 30
BACKLOG = 2048
STOPPED, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130

log = logging.getLogger("smally")


class Server(uvicorn.Server):
    """uvicorn without its signal handlers, which would raise each signal once more."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `serve`."""
        yield


async def serve(settings: Settings) -> int:
    """Serve until a signal or a failure, and return the exit code of the process."""
    try:
        listener = listen(settings.host, settings.port)
    except SettingsError as error:
        log.error("%s", error)  # noqa: TRY400 - the message says it all.
        return MISUSED
    database = Database(settings)
    server = Server(
        uvicorn.Config(
            create_app(database),
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    asked_to_stop = watch_signals()
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        status = await open_database(database, asked_to_stop)
        if status is None:
            url = address(listener)
            log.info("Serving at %s (try: curl %s/health/ready)", url, url)
            status = await asked_to_stop
    finally:
        server.should_exit = True
        await serving
        await database.close()
    return status


def listen(host: str, port: int) -> socket.socket:
    """Take the port before anything is started.

    Raises:
        SettingsError: It cannot be had; the message says what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        # Python puts the address into the text; only a name's look-up has none of ours.
        number = error.errno or 0
        reason = os.strerror(number).lower() if number > 0 else "no such address"
        raise SettingsError(
            f"cannot listen on {host}:{port}: {reason}; "
            "stop what listens there, or set SMALLY_HOST or SMALLY_PORT"
        ) from error


def watch_signals() -> asyncio.Future[int]:
    """Turn the first signal into an exit code; further ones change nothing."""
    loop = asyncio.get_running_loop()
    asked_to_stop: asyncio.Future[int] = loop.create_future()

    def resolve(status: int) -> None:
        if not asked_to_stop.done():
            asked_to_stop.set_result(status)

    def stop(number: int, _frame: FrameType | None) -> None:
        status = INTERRUPTED if number == signal.SIGINT else STOPPED
        loop.call_soon_threadsafe(resolve, status)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return asked_to_stop


async def open_database(
    database: Database, asked_to_stop: asyncio.Future[int]
) -> int | None:
    """Open it; give an exit code when that fails or somebody stops us meanwhile."""
    opening = asyncio.create_task(database.open())
    either: set[asyncio.Future[Any]] = {opening, asked_to_stop}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if asked_to_stop.done():
        opening.cancel()
        await asyncio.wait({opening})
        return asked_to_stop.result()
    try:
        await opening
    except SettingsError as error:
        log.error("%s", error)  # noqa: TRY400 - the message says it all.
        return MISUSED
    except (sqlx.SqlxError, DatabaseUnavailable) as error:
        # The message has file, line and mend; a traceback would only hide them.
        log.error("%s", error)  # noqa: TRY400
        return FAILED
    return None


def address(listener: socket.socket) -> str:
    """Write the address that was taken, as a person would type it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
