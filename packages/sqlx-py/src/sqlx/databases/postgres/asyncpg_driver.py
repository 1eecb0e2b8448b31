"""PostgreSQL by asyncpg, on a connection or a pool of the user's.

Each step is one simple query, as with psycopg: `execute` without arguments. It prepares
nothing, so the connection's prepared statements stay, and a transaction pooler is no
hindrance; what asyncpg does not tell of it (rows, how many statements were complete), a
tap on the connection hears. Codecs of the user's never see our values.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import asyncpg

from sqlx.databases.held import held
from sqlx.databases.postgres.dialect import PostgresDialect
from sqlx.databases.postgres.replies import (
    COPY_REFUSED,
    REPLY,
    is_lost,
    one_line,
    place,
    text_of,
)
from sqlx.databases.postgres.session import UTF8, speak
from sqlx.databases.postgres.tap import Tap
from sqlx.engine.steps import Query, Rows, Script
from sqlx.errors import ConnectionFailed, ConnectionLost, DatabaseError, InTransaction

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

__all__ = ["AsyncpgConnection", "borrowed_async", "given_async"]

TEN_YEARS_SECONDS = 315_000_000.0
"""For asyncpg's `timeout`: None would be the connection's own `command_timeout`."""
CANCEL_AGAIN_SECONDS = 0.1
MOST_CANCELS = 50
TROUBLE = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
MAJOR = 10_000
"""What a major version counts in the numbers that libpq gives."""


class AsyncpgConnection:
    """An asyncpg connection that carries out steps.

    Args:
        connection: Open, idle.
        another: Opens a second connection to the same database, for the guard.
    """

    def __init__(
        self,
        connection: Any,  # noqa: ANN401 -- asyncpg has no types.
        another: Callable[[], Awaitable[Any]],
    ) -> None:
        self._wire, self._another = _Wire(connection), another
        self._guard: _Wire | None = None

    async def execute(self, step: Query | Script) -> Rows:
        """Send one message and read its reply."""
        return await (await self._chosen(step)).execute(step)

    async def close(self) -> None:
        """Close the guard; the connection is its owner's to close."""
        self._wire.tap.take_off()
        if self._guard is not None:
            await self._guard.connection.close()

    async def _chosen(self, step: Query | Script) -> _Wire:
        if not (isinstance(step, Query) and step.guard):
            return self._wire
        if self._guard is None:
            try:
                self._guard = _Wire(await self._another())
            except TROUBLE as error:
                raise ConnectionLost(one_line(str(error))) from None
        return self._guard


