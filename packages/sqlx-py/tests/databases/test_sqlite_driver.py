"""The standard library carries out steps: statement by statement, on one thread."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING

import pytest
from databases.interrupting import ctrl_c

from sqlx.databases.sqlite.dialect import COMMIT_IF_OPEN, ROLLBACK_IF_OPEN
from sqlx.databases.sqlite.driver import SqliteConnection
from sqlx.engine.steps import Query, Script
from sqlx.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """An empty database in memory."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        yield opened


@pytest.fixture
def ours(connection: sqlite3.Connection) -> SqliteConnection:
    """The same, as the engine sees it."""
    return SqliteConnection(connection)


def test_a_query_replies_with_the_rows_of_its_last_statement(
    ours: SqliteConnection,
) -> None:
    """Values as SQLite has them."""
    rows = ours.execute(Query("SELECT 1; SELECT 2, NULL, 'é', x'00ff', 1.5"))
    assert rows == [(2, None, "é", b"\x00\xff", 1.5)]
    assert ours.execute(Query("CREATE TABLE t (id INT)")) == []


def test_a_script_replies_with_what_ends_our_migrations(
    ours: SqliteConnection,
) -> None:
    """Only rows with our two columns; all others are stepped to their end."""
    parts = (
        "CREATE TABLE t (id INT); INSERT INTO t VALUES (1), (2) RETURNING id;",
        "SELECT 5 AS sqlx_version, 6 AS sqlx_execution_time;",
    )
    assert ours.execute(Script(parts)) == [(5, 6)]
    assert ours.execute(Query("SELECT count(*) FROM t")) == [(2,)]


def test_a_statement_is_stepped_to_its_end_as_sqlx_does(
    ours: SqliteConnection,
) -> None:
    """An error in a later row is an error."""
    rows = "SELECT 1 AS c UNION ALL SELECT -9223372036854775808"
    with pytest.raises(DatabaseError, match="integer overflow"):
        ours.execute(Script((f"SELECT abs(c) FROM ({rows})",)))


def test_an_error_says_where_it_stands(ours: SqliteConnection) -> None:
    """Part, characters, how many were complete, and the extended code."""
    script = Script(
        (
            "CREATE TABLE t (id INTEGER PRIMARY KEY);",
            "\nINSERT INTO t VALUES (1);\n  INSERT INTO t VALUES (1); SELECT 1",
        )
    )
    with pytest.raises(DatabaseError) as caught:
        ours.execute(script)
    error = caught.value
    assert error.message == "UNIQUE constraint failed: t.id"
    assert (error.code, error.part, error.completed) == (1555, 1, 2)
    assert error.offset == 29


@pytest.mark.parametrize(
    ("sql", "offset"),
    [
        ("SELECT 1; SELECT FROM t", 17),
        ("SELECT 1; CREATE TABEL t (id INT)", 17),
        ("SELECT 1; CREATE TABLE t (TABEL TABEL, CHECK TABEL)", 10),
        ("SELECT 1; SELECT nowhere", 10),
        ("SELECT 1; CREATE TABLE t (id INT", 32),
    ],
)
def test_the_token_that_sqlite_names_is_found(
    ours: SqliteConnection, sql: str, offset: int
) -> None:
    """When there is only one of it; else the statement is, or the end of the text."""
    with pytest.raises(DatabaseError) as caught:
        ours.execute(Query(sql))
    assert caught.value.offset == offset


def test_the_end_of_a_transaction_is_left_out_when_none_is_open(
    connection: sqlite3.Connection, ours: SqliteConnection
) -> None:
    """A file may have ended it; otherwise it is ended."""
    for end in (COMMIT_IF_OPEN, ROLLBACK_IF_OPEN):
        assert ours.execute(Script((end,))) == []
        ours.execute(Script(("BEGIN;", "CREATE TABLE IF NOT EXISTS t (id INT);")))
        assert connection.in_transaction
        ours.execute(Script((end,)))
        assert not connection.in_transaction
    assert ours.execute(Query("SELECT count(*) FROM t")) == [(0,)]


def test_the_clock_counts_nanoseconds(ours: SqliteConnection) -> None:
    """From its start on."""
    assert ours.execute(Query("SELECT sqlx_start_clock()")) == [(-1,)]
    ((first,),) = ours.execute(Query("SELECT sqlx_elapsed_ns()"))
    ((second,),) = ours.execute(Query("SELECT sqlx_elapsed_ns()"))
    assert isinstance(first, int)
    assert isinstance(second, int)
    assert 0 < first < second < 60_000_000_000


def test_an_interruption_from_outside_is_an_error_of_the_statement(
    connection: sqlite3.Connection, ours: SqliteConnection
) -> None:
    """On a connection of the user's, whose signals are not ours to watch."""

    def stop() -> int:
        ours.interrupt()
        return 1

    connection.create_function("stop", 0, stop)
    with pytest.raises(DatabaseError) as caught:
        ours.execute(Query("SELECT stop() UNION ALL SELECT 2"))
    assert (caught.value.message, caught.value.code) == ("interrupted", 9)
    assert ours.execute(Query("SELECT 1")) == [(1,)]


def test_ctrl_c_leaves_no_statement_open() -> None:
    """Our functions could not be taken off the connection while one is."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as given:
        for at in count(1):
            ours = SqliteConnection(given)
            try:
                with ctrl_c(ours.execute.__code__.co_filename, at) as lines:
                    ours.execute(Script(("SELECT 1 UNION SELECT 2",)))
            except KeyboardInterrupt:  # Its traceback keeps alive what frames hold.
                ours.close()
                with pytest.raises(sqlite3.OperationalError):
                    given.execute("SELECT sqlx_elapsed_ns()")
            if len(lines) < at:
                break
