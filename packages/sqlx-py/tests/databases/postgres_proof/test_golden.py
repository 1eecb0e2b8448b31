"""What is proved of a query, case by case, as files have it; and that it is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from databases.postgres_proof.golden import Case, cases, nulls, written

from sqlx.databases.postgres.proving.proof import prove

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.queries.values import Nullability

CASES = cases()


@pytest.fixture(scope="module")
def proofs(proved_place: str) -> dict[str, tuple[Nullability, ...] | None]:
    """Prove all cases in one go."""
    with psycopg.connect(proved_place, autocommit=True) as connection:
        found = prove(connection, [case.probe for case in CASES], at_once=7)
    return {case.name: proof for case, proof in zip(CASES, found, strict=True)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_proves_what_is_expected(
    proofs: dict[str, tuple[Nullability, ...] | None], case: Case
) -> None:
    """Each query's columns are proved as its file says, with the reasons."""
    assert written(proofs[case.name]) == case.expected


@pytest.fixture(scope="module")
def opened(proved_place: str) -> Iterator[psycopg.Connection]:
    """Connect once: what a case does is rolled back."""
    with psycopg.connect(proved_place, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_expected_is_true(opened: psycopg.Connection, case: Case) -> None:
    """No column that is called NOT NULL has a NULL when the query is run."""
    sure = [number for number, line in enumerate(case.expected) if line == "!"]
    assert not set(sure) & set(nulls(opened, case))
