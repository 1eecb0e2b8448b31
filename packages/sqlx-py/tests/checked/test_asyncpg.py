"""asyncpg: JSON with and without a codec, transactions, what it is called with."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg
import pytest
from checked.clients import opened

import sqlx
from sqlx import checked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checked.clients import Client


class Doc(NamedTuple):
    """A row with JSON in all its forms."""

    dict_: dict[str, int]
    list_: list[int]
    any_: Any
    int_: int


@checked.query(
    "SELECT $1::jsonb AS dict_, '[1, 2]'::jsonb AS list_, $1 AS any_, '3'::json AS int_"
)
async def doc(connection: asyncpg.Connection, it: dict[str, int]) -> Doc:
    """Read JSON."""
    raise NotImplementedError


@pytest.fixture
def client(words: str) -> Iterator[Client]:
    """A connection of asyncpg."""
    with opened("asyncpg", words) as client:
        yield client


def test_json_with_and_without_a_codec(client: Client) -> None:
    """The user's codec encodes once, and so do we where there is none."""
    expected = ({"a": 1}, [1, 2], {"a": 1}, 3)
    assert client.call(doc, {"a": 1}) == expected

    async def set_codec(connection: asyncpg.Connection) -> None:
        for name in ("json", "jsonb"):
            await connection.set_type_codec(
                name, encoder=json.dumps, decoder=json.loads, schema="pg_catalog"
            )

    client.call(set_codec)
    assert client.call(doc, {"a": 1}) == expected
    kept = checked.query_scalar(dict[str, int], "SELECT $1::jsonb", {"a": 1})
    assert client.call(kept.one) == {"a": 1}


def test_a_list_is_json_where_the_server_wants_it(client: Client) -> None:
    """The driver knows what a parameter is, so a list needs no wrapper."""
    query = checked.query_scalar(str, "SELECT jsonb_typeof($1)", [1, {"a": 2}])
    assert client.call(query.one) == "array"
    stream = checked.query_scalar(str, "SELECT jsonb_typeof($1)", [])
    assert client.call(stream.stream) == ["array"]


def test_what_cannot_be_sent_is_asyncpg_s_error(client: Client) -> None:
    """With a note, as any."""
    for value in ([1], {"a": 1}, "x"):
        query = checked.query_scalar(int, "SELECT $1::int", value)
        with pytest.raises(asyncpg.DataError) as caught:
            client.call(query.one)
        assert caught.value.__notes__[0].endswith(": query_scalar(int)")
    one = checked.query_scalar(str, "SELECT $1::text", object())
    each = checked.query_scalar(str, "SELECT ($1::text[])::text", [object()])
    for text in (one, each):
        with pytest.raises(asyncpg.DataError, match="expected str, got object"):
            client.call(text.one)


def test_in_a_transaction_and_in_a_pool(words: str) -> None:
    """On what a pool lends, too; rolled back with the user's transaction."""
    insert = checked.query("INSERT INTO written VALUES ($1)", 6)
    count = checked.query_scalar(int, "SELECT count(*) FROM written WHERE id = 6")

    async def run(pool: asyncpg.Pool) -> None:
        async with pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            assert await insert.execute(connection) == 1
            assert await count.one(connection) == 1
            await transaction.rollback()
        assert await count.one(pool) == 0
        assert await asyncio.gather(*(count.one(pool) for _ in range(5))) == [0] * 5

    with opened("asyncpg pool", words) as client:
        client.call(run)


def test_columns_that_change_are_noticed(client: Client) -> None:
    """Where `*` is written; a stream looks at its first rows."""

    async def run(connection: asyncpg.Connection) -> None:
        @checked.query("SELECT * FROM changing")
        async def found(connection: asyncpg.Connection) -> list[Pair]:
            raise NotImplementedError

        await connection.execute("CREATE TEMP TABLE changing AS SELECT 1 AS a, 2 AS b")
        assert await found(connection) == await found(connection) == [(1, 2)]
        await connection.execute(
            "DROP TABLE changing; CREATE TEMP TABLE changing AS SELECT 3 AS b, 4 AS a"
        )
        assert await found(connection) == [(4, 3)]
        await connection.execute("ALTER TABLE changing RENAME a TO c")
        with pytest.raises(sqlx.ColumnMismatch) as caught:
            await found(connection)
        assert (caught.value.missing, caught.value.extra) == (("a",), ("c",))

    client.call(run)


class Pair(NamedTuple):
    """Two numbers."""

    a: int
    b: int
