"""What is proved, trap by trap, as a file has it; and the reason where nothing is."""

from __future__ import annotations

from pathlib import Path

import pytest
from apsw.ext import query_info
from databases.sqlite_proof.tables import FILLINGS, filled, scratch
from databases.sqlite_proof.trial import rows_of

from sqlx.databases.sqlite.describing.describe import describe
from sqlx.queries.values import Column, Description, SqlxVersion

LINES = (Path(__file__).parent / "traps.txt").read_text("utf-8").splitlines()
TRAPS = [line.split(" ", 1) for line in LINES if not line.startswith("#")]
REASONS = {
    "SELECT b FROM t": "the column allows NULL",
    "SELECT d AS b FROM t WHERE d = 1 ORDER BY c": "the column allows NULL",
    "SELECT x.j FROM t LEFT JOIN x ON x.i = t.b": "outer join",
    "SELECT x.l FROM t LEFT JOIN x ON x.i = t.b": "outer join",
    "SELECT i FROM joined": "outer join",
    "SELECT ?": "a parameter may be NULL",
    "SELECT 1 + ?": "a parameter may be NULL",
    "SELECT sum(a) FROM t": "an aggregate may be NULL",
    "SELECT total(a) FROM t": "an aggregate may be NULL",
    "SELECT a - a FROM t": "arithmetic may have no result",
    "SELECT a / a FROM t": "arithmetic may have no result",
    "SELECT substr(c, 1) FROM t": "a function may give NULL",
    "SELECT lower(b) FROM t": "the column allows NULL",
    "SELECT value FROM json_each('[1]')": "a virtual table may give NULL",
    "SELECT NULL": "an expression may be NULL",
    "SELECT CASE WHEN a THEN 1 END FROM t": "an expression may be NULL",
    "SELECT (SELECT a FROM t)": "an expression may be NULL",
    "SELECT 1 LIMIT 0": "it could not be proved",
    "PRAGMA foreign_keys": "it could not be proved",
    "/* it */ EXPLAIN SELECT 1": "it could not be proved",
}


def columns(sql: str) -> tuple[Column, ...]:
    """Describe a query on empty tables."""
    (found,) = describe(scratch(), [sql], SqlxVersion.V0_9)
    assert isinstance(found, Description)
    return found.columns


def marks(sql: str) -> str:
    """Write ! for a column that is never NULL, and ? for another."""
    proofs = [column.proof for column in columns(sql)]
    return "".join(
        "?" if proof is None or proof.may_be_null else "!" for proof in proofs
    )


@pytest.mark.parametrize(("expected", "sql"), TRAPS)
def test_what_is_proved(expected: str, sql: str) -> None:
    """No more than is so; and as much as the file says."""
    assert marks(sql) == expected


@pytest.mark.parametrize(("sql", "reason"), REASONS.items())
def test_there_is_a_reason(sql: str, reason: str) -> None:
    """It is what a person would look for first."""
    proof = columns(sql)[0].proof
    assert proof is not None
    assert proof.may_be_null
    assert proof.reason == reason


@pytest.mark.parametrize("name", FILLINGS)
def test_no_trap_is_sprung(name: str) -> None:
    """On data, NULL comes in no column that is proved."""
    connection = filled(name)
    for expected, sql in TRAPS:
        rows = rows_of(connection, sql, query_info(connection, sql).bindings_count)
        nulls = {i for row in rows for i, value in enumerate(row) if value is None}
        assert not nulls & {i for i, mark in enumerate(expected) if mark == "!"}, sql
