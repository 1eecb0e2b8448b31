"""A database with the schema of SQLx's own tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.embedded import Server

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def described_place(
    postgres: Server, maintenance: psycopg.Connection[Any]
) -> Iterator[str]:
    """Make the database; give the words to connect with."""
    name = "described"
    maintenance.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
    place = make_conninfo("", **postgres.keywords(name))
    with psycopg.connect(place, autocommit=True) as connection:
        connection.execute((HERE / "schema.sql").read_bytes())
    yield place
    maintenance.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def connection(described_place: str) -> Iterator[psycopg.Connection[Any]]:
    """Connect to it, in autocommit."""
    with psycopg.connect(described_place, autocommit=True) as opened:
        yield opened
