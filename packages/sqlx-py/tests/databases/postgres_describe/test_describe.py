"""Describing: what it leaves alone, what it costs, and where it stops."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
import pytest
from databases.postgres_describe.golden import written

from sqlx.databases.postgres.describing.describe import describe
from sqlx.databases.postgres.describing.explain import patched
from sqlx.errors import ConnectionLost, DatabaseError
from sqlx.queries.values import Description, Refusal, SqlxVersion

if TYPE_CHECKING:
    from psycopg.abc import PQGen

T = TypeVar("T")
NEWEST = SqlxVersion.V0_9
# What a session could keep of us.
LEFT_OVER = b"""SELECT (SELECT count(*) FROM pg_prepared_statements),
  current_setting('plan_cache_mode'), current_setting('transaction_read_only'),
  current_setting('default_transaction_read_only')"""


class Counting(psycopg.Connection[Any]):
    """A connection that counts how often it waits for the server."""

    waits = 0

    def wait(self, gen: PQGen[T], *args: Any, **options: Any) -> T:
        """Wait once more."""
        self.waits += 1
        return super().wait(gen, *args, **options)


def said(
    connection: psycopg.Connection[Any], sql: str, version: SqlxVersion = NEWEST
) -> list[str]:
    """Describe one query, and write it as the golden cases do."""
    (found,) = describe(connection, [sql], version)
    return written(found)


@pytest.mark.parametrize("version", SqlxVersion, ids=lambda version: version.value)
def test_leaves_nothing_in_the_session(
    connection: psycopg.Connection[Any], version: SqlxVersion
) -> None:
    """Settings, prepared statements and the transaction are gone afterwards."""
    before = connection.execute(LEFT_OVER).fetchone()
    describe(connection, ["SELECT $1::filled", "nonsense", "SELECT 1"], version)
    assert connection.execute(LEFT_OVER).fetchone() == before
    assert connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE


def test_executes_nothing(connection: psycopg.Connection[Any]) -> None:
    """A query that writes, calls or counts has not done so when it is described."""
    connection.execute("CREATE TEMP TABLE witness (id BIGSERIAL, note TEXT)")
    connection.execute("INSERT INTO witness (note) VALUES ('before')")
    queries = [
        "INSERT INTO witness (note) VALUES ('described') RETURNING id",
        "DELETE FROM witness RETURNING id",
        "EXPLAIN ANALYZE DELETE FROM witness",
        "SELECT nextval('witness_id_seq')",
        "WITH gone AS (DELETE FROM witness RETURNING id) SELECT * FROM gone",
        "CREATE TABLE told AS SELECT * FROM witness",
        "DROP TABLE witness",
        "CALL forty_two(1)",
        "DO 'BEGIN DELETE FROM witness; END'",
        "COPY witness FROM STDIN",
        "ROLLBACK",
    ]
    found = describe(connection, queries, NEWEST)
    assert [type(one) for one in found] == [Description] * len(queries)
    rows = connection.execute("SELECT id, note FROM witness").fetchall()
    counted = connection.execute("SELECT last_value FROM witness_id_seq").fetchall()
    assert (rows, counted) == ([(1, "before")], [(1,)])


def test_what_the_planner_evaluates_cannot_write(
    connection: psycopg.Connection[Any],
) -> None:
    """A function that is called immutable and writes is refused in the planner."""
    connection.execute(
        "CREATE FUNCTION pg_temp.writes() RETURNS int LANGUAGE sql"
        " AS 'INSERT INTO products VALUES (1) RETURNING 1';"
        "CREATE FUNCTION pg_temp.liar() RETURNS int IMMUTABLE LANGUAGE plpgsql"
        " AS 'BEGIN RETURN pg_temp.writes(); END'"
    )
    assert said(connection, "SELECT pg_temp.liar() FROM tweet")[-1] == (
        "SQLx: cannot execute INSERT in a read-only transaction"
    )
    assert connection.execute("SELECT count(*) FROM products").fetchone() == (0,)


@pytest.mark.slow
def test_a_thousand_queries_wait_a_handful_of_times(described_place: str) -> None:
    """The number of round trips does not grow with that of the queries."""
    queries = [
        f"SELECT id, $1::percentage[] AS a, {number} AS n FROM tweet"
        for number in range(1000)
    ]
    with Counting.connect(described_place, autocommit=True) as connection:
        connection.waits = 0
        found = describe(connection, queries, NEWEST, at_once=1000)
        together = connection.waits
        describe(connection, queries[:300], NEWEST)
        by_hundreds = connection.waits - together
    assert {len(one.columns) for one in found if isinstance(one, Description)} == {3}
    # The transaction begins; texts; plans, and the question on names, which is one
    # over; two depths of types; the statements end; the transaction ends; the proofs:
    # trees, and what they name.
    assert together == 1 + 1 + 2 + 2 + 1 + 1 + 2
    assert by_hundreds == 1 + 3 + 4 + 2 + 1 + 1 + 4


def test_the_order_is_the_queries(connection: psycopg.Connection[Any]) -> None:
    """Answers stand in the order of the queries, refused ones and doubles included."""
    queries = ["SELECT 1 AS b", "nonsense", "SELECT 1 AS a", "", "SELECT 1 AS b"]
    found = describe(connection, queries, NEWEST, at_once=2)
    assert [written(one) for one in found] == [
        ["b INT4~"],
        ['error 42601 at 0: syntax error at or near "nonsense"'],
        ["a INT4~"],
        [],
        ["b INT4~"],
    ]


def test_no_query_is_no_answer(connection: psycopg.Connection[Any]) -> None:
    """Nothing asked, nothing said."""
    assert describe(connection, [], NEWEST) == []


def test_proofs_stand_beside_what_sqlx_says(
    connection: psycopg.Connection[Any],
) -> None:
    """Where SQLx is wrong, or does not know, the proof is right."""
    sql = (
        "SELECT a.id, b.id, $1::percentage, count(*) FROM tweet a"
        " LEFT JOIN tweet b ON b.id = a.owner_id GROUP BY a.id, b.id"
    )
    joined, shown, refused = describe(
        connection, [sql, "SHOW plan_cache_mode", "nonsense"], NEWEST
    )
    assert isinstance(joined, Description)
    assert isinstance(shown, Description)
    assert isinstance(refused, Refusal)
    assert [(c.nullable, c.proof and c.proof.may_be_null) for c in joined.columns] == [
        (False, False),
        (False, True),
        (None, True),
        (None, False),
    ]
    assert [(c.nullable, c.proof) for c in shown.columns] == [(None, None)]


@pytest.mark.parametrize(
    ("sql", "message", "offset"),
    [
        ("SELECT 'a\0b'", "a query cannot contain the character NUL", 9),
        (
            "SELECT '\ud83d'",
            "a query cannot contain half of a surrogate pair (U+D83D)",
            8,
        ),
    ],
    ids=["nul", "surrogate"],
)
def test_refuses_what_cannot_be_sent(
    connection: psycopg.Connection[Any], sql: str, message: str, offset: int
) -> None:
    """A text that the protocol would cut or not carry is refused, others are not."""
    refused, other = describe(connection, [sql, "SELECT 1"], NEWEST)
    assert refused == Refusal(sql, message, offset)
    assert isinstance(other, Description)


def test_a_refusal_has_all_the_server_said(connection: psycopg.Connection[Any]) -> None:
    """Offset, SQLSTATE, hint and detail are the server's."""
    sql = "SELECT 'é', lower(1, 2)"
    assert describe(connection, [sql], NEWEST) == [
        Refusal(
            sql,
            "function lower(integer, integer) does not exist",
            12,
            "42883",
            "No function matches the given name and argument types. You might need to "
            "add explicit type casts.",
        )
    ]


