"""Open SQLite sessions for a run: a file, or the user's connection, left as it was."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager, closing, contextmanager
from typing import TYPE_CHECKING

from sqlx.databases.sqlite.dialect import SqliteDialect
from sqlx.databases.sqlite.driver import AsyncSqliteConnection, SqliteConnection
from sqlx.databases.sqlite.session import settings_of
from sqlx.errors import ConnectionFailed, ConnectionLost, InTransaction

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

__all__ = [
    "create_file",
    "given",
    "given_async",
    "open_file",
    "opened",
    "opened_async",
]

GIVEN = "the connection given"
OF_A_THREAD = (
    "belongs to another thread; open it with check_same_thread=False, or migrate there"
)
CANNOT_OPEN = 14  # SQLITE_CANTOPEN
MEND = "; make it with `sqlx database create`, or add ?mode=rwc to the URL"
LONGEST_SECONDS = 2_000_000.0  # SQLite counts milliseconds in 31 bits


def open_file(uri: str, timeout_seconds: float | None) -> sqlite3.Connection:
    """Open a database file, as SQLx sets a connection up.

    Args:
        uri: A `file:` URI.
        timeout_seconds: How long to wait for others; None for ever.

    Raises:
        ConnectionFailed: The file cannot be opened.
    """
    seconds = LONGEST_SECONDS if timeout_seconds is None else timeout_seconds
    try:
        connection = sqlite3.connect(
            uri,
            uri=True,
            timeout=seconds,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        mend = MEND if code == CANNOT_OPEN else ""
        raise ConnectionFailed(f"{error}: {uri}{mend}", code=code) from None
    return connection


@contextmanager
def opened(
    uri: str, timeout_seconds: float | None
) -> Iterator[tuple[SqliteDialect, SqliteConnection]]:
    """Open a connection of our own, and close it."""
    connection = open_file(uri, timeout_seconds)
    try:
        ours = SqliteConnection(connection)
        ours.watch_signals()
        yield SqliteDialect(settings=settings_of(connection, uri)), ours
    finally:
        connection.close()


@asynccontextmanager
async def opened_async(
    uri: str, timeout_seconds: float | None
) -> AsyncIterator[tuple[SqliteDialect, AsyncSqliteConnection]]:
    """Open a connection of our own, and close it."""
    from concurrent.futures import ThreadPoolExecutor

    connection = open_file(uri, timeout_seconds)
    with ThreadPoolExecutor(1, "sqlx-sqlite") as thread:
        try:
            ours = SqliteConnection(connection)
            dialect = SqliteDialect(settings=settings_of(connection, uri))
            yield dialect, AsyncSqliteConnection(ours, thread)
        finally:
            connection.close()


@contextmanager
def given(
    connection: sqlite3.Connection, timeout_seconds: float | None
) -> Iterator[tuple[SqliteDialect, SqliteConnection]]:
    """Use a connection of the user's, and leave it as it was.

    Raises:
        InTransaction: It is inside a transaction.
        ConnectionLost: It is closed.
        ConnectionFailed: It is no database, or locked.
    """
    _check_idle(connection)
    seconds = LONGEST_SECONDS if timeout_seconds is None else timeout_seconds
    before = connection.isolation_level, connection.row_factory, connection.text_factory
    try:
        connection.isolation_level = None
        connection.row_factory, connection.text_factory = None, str
        with _set_back(connection):
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
            dialect = SqliteDialect(settings=settings_of(connection, GIVEN))
            with closing(SqliteConnection(connection)) as ours:
                yield dialect, ours
    finally:
        connection.isolation_level = before[0]
        connection.row_factory, connection.text_factory = before[1:]


@contextmanager
def _set_back(connection: sqlite3.Connection) -> Iterator[None]:
    """Put back what differs afterwards, and touch nothing else."""
    before = settings_of(connection, GIVEN)
    try:
        yield
    finally:
        for statement in sorted({*before} - {*settings_of(connection, GIVEN)}):
            connection.execute(statement)


def _check_idle(connection: sqlite3.Connection) -> None:
    try:
        connection.total_changes  # noqa: B018 -- it raises when it is closed.
    except sqlite3.ProgrammingError:
        raise ConnectionLost(f"{GIVEN} is closed") from None
    try:
        connection.cursor()
    except sqlite3.ProgrammingError:
        raise ConnectionFailed(f"{GIVEN} {OF_A_THREAD}", final=True) from None
    if connection.in_transaction:
        raise InTransaction


@asynccontextmanager
async def given_async(
    connection: sqlite3.Connection, timeout_seconds: float | None
) -> AsyncIterator[tuple[SqliteDialect, AsyncSqliteConnection]]:
    """Use a connection of the user's, on a thread when it may leave its own.

    Raises:
        InTransaction: It is inside a transaction.
    """
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    with given(connection, timeout_seconds) as (dialect, ours):
        thread = ThreadPoolExecutor(1, "sqlx-sqlite")
        with thread:
            moves = await asyncio.wrap_future(thread.submit(_may_leave, connection))
            yield dialect, AsyncSqliteConnection(ours, thread if moves else None)


def _may_leave(connection: sqlite3.Connection) -> bool:
    """Tell, on another thread, whether the connection works there."""
    try:
        connection.execute("SELECT 1").fetchone()
    except sqlite3.ProgrammingError:
        return False
    return True


def create_file(uri: str, *, wal: bool) -> None:
    """Make a database file, as SQLx does.

    Args:
        uri: A `file:` URI with `mode=rwc`.
        wal: Whether it gets a write-ahead log.

    Raises:
        ConnectionFailed: The file cannot be made.
    """
    connection = open_file(uri, 5.0)
    try:
        if wal:
            connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
