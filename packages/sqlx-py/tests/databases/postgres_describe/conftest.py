"""A database with the schema of SQLx's own tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.testing import DatabaseFactory

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def described_place(db_factory: DatabaseFactory, sqlx_server: str) -> str:
    """Make the database; give its URL."""
    return db_factory.create(
        migrations=False, fixtures=[HERE / "schema.sql"], database=sqlx_server
    )


@pytest.fixture
def connection(described_place: str) -> Iterator[psycopg.Connection[Any]]:
    """Connect to it, in autocommit."""
    with psycopg.connect(described_place, autocommit=True) as opened:
        yield opened
