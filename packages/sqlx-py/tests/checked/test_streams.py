"""Streams: closed when they are abandoned, on each driver; nothing stays open."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from checked.clients import opened
from psycopg.pq import TransactionStatus

from sqlx import checked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import asyncpg
    from checked.clients import Client

MANY = "SELECT generate_series(1, 5000)"


@checked.query("SELECT generate_series(1, $1)")
def numbers(connection: psycopg.Connection, most: int) -> Iterator[int]:
    """Count on a sync connection."""
    raise NotImplementedError


@checked.query("SELECT generate_series(1, $1)")
async def awaited(connection: psycopg.AsyncConnection, most: int) -> AsyncIterator[int]:
    """Count, after an await."""
    raise NotImplementedError


@checked.query("SELECT generate_series(1, $1)")
def iterated(connection: psycopg.AsyncConnection, most: int) -> AsyncIterator[int]:
    """Count, without one."""
    raise NotImplementedError


def busy(words: str) -> list[tuple[Any, ...]]:
    """List the states of the other sessions that are not idle."""
    sql = (
        "SELECT state FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND state <> 'idle'"
    )
    with psycopg.connect(words, autocommit=True) as other:
        return other.execute(sql).fetchall()


def test_a_stream_begins_at_once_and_ends(on_server: Client) -> None:
    """Row after row; at the end it is over."""
    query = checked.query_scalar(int, MANY)
    stream = on_server.stream(query.stream)
    assert [on_server.take(stream) for _ in range(3)] == [1, 2, 3]
    rest = on_server.wait(stream)
    assert (len(rest), rest[-1]) == (4997, 5000)


def test_an_abandoned_stream_leaves_nothing_open(on_server: Client, words: str) -> None:
    """No transaction, no query; a pool has its connection back."""
    query = checked.query_scalar(int, MANY)
    for _ in range(4):  # A pool of two would be empty after two.
        stream = on_server.stream(query.stream)
        assert on_server.take(stream) == 1
        if on_server.runner is None:
            stream.close()
        else:
            on_server.wait(stream.aclose())
        assert busy(words) == []
    assert on_server.call(query.all)[-1] == 5000


@pytest.mark.slow
def test_a_stream_that_is_collected_is_closed(on_server: Client, words: str) -> None:
    """What `break` leaves behind goes when Python frees it."""
    query = checked.query_scalar(int, MANY)

    async def leave() -> None:
        async for number in query.stream(on_server.connection):
            assert number == 1
            break
        await asyncio.sleep(0.02)  # The loop closes what was left.

    if on_server.runner is None:
        for number in query.stream(on_server.connection):
            assert number == 1
            break
    else:
        on_server.runner.run(leave())
    gc.collect()
    assert busy(words) == []
    assert on_server.call(query.all)[-1] == 5000


def test_a_stream_s_transaction_survives(
    psycopg_connection: psycopg.Connection,
) -> None:
    """What is abandoned is closed; the user's transaction goes on."""
    connection = psycopg_connection
    connection.execute("INSERT INTO written VALUES (1)")
    for _ in numbers(connection, 1_000_000):
        break
    assert connection.info.transaction_status == TransactionStatus.INTRANS
    assert connection.execute("SELECT * FROM written").fetchall() == [(1,)]
    assert sum(numbers(connection, 3)) == 6
    assert connection.execute("SELECT name FROM pg_cursors").fetchall() == []


def test_a_stream_can_begin_the_transaction(
    psycopg_connection: psycopg.Connection,
) -> None:
    """Without autocommit, it is the user's to end, and it is not broken."""
    for _ in numbers(psycopg_connection, 1_000_000):
        break
    assert psycopg_connection.execute("SELECT 1").fetchall() == [(1,)]
    assert psycopg_connection.info.transaction_status == TransactionStatus.INTRANS


def test_other_queries_run_between_a_stream_s_rows(
    psycopg_connection: psycopg.Connection,
) -> None:
    """In a transaction: psycopg's own stream would wait for itself for ever."""
    psycopg_connection.execute("SELECT 1")
    found = [
        sum(numbers(psycopg_connection, number))
        for number in numbers(psycopg_connection, 150)
    ]
    assert found[-1] == 11325


