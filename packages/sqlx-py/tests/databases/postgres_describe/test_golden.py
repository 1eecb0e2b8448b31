"""What SQLx says of a query, case by case, as files have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from databases.postgres_describe.golden import Case, cases, written

from sqlx.databases.postgres.describing.describe import describe
from sqlx.queries.values import SqlxVersion

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = cases()


@pytest.fixture(scope="module")
def described(described_place: str) -> Callable[[SqlxVersion, Case], list[str]]:
    """Describe all cases in one go, for each version; give what was said of one."""
    said = {}
    for version in SqlxVersion:
        with psycopg.connect(described_place, autocommit=True) as connection:
            found = describe(connection, [case.sql for case in CASES], version)
        for case, one in zip(CASES, found, strict=True):
            assert one.sql == case.sql
            said[version, case.name] = written(one)
    return lambda version, case: said[version, case.name]


@pytest.mark.parametrize("version", SqlxVersion, ids=lambda version: version.value)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_says_what_sqlx_says(
    described: Callable[[SqlxVersion, Case], list[str]],
    case: Case,
    version: SqlxVersion,
) -> None:
    """Each query is described as its file says, whatever is asked beside it."""
    assert described(version, case) == case.expected[version]