def test_names_follow_the_search_path(connection: psycopg.Connection[Any]) -> None:
    """A schema is written only where the path does not lead to it."""
    sql = "SELECT kind FROM foo.elsewhere"
    made_of = "Enum Bar, Baz"
    assert said(connection, sql) == [
        'kind foo."Foo"? <- foo.elsewhere.kind',
        f'foo."Foo" = {made_of}',
    ]
    connection.execute("SET search_path = foo")
    assert said(connection, sql) == [
        'kind "Foo"? <- elsewhere.kind',
        f'"Foo" = {made_of}',
    ]


def test_the_search_path_cannot_mislead(connection: psycopg.Connection[Any]) -> None:
    """Tables, functions and operators that hide the catalog's do not matter."""
    sql = (
        'SELECT a.id, b.id, $1::foo."Full name", \'Bar\'::foo."Foo"'
        " FROM public.tweet a LEFT JOIN public.tweet b ON b.id = a.owner_id"
        " WHERE a.owner_id = $2"
    )
    expected = [
        line.replace("tweet.id", "public.tweet.id").replace("filled", "public.filled")
        for line in said(connection, sql)
    ]
    assert expected[1] == "id INT8? <- public.tweet.id"
    connection.execute("CREATE SCHEMA hostile")
    try:
        connection.execute("SET search_path = hostile, pg_catalog")
        connection.execute((Path(__file__).parent / "hostile.sql").read_bytes())
        assert said(connection, sql) == expected
    finally:
        connection.execute("DROP SCHEMA hostile CASCADE")


