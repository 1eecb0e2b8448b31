"""Queries are described as SQLx does it, and nothing is left behind."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import apsw
import pytest
from databases.sqlite_describe.golden import SCHEMA, written

from sqlx.databases.sqlite.describing.describe import describe
from sqlx.queries.values import (
    Column,
    Database,
    Description,
    Nullability,
    Origin,
    Refusal,
    SqlxVersion,
    TypeInfo,
)

if TYPE_CHECKING:
    from pathlib import Path

ENDLESS = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r)"


@pytest.fixture
def connection() -> apsw.Connection:
    """The tables of the golden cases."""
    opened = apsw.Connection(":memory:")
    opened.execute(SCHEMA)
    return opened


def said(
    connection: apsw.Connection, sql: str, version: SqlxVersion = SqlxVersion.V0_9
) -> list[str]:
    """Describe one query, and write it down."""
    return written(describe(connection, [sql], version)[0])


def test_a_description_has_all_that_is_known(connection: apsw.Connection) -> None:
    """What SQLx says stands beside what was proved."""
    sql = "SELECT id, owner_id, 1 AS one FROM tweet WHERE id = ?"
    assert describe(connection, [sql], SqlxVersion.V0_9) == [
        Description(
            Database.SQLITE,
            sql,
            (
                Column(
                    "id",
                    TypeInfo("Integer"),
                    Origin("tweet", "id"),
                    nullable=False,
                    proof=Nullability(may_be_null=False),
                ),
                Column(
                    "owner_id",
                    TypeInfo("Integer"),
                    Origin("tweet", "owner_id"),
                    nullable=True,
                    proof=Nullability(
                        may_be_null=True, reason="the column allows NULL"
                    ),
                ),
                Column(
                    "one",
                    TypeInfo("Integer"),
                    None,
                    nullable=False,
                    proof=Nullability(may_be_null=False),
                    known_type=TypeInfo("Integer"),
                ),
            ),
            1,
        )
    ]


def test_a_refusal_counts_characters(connection: apsw.Connection) -> None:
    """SQLite counts bytes, and each statement from its own beginning."""
    sql = "SELECT 'é'; SELECT 'ü', nope FROM tweet"
    (refusal,) = describe(connection, [sql], SqlxVersion.V0_9)
    assert refusal == Refusal(sql, "no such column: nope", 24, "1")
    assert sql[24:28] == "nope"


def test_one_refusal_does_not_stop_the_others(connection: apsw.Connection) -> None:
    """Each query has an answer of its own, in its place."""
    found = describe(connection, ["SELECT 1", "SELEC", "SELECT 2"], SqlxVersion.V0_9)
    assert [type(one) for one in found] == [Description, Refusal, Description]


def test_nothing_is_written(connection: apsw.Connection) -> None:
    """What would write is prepared and listed, never run."""
    writes = [
        "INSERT INTO tweet (id, text) VALUES (2, 'x') RETURNING id",
        "DELETE FROM tweet RETURNING id; DELETE FROM accounts",
        "UPDATE tweet SET text = 'x' RETURNING *",
        "CREATE TABLE new (id INT)",
        "DROP TABLE tweet",
    ]
    before = connection.total_changes()
    for one in describe(connection, writes, SqlxVersion.V0_9):
        assert isinstance(one, Description)
    assert connection.total_changes() == before
    assert connection.execute("SELECT count(*) FROM tweet").get == 1


def test_a_read_only_file_will_do(tmp_path: Path) -> None:
    """Queries that write are described there, too."""
    place = str(tmp_path / "file.db")
    made = apsw.Connection(place)
    made.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    made.close()
    connection = apsw.Connection(place, flags=apsw.SQLITE_OPEN_READONLY)
    insert = "INSERT INTO t DEFAULT VALUES RETURNING id"
    assert said(connection, insert) == ["id INTEGER! <- t.id"]


def test_the_type_of_an_expression_is_that_of_its_first_row(
    connection: apsw.Connection,
) -> None:
    """Without a row, or with NULL there, SQLx has nothing but its guess."""
    upper = "SELECT upper(name) AS up, owner_id + 0.5 AS half FROM accounts, tweet"
    assert said(connection, upper) == ["up TEXT~", "half REAL?"]
    connection.execute("DELETE FROM accounts")
    assert said(connection, upper) == ["up NULL~", "half REAL?"]


def test_a_first_row_that_never_comes_is_not_waited_for(
    connection: apsw.Connection,
) -> None:
    """Stepping ends after a number of steps; the connection can be used again."""
    assert said(connection, f"{ENDLESS} SELECT max(n) AS m FROM r") == ["m NULL~"]
    count = f"{ENDLESS} SELECT count(*) FROM (SELECT n FROM r LIMIT 1000000)"
    assert connection.execute(count).get == 1_000_000


def test_an_endless_query_with_a_first_row_is_left_there(
    connection: apsw.Connection,
) -> None:
    """One step is all."""
    assert said(connection, f"{ENDLESS} SELECT n FROM r") == ["n INTEGER!"]


def test_a_first_row_that_fails_is_none(connection: apsw.Connection) -> None:
    """The guess must do, as in SQLx; so it must where a text is not UTF-8."""
    sql = "SELECT abs(-9223372036854775808) AS n, 'x' AS t"
    assert said(connection, sql) == ["n NULL~", "t TEXT!"]
    assert said(connection, "SELECT CAST(x'ff' AS TEXT) AS t") == ["t TEXT!"]


def test_blob_literals_are_listed_as_others_of_their_length(
    connection: apsw.Connection,
) -> None:
    """A listing has them as text, which must be UTF-8; nothing else is touched."""
    sql = """
    SELECT x'deadbeef' AS b, 'x''ff''' AS c, "text" AS "x'ff'", [id] AS [x'ff]
    FROM tweet /* x'ff' */ -- x'ff'
    WHERE text <> X'FFFE' OR `id` = 1
    """
    assert said(connection, sql) == [
        "b BLOB!",
        "c TEXT!",
        "x'ff' TEXT! <- tweet.text",
        "x'ff INTEGER! <- tweet.id",
    ]


def test_other_databases_are_named(connection: apsw.Connection) -> None:
    """The main one is not; SQLx knows nothing of the tables of attached ones."""
    connection.execute("ATTACH ':memory:' AS other")
    connection.execute("CREATE TABLE other.t (id INTEGER PRIMARY KEY, n INT NOT NULL)")
    sql = "SELECT t.id, n, name FROM other.t JOIN _temp_empty"
    assert said(connection, sql) == [
        "id INTEGER! <- other.t.id",
        "n INTEGER! <- other.t.n",
        "name TEXT! <- temp._temp_empty.name",
    ]
    (found,) = describe(connection, [sql], SqlxVersion.V0_9)
    assert isinstance(found, Description)
    assert [c.proof for c in found.columns] == [Nullability(may_be_null=False)] * 3


def test_what_the_guess_does_not_know_the_table_tells(
    connection: apsw.Connection,
) -> None:
    """0.9 knows better than to say that a rowid may be NULL, and says nothing."""
    sql = "SELECT id, name FROM accounts LIMIT 0"
    eight, nine = (said(connection, sql, version) for version in SqlxVersion)
    assert eight == ["id INTEGER! <- accounts.id", "name TEXT! <- accounts.name"]
    assert nine == ["id INTEGER~ <- accounts.id", "name TEXT! <- accounts.name"]


def test_a_column_may_have_no_type(connection: apsw.Connection) -> None:
    """Its type is that of the first row."""
    connection.execute(
        "CREATE TABLE bare (a, b NOT NULL); INSERT INTO bare VALUES (1, 'x')"
    )
    assert said(connection, "SELECT a, b FROM bare") == [
        "a INTEGER? <- bare.a",
        "b TEXT! <- bare.b",
    ]


def test_an_index_on_an_expression_is_no_obstacle(connection: apsw.Connection) -> None:
    """SQLx reads a column that is none as nullable and of no type."""
    connection.execute("CREATE INDEX lowered ON accounts (lower(name), name)")
    sql = "SELECT lower(name) AS low, name FROM accounts ORDER BY lower(name)"
    assert said(connection, sql) == ["low TEXT?", "name TEXT! <- accounts.name"]


def test_triggers_are_part_of_the_listing(connection: apsw.Connection) -> None:
    """What SQLx makes of it is kept; the proof looks at the main program alone."""
    connection.execute(
        "CREATE TRIGGER gone AFTER DELETE ON tweet"
        " BEGIN DELETE FROM accounts WHERE id = old.id; END"
    )
    sql = "DELETE FROM tweet RETURNING id, owner_id"
    assert said(connection, sql) == [
        "id INTEGER! <- tweet.id",
        "owner_id INTEGER? <- tweet.owner_id",
    ]


def test_apsw_is_imported_when_it_is_needed() -> None:
    """The modules of SQLite come without it."""
    code = (
        "import sys, sqlx.databases.sqlite.describing.describe;"
        "import sqlx.databases.sqlite.proving.proof;"
        "sys.exit('apsw' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