class _Wire:
    """A connection with a tap on it."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 -- asyncpg has no types.
        self.connection = connection
        self.tap = Tap(connection._transport)  # noqa: SLF001 -- there is no other way to it.

    async def execute(self, step: Query | Script) -> Rows:
        self.tap.begin()
        try:
            await self.connection.execute(text_of(step), timeout=TEN_YEARS_SECONDS)
        except asyncpg.PostgresError as error:
            raise self._refused(error, step) from None
        except TROUBLE as error:
            lost = ConnectionLost if _is_gone(self.connection) else DatabaseError
            raise lost(one_line(str(error))) from None
        except asyncio.CancelledError:
            await held(self._ended())
            raise
        if isinstance(step, Query):
            return self.tap.results[-1].rows()
        replies = (each for each in self.tap.results if each.names[:2] == REPLY)
        return [row[: len(REPLY)] for result in replies for row in result.rows()]

    async def _ended(self) -> None:
        """Let a statement end whose reply nobody awaits any more.

        asyncpg asks the server once, and what overtakes the statement is in vain; so
        the server is asked until it answers, or has been for long enough.
        """
        for _ in range(MOST_CANCELS):
            with suppress(TimeoutError):
                await asyncio.wait_for(self.tap.ready.wait(), CANCEL_AGAIN_SECONDS)
                return
            sent = asyncio.get_running_loop().create_future()
            await self.connection._cancel(sent)  # noqa: SLF001 -- a cancelled task sends one only.
            sent.exception()  # nobody minds

    def _refused(
        self, error: asyncpg.PostgresError, step: Query | Script
    ) -> DatabaseError:
        if self.tap.copying:
            return ConnectionLost(COPY_REFUSED)
        part, offset = place(error.position, step)
        lost = _is_gone(self.connection) or is_lost(error.sqlstate)
        ours = isinstance(error, asyncpg.PostgresConnectionError)  # not the server's
        return (ConnectionLost if lost else DatabaseError)(
            error.args[0],
            sqlstate=None if ours else error.sqlstate,
            detail=error.detail,
            hint=error.hint,
            context=error.context,
            table=error.table_name,
            part=part,
            offset=offset,
            completed=len(self.tap.results),
        )


@asynccontextmanager
async def given_async(
    connection: Any,  # noqa: ANN401 -- asyncpg has no types.
) -> AsyncIterator[tuple[PostgresDialect, AsyncpgConnection]]:
    """Use a connection of the user's; it stays open.

    Raises:
        InTransaction: It is inside a transaction.
        ConnectionLost: It is closed.
    """
    _check_idle(connection)
    theirs = _encoding(connection)
    ours = AsyncpgConnection(connection, lambda: _another(connection))
    try:
        if theirs != UTF8:
            await ours.execute(speak(UTF8))
        yield _dialect(connection), ours
    finally:
        if theirs != UTF8 and not _is_gone(connection):
            await ours.execute(speak(theirs))
        await ours.close()


@asynccontextmanager
async def borrowed_async(
    pool: Any,  # noqa: ANN401 -- asyncpg has no types.
    timeout_seconds: float,
) -> AsyncIterator[tuple[PostgresDialect, AsyncpgConnection]]:
    """Use a connection of a pool of the user's, and give it back.

    Raises:
        ConnectionFailed: The pool is closed, or has none to give in time.
    """
    try:
        connection = await pool.acquire(timeout=timeout_seconds)
    except TimeoutError:
        raise ConnectionFailed(
            f"the pool had no connection to give in {timeout_seconds:g} s"
        ) from None
    except TROUBLE as error:
        raise ConnectionFailed(one_line(str(error))) from None
    try:
        async with given_async(connection) as session:
            yield session
    finally:
        await pool.release(connection)


def _check_idle(connection: Any) -> None:  # noqa: ANN401 -- asyncpg has no types.
    try:
        closed = connection.is_closed()
    except asyncpg.InterfaceError as error:  # It went back to its pool.
        raise ConnectionLost(one_line(str(error))) from None
    if closed:
        raise ConnectionLost("the connection given is closed")
    if connection.is_in_transaction():
        raise InTransaction


def _is_gone(connection: Any) -> bool:  # noqa: ANN401 -- asyncpg has no types.
    """Tell whether it is closed, or its pool has taken it back meanwhile."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True


def _encoding(connection: Any) -> str:  # noqa: ANN401 -- asyncpg has no types.
    """Tell what texts are sent in; PgBouncer repeats asyncpg's own words: 'utf-8'."""
    told = str(connection.get_settings().client_encoding).strip("'")
    return UTF8 if told.upper() == "UTF-8" else told


def _dialect(connection: Any) -> PostgresDialect:  # noqa: ANN401 -- asyncpg has no types.
    return PostgresDialect(
        database=connection._params.database,  # noqa: SLF001 -- what it connected with.
        backend_pid=connection.get_server_pid(),
        server_version=connection.get_server_version().major * MAJOR,
        owned=False,
    )


async def _another(connection: Any) -> Any:  # noqa: ANN401 -- asyncpg has no types.
    """Connect once more as a given connection was; it knows its password."""
    known = connection._params  # noqa: SLF001 -- what it connected with.
    where = connection._addr  # noqa: SLF001 -- a socket's path, or host and port.
    protected = connection._transport.get_extra_info("ssl_object")  # noqa: SLF001 -- as above.
    host, port = (where, None) if isinstance(where, str) else where[:2]
    return await asyncpg.connect(
        host=host,
        port=port,
        user=known.user,
        password=known.password,
        database=known.database,
        ssl=known.ssl if protected else False,
        server_settings=known.server_settings,
    )
