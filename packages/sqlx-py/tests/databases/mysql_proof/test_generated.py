"""Random queries: what is proved of them is true of what they return.

By hand, with others:

    SQLX_PROOF_QUERIES=20000 SQLX_PROOF_SEED=7 \
        pytest -m slow packages/sqlx-py/tests/databases/mysql_proof/test_generated.py
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from databases.mysql_proof.stage import tried

if TYPE_CHECKING:
    from collections import Counter

    from mysql_server import Server

FEW, MANY = 150, 3000


# MySQL 9.7 crashes on some of these queries; it is not by what we make of them.
OF_MYSQL, ON_MYSQL = 28, 250


def assert_telling(counts: Counter[str]) -> None:
    """A test that proves nothing says nothing; and there must be lies to be found."""
    assert counts["value-True"] > counts["value-False"] * 0.4
    assert counts["null-False"] > 30
    assert counts["the server was wrong"] > 0


@pytest.mark.slow
def test_what_is_proved_is_so(mariadb: Server) -> None:
    """A few random queries."""
    found = tried(mariadb, 1, FEW)
    assert found.wrong == []
    assert_telling(found.counts)


@pytest.mark.slow
def test_what_is_proved_of_many_is_so(mariadb: Server) -> None:
    """More of them, on other tables."""
    seed = int(os.environ.get("SQLX_PROOF_SEED", "2"))
    found = tried(mariadb, seed, int(os.environ.get("SQLX_PROOF_QUERIES", MANY)))
    assert found.wrong == []
    assert_telling(found.counts)


@pytest.mark.slow
def test_what_is_proved_on_mysql_is_so(mysql: Server) -> None:
    """It is wrong more rarely than MariaDB, about the same joins."""
    found = tried(mysql, OF_MYSQL, ON_MYSQL)
    assert found.wrong == []
    assert_telling(found.counts)
