"""PostgreSQL by psycopg 3: steps out, replies in, below psycopg's own state.

Messages go straight to libpq on the connection's socket, so that a connection of the
user's keeps its autocommit flag, its prepared statements and its adapters, and so that
we see each statement's result: their count says which one failed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from selectors import EVENT_READ, DefaultSelector
from typing import Any, TypeAlias

import psycopg
from psycopg import generators, pq
from psycopg.conninfo import make_conninfo

from sqlx.databases.postgres.replies import (
    COPY_REFUSED,
    REPLY,
    is_lost,
    one_line,
    place,
    text_of,
)
from sqlx.engine.steps import Query, Row, Rows, Script
from sqlx.errors import ConnectionLost, DatabaseError, InTransaction

__all__ = [
    "AsyncConnection",
    "AsyncPostgresConnection",
    "Connection",
    "PostgresConnection",
    "check_idle",
    "keywords_of",
]

Connection: TypeAlias = psycopg.Connection[Any]
AsyncConnection: TypeAlias = psycopg.AsyncConnection[Any]
Redact: TypeAlias = Callable[[str], str]
COPY = {pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH}
CANCEL_AGAIN_SECONDS = 0.1


class PostgresConnection:
    """A psycopg connection that carries out steps.

    Args:
        connection: Open, idle.
        another: Opens a second connection to the same database, for the guard.
        redact: Takes secrets out of a message.
    """

    def __init__(
        self,
        connection: Connection,
        another: Callable[[], Connection],
        redact: Redact,
    ) -> None:
        self._connection, self._another, self._redact = connection, another, redact
        self._guard: Connection | None = None

    def execute(self, step: Query | Script) -> Rows:
        """Send one message and read its reply."""
        with _translated(self._redact):
            connection = self._chosen(step)
            with connection.lock:
                results = _results(connection, step)
                return _reply(connection.pgconn, step, results)

    def close(self) -> None:
        """Close the guard; the connection is its owner's to close."""
        if self._guard is not None:
            self._guard.close()

    def _chosen(self, step: Query | Script) -> Connection:
        if not (isinstance(step, Query) and step.guard):
            return self._connection
        self._guard = self._guard or self._another()
        return self._guard


class AsyncPostgresConnection:
    """The same for `asyncio`."""

    def __init__(
        self,
        connection: AsyncConnection,
        another: Callable[[], Awaitable[AsyncConnection]],
        redact: Redact,
    ) -> None:
        self._connection, self._another, self._redact = connection, another, redact
        self._guard: AsyncConnection | None = None

    async def execute(self, step: Query | Script) -> Rows:
        """Send one message and read its reply."""
        with _translated(self._redact):
            connection = await self._chosen(step)
            async with connection.lock:
                results = await connection.wait(_exchange(connection.pgconn, step))
                return _reply(connection.pgconn, step, results)

    async def close(self) -> None:
        """Close the guard; the connection is its owner's to close."""
        if self._guard is not None:
            await self._guard.close()

    async def _chosen(self, step: Query | Script) -> AsyncConnection:
        if not (isinstance(step, Query) and step.guard):
            return self._connection
        self._guard = self._guard or await self._another()
        return self._guard


def check_idle(connection: Connection | AsyncConnection) -> None:
    """Refuse a connection that is not ours to use now.

    Raises:
        ConnectionLost: It is closed.
        InTransaction: It is inside a transaction or a pipeline.
    """
    if connection.closed:
        raise ConnectionLost("the connection given is closed")
    idle = connection.info.transaction_status is pq.TransactionStatus.IDLE
    piped = connection.info.pipeline_status is not pq.PipelineStatus.OFF
    if piped or not idle:
        raise InTransaction


def keywords_of(
    connection: Connection | AsyncConnection,
) -> str:
    """Tell how a second connection like a given one is made; holds its password."""
    info = connection.info
    return make_conninfo(info.dsn, password=info.password or None)


