"""Asking the server: what is sent, what is left behind, and what cannot be proved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from sqlx.databases.postgres.proving import proof
from sqlx.databases.postgres.proving.proof import Probe, prove
from sqlx.errors import ConnectionLost
from sqlx.queries.values import Nullability

if TYPE_CHECKING:
    from support import Database

NOT_NULL = Nullability(may_be_null=False)
LEFT = "SELECT count(*) FROM pg_proc WHERE proname = 'sqlx_probe'"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "SELECT 1;",
        "SELECT 1 ; -- the end; END",
        "SELECT 1 -- no end of line",
        "/* before */ SELECT 1 /* behind; */",
        'SELECT 1 AS "; END; DROP TABLE tweet; --"',
        "SELECT $$; END; $$ || '; END'",
        "SELECT 1 AS END",
        "SELECT CASE WHEN true THEN 1 ELSE 2 END",
        "TABLE empty_one UNION VALUES (1, 1)",
    ],
)  # fmt: skip
def test_takes_any_text_of_one_query(connection: psycopg.Connection, sql: str) -> None:
    """Comments, a semicolon and words of the body do not disturb."""
    columns = 2 if "TABLE empty_one" in sql else 1
    assert prove(connection, [Probe(sql, (), columns)]) == [(NOT_NULL,) * columns]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; SELECT 2",
        "SELECT 1; END; DROP TABLE empty_one",
        "SELECT 1; END; COMMIT; --",
        "SELECT 1; END /*",
        "SELECT 1) (",
        "SELECT 'open",
        "SELECT no_such_column",
        "",
        "-- nothing",
        "SHOW search_path",
        "EXPLAIN SELECT 1",
        "CALL nothing()",
        "DECLARE c CURSOR FOR SELECT 1",
        "CREATE TABLE made (id int)",
    ],
)
def test_proves_nothing_of_what_is_not_one_query(
    connection: psycopg.Connection, sql: str
) -> None:
    """What has more statements, is wrong, or is no query gives no proof, nor harm."""
    found = prove(connection, [Probe(sql, (), 1), Probe("SELECT 1", (), 1)])
    assert found == [None, (NOT_NULL,)]
    assert connection.execute("SELECT FROM empty_one").fetchall() == []


def test_what_a_server_reads_otherwise_stays_in_the_body(
    connection: psycopg.Connection,
) -> None:
    """Where backslashes escape, the server sees two statements: that is no proof."""
    connection.execute("SET standard_conforming_strings = off")
    connection.execute("SET escape_string_warning = off")
    sql = r"SELECT '\'; SELECT 2; --'"
    assert prove(connection, [Probe(sql, (), 1)]) == [None]
    sql = r"SELECT '\'; END; DROP TABLE empty_one; --'"
    assert prove(connection, [Probe(sql, (), 1)]) == [None]
    assert connection.execute("SELECT FROM empty_one").fetchall() == []


def test_nothing_is_run_and_nothing_left(connection: psycopg.Connection) -> None:
    """Statements that write are analysed only, and the functions are gone."""
    sqls = [
        "INSERT INTO empty_one VALUES (1, 1) RETURNING id",
        "SELECT nextval('tweet_id_seq')",
        "WITH gone AS (DELETE FROM tweet RETURNING id) SELECT id FROM gone",
    ]
    before = connection.execute("SELECT last_value FROM tweet_id_seq").fetchall()
    found = prove(connection, [Probe(sql, (), 1) for sql in sqls])
    assert found == [(NOT_NULL,)] * 3
    assert connection.execute("SELECT FROM empty_one").fetchall() == []
    assert connection.execute("SELECT count(*) > 0 FROM tweet").fetchall() == [(True,)]
    after = connection.execute("SELECT last_value FROM tweet_id_seq").fetchall()
    assert (before, connection.execute(LEFT).fetchone()) == (after, (0,))


def test_parameters_have_their_types(connection: psycopg.Connection) -> None:
    """Types of other schemas, arrays and domains that refuse NULL are taken."""
    connection.execute('CREATE SCHEMA IF NOT EXISTS "Other one"')
    connection.execute('DROP TYPE IF EXISTS "Other one"."A type" CASCADE')
    connection.execute('CREATE TYPE "Other one"."A type" AS ENUM (\'a\')')
    types = ('"Other one"."A type"', "integer[]", "filled", "character varying")
    sql = "SELECT $1, $2, $3, $4, coalesce($4, 'x')"
    maybe = Nullability(may_be_null=True, reason="a parameter may be NULL")
    assert prove(connection, [Probe(sql, types, 5)]) == [(*[maybe] * 4, NOT_NULL)]


def test_too_many_parameters_prove_nothing(connection: psycopg.Connection) -> None:
    """A function takes 100 parameters."""
    sql = f"SELECT coalesce({', '.join(f'${n}' for n in range(1, 102))}, 1)"
    assert prove(connection, [Probe(sql, ("integer",) * 101, 1)]) == [None]


def test_the_number_of_columns_must_be_the_same(
    connection: psycopg.Connection,
) -> None:
    """Where a rule makes another query of it, the tree tells of other columns."""
    assert prove(connection, [Probe("SELECT 1, 2", (), 1)]) == [None]


def test_what_returns_nothing_is_not_sent(connection: psycopg.Connection) -> None:
    """Without columns there is nothing to prove, whatever the text is."""
    assert prove(connection, [Probe("DROP TABLE tweet", (), 0)]) == [()]
    assert prove(connection, []) == []


def test_a_session_that_is_read_only_by_default_proves(
    connection: psycopg.Connection,
) -> None:
    """The probe's own transaction may write, and the session is what it was."""
    connection.execute("SET default_transaction_read_only = on")
    assert prove(connection, [Probe("SELECT 1", (), 1)]) == [(NOT_NULL,)]
    row = connection.execute("SHOW transaction_read_only").fetchone()
    assert row == ("on",)


