"""What sqlite3 takes for more than one statement."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from sqlx.queries.checking.check import check
from sqlx.queries.checking.statements import second_statement
from sqlx.queries.sites import Finding, Place, Severity, Site, SqlText
from sqlx.queries.values import Database, Description

TRIGGER = "CREATE TEMP TRIGGER t AFTER INSERT ON x BEGIN SELECT 1; SELECT 2; END;"


@pytest.mark.parametrize(
    ("sql", "offset"),
    [
        ("SELECT 1", None),
        ("SELECT 1;", None),
        ("SELECT 1; -- ;\n/* ; */ ", None),
        ("; SELECT 1", None),
        ("-- a;\nSELECT ';', \";\", [;], `;`", None),
        ("", None),
        ("SELECT 1 /* ; SELECT 2", None),
        ("SELECT 1; SELECT 2", 10),
        ("SELECT ''';'; SELECT 2", 14),
        ("SELECT 1;;", 9),
        ("SELECT 1;\n\n  -- b\n  SELECT 2;", 20),
    ],
)
def test_the_second_statement_begins_after_the_first(
    sql: str, offset: int | None
) -> None:
    """Comments, strings and names have no semicolons; sqlite3 itself agrees."""
    assert second_statement(sql) == offset
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE x ([;])")
        text = sql.replace("[;], `;`", "(SELECT [;] FROM x), (SELECT `;` FROM x)")
        if offset is None:
            connection.execute(text)
        else:
            with pytest.raises(sqlite3.ProgrammingError, match="one statement"):
                connection.execute(text)


def test_a_trigger_is_one_statement() -> None:
    """Its body has semicolons."""
    assert second_statement(TRIGGER) is None
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE x (a)")
        connection.execute(TRIGGER)


def test_a_query_of_two_statements_is_refused() -> None:
    """At the second one; PostgreSQL says it itself."""
    place = Place("app.py", 1, 1)
    text = SqlText("DELETE FROM a; DELETE FROM b", "app.py", ((0, 1, 13),))
    site = Site("clear", text, place, None, place, ())
    described = Description(Database.SQLITE, text.sql, (), 0)
    message = "sqlite3 runs one statement at a time: make this a query of its own"
    excerpt = f"{text.sql}\n{' ' * 15}^"
    assert check(site, described) == (
        Finding("app.py", Severity.ERROR, "sql", message, 1, 28, excerpt),
    )
    assert check(site, Description(Database.POSTGRES, text.sql, (), ())) == ()
