"""The rules on trees as other servers write them, and on such as none does.

A tree is named after the version that wrote it. Its tables are
`a(id int NOT NULL, x int, t text NOT NULL)` and `b(id int NOT NULL, x int)`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from databases.postgres_proof.golden import written

from sqlx.databases.postgres.proving.facts import (
    Facts,
    Function,
    Relation,
    find_facts,
    the_query,
)
from sqlx.databases.postgres.proving.nodes import UnknownTree
from sqlx.databases.postgres.proving.nullability import Analysis

if TYPE_CHECKING:
    from collections.abc import Sequence

TREES = Path(__file__).parent / "trees"
A, B = 70001, 70002
FACTS = Facts(
    {A: Relation("r", frozenset({1, 3})), B: Relation("r", frozenset({1}))},
    {
        65: Function("int4eq", is_strict=True, source="int4eq", operator="="),
        147: Function("int4gt", is_strict=True, source="int4gt", operator=">"),
        177: Function("int4pl", is_strict=True, source="int4pl", operator="+"),
        2803: Function("count", is_strict=False, source="aggregate_dummy"),
    },
)
GROUPED = "? GROUPING SETS, ROLLUP or CUBE"
OUTER = "? outer join"
UNKNOWN = "? nothing is known of it"


def proved(name: str, old: str = "", new: str = "", facts: Facts = FACTS) -> list[str]:
    """Look at a tree, in which something may be written otherwise."""
    text = (TREES / f"{name}.tree").read_text("utf-8").strip()
    assert old in text
    query = the_query(text.replace(old, new) if old else text)
    return list(written(Analysis(facts).nullability(query)))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("14_expressions", ["!", "!", "!", "!", "!", "!", UNKNOWN, OUTER, "!"]),
        ("15_rollup", [GROUPED, GROUPED, GROUPED, "!", "!", GROUPED]),
        ("16_full_join", ["!", OUTER]),
        ("17_merge", ["!", "!", OUTER]),
        ("18_with", ["!"]),
    ],
)
def test_trees_of_other_versions(name: str, expected: list[str]) -> None:
    """What versions name or write in their own way is understood."""
    assert proved(name) == expected


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("16_full_join", ":jointype 2 :isN", ":jointype 7 :isN", "a join of kind 7"),
        ("16_full_join", ":rtindex 3", ":rtindex 0", "a join of kind 2"),
        ("16_full_join", "{JOINEXPR", "{SEMIJOIN", "SEMIJOIN is no part of FROM"),
        (
            "16_full_join",
            ":varlevelsup 0",
            ":varlevelsup 1",
            "a column of a query",
        ),
        ("16_full_join", "(({QUERY", "({QUERY} ({QUERY", "not one query"),
        ("16_full_join", "{QUERY", "{PLAN", "not one query"),
        ("18_with", "{SETOPERATIONSTMT :op 1", "{S :op 9", "a set operation of kind 9"),
        ("18_with", ":ctename x :ctelev", ":ctename y :ctelev", "no query y in WITH"),
        ("18_with", "{CONST", "<> {CONST", "VALUES has a row that is none"),
        ("18_with", ":commandType 1", "", "QUERY has no commandType"),
    ],
)
def test_what_no_server_writes_is_refused(
    name: str, old: str, new: str, message: str
) -> None:
    """A tree that is otherwise than we know proves nothing."""
    with pytest.raises(UnknownTree, match=message):
        proved(name, old, new)


def test_what_is_not_in_the_catalog_may_be_null() -> None:
    """Tables and functions that are gone, or of which nothing is said, may be NULL."""
    assert proved("18_with", facts=Facts({}, {})) == [UNKNOWN]
    gone = Facts({A: Relation(""), B: Relation("")}, {})
    assert proved("18_with", facts=gone) == [UNKNOWN]
    assert proved("14_expressions", "", "", Facts(FACTS.relations, {}))[-2:] == [
        OUTER,
        "!",
    ]
    assert proved("15_rollup", facts=Facts(FACTS.relations, {}))[3] == UNKNOWN


def test_a_column_that_a_join_has_lost_may_be_null() -> None:
    """In a view, a column of a join can stand for one that was dropped."""
    alias = ":joinaliasvars ("
    assert proved("16_full_join", alias, f"{alias}<> ") == [UNKNOWN, OUTER]


def test_a_view_whose_query_cannot_be_read_proves_nothing() -> None:
    """It is kept as one without a query, and whoever names it is told."""

    def ask(sql: str, oids: str) -> Sequence[Sequence[str | None]]:
        assert (oids, "pg_rewrite" in sql) == (f"{{{A}}}", True)
        return [(str(A), "v", "{}", "f", "({QUERY")]

    facts = find_facts([f"{{RANGETBLENTRY :relid {A}}}"], ask)
    assert facts == Facts({A: Relation("v")}, {})
    with pytest.raises(UnknownTree, match="a view without its query"):
        proved("18_with", facts=facts)
