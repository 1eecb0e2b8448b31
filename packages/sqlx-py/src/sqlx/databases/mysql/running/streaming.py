"""Streams of rows on PyMySQL's and asyncmy's connections.

The server sends the whole result, and nobody can tell it to stop: a stream that is
abandoned reads what is left of it, so that the connection can be used again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from sqlx.queries.running.building import Build
    from sqlx.queries.running.compiling import Where

__all__ = ["stream", "stream_async"]


def stream(
    cursor: Any,  # noqa: ANN401 -- either driver's.
    sql: str,
    values: Any,  # noqa: ANN401 -- the user's.
    find: Callable[[Any], Build],
    where: Where,
) -> Iterator[Any]:
    """Give row after row.

    Args:
        cursor: It reads row by row.
        sql: The query, as the driver wants it.
        values: For its placeholders.
        find: Finds what makes rows of such columns.
        where: The query, for notes on errors.
    """
    try:
        with cursor:
            cursor.execute(sql, values)
            yield from map(find(cursor.description), cursor)
    except Exception as error:
        where.failed(error)
        raise


async def stream_async(
    cursor: Any,  # noqa: ANN401 -- either driver's.
    sql: str,
    values: Any,  # noqa: ANN401 -- the user's.
    find: Callable[[Any], Build],
    where: Where,
) -> AsyncIterator[Any]:
    """Do the same on an async connection."""
    try:
        async with cursor:
            await cursor.execute(sql, values)
            make = find(cursor.description)
            async for row in cursor:
                yield make(row)
    except Exception as error:
        where.failed(error)
        raise
