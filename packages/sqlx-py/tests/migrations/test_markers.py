"""`-- sqlx: compatible`: where it may stand, and what only looks like it."""

from __future__ import annotations

import pytest

from sqlx.migrations.files import from_list, from_text
from sqlx.migrations.markers import Markers, near_miss, read_markers
from sqlx.migrations.migration import SourceWarning


@pytest.mark.parametrize(
    "sql",
    [
        "-- sqlx: compatible",
        "-- sqlx: compatible\r\nSELECT 1;",
        "--sqlx: compatible\n",
        "\ufeff--\t sqlx: compatible: only adds a column\n",
        "-- sqlx: compatible.",
        "\n  -- Adds a table.\n\n-- sqlx: compatible (old releases ignore it)\nCREATE",
        "/* Adds /* only */ */ -- sqlx: compatible\n",
        "-- no-transaction\n-- sqlx: compatible\nCREATE INDEX",
        "-- no-transaction, an index\n/* why */\n-- sqlx: compatible\nCREATE INDEX",
    ],
)
def test_the_marker_stands_in_the_comments_in_front(sql: str) -> None:
    """At the beginning of a line comment; a reason may follow it."""
    migration = from_text("1_a.sql", sql)
    assert migration.compatible
    assert "not-compatible" not in [w.code for w in from_list([migration]).warnings]


@pytest.mark.parametrize(
    "sql",
    [
        "-- no-transaction\n-- sqlx: compatible\n",
        "-- no-transaction \n-- why\n-- sqlx: compatible\n-- no-transaction\n",
    ],
)
def test_both_markers_may_stand_in_a_file(sql: str) -> None:
    """`-- no-transaction` first, where SQLx sees it too: no warning."""
    migration = from_text("1_a.sql", sql)
    assert (migration.no_transaction, migration.compatible) == (True, True)
    assert from_list([migration]).warnings == ()


def test_the_other_order_is_what_sqlx_does_not_see() -> None:
    """The markers' lines are told apart."""
    sql = "-- sqlx: compatible\n-- sqlx: compatible\n\n-- no-transaction\n"
    assert read_markers(sql) == Markers(no_transaction=4, compatible=1)
    (warning,) = from_list([from_text("1_a.sql", sql)]).warnings
    assert (warning.code, warning.line) == ("no-transaction-not-first", 4)


@pytest.mark.parametrize(
    ("sql", "line"),
    [
        ("-- sqlx:compatible\n", 1),
        ("-- sqlx : compatible\n", 1),
        ("-- sqlx:  compatible\n", 1),
        ("-- sqlx compatible\n", 1),
        ("-- SQLx: compatible\n", 1),
        ("\n-- sqlx: Compatible\n", 2),
        ("-- sqlx: compatible-with-1.2\n", 1),
        ("-- sqlx: compatibel\n", 1),
        ("-- sqlx: compat\n", 1),
        ("/* sqlx: compatible */", 1),
        ("/*\n * sqlx: compatible\n */", 2),
        ("-- -- sqlx: compatible", 1),
        ("SELECT 1;\n-- sqlx: compatible", 2),
        ("SELECT 1; -- sqlx: compatible", 1),
        ("-- why\rSELECT 1;\n\n-- sqlx: compatible", 3),
        ("/* open -- sqlx: compatible", 1),
    ],
)
def test_what_only_looks_like_the_marker_is_told(sql: str, line: int) -> None:
    """Nobody wants to hear of it when the old release refuses to start."""
    migration = from_text("1_a.sql", sql)
    assert not migration.compatible
    assert from_list([migration]).warnings == (
        SourceWarning(
            "not-compatible",
            "1_a.sql",
            "reads like `-- sqlx: compatible` and is not taken for it; write it just "
            "so, at the beginning of a comment in front of the first statement, unless "
            "the file is applied",
            line,
        ),
    )


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "-- Keeps old releases compatible.",
        "-- compatible",
        "-- sqlx: incompatible",
        "SELECT 'sqlx: compatible';",
        "-- See how sqlx: compatible works.",
    ],
)
def test_other_words_mean_nothing(sql: str) -> None:
    """Neither a marker nor nearly one."""
    assert read_markers(sql) == Markers()
    assert near_miss(sql) is None


def test_a_down_file_has_nothing_to_mark() -> None:
    """Where it stands it does nothing, so it is told; the up file is marked."""
    sql = "-- sqlx: compatible\nSELECT 1;"
    up, down = from_text("1_a.up.sql", sql), from_text("1_a.down.sql", sql)
    assert (up.compatible, down.compatible) == (True, False)
    assert from_list([up, down]).warnings == (
        SourceWarning(
            "not-compatible",
            "1_a.down.sql",
            "`-- sqlx: compatible` means nothing in a down file; write it into the "
            "file that it reverts, unless that is applied",
            1,
        ),
    )
