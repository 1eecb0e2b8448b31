"""psycopg: parameters as they were described, whatever the connection is set to."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import pytest
from psycopg import AsyncConnection, Connection
from psycopg.pq import Format, TransactionStatus
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool, NullConnectionPool

import sqlx
from sqlx import checked
from sqlx.databases.postgres.running.cursors import AsyncCursor, Cursor

if TYPE_CHECKING:
    from collections.abc import Iterator


@checked.query("SELECT id FROM users WHERE id = $1")
def user(connection: Connection[Any], id: int) -> int:  # noqa: A002 -- as a user may.
    """Find a user."""
    raise NotImplementedError


@checked.query("SELECT id FROM users WHERE id = $1")
async def user_async(connection: AsyncConnection[Any], key: int) -> int:
    """Find a user."""
    raise NotImplementedError


@checked.query("UPDATE users SET flag = TRUE WHERE id >= $1")
def touch(connection: Connection[Any], key: int) -> checked.RowsAffected:
    """Change users."""
    raise NotImplementedError


@checked.query("UPDATE users SET flag = TRUE WHERE id >= $1")
async def touch_async(
    connection: AsyncConnection[Any], key: int
) -> checked.RowsAffected:
    """Change users."""
    raise NotImplementedError


@checked.query("SELECT id FROM users WHERE id > 9")
def none(connection: Connection[Any]) -> int:
    """Find nobody."""
    raise NotImplementedError


@checked.query("SELECT id, email AS name FROM users")
def mismatched(connection: Connection[Any]) -> list[int]:
    """Have one column too many."""
    raise NotImplementedError


def test_the_contract_with_psycopg_s_hook(psycopg_connection: Connection) -> None:
    """What we need of `_query_cls`: no types, texts, one statement for all integers."""
    for cls in (Cursor, AsyncCursor):
        assert cls._query_cls.__name__ == "AsDescribed"
    cursor = Cursor(psycopg_connection)
    values = [1, 2**40, 1.5, Decimal(1), None, "x", b"x", True, datetime.now(UTC)]
    text = ", ".join(f"${number + 1}::text" for number in range(len(values)))
    cursor.execute(f"SELECT {text}", values)
    query = cursor._query
    assert query is not None
    assert query.types == (0,) * len(values)
    assert query.formats == [Format.TEXT] * len(values)
    assert query.query == f"SELECT {text}".encode()
    cursor.execute("SELECT 1")
    assert cursor._query is not None
    assert (cursor._query.types, cursor._query.params) == ((), None)


def test_parameters_have_the_types_that_were_described(
    psycopg_connection: Connection,
) -> None:
    """By hand, these two run as something else, or not at all (see `cursors`)."""
    ago = checked.query_scalar(Any, "SELECT pg_typeof(now() - $1)::text", timedelta(1))
    with pytest.raises(psycopg.errors.InvalidDatetimeFormat):
        ago.one(psycopg_connection)
    psycopg_connection.rollback()
    by_hand = psycopg.RawCursor(psycopg_connection)
    by_hand.execute("SELECT pg_typeof(now() - $1)::text", [timedelta(1)])
    assert by_hand.fetchone() == ("timestamp with time zone",)
    sent = checked.query_scalar(str, "SELECT COALESCE($1, 'x')", 5)
    assert sent.one(psycopg_connection) == "5"
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        by_hand.execute("SELECT COALESCE($1, 'x')", [5])


def test_one_prepared_statement_for_a_query(psycopg_connection: Connection) -> None:
    """By hand there is one for each width of integer."""
    psycopg_connection.prepare_threshold = 0
    by_key = checked.query_scalar
    for key in (1, 2**20, 2**40):
        query = by_key(int, "SELECT count(*) FROM users WHERE id::int8 = $1", key)
        query.one(psycopg_connection)
    rows = psycopg_connection.execute(
        "SELECT parameter_types::text[] FROM pg_prepared_statements"
        " WHERE statement LIKE '%id::int8%' AND parameter_types <> '{}'"
    ).fetchall()
    assert rows == [(["bigint"],)]


@pytest.mark.parametrize("threshold", [None, 0, 5])
def test_prepared_or_not(words: str, threshold: int | None) -> None:
    """PgBouncer wants None; the rest is speed."""
    with psycopg.connect(words, prepare_threshold=threshold) as connection:
        assert [user(connection, 1) for _ in range(7)] == [1] * 7


def test_rows_do_not_depend_on_the_connection(words: str) -> None:
    """Its row factory and its cursor factory are the user's own business."""
    with psycopg.connect(
        words, row_factory=dict_row, cursor_factory=psycopg.ClientCursor
    ) as connection:
        assert user(connection, 1) == 1
        assert touch(connection, 1) == 2
        assert connection.execute("SELECT 1 AS a").fetchone() == {"a": 1}


