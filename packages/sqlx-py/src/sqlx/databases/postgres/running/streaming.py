"""Streams of rows on psycopg's connections, which can be abandoned at any time.

Theory of operation: outside of transactions the server sends row after row (libpq's
single-row mode), and psycopg cancels the query of a stream that is abandoned. In a
transaction a cancel would end it, and the user's next statement with it. There the
server keeps a cursor, from which rows are fetched by the hundred, and other queries can
run in between. What it keeps none for (RETURNING) is done at once and read whole.
"""

from __future__ import annotations

import re
from contextlib import aclosing
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from psycopg.pq import TransactionStatus

from sqlx.databases.postgres.running.cursors import (
    AsyncCursor,
    AsyncServerCursor,
    Cursor,
    ServerCursor,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator

    from psycopg import AsyncConnection, Connection

    from sqlx.queries.running.compiling import Where

__all__ = ["stream", "stream_async"]

RowFactory: TypeAlias = "Callable[[Any], Any]"
_NUMBERS = count(1)
_SELECT = re.compile(r"\s*(?:SELECT|VALUES|WITH)\b", re.IGNORECASE)
_WRITES = re.compile(r"\b(?:INSERT|UPDATE|DELETE|MERGE|INTO)\b", re.IGNORECASE)


def stream(
    connection: Connection[Any],
    sql: str,
    values: Any,  # noqa: ANN401 -- the user's.
    rows: RowFactory,
    where: Where,
) -> Iterator[Any]:
    """Give row after row.

    Args:
        connection: It is psycopg's.
        sql: The query.
        values: For its placeholders.
        rows: Makes, for a cursor, what makes the rows.
        where: The query, for notes on errors.
    """
    try:
        if _is_outside(connection):
            with Cursor(connection, row_factory=rows) as cursor:
                yield from cursor.stream(sql, values)
        elif _is_kept(sql):
            name = f"sqlx_{next(_NUMBERS)}"
            with ServerCursor(connection, name, row_factory=rows) as kept:
                yield from kept.execute(sql, values)
        else:
            with Cursor(connection, row_factory=rows) as cursor:
                yield from cursor.execute(sql, values)
    except Exception as error:
        where.failed(error)
        raise


async def stream_async(
    connection: AsyncConnection[Any],
    sql: str,
    values: Any,  # noqa: ANN401 -- the user's.
    rows: RowFactory,
    where: Where,
) -> AsyncIterator[Any]:
    """Do the same on an async connection."""
    try:
        if _is_outside(connection):
            async with (
                AsyncCursor(connection, row_factory=rows) as cursor,
                aclosing(_generator(cursor.stream(sql, values))) as found,
            ):
                async for row in found:
                    yield row
        elif _is_kept(sql):
            name = f"sqlx_{next(_NUMBERS)}"
            async with AsyncServerCursor(connection, name, row_factory=rows) as kept:
                async for row in await kept.execute(sql, values):
                    yield row
        else:
            async with AsyncCursor(connection, row_factory=rows) as cursor:
                async for row in await cursor.execute(sql, values):
                    yield row
    except Exception as error:
        where.failed(error)
        raise


def _is_outside(connection: Connection[Any] | AsyncConnection[Any]) -> bool:
    """Tell whether a statement is in no transaction, and begins none."""
    status = connection.info.transaction_status
    return connection.autocommit and status == TransactionStatus.IDLE


def _is_kept(sql: str) -> bool:
    """Tell whether the server can keep a cursor for it: nothing is written."""
    return _SELECT.match(sql) is not None and _WRITES.search(sql) is None


def _generator(rows: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
    """Say of psycopg's stream what it is: it can be closed."""
    return cast("AsyncGenerator[Any, None]", rows)