def test_the_path_decides_what_a_name_is(connection: psycopg.Connection) -> None:
    """Tables of the session's path are meant, and the catalog's names are its own."""
    for name in ("pg_proc", "pg_class", "pg_attribute", "things"):
        connection.execute(f"CREATE TEMP TABLE {name} (id int)".encode())
    sql = "SELECT id + 1 FROM things"
    connection.execute("SET search_path TO public, pg_temp, pg_catalog")
    assert prove(connection, [Probe(sql, (), 1)]) == [(NOT_NULL,)]
    connection.execute("SET search_path TO pg_temp, public, pg_catalog")
    nullable = Nullability(may_be_null=True, reason="the column allows NULL")
    assert prove(connection, [Probe(sql, (), 1)]) == [(nullable,)]


def test_without_the_right_to_make_temporary_things_nothing_is_proved(
    on_postgres: Database,
) -> None:
    """A role that lacks TEMP on the database gets no proof, and no error."""
    name = on_postgres.name
    on_postgres.execute(f"REVOKE TEMP ON DATABASE {name} FROM PUBLIC")
    on_postgres.execute("CREATE ROLE poor LOGIN")
    place = make_conninfo(on_postgres.place, user="poor")
    with psycopg.connect(place, autocommit=True) as connection:
        assert prove(connection, [Probe("SELECT 1", (), 1)]) == [None]
    on_postgres.execute("DROP ROLE poor")


def test_an_event_trigger_that_refuses_leaves_nothing_proved(
    on_postgres: Database,
) -> None:
    """Where the database lets nobody make functions, there is no proof."""
    on_postgres.execute("""
        CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE 'no'; END $$;
        CREATE EVENT TRIGGER no ON ddl_command_start WHEN TAG IN ('CREATE FUNCTION')
            EXECUTE FUNCTION no();
    """)
    with psycopg.connect(on_postgres.place, autocommit=True) as connection:
        assert prove(connection, [Probe("SELECT 1", (), 1)]) == [None]


def test_a_version_that_is_not_known_proves_nothing(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The numbers in a tree may mean something else in a version that was not tried."""
    monkeypatch.setattr(proof, "KNOWN", range(14, 15))
    probes = [Probe("SELECT 1", (), 1), Probe("DELETE FROM tweet", (), 0)]
    assert prove(connection, probes) == [None, ()]


def test_a_lost_connection_is_an_error(on_postgres: Database) -> None:
    """An exchange that breaks off is not taken for a lack of proof."""
    with psycopg.connect(on_postgres.place, autocommit=True) as connection:
        on_postgres.rows(f"SELECT pg_terminate_backend({connection.info.backend_pid})")
        with pytest.raises(ConnectionLost):
            prove(connection, [Probe("SELECT 1", (), 1)])


def test_many_are_proved_in_few_round_trips(connection: psycopg.Connection) -> None:
    """Hundreds of queries, and views behind views, are asked for in batches."""
    probes = [
        Probe(f"SELECT id, reply FROM replied_twice WHERE id > {number}", (), 2)
        for number in range(300)
    ]
    joined = Nullability(may_be_null=True, reason="outer join")
    assert prove(connection, probes) == [(NOT_NULL, joined)] * 300


def test_what_is_nested_too_deep_is_not_proved(connection: psycopg.Connection) -> None:
    """An expression that is deeper than we can go gives no proof, and no error."""
    sql = f"SELECT {'1 + (' * 600}1{')' * 600}"
    assert prove(connection, [Probe(sql, (), 1)]) == [None]
