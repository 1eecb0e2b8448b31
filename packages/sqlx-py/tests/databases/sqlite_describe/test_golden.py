"""What SQLx says of a query, case by case, as files have it.

All cases were compared with what SQLx 0.8.6 and 0.9.0 themselves say, on their SQLite.
"""

from __future__ import annotations

import apsw
import pytest
from databases.sqlite_describe.golden import SCHEMA, Case, cases, written

from sqlx.databases.sqlite.describing.describe import describe
from sqlx.queries.values import SqlxVersion

CASES = cases()


@pytest.fixture(scope="module")
def described() -> dict[str, dict[SqlxVersion, list[str]]]:
    """Describe all cases in one go, for each version."""
    said: dict[str, dict[SqlxVersion, list[str]]] = {case.name: {} for case in CASES}
    for version in SqlxVersion:
        connection = apsw.Connection(":memory:")
        connection.execute(SCHEMA)
        found = describe(connection, [case.sql for case in CASES], version)
        for case, one in zip(CASES, found, strict=True):
            assert one.sql == case.sql
            said[case.name][version] = written(one)
    return said


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_says_what_sqlx_says(
    described: dict[str, dict[SqlxVersion, list[str]]], case: Case
) -> None:
    """Each query is described as its file says, whatever is asked beside it."""
    assert described[case.name] == case.expected


def test_every_row_of_the_conformance_suite_is_there() -> None:
    """The files are named after the rows that they begin with."""
    rows = {int(case.name[1:3]) for case in CASES if case.name[0] == "s"}
    assert rows >= {*range(1, 24), 24, 29, 35, 40, 43, 44, 45, 53, 69, 72, 74, 89, 94}
    assert len(CASES) > 130