def test_transactions_are_the_user_s(psycopg_connection: Connection) -> None:
    """Without autocommit a query begins one; with `transaction()` it is in that."""
    assert user(psycopg_connection, 1) == 1
    assert psycopg_connection.info.transaction_status == TransactionStatus.INTRANS
    psycopg_connection.rollback()
    insert = checked.query("INSERT INTO written VALUES ($1)", 4)
    with psycopg_connection.transaction(force_rollback=True):
        assert insert.execute(psycopg_connection) == 1
    count = checked.query_scalar(int, "SELECT count(*) FROM written")
    assert count.one(psycopg_connection) == 0


def test_a_pool_commits_and_rolls_back(words: str) -> None:
    """As `pool.connection()` does."""
    insert = checked.query("INSERT INTO written VALUES ($1)", 5)
    delete = checked.query_scalar(int, "DELETE FROM written WHERE id = 5 RETURNING id")
    with ConnectionPool(words, min_size=1) as pool:
        assert insert.execute(pool) == 1
        with pytest.raises(psycopg.errors.UniqueViolation):
            insert.execute(pool)
        assert delete.one(pool) == 5
        assert delete.optional(pool) is None
    with NullConnectionPool(words) as fresh:
        users = checked.query_scalar(int, "SELECT count(*) FROM users")
        assert users.one(fresh) == users.one(fresh) == 2


@pytest.fixture
def piped(words: str) -> Iterator[Connection]:
    """A connection in pipeline mode."""
    with (
        psycopg.connect(words, autocommit=True) as connection,
        connection.pipeline(),
    ):
        yield connection


def test_queries_in_a_pipeline(piped: Connection) -> None:
    """Each waits for its own result, but what gives none."""
    assert user(piped, 1) == 1
    assert touch(piped, 1) == 2
    assert touch(piped, 9) == 0
    assert checked.query("DROP TABLE IF EXISTS nowhere").execute(piped) == 0
    assert checked.query("SELECT id FROM users").execute(piped) == 2
    with pytest.raises(sqlx.RowNotFound):
        none(piped)
    assert user(piped, 2) == 2
    with pytest.raises(psycopg.errors.DivisionByZero) as caught:
        checked.query("SELECT 1 / $1", 0).execute(piped)
    assert caught.value.__notes__[0].startswith("in the query at ")


def test_an_error_of_a_statement_in_a_pipeline(piped: Connection) -> None:
    """It is the server's, not that there is no result."""
    with pytest.raises(psycopg.errors.UndefinedColumn):
        checked.query("SELECT no_such_column").execute(piped)


def test_columns_that_changed_in_a_pipeline(words: str) -> None:
    """The error is ours, and the pipeline goes on."""
    with psycopg.connect(words, autocommit=True) as connection:
        with connection.pipeline():
            with pytest.raises(sqlx.ColumnMismatch):
                mismatched(connection)
            assert user(connection, 1) == 1
        assert user(connection, 2) == 2


def test_an_async_pipeline(words: str) -> None:
    """The same, awaited."""

    async def run() -> None:
        async with (
            await AsyncConnection.connect(words, autocommit=True) as connection,
            connection.pipeline(),
        ):
            keys = asyncio.gather(*(user_async(connection, key) for key in (1, 2, 1)))
            assert await keys == [1, 2, 1]
            assert await touch_async(connection, 1) == 2
            wrong = checked.query("SELECT no_such_column")
            with pytest.raises(psycopg.errors.UndefinedColumn):
                await wrong.execute(connection)

    asyncio.run(run())


class Pair(NamedTuple):
    """Two numbers."""

    a: int
    b: int


def test_columns_that_change_are_noticed(psycopg_connection: Connection) -> None:
    """Where `*` is written."""
    connection = psycopg_connection
    query = checked.query_as(Pair, "SELECT * FROM changing")
    connection.execute("CREATE TEMP TABLE changing AS SELECT 1 AS a, 2 AS b")
    assert query.all(connection) == query.all(connection) == [(1, 2)]
    connection.execute("DROP TABLE changing")
    connection.execute("CREATE TEMP TABLE changing AS SELECT 3 AS b, 4 AS a")
    assert query.all(connection) == [(4, 3)]
    connection.execute("ALTER TABLE changing RENAME a TO c")
    with pytest.raises(sqlx.ColumnMismatch) as caught:
        query.all(connection)
    assert (caught.value.missing, caught.value.extra) == (("a",), ("c",))


def test_another_encoding(words: str) -> None:
    """The text and the names of columns are sent and read in the connection's."""
    with psycopg.connect(words, client_encoding="latin1") as connection:
        row = checked.query("SELECT 'ä' AS ä, $1::text AS b", "ö").one(connection)
        assert (row.ä, row.b) == ("ä", "ö")


def test_an_update_has_no_rows(psycopg_connection: Connection) -> None:
    """What is to give a row and cannot says so."""
    query = checked.query_scalar(int, "UPDATE users SET flag = TRUE")
    with pytest.raises(sqlx.ColumnMismatch) as caught:
        query.one(psycopg_connection)
    assert "the query must send one column, and it sends none; " in str(caught.value)
