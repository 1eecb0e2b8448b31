"""Open PostgreSQL sessions for a run: by keywords, or on what the user gives."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg

from sqlx.databases.postgres.dialect import PostgresDialect
from sqlx.databases.postgres.driver import (
    AsyncConnection,
    AsyncPostgresConnection,
    Connection,
    PostgresConnection,
    check_idle,
    keywords_of,
)
from sqlx.databases.postgres.replies import one_line
from sqlx.databases.postgres.session import UTF8, speak
from sqlx.databases.reach import MAKE_IT, Reach
from sqlx.errors import ConnectionFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

__all__ = [
    "Place",
    "borrowed",
    "borrowed_async",
    "connect",
    "connect_async",
    "given",
    "given_async",
    "opened",
    "opened_async",
]

FINAL = (
    "authentication failed",
    "no password supplied",
    "does not exist",
    "no pg_hba.conf entry",
    "invalid database",
    "permission denied for database",
    "not currently accepting connections",
    "certificate",
    "invalid connection option",
    "invalid value",
    "SSL is not enabled",
    "does not support SSL",
)
MISSING = re.compile(r'database ".*" does not exist')
APPLICATION_NAME = "sqlx-migrate"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a PostgreSQL server is, for libpq.

    Args:
        keywords: libpq's connection keywords.
        redact: Takes secrets out of a message.
        pooled: What the URL says of a transaction pooler; None: find out.
        mend: What is said where the database does not exist.
    """

    keywords: Mapping[str, str] = field(repr=False)  # A traceback may show it.
    redact: Callable[[str], str]
    pooled: bool | None = None
    mend: str = MAKE_IT

    def arguments(self, reach: Reach) -> dict[str, str]:
        """The keywords of one attempt, which must end within the budget."""
        ours = {"application_name": APPLICATION_NAME, "client_encoding": UTF8}
        limit = max(2, int(reach.left_seconds) + 1)
        return {"connect_timeout": str(limit), **ours, **self.keywords}

    def failed(self, error: psycopg.Error) -> ConnectionFailed:
        """Say why a connection could not be made, and whether that is final."""
        message = self.redact(one_line(str(error)))
        missing = MISSING.search(message) is not None
        return ConnectionFailed(
            message + self.mend if missing else message,
            final=any(word in message for word in FINAL),
            missing=missing,
        )


def connect(place: Place, reach: Reach) -> Connection:
    """Connect, and wait for a server that is not there yet.

    Raises:
        ConnectionFailed: The budget is used up, or waiting would not help.
    """
    while True:
        try:
            return psycopg.connect(**place.arguments(reach), autocommit=True)  # type: ignore[arg-type]  # keywords are libpq's, all texts.
        except psycopg.Error as error:
            failed = place.failed(error)
        time.sleep(reach.pause(failed, final=failed.final))


async def connect_async(place: Place, reach: Reach) -> AsyncConnection:
    """Connect, and wait for a server that is not there yet.

    Raises:
        ConnectionFailed: The budget is used up, or waiting would not help.
    """
    connecting = psycopg.AsyncConnection.connect
    while True:
        try:
            return await connecting(**place.arguments(reach), autocommit=True)  # type: ignore[arg-type]  # keywords are libpq's, all texts.
        except psycopg.Error as error:
            failed = place.failed(error)
        await asyncio.sleep(reach.pause(failed, final=failed.final))


@contextmanager
def opened(
    place: Place, reach: Reach
) -> Iterator[tuple[PostgresDialect, PostgresConnection]]:
    """Open a session of our own, and close it."""
    with connect(place, reach) as connection:
        ours = PostgresConnection(
            connection,
            lambda: connect(place, Reach(reach.budget_seconds, reach.tell)),
            place.redact,
        )
        try:
            yield _dialect(connection, owned=True, pooled=place.pooled), ours
        finally:
            ours.close()


@asynccontextmanager
async def opened_async(
    place: Place, reach: Reach
) -> AsyncIterator[tuple[PostgresDialect, AsyncPostgresConnection]]:
    """Open a session of our own, and close it."""
    async with await connect_async(place, reach) as connection:
        ours = AsyncPostgresConnection(
            connection,
            lambda: connect_async(place, Reach(reach.budget_seconds, reach.tell)),
            place.redact,
        )
        try:
            yield _dialect(connection, owned=True, pooled=place.pooled), ours
        finally:
            await ours.close()


@contextmanager
def given(
    connection: Connection,
) -> Iterator[tuple[PostgresDialect, PostgresConnection]]:
    """Use a connection of the user's; it stays open.

    Raises:
        InTransaction: It is inside a transaction.
        ConnectionLost: It is closed.
    """
    check_idle(connection)
    ours = PostgresConnection(
        connection, lambda: psycopg.connect(keywords_of(connection)), _as_it_is
    )
    theirs = connection.info.parameter_status("client_encoding")
    try:
        if theirs != UTF8:
            ours.execute(speak(UTF8))
        yield _dialect(connection, owned=False), ours
    finally:
        if theirs != UTF8 and not connection.closed:
            ours.execute(speak(theirs))
        ours.close()


@asynccontextmanager
async def given_async(
    connection: AsyncConnection,
) -> AsyncIterator[tuple[PostgresDialect, AsyncPostgresConnection]]:
    """Use a connection of the user's; it stays open.

    Raises:
        InTransaction: It is inside a transaction.
        ConnectionLost: It is closed.
    """
    check_idle(connection)
    connecting = psycopg.AsyncConnection.connect
    ours = AsyncPostgresConnection(
        connection, lambda: connecting(keywords_of(connection)), _as_it_is
    )
    theirs = connection.info.parameter_status("client_encoding")
    try:
        if theirs != UTF8:
            await ours.execute(speak(UTF8))
        yield _dialect(connection, owned=False), ours
    finally:
        if theirs != UTF8 and not connection.closed:
            await ours.execute(speak(theirs))
        await ours.close()


@contextmanager
def borrowed(
    pool: Any,  # noqa: ANN401 -- psycopg_pool may be absent.
    timeout_seconds: float,
) -> Iterator[tuple[PostgresDialect, PostgresConnection]]:
    """Use a connection of a psycopg pool, and give it back.

    Raises:
        ConnectionFailed: The pool is closed, or has none to give in time.
    """
    try:
        connection = pool.getconn(min(pool.timeout, timeout_seconds))
    except psycopg.Error as error:
        raise ConnectionFailed(one_line(str(error))) from None
    try:
        with given(connection) as session:
            yield session
    finally:
        pool.putconn(connection)


@asynccontextmanager
async def borrowed_async(
    pool: Any,  # noqa: ANN401 -- psycopg_pool may be absent.
    timeout_seconds: float,
) -> AsyncIterator[tuple[PostgresDialect, AsyncPostgresConnection]]:
    """Use a connection of an async psycopg pool, and give it back.

    Raises:
        ConnectionFailed: The pool is closed, or has none to give in time.
    """
    try:
        connection = await pool.getconn(min(pool.timeout, timeout_seconds))
    except psycopg.Error as error:
        raise ConnectionFailed(one_line(str(error))) from None
    try:
        async with given_async(connection) as session:
            yield session
    finally:
        await pool.putconn(connection)


def _dialect(
    connection: Connection | AsyncConnection,
    *,
    owned: bool,
    pooled: bool | None = None,
) -> PostgresDialect:
    return PostgresDialect(
        database=connection.info.dbname,
        backend_pid=connection.info.backend_pid,
        server_version=connection.info.server_version,
        owned=owned,
        pooled=pooled,
    )


def _as_it_is(message: str) -> str:
    return message
