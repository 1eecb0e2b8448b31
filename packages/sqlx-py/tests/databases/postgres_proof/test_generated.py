"""Random queries: what is proved of them is true of what they return.

By hand, with other queries, or on another server:

    SQLX_PROOF_QUERIES=20000 SQLX_PROOF_SEED=7 SQLX_PROOF_SERVER="host=localhost" \
        pytest -m slow packages/sqlx-py/tests/databases/postgres_proof/test_generated.py
"""

from __future__ import annotations

import os
from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import psycopg
import pytest
from databases.postgres_proof.stage import Stage, Wrong
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support import Database

FEW, MANY, OF_ONE_STAGE = 150, 4000, 500


@pytest.fixture
def place(on_postgres: Database) -> Iterator[str]:
    """Name an empty database, of the server that is asked for."""
    server = os.environ.get("SQLX_PROOF_SERVER")
    if server is None:
        yield on_postgres.place
        return
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE sqlx_proof")
        yield make_conninfo(server, dbname="sqlx_proof")
        connection.execute("DROP DATABASE sqlx_proof WITH (FORCE)")


def tried(place: str, seed: int, queries: int) -> tuple[list[Wrong], Counter[str]]:
    """Try random queries, on new tables every now and then."""
    wrong: list[Wrong] = []
    counts: Counter[str] = Counter()
    with psycopg.connect(place, autocommit=True) as connection:
        for number, start in enumerate(range(0, queries, OF_ONE_STAGE)):
            chance = Random(seed + number)  # noqa: S311 -- chance need not be secret.
            stage = Stage(connection, chance)
            sentences = stage.build()
            count = min(OF_ONE_STAGE, queries - start)
            wrong += stage.check([sentences.sentence() for _ in range(count)])
            counts += stage.counts
    return wrong, counts


def assert_telling(counts: Counter[str]) -> None:
    """A test that says yes to everything says nothing: there is much to be found.

    The shares are well below what a quiet machine gives (0.9 and 0.45): on a busy one,
    more of the queries that find many rows meet the statement's time limit.
    """
    runs = counts["run"] + counts["refused"] + counts["unproved"]
    assert counts["run"] > 0.5 * runs
    assert counts["with rows"] > 0.2 * counts["run"]
    assert counts["sure"] > 0.25 * counts["columns"]
    assert counts["null"] > 0.15 * counts["columns"]


@pytest.mark.slow
def test_random_queries_have_no_null_where_none_can_be(on_postgres: Database) -> None:
    """Of some random queries, no column that is called NOT NULL has a NULL."""
    wrong, counts = tried(on_postgres.place, 1, FEW)
    assert wrong == []
    assert_telling(counts)


@pytest.mark.slow
def test_many_random_queries(place: str) -> None:
    """The same of many, and of as many more as one likes."""
    queries = int(os.environ.get("SQLX_PROOF_QUERIES", MANY))
    wrong, counts = tried(
        place, int(os.environ.get("SQLX_PROOF_SEED", "1000")), queries
    )
    assert wrong == []
    assert_telling(counts)
