"""The table of marks stands in the schema of the history, however that is written."""

from __future__ import annotations

import pytest

from sqlx.databases.marks import beside


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("_sqlx_migrations", "_sqlx_compatible"),
        ('"a.b"', "_sqlx_compatible"),
        ("public._sqlx_migrations", "public._sqlx_compatible"),
        ('public."My History"', "public._sqlx_compatible"),
        ('"we.ird""x".history', '"we.ird""x"._sqlx_compatible'),
        ("shop.public.history", "shop.public._sqlx_compatible"),
        (" extra . history ", "extra._sqlx_compatible"),
        ("[my extra].[history]", "[my extra]._sqlx_compatible"),
        ("`my``extra`.`history`", "`my``extra`._sqlx_compatible"),
        ("'extra'.'history'", "'extra'._sqlx_compatible"),
        ("größe.history", "größe._sqlx_compatible"),
        ('"never closed.history', "_sqlx_compatible"),
        ("", "_sqlx_compatible"),
    ],
)
def test_the_schema_is_that_of_the_history(table: str, expected: str) -> None:
    """Quoted or not, in one part or several."""
    assert beside(table) == expected


def test_another_name_may_stand_there() -> None:
    """SQLite's own catalog is asked in the same file."""
    assert beside("extra.history", "sqlite_master") == "extra.sqlite_master"
