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
from smally.auth.authenticator import Authenticator
from smally.config import Settings, SettingsError
from smally.database import Database, DatabaseRefused, DatabaseUnavailable
from smally.demo import introduce
from smally.embedding.engine import Embeddings
from smally.embedding.loading import EmbedderNotFound, load_embedder
from smally.metering.meter import Meter
from smally.notify import extend_start, notify
from smally.protocol import BoundedProtocol
from smally.services import Services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["run", "serve"]

GRACE_SECONDS = 30
FLUSH_SECONDS = 60
BACKLOG = 2048
STOPPED, FAILED, MISUSED, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130

log = logging.getLogger("smally")


class Server(uvicorn.Server):
    """uvicorn without its signal handlers, which would raise each signal once more."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `serve`."""
        yield


def run(settings: Settings, *, demo: bool = False) -> int:
    """Run `serve` on the fastest event loop that there is."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(serve(settings, demo=demo))


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Make an event loop: uvloop's, which takes two thirds of the time of Python's."""
    try:
        import uvloop  # noqa: PLC0415 - there is none for Windows.
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def serve(settings: Settings, *, demo: bool = False) -> int:
    """Serve until a signal or a failure, and return the exit code of the process.

    Args:
        settings: What the operator chose.
        demo: Whether to print a key and a request that works, for `make run`.
    """
    try:
        listener = listen(settings.host, settings.port)
        embedder = load_embedder(settings.embedder)
    except (SettingsError, EmbedderNotFound) as error:
        log.error("%s", error)  # noqa: TRY400 - the message says it all.
        return MISUSED
    database = Database(settings)
    authenticator = Authenticator()
    embeddings = Embeddings(embedder)
    services = Services(database, authenticator, Meter(database), embeddings)
    server = Server(
        uvicorn.Config(
            create_app(services),
            http=BoundedProtocol,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            lifespan="off",
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    asked_to_stop = watch_signals()
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        status = await open_database(database, asked_to_stop)
        if status is None:
            await tell_ready(database, address(listener), demo=demo)
            status = await stay(database, authenticator, asked_to_stop)
    finally:
        database.is_stopping = True
        notify("STOPPING=1")
        server.should_exit = True
        await serving
        await flush(database, authenticator)
        await database.close()
        await embeddings.close()
    return status


async def tell_ready(database: Database, url: str, *, demo: bool) -> None:
    """Say that the service is up, to the log, to systemd, and to a newcomer."""
    notify("READY=1", f"STATUS=Serving at {url}")
    log.info("Serving at %s (try: curl %s/health/ready)", url, url)
    if demo:
        print(await introduce(database, url), flush=True)  # noqa: T201 - for a person.


async def stay(
    database: Database, authenticator: Authenticator, asked_to_stop: asyncio.Future[int]
) -> int:
    """Write now and then when keys were last used, until somebody stops us."""
    while not asked_to_stop.done():
        await asyncio.wait({asked_to_stop}, timeout=FLUSH_SECONDS)
        await flush(database, authenticator)
    return asked_to_stop.result()


async def flush(database: Database, authenticator: Authenticator) -> None:
    """Write when keys were last used; without a database, the next time."""
    with contextlib.suppress(DatabaseUnavailable):
        async with database.connection() as connection:
            await authenticator.flush(connection)


def listen(host: str, port: int) -> socket.socket:
    """Take the port before anything is started.

    Raises:
        SettingsError: It cannot be had; the message says what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        # Python puts the address into the text; only a name's look-up has none of ours.
        number = error.errno or 0
        reason = os.strerror(number).lower() if number > 0 else "no such address"
        raise SettingsError(
            f"cannot listen on {host}:{port}: {reason}; "
            "stop what listens there, or set SMALLY_HOST or SMALLY_PORT"
        ) from error
    # Connections inherit it. Without it, an answer's body waits 40 ms for the client to
    # acknowledge the head; asyncio sets it only on sockets that name their protocol.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


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
    extending = asyncio.create_task(extend_start())
    either: set[asyncio.Future[Any]] = {opening, asked_to_stop}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    extending.cancel()
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
        log.error("%s%s", error, mend_of(error))  # noqa: TRY400
        return FAILED if may_pass(error) else REFUSED
    return None


def mend_of(error: Exception) -> str:
    """Say what to do, where the library leaves it to whoever knows the setting."""
    if not isinstance(error, sqlx.ConnectionFailed):
        return ""
    if error.final:
        return "; check the role, the password and the database in DATABASE_URL"
    return "; start PostgreSQL, or mend DATABASE_URL"


def may_pass(error: Exception) -> bool:
    """Say whether the same start may work later: something was waited for in vain.

    What a person has to mend is refused: a migration that fails, a file that was
    changed or is missing, a wrong password.
    """
    if isinstance(error, sqlx.ConnectionFailed):
        return not error.final
    if isinstance(error, DatabaseUnavailable):
        return not isinstance(error, DatabaseRefused)
    return isinstance(error, sqlx.ConnectionLost | sqlx.LockTimeout)


def address(listener: socket.socket) -> str:
    """Write the address that was taken, as a person would type it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
