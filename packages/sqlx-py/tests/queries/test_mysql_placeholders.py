"""Placeholders of MySQL are found where the server sees them."""

from __future__ import annotations

import pytest

from sqlx.queries.checking.mysql_placeholders import (
    around_placeholders,
    first_pipes,
)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT '?'",
        "SELECT '''?', '\\'?', \"?\"\"?\", \"\\\"?\"",
        "SELECT `?`, `a``?`",
        "SELECT 1 # ?",
        "SELECT 1 -- ?\n",
        "SELECT 1 --\t?",
        "SELECT 1 --\n",
        "SELECT /* ? */ 1 /* ? ",
        "SELECT 'never closed ?",
        "",
    ],
)
def test_there_is_none(sql: str) -> None:
    """In literals, names and comments."""
    assert around_placeholders(sql) == [sql]


@pytest.mark.parametrize(
    ("sql", "parts"),
    [
        ("?", ["", ""]),
        ("SELECT ?,?", ["SELECT ", ",", ""]),
        ("SELECT '?', ? -- ?\n, ?", ["SELECT '?', ", " -- ?\n, ", ""]),
        ("SELECT 5--?", ["SELECT 5--", ""]),
        (
            "SELECT /*! ? */ 1, /*M!100000 ? */",
            ["SELECT /*! ", " */ 1, /*M!100000 ", " */"],
        ),
    ],
)
def test_the_text_is_split(sql: str, parts: list[str]) -> None:
    """What stands between them, and around; code for one server is code."""
    assert around_placeholders(sql) == parts
    assert "?".join(parts) == sql


def test_pipes_are_found_where_they_are_an_operator() -> None:
    """Not in literals, names and comments, and one of them is none."""
    assert first_pipes("SELECT '||', `||`, 1 | 2 -- ||\n") is None
    assert first_pipes("SELECT '||', a || b || c") == 15
