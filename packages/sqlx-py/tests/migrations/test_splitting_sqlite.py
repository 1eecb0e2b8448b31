"""SQLite's splitter against SQLite itself: `sqlite3_complete`, and execution."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sqlx.migrations.statements import Syntax, pieces, split

FRAGMENTS = [
    *"'\"`[]();;;;\\/*-.,1\n\r  aé\ufeff",
    *["--", "/*", "*/", "/*/", "''", "; ", "x'", "a$", "SELECT 1", "SELECT ", "AS "],
    *["CREATE ", "TEMP ", "TEMPORARY ", "TRIGGER ", "EXPLAIN ", "BEGIN ", "CASE "],
    *["END", " END ;", "a b c d e f g h i j k l m "],
    "CREATE TRIGGER t AFTER INSERT ON u BEGIN SELECT 1;",
]
texts = st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join) | st.text(
    st.characters(exclude_characters="\0\v", exclude_categories=["Cs"])
)


def is_complete(text: str) -> bool:
    """Tell by our splitter whether the last statement has its `;`.

    A word behind the text is then a statement of its own.
    """
    found = split(f"{text}\n x", Syntax.SQLITE)
    ended = [found.sql(item) for item in found.items][-1:] == ["x"]
    tokens = re.sub(r"--[^\n]*|/\*[\s\S]*?\*/", "", text)
    return ended and (len(found.items) > 1 or ";" in tokens)


@given(texts)
@example("CREATE TRIGGER t BEGIN SELECT CASE WHEN 1 THEN 2 END; END;")
@example("CREATE TRIGGER t BEGIN SELECT 1; END")
@example("EXPLAIN x CREATE TRIGGER t BEGIN a;")
@example("/*")
@example("SELECT 1; /* ")
def test_a_statement_ends_where_sqlite_says(text: str) -> None:
    """`sqlite3_complete` agrees on any text without NUL (and VT, a blank at times)."""
    assert is_complete(text) is sqlite3.complete_statement(text)


def run_script(text: str) -> tuple[str, list[str]]:
    """Let SQLite split the text itself; give the error and what there is then."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        error = ""
        try:
            connection.executescript(text)
        except sqlite3.Error as caught:
            error = str(caught)
        return error, dump(connection)


def run_pieces(text: str) -> tuple[str, list[str]]:
    """Execute our statements one by one, up to the first error."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        found = split(text, Syntax.SQLITE)
        error = ""
        try:
            for item in found.items:
                connection.execute(found.sql(item)).fetchall()
        except sqlite3.Error as caught:
            error = str(caught)
        return error, dump(connection)


def dump(connection: sqlite3.Connection) -> list[str]:
    """List all that is in the database, in an open transaction or not."""
    return [*connection.iterdump(), f"in transaction: {connection.in_transaction}"]


@pytest.mark.slow
@given(texts)
@example("SELECT 1; x")
@example("SELECT 1 /* a */ ; -- b")
@example("BEGIN; CREATE TABLE a (b);")
def test_the_statements_do_what_the_script_does(text: str) -> None:
    """One by one: the same errors, the same tables, and never two in one."""
    assert run_pieces(text) == run_script(text)


SCRIPT = """\
-- People; and what they have.
CREATE TABLE people (id INTEGER PRIMARY KEY, "na;me" TEXT DEFAULT ';');
CREATE TABLE [lo;g] (`te;xt` TEXT, at INTEGER);;
CREATE TRIGGER born AFTER INSERT ON people BEGIN
    INSERT INTO [lo;g] VALUES (CASE WHEN NEW.id > 1 THEN 'more;' ELSE 'first' END, 1);
    /* not the end; */ SELECT 1; -- END;
END;
INSERT INTO people ("na;me") VALUES ('it''s;'), (';' || x'3b');
CREATE TEMP TRIGGER died DELETE ON people BEGIN SELECT 1; END ;
EXPLAIN CREATE TRIGGER t BEFORE DELETE ON people BEGIN SELECT 1; END;
WITH a(b) AS (VALUES (1), (2)) INSERT INTO people (id) SELECT b + 10 FROM a;
DELETE FROM people WHERE id = (SELECT max(id) FROM people) /* the; end
"""


def test_a_real_script_is_executed_statement_by_statement() -> None:
    """Eight statements, two of them triggers with a body; the last has no `;`."""
    found = split(SCRIPT, Syntax.SQLITE)
    assert found.certain
    assert [item.words[:2] for item in found.items] == [
        ("CREATE", "TABLE"),
        ("CREATE", "TABLE"),
        ("CREATE", "TRIGGER"),
        ("INSERT", "INTO"),
        ("CREATE", "TEMP"),
        ("EXPLAIN", "CREATE"),
        ("WITH", "A"),
        ("DELETE", "FROM"),
    ]
    error, there = run_pieces(SCRIPT)
    assert (error, there) == run_script(SCRIPT)
    assert error == ""
    assert "INSERT INTO \"people\" VALUES(11,';');" in there


@pytest.mark.parametrize("behind", ["", " \n", "-- x", "/* x */", "/* x", "\r\n/**/--"])
def test_what_is_behind_a_statement_is_no_statement(behind: str) -> None:
    """SQLite executes a text with blanks and comments behind its one statement."""
    text = f"SELECT 1;{behind}"
    with closing(sqlite3.connect(":memory:")) as connection:
        assert connection.execute(text).fetchall() == [(1,)]
    assert len(split(text, Syntax.SQLITE).items) == 1
    assert pieces(split(text, Syntax.SQLITE)) == tuple(
        filter(None, ("SELECT 1;", behind))
    )
