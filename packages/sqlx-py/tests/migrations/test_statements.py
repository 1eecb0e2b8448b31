"""What the first words of a file's statements tell."""

from __future__ import annotations

import pytest

from sqlx.migrations.statements import (
    Syntax,
    client_copy,
    ends_transaction,
    is_plain_ddl,
    leaves_settings,
    split,
    transaction_control,
)

POSTGRES, SQLITE = Syntax.POSTGRES, Syntax.SQLITE

# The statement; is it transaction control; can it end the transaction it stands in.
CONTROL = [
    ("BEGIN", True, False),
    ("begin isolation level serializable", True, False),
    ("/* now */ BEGIN WORK", True, False),
    ("START TRANSACTION READ ONLY", True, False),
    ("COMMIT", True, True),
    ("COMMIT AND CHAIN", True, True),
    ("END", True, True),
    ("ROLLBACK", True, True),
    ("ROLLBACK WORK", True, True),
    ("ABORT", True, True),
    ("PREPARE TRANSACTION 'to'", True, True),
    ("COMMIT PREPARED 'a'", True, False),
    ("ROLLBACK PREPARED 'a'", True, False),
    ("ROLLBACK TO a", False, False),
    ("ROLLBACK WORK TO SAVEPOINT a", False, False),
    ("rollback transaction to a", False, False),
    ("SAVEPOINT a", False, False),
    ("RELEASE SAVEPOINT a", False, False),
    ("PREPARE a AS SELECT 1", False, False),
    ("SET TRANSACTION READ ONLY", False, False),
    ("CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; END", False, False),
    ("DO $$BEGIN COMMIT; END$$", False, False),
    ('"BEGIN"', False, False),
    ("SELECT 'COMMIT;'", False, False),
    ("(BEGIN)", False, False),
]


@pytest.mark.parametrize(("sql", "controls", "ends"), CONTROL)
def test_transaction_control_is_known_by_its_first_words(
    sql: str, *, controls: bool, ends: bool
) -> None:
    """Savepoints, routines and quoted text are none."""
    found = split(f"SELECT 1; {sql}; SELECT 2", POSTGRES)
    statement = found.items[1]
    assert transaction_control(found, POSTGRES) == ((statement,) if controls else ())
    assert ends_transaction(statement) is ends


@pytest.mark.parametrize(
    ("sql", "controls"),
    [
        ("BEGIN IMMEDIATE", True),
        ("COMMIT TRANSACTION", True),
        ("END TRANSACTION", True),
        ("ROLLBACK", True),
        ("ROLLBACK TRANSACTION TO a", False),
        ("SAVEPOINT a", False),
        ("EXPLAIN BEGIN", False),
        ("ABORT", False),
        ("START TRANSACTION", False),
        ("CREATE TRIGGER t DELETE ON a BEGIN SELECT 1; END", False),
    ],
)
def test_sqlite_has_fewer_words_for_it(sql: str, *, controls: bool) -> None:
    """A trigger's BEGIN and END belong to the trigger."""
    found = split(f"{sql};", SQLITE)
    assert transaction_control(found, SQLITE) == (found.items if controls else ())


def test_all_transaction_control_is_found_in_order() -> None:
    """A file with transactions of its own."""
    found = split("BEGIN; CREATE TABLE a (); COMMIT; SELECT 1; ROLLBACK", POSTGRES)
    assert [found.sql(item) for item in transaction_control(found, POSTGRES)] == [
        "BEGIN;",
        "COMMIT;",
        "ROLLBACK",
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "COPY t FROM STDIN",
        'copy "a"."b" (c, "d") from stdin with (format csv)',
        "COPY t TO STDOUT",
        "COPY (SELECT 1) TO STDOUT",
        "COPY t FROM STDOUT",
        "COPY BINARY t FROM STDIN",
    ],
)
def test_a_copy_that_needs_the_client_is_found(sql: str) -> None:
    """Also where data lines follow, which are no SQL."""
    found = split(f"SELECT 1;\n{sql};\n1\tit's\n\\.\n", POSTGRES)
    assert client_copy(found) == found.items[1]