def _results(connection: Connection, step: Query | Script) -> list[pq.abc.PGresult]:
    """Send a message and await its results, or its end when it is interrupted."""
    try:
        return connection.wait(_exchange(connection.pgconn, step))
    except KeyboardInterrupt:
        _drain(connection)
        raise


def _drain(connection: Connection) -> None:
    """End a statement whose reply nobody reads: Ctrl-C came while we sent it.

    A cancellation that overtakes the statement meets a server that is idle, and does
    nothing; so it is sent until there is an answer.
    """
    pgconn = connection.pgconn
    while pgconn.transaction_status == pq.TransactionStatus.ACTIVE:
        connection.cancel()
        with DefaultSelector() as selector:
            selector.register(pgconn.socket, EVENT_READ)
            if selector.select(CANCEL_AGAIN_SECONDS):
                connection.wait(generators.fetch_many(pgconn))


def _exchange(
    pgconn: pq.abc.PGconn, step: Query | Script
) -> Generator[Any, Any, list[pq.abc.PGresult]]:
    """Send a simple Query and collect all its results.

    It must not raise what the server says: when a wait is interrupted, psycopg cancels
    the statement and exhausts this generator, and an error would close the connection.
    """
    pgconn.send_query(text_of(step).encode())
    results: list[pq.abc.PGresult] = yield from generators.execute(pgconn)
    return results


def _reply(
    pgconn: pq.abc.PGconn, step: Query | Script, results: list[pq.abc.PGresult]
) -> Rows:
    """Read the results, or raise the one that is an error."""
    for completed, result in enumerate(results):
        if result.status == pq.ExecStatus.FATAL_ERROR:
            raise _refused(pgconn, result, step, completed)
        if result.status in COPY:
            pgconn.finish()
            raise ConnectionLost(COPY_REFUSED)
    if isinstance(step, Query):
        return _rows(results[-1])
    replies = filter(_is_reply, results)
    return [row[: len(REPLY)] for result in replies for row in _rows(result)]


def _is_reply(result: pq.abc.PGresult) -> bool:
    return result.nfields >= len(REPLY) and (result.fname(0), result.fname(1)) == REPLY


def _rows(result: pq.abc.PGresult) -> list[Row]:
    columns = range(result.nfields)
    return [
        tuple(
            None if (value := result.get_value(row, column)) is None else value.decode()
            for column in columns
        )
        for row in range(result.ntuples)
    ]


def _refused(
    pgconn: pq.abc.PGconn, result: pq.abc.PGresult, step: Query | Script, completed: int
) -> DatabaseError:
    def field(which: pq.DiagnosticField) -> str | None:
        value = result.error_field(which)
        return None if value is None else value.decode(errors="replace")

    message = field(pq.DiagnosticField.MESSAGE_PRIMARY) or one_line(
        result.get_error_message()
    )
    part, offset = place(field(pq.DiagnosticField.STATEMENT_POSITION), step)
    sqlstate = field(pq.DiagnosticField.SQLSTATE)
    lost = pgconn.status == pq.ConnStatus.BAD or is_lost(sqlstate)
    return (ConnectionLost if lost else DatabaseError)(
        message,
        sqlstate=sqlstate,
        detail=field(pq.DiagnosticField.MESSAGE_DETAIL),
        hint=field(pq.DiagnosticField.MESSAGE_HINT),
        context=field(pq.DiagnosticField.CONTEXT),
        table=field(pq.DiagnosticField.TABLE_NAME),
        part=part,
        offset=offset,
        completed=completed,
    )


@contextmanager
def _translated(redact: Redact) -> Iterator[None]:
    """Let no error of psycopg's out, nor a secret."""
    try:
        yield
    except DatabaseError as error:
        error.message = redact(error.message)
        error.args = (error.message,)
        raise
    except psycopg.Error as error:
        raise ConnectionLost(redact(one_line(str(error)))) from None
