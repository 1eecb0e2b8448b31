"""Open MySQL and MariaDB sessions for a run: by keywords, or on what the user gives."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pymysql
from pymysql.constants import CLIENT

from sqlx.config.redaction import redact
from sqlx.databases.mysql import tls
from sqlx.databases.mysql.dialect import MySqlDialect
from sqlx.databases.mysql.driver import (
    KILL_WITHIN_SECONDS,
    UTF8,
    AsyncMySqlConnection,
    Connection,
    MySqlConnection,
    check_idle,
    said,
)
from sqlx.databases.mysql.session import SPEECH_NOW, autocommits, speak
from sqlx.databases.reach import MAKE_IT, Reach
from sqlx.engine.steps import Query
from sqlx.errors import ConnectionFailed, ConnectionLost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from concurrent.futures import ThreadPoolExecutor

    from sqlx.config.mysql_url import MySqlUrl

__all__ = [
    "Connection",
    "Place",
    "connect",
    "given",
    "given_async",
    "opened",
    "opened_async",
]

FLAGS = CLIENT.MULTI_STATEMENTS | CLIENT.FOUND_ROWS | CLIENT.IGNORE_SPACE
"""SQLx's (migrations.md 9.4)."""
PROGRAM_NAME = "sqlx-migrate"
NO_DATABASE = 1049
FINAL = {
    1044,  # access to the database denied
    1045,  # access denied
    NO_DATABASE,
    1115,  # unknown character set
    1130,  # host not allowed
    1251,  # authentication protocol not supported
    1253,  # collation of another character set
    1273,  # unknown collation
    1524,  # authentication plugin not loaded
    1698,  # access denied, no password asked for
    1820,  # password must be changed
    1862,  # password expired
    2026,  # TLS refused
    2059,  # authentication plugin not known
    3118,  # account locked (MySQL)
    3159,  # TLS required
    4151,  # account locked (MariaDB)
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a MySQL or MariaDB server is, and as whom it is met.

    Args:
        url: The database URL.
    """

    url: MySqlUrl = field(repr=False)  # A traceback may show it.

    def redact(self, message: str) -> str:
        """Take secrets out of a message."""
        return redact(message, self.url)

    def arguments(self, reach: Reach, database: str | None) -> dict[str, Any]:
        """List PyMySQL's keywords for one attempt, which must end within the budget.

        A password goes as bytes: PyMySQL would write a text in Latin-1. Migrations are
        sent in UTF-8, whatever the URL says of other texts.
        """
        url = self.url
        given = {
            **url.keywords(),
            "password": url.password.encode(),
            "database": (url.database if database is None else database) or None,
            "charset": UTF8,
            "collation": url.collation if url.charset == UTF8 else None,
            "client_flag": FLAGS,
            "autocommit": True,
            "program_name": PROGRAM_NAME,
            "connect_timeout": (limit := max(2, int(reach.left_seconds) + 1)),
            "read_timeout": limit,  # of the greeting
        }
        return given | tls.keywords(url)

    def connected(self, arguments: dict[str, Any]) -> Connection:
        """Connect once.

        PyMySQL leaks a socket's file when nobody listens, so we open it. And where TLS
        is preferred, it reads all authorities' certificates, to verify nothing.
        """
        made: Any = pymysql.Connection(**arguments, defer_connect=True)
        if self.url.socket:
            made._secure = True  # noqa: SLF001 -- as where it opens a socket itself.
            made.connect(_dialled(self.url.socket, arguments["connect_timeout"]))
        else:
            if tls.is_preferred(self.url):
                made.ssl, made.ctx = True, tls.unverified()
            made.connect()
        made._read_timeout = None  # noqa: SLF001 -- a migration may take long.
        return cast("Connection", made)

    def failed(self, error: Exception) -> ConnectionFailed:
        """Say why a connection could not be made, and whether that is final."""
        code, message = said(error)
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            code, message = 0, f"cannot connect to {self.url.socket}: {reason}"
        cause = getattr(error, "original_exception", error)
        final = code in FINAL or isinstance(cause, ssl.SSLError | RuntimeError)
        mend = MAKE_IT if code == NO_DATABASE else ""
        return ConnectionFailed(
            self.redact(" ".join(message.split())) + mend,
            code=code or None,
            final=final,
            missing=code == NO_DATABASE,
        )


def connect(place: Place, reach: Reach, database: str | None = None) -> Connection:
    """Connect in autocommit, and wait for a server that is not there yet.

    Args:
        place: Where and as whom.
        reach: How long to wait.
        database: Instead of the one of the URL; empty for none.

    Raises:
        ConnectionFailed: The budget is used up, or waiting would not help.
    """
    while True:
        failed = attempt(place, reach, database)
        if not isinstance(failed, ConnectionFailed):
            return failed
        time.sleep(reach.pause(failed, final=failed.final))


async def connect_async(
    place: Place, reach: Reach, thread: ThreadPoolExecutor
) -> Connection:
    """Connect as `connect` does, each attempt on a thread."""
    import asyncio

    loop = asyncio.get_running_loop()
    while True:
        failed = await loop.run_in_executor(thread, attempt, place, reach)
        if not isinstance(failed, ConnectionFailed):
            return failed
        await asyncio.sleep(reach.pause(failed, final=failed.final))


@contextmanager
def opened(
    place: Place, reach: Reach, database: str | None = None
) -> Iterator[tuple[MySqlDialect, MySqlConnection]]:
    """Open a session of our own, and close it.

    Args:
        place: Where and as whom.
        reach: How long to wait.
        database: Instead of the one of the URL; empty for none.
    """
    with (
        closing(connect(place, reach, database)) as connection,
        closing(_ours(connection, place)) as ours,
    ):
        yield _dialect(connection, place), ours


@asynccontextmanager
async def opened_async(
    place: Place, reach: Reach
) -> AsyncIterator[tuple[MySqlDialect, AsyncMySqlConnection]]:
    """Open a session of our own, and close it."""
    from concurrent.futures import ThreadPoolExecutor

    thread = ThreadPoolExecutor(1, "sqlx-mysql")
    try:
        connection = await connect_async(place, reach, thread)
        with closing(connection), closing(_ours(connection, place)) as ours:
            yield _dialect(connection, place), AsyncMySqlConnection(ours, thread)
    finally:
        thread.shutdown(wait=False)


@contextmanager
def given(
    connection: Any,  # noqa: ANN401 -- its stubs lack what we ask.
) -> Iterator[tuple[MySqlDialect, MySqlConnection]]:
    """Use a connection of the user's, and leave it as it was.

    Raises:
        InTransaction: It is inside a transaction.
        ConnectionLost: It is closed.
    """
    check_idle(connection)
    ours = MySqlConnection(connection, _like(connection), str)
    with closing(ours), _committing(connection, ours), _in_utf8(connection, ours):
        yield MySqlDialect.of(connection.get_server_info(), owned=False), ours


@asynccontextmanager
async def given_async(
    connection: Connection,
) -> AsyncIterator[tuple[MySqlDialect, AsyncMySqlConnection]]:
    """Use a connection of the user's on a thread, and leave it as it was.

    Raises:
        InTransaction: It is inside a transaction.
        ConnectionLost: It is closed.
    """
    from concurrent.futures import ThreadPoolExecutor

    with given(connection) as (dialect, ours), ThreadPoolExecutor(1) as thread:
        yield dialect, AsyncMySqlConnection(ours, thread)


def attempt(
    place: Place, reach: Reach, database: str | None = None
) -> Connection | ConnectionFailed:
    """Try once to connect."""
    try:
        return place.connected(place.arguments(reach, database))
    except ConnectionFailed as error:
        return error
    except (pymysql.MySQLError, OSError, RuntimeError, ValueError) as error:
        return place.failed(error)


def _dialled(path: str, timeout_seconds: float) -> socket.socket:
    """Connect to a socket's file."""
    dialled = socket.socket(socket.AF_UNIX)
    try:
        dialled.settimeout(timeout_seconds)
        dialled.connect(path)
    except BaseException:
        dialled.close()
        raise
    return dialled


def _ours(connection: Connection, place: Place) -> MySqlConnection:
    def another() -> Connection:
        return connect(place, Reach(0.0, _silent))

    return MySqlConnection(connection, another, place.redact)


@contextmanager
def _committing(connection: Connection, ours: MySqlConnection) -> Iterator[None]:
    """Let each statement of a given connection commit itself."""
    if connection.get_autocommit():
        yield
        return
    with _put_back(ours, autocommits(yes=False)):
        ours.execute(autocommits(yes=True))
        yield


@contextmanager
def _in_utf8(connection: Any, ours: MySqlConnection) -> Iterator[None]:  # noqa: ANN401 -- its stubs lack what we change.
    """Have a given connection send UTF-8."""
    if connection.charset == UTF8:
        yield
        return
    (theirs,), encoding = ours.execute(SPEECH_NOW), connection.encoding
    try:
        with _put_back(ours, speak(theirs)):
            ours.execute(Query(f"SET NAMES {UTF8}"))
            connection.encoding = "utf8"
            yield
    finally:
        connection.encoding = encoding


@contextmanager
def _put_back(ours: MySqlConnection, settings: Query) -> Iterator[None]:
    """Set what the user had; on one that is lost, what went wrong before counts."""
    try:
        yield
    finally:
        if not ours.lost:
            with suppress(ConnectionLost):
                ours.execute(settings)


def _dialect(connection: Any, place: Place) -> MySqlDialect:  # noqa: ANN401 -- its stubs lack a type.
    url = place.url
    return MySqlDialect.of(
        connection.get_server_info(),
        time_zone=url.time_zone or "",
        collation=(url.collation if url.charset == UTF8 else "") or "",
    )


def _like(connection: Any) -> Callable[[], Connection]:  # noqa: ANN401 -- as above.
    """Tell how a second connection like a given one is made."""

    def another() -> Connection:
        made: Any = pymysql.Connection(
            host=connection.host,
            port=connection.port,
            unix_socket=connection.unix_socket,
            user=connection.user,
            password=connection.password,
            ssl_disabled=True,
            connect_timeout=KILL_WITHIN_SECONDS,
            read_timeout=KILL_WITHIN_SECONDS,
            defer_connect=True,
        )
        if connection.ssl:
            made.ssl, made.ctx = True, connection.ctx
        made.connect()
        return cast("Connection", made)

    return another


def _silent(_: object) -> None:
    """Say nothing while waiting."""
