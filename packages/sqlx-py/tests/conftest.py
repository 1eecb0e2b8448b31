"""The fixtures of the library's tests: databases, colours, a folder of migrations."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from support import Awaited, Database, Door, Write, new_folder

import sqlx

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.embedded import Server

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with empty databases: the migrations at the root are smally's."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.sqlx(migrations=False))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Start one embedded PostgreSQL for the session, in memory where there is a way."""
    folder = new_folder()
    with sqlx.start_embedded(folder, settings={"fsync": "off"}) as running:
        yield running
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def sqlx_server(postgres: Server) -> str:
    """Let it have the tests' databases too: they make roles, and end sessions."""
    url = "postgresql:///postgres?host={host}&port={port}&user={user}"
    return url.format(**postgres.keywords())


@pytest.fixture
def on_postgres(db_url: str) -> Database:
    """Give an empty PostgreSQL database."""
    return Database("postgres", db_url, db_url)


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
