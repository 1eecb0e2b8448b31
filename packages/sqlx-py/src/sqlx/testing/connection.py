"""The fixture `db` alone: pytest-django has one of that name; there it stays theirs.

Who wants ours all the same imports it into `conftest.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    import psycopg
    import pymysql

    from sqlx.testing.stock import Lease

__all__ = ["db"]


@pytest.fixture
def db(
    request: pytest.FixtureRequest, _sqlx_lease: Lease
) -> Iterator[psycopg.Connection[Any] | sqlite3.Connection | pymysql.Connection[Any]]:
    """Connect to a fresh, migrated database of this test's own, in autocommit."""
    from sqlx.testing.session import failing, give

    with failing():
        connection = _sqlx_lease.connect()
    try:
        yield give(request, "db", connection)
    finally:
        connection.close()