def test_what_writes_can_be_streamed(psycopg_connection: psycopg.Connection) -> None:
    """In a transaction it is done at once; abandoned, it is done all the same."""
    sql = "INSERT INTO written SELECT generate_series(11, 13) RETURNING id"
    query = checked.query_scalar(int, checked.unchecked(sql))
    assert next(query.stream(psycopg_connection)) == 11
    rows = psycopg_connection.execute("SELECT count(*) FROM written").fetchall()
    assert rows == [(3,)]
    with_ = "WITH gone AS (DELETE FROM written RETURNING id) SELECT id FROM gone"
    query = checked.query_scalar(int, checked.unchecked(with_))
    assert sorted(query.stream(psycopg_connection)) == [11, 12, 13]


def test_the_same_async(words: str) -> None:
    """Declared with and without an await; what `break` leaves is in nobody's way."""

    async def run() -> None:
        connection = await psycopg.AsyncConnection.connect(words)
        async with connection:
            await connection.execute("INSERT INTO written VALUES (2)")
            for _ in range(2):  # The second time it is compiled.
                async for number in await awaited(connection, 1_000_000):
                    assert number == 1
                    break
            cursor = await connection.execute("SELECT * FROM written")
            assert await cursor.fetchall() == [(2,)]
            async for _ in iterated(connection, 3):
                assert await anext(iterated(connection, 1)) == 1
            sql = "INSERT INTO written SELECT generate_series(11, 13) RETURNING id"
            query = checked.query_scalar(int, checked.unchecked(sql))
            assert [number async for number in query.stream(connection)] == [11, 12, 13]
            await connection.rollback()

    asyncio.run(run())


def test_asyncpg_streams_in_the_user_s_transaction(words: str) -> None:
    """A cursor needs one: it is opened where there is none, else the user's is used."""
    with opened("asyncpg", words) as client:
        query = checked.query_scalar(int, "SELECT generate_series(1, $1)", 200)

        async def run(connection: asyncpg.Connection) -> None:
            async with connection.transaction():
                await connection.execute("INSERT INTO written VALUES (3)")
                async for _ in query.stream(connection):
                    break
                assert await connection.fetchval("SELECT count(*) FROM written") == 1
                raise LookupError

        assert client.runner is not None
        with pytest.raises(LookupError):
            client.runner.run(run(client.connection))
        assert client.call(query.stream) == [*range(1, 201)]
        count = checked.query_scalar(int, "SELECT count(*) FROM written")
        assert client.call(count.one) == 0


def test_an_error_in_a_stream_is_noted(client: Client) -> None:
    """It comes with the first row, and names the query."""
    query = checked.query_scalar(int, checked.unchecked("SELECT no_such_column"))
    with pytest.raises(Exception, match="no_such_column") as caught:
        client.call(query.stream)
    (note,) = caught.value.__notes__
    assert note.startswith(f"in the query at {__file__}:")
    assert note.endswith(": query_scalar(int)")


def test_sqlite_closes_the_cursor(words: str) -> None:
    """A table that is still read cannot be dropped."""
    with opened("sqlite3", words) as client:
        stream = checked.query_scalar(int, "SELECT id FROM users").stream
        rows = stream(client.connection)
        assert next(rows) == 1
        rows.close()
        client.connection.execute("DROP TABLE users")


def test_sqlite_in_async_functions(words: str) -> None:
    """sqlite3 has no async connections: it runs where it is called."""

    @checked.query("SELECT id FROM users ORDER BY id")
    async def stream(connection: object) -> AsyncIterator[int]:
        raise NotImplementedError

    @checked.query("SELECT count(*) FROM users")
    async def count(connection: object) -> int:
        raise NotImplementedError

    async def run(connection: object) -> None:
        assert [number async for number in await stream(connection)] == [1, 2]
        assert [await count(connection), await count(connection)] == [2, 2]

    with opened("sqlite3", words) as client:
        asyncio.run(run(client.connection))