@pytest.mark.parametrize(
    "sql",
    [
        "COPY t FROM '/data/stdin'",
        "COPY t TO PROGRAM 'cat'",
        "COPY stdin FROM '/data/t'",
        "COPY t (stdin) FROM '/data/t'",
        "SELECT 'COPY t FROM STDIN'",
        "INSERT INTO copy SELECT * FROM stdin",
        "-- COPY t FROM STDIN",
        "",
    ],
)
def test_other_copies_run_on_the_server(sql: str) -> None:
    """They need no data from the client."""
    assert client_copy(split(sql, POSTGRES)) is None


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE a (b int)",
        "create unlogged table if not exists a (b int);",
        "CREATE UNIQUE INDEX a ON b (c)",
        "CREATE OR REPLACE FUNCTION f() RETURNS TABLE (a int) AS $$SELECT 1$$",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC INSERT INTO a VALUES (1); END",
        "CREATE OR REPLACE VIEW a AS SELECT 1",
        "CREATE TABLE a PARTITION OF b FOR VALUES FROM (1) TO (2)",
        "CREATE TABLE IF NOT EXISTS a.b PARTITION OF a.c FOR VALUES FROM (1) TO (2)",
        "CREATE TABLE a (b int) WITH (fillfactor = 70) TABLESPACE c",
        "CREATE TABLE a (b int GENERATED ALWAYS AS (1) STORED)",
        "ALTER TABLE a ADD COLUMN b int DEFAULT 1",
        "DROP TABLE a",
        "COMMENT ON TABLE a IS 'CONCURRENTLY; INSERT'",
        "GRANT SELECT ON a TO b",
        "REVOKE ALL ON a FROM b",
        "CREATE TYPE tier AS ENUM ('free'); CREATE TABLE a (b tier); -- the end",
    ],
)
def test_ddl_through_and_through_is_known(sql: str) -> None:
    """Only such files share a message with others."""
    assert is_plain_ddl(split(sql, POSTGRES))


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "-- nothing",
        "INSERT INTO a VALUES (1)",
        "CREATE TABLE a (b int); INSERT INTO a VALUES (1)",
        "SET search_path = a; CREATE TABLE a ()",
        "DO $$BEGIN END$$",
        "(SELECT 1)",
        "CREATE TABLE a (b text DEFAULT 'c)",
        "CREATE TABLE a ()); DROP TABLE a",
        "CREATE TEMP TABLE a ()",
        "CREATE TEMPORARY VIEW a AS SELECT 1",
        "CREATE LOCAL TEMP TABLE a ()",
        "CREATE GLOBAL TEMPORARY TABLE a ()",
        "CREATE OR REPLACE TEMP VIEW a AS SELECT 1",
        "CREATE TABLE pg_temp.a ()",
        "CREATE DATABASE a",
        "DROP DATABASE a",
        "CREATE TABLESPACE a LOCATION '/data'",
        "DROP TABLESPACE a",
        "CREATE SUBSCRIPTION a CONNECTION '' PUBLICATION b",
        "DROP SUBSCRIPTION a",
        "ALTER SYSTEM SET work_mem = 1",
        "CREATE INDEX CONCURRENTLY a ON b (c)",
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS a ON b (c)",
        "DROP INDEX CONCURRENTLY a",
        "ALTER TABLE a DETACH PARTITION b CONCURRENTLY",
        "CREATE TABLE a AS SELECT 1",
        "CREATE UNLOGGED TABLE IF NOT EXISTS a (b) AS SELECT 1",
        "CREATE UNLOGGED TABLE IF NOT EXISTS a.b USING heap ON COMMIT DROP AS SELECT 1",
        "CREATE MATERIALIZED VIEW a AS SELECT 1",
    ],
)
def test_anything_else_goes_alone(sql: str) -> None:
    """What writes rows, fits no transaction, stays in the session, or is in doubt."""
    assert not is_plain_ddl(split(sql, POSTGRES))


@pytest.mark.parametrize(
    "sql",
    [
        "SET search_path = a",
        "set session time zone 'UTC'",
        'SET "a.b" TO 1',
        "SET ROLE a",
        "SET SESSION AUTHORIZATION a",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "RESET ALL",
        "RESET search_path",
        "DISCARD ALL",
        "SELECT set_config('search_path', '', false)",
        "SELECT pg_catalog.SET_CONFIG('search_path', '', false) AS a",
        "SELECT set_config('a.b', '1', true), set_config('a.c', '1', 'f')",
    ],
)
def test_a_setting_that_stays_is_found(sql: str) -> None:
    """It would change what the files that follow mean."""
    found = split(f"SELECT 1; {sql};", POSTGRES)
    assert leaves_settings(found, POSTGRES) == (found.items[1],)


@pytest.mark.parametrize(
    "sql",
    [
        "SET LOCAL search_path = a",
        "SET TRANSACTION READ ONLY",
        "SET CONSTRAINTS ALL DEFERRED",
        "SHOW search_path",
        "SELECT set_config('search_path', '', true)",
        "SELECT set_config('a.b', '1', TRUE ), set_config('a.c', '1', true)",
        "SELECT 'set_config(a, b, false)'",
        "SELECT current_setting('search_path')",
        "CREATE FUNCTION f() RETURNS int SET search_path = '' AS $$SELECT 1$$",
        "UPDATE a SET b = 1",
        "(SELECT 1)",
    ],
)
def test_what_ends_with_the_transaction_is_fine(sql: str) -> None:
    """It cannot reach the next file."""
    assert leaves_settings(split(sql, POSTGRES), POSTGRES) == ()


@pytest.mark.parametrize(
    ("sql", "stays"),
    [
        ("PRAGMA foreign_keys = OFF", True),
        ("pragma main.Synchronous(1)", True),
        ("PRAGMA recursive_triggers=1", True),
        ("PRAGMA foreign_keys", False),
        ("PRAGMA table_info(foreign_keys)", False),
        ("PRAGMA user_version = 3", False),
        ("PRAGMA journal_mode = WAL", False),
        ("SELECT * FROM pragma_table_info('a')", False),
    ],
)
def test_a_pragma_of_the_connection_is_found_where_it_is_set(
    sql: str, *, stays: bool
) -> None:
    """Reading one changes nothing, and others are the database's."""
    found = split(sql, SQLITE)
    assert leaves_settings(found, SQLITE) == (found.items if stays else ())
