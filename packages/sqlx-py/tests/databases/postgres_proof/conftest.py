"""A database with tables for all that a proof may stumble over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from databases.postgres_proof.golden import build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.testing import DatabaseFactory


@pytest.fixture(scope="session")
def proved_place(db_factory: DatabaseFactory, sqlx_server: str) -> str:
    """Make the database; give its URL."""
    place = db_factory.create(migrations=False, database=sqlx_server)
    with psycopg.connect(place, autocommit=True) as connection:
        build(connection)
    return place


@pytest.fixture
def connection(proved_place: str) -> Iterator[psycopg.Connection[Any]]:
    """Connect to it, in autocommit."""
    with psycopg.connect(proved_place, autocommit=True) as opened:
        yield opened
