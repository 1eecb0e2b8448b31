"""The fixtures of the library's tests: databases, colours, a folder of migrations."""

from __future__ import annotations

import shutil
import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, cast

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from support import Awaited, Database, Door, Write

import sqlx

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.embedded import Server

ENOUGH_BYTES = 1 << 30  # containers give 64 MB, too little for a server
numbers = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Start one embedded PostgreSQL for the session, in memory where there is a way."""
    memory = Path("/dev/shm")  # noqa: S108 -- a fresh folder in it.
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > ENOUGH_BYTES
    folder = tempfile.mkdtemp(prefix="sqlx-", dir=memory if roomy else None)
    with sqlx.start_embedded(folder, settings={"fsync": "off"}) as running:
        yield running
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def maintenance(postgres: Server) -> Iterator[psycopg.Connection]:
    """Connect to the server to create and drop databases."""
    with psycopg.connect(
        make_conninfo("", **postgres.keywords()), autocommit=True
    ) as connection:
        yield connection


@pytest.fixture
def on_postgres(
    postgres: Server, maintenance: psycopg.Connection
) -> Iterator[Database]:
    """Create an empty PostgreSQL database; drop it with whoever is connected."""
    name = f"test_{next(numbers)}"
    # Copied file by file: in memory a third of the time that the default takes.
    maintenance.execute(
        f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY file_copy".encode()
    )
    words = postgres.keywords(name)
    url = "postgres:///{dbname}?host={host}&port={port}&user={user}".format(**words)
    yield Database("postgres", url, make_conninfo("", **words))
    maintenance.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Database:
    """Name an SQLite database that does not exist yet."""
    path = tmp_path / "test.db"
    return Database("sqlite", f"sqlite://{path}?mode=rwc", str(path))


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    """An empty database, of each kind in turn."""
    found: Database = request.getfixturevalue(f"on_{request.param}")
    return found


@pytest.fixture(params=[sqlx.Migrator, Awaited], ids=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> Door:
    """Both doors in turn, behind one face: one body, four tests."""
    return cast("Door", request.param)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make an empty folder of migrations."""
    path = tmp_path / "migrations"
    path.mkdir()
    return path


@pytest.fixture
def write(folder: Path) -> Write:
    """Write a file into the folder of migrations."""

    def write_file(name: str, sql: str) -> Path:
        path = folder / name
        path.write_text(sql, encoding="utf-8", newline="")
        return path

    return write_file