@pytest.mark.parametrize("version", SqlxVersion, ids=lambda version: version.value)
def test_a_domain_that_refuses_null_has_the_plan_it_would_have(
    connection: psycopg.Connection[Any], version: SqlxVersion
) -> None:
    """What SQLx cannot plan is planned as `EXPLAIN (GENERIC_PLAN)` would."""
    sql = (
        "SELECT a.id, b.id FROM tweet a LEFT JOIN tweet b ON b.id = a.owner_id"
        " AND b.text = $1::filled"
    )
    (found,) = describe(connection, [sql], version)
    assert isinstance(found, Description)
    explained = b"EXPLAIN (GENERIC_PLAN, VERBOSE, FORMAT JSON) "
    connection.pgconn.send_query(explained + sql.encode())
    (result,) = connection.wait(psycopg.generators.execute(connection.pgconn))
    plan = json.loads(result.get_value(0, 0) or b"")
    assert patched([False, False], plan) == (False, True)
    assert [column.nullable for column in found.columns] == [False, True]
    assert found.sqlx_refusal == "domain filled does not allow null values"


def test_a_lost_connection_is_told(
    described_place: str, connection: psycopg.Connection[Any]
) -> None:
    """A session that the server has ended is not taken for an answer."""
    with psycopg.connect(described_place, autocommit=True) as lost:
        pid = lost.info.backend_pid
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        with pytest.raises(ConnectionLost, match=r"^terminating connection"):
            describe(lost, ["SELECT 1"], NEWEST)
        assert lost.closed


def test_a_server_that_goes_while_it_plans_is_told(
    described_place: str, connection: psycopg.Connection[Any]
) -> None:
    """The error of the transaction is raised, not that of ending it."""
    with psycopg.connect(described_place, autocommit=True) as lost:
        lost.execute(
            "CREATE FUNCTION pg_temp.going() RETURNS boolean IMMUTABLE LANGUAGE sql"
            " AS 'SELECT pg_terminate_backend(pg_backend_pid())'"
        )
        with pytest.raises(ConnectionLost) as raised:
            describe(lost, ["SELECT pg_temp.going()"], NEWEST)
    assert raised.value.sqlstate == "57P01"
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_name_that_is_taken_is_told(connection: psycopg.Connection[Any]) -> None:
    """A statement of ours is never taken for another's of the same name."""
    connection.execute("PREPARE sqlx_describe_0 AS SELECT 1")
    with pytest.raises(DatabaseError) as raised:
        describe(connection, ["SELECT 1"], NEWEST)
    assert str(raised.value) == (
        'prepared statement "sqlx_describe_0" already exists [42P05]'
    )
    assert connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE


def test_a_failed_transaction_is_told(connection: psycopg.Connection[Any]) -> None:
    """On a connection that takes no question, describing raises what it says."""
    connection.execute("BEGIN")
    with pytest.raises(psycopg.Error):
        connection.execute("nonsense")
    with pytest.raises(DatabaseError) as raised:
        describe(connection, ["SELECT 1"], NEWEST)
    assert str(raised.value) == (
        "current transaction is aborted, commands ignored until end of transaction"
        " block [25P02]"
    )
