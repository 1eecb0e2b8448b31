"""A database with tables for all that a proof may stumble over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from databases.postgres_proof.golden import build
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.embedded import Server


@pytest.fixture(scope="session")
def proved_place(
    postgres: Server, maintenance: psycopg.Connection[Any]
) -> Iterator[str]:
    """Make the database; give the words to connect with."""
    name = "proved"
    maintenance.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
    place = make_conninfo("", **postgres.keywords(name))
    with psycopg.connect(place, autocommit=True) as connection:
        build(connection)
    yield place
    maintenance.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def connection(proved_place: str) -> Iterator[psycopg.Connection[Any]]:
    """Connect to it, in autocommit."""
    with psycopg.connect(proved_place, autocommit=True) as opened:
        yield opened
