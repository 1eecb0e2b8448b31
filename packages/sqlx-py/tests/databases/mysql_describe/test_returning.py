"""The SELECT that stands for RETURNING: of the same columns, from the same table."""

from __future__ import annotations

import pytest

from sqlx.databases.mysql.describing.returning import select_of


@pytest.mark.parametrize(
    ("sql", "select"),
    [
        ("INSERT INTO t (a) VALUES (1) RETURNING a", " a\nFROM t"),
        ("insert t values (1) returning a, b;", " a, b\nFROM t"),
        (
            "REPLACE LOW_PRIORITY INTO `a b`.`t` VALUES (1) RETURNING *",
            " *\nFROM `a b`.`t`",
        ),
        ("DELETE QUICK IGNORE FROM d . t RETURNING a -- x", " a -- x\nFROM d . t"),
        ("\n DELETE FROM t WHERE a = (SELECT 1) RETURNING (a)", " (a)\nFROM t"),
        ("INSERT INTO t SELECT 'RETURNING x' RETURNING a", " a\nFROM t"),
    ],
)
def test_what_is_returned_is_selected(sql: str, select: str) -> None:
    """Whatever stands before it."""
    assert select_of(sql) == f"SELECT {select}"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "INSERT INTO t VALUES ('RETURNING a') -- RETURNING a",
        "INSERT INTO t (`RETURNING`) VALUES (1) /* RETURNING a */ # RETURNING",
        "INSERT INTO t SELECT (SELECT returning FROM u)",
        "UPDATE t SET a = 1",
        "",
    ],
)
def test_nothing_is_returned(sql: str) -> None:
    """By another statement, or where the word is another's."""
    assert select_of(sql) is None
