"""The fixtures of the library's tests: databases, colours, a folder of migrations."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, cast

import mysql_server
import pytest
from support import Awaited, Database, Door, Given, Write, new_folder

import sqlx

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.embedded import Server

HERE = Path(__file__).parent
OF_SERVERS = {"on_postgres", "on_mysql", "on_real_mysql"}
numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with empty databases: the migrations at the root are smally's."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.sqlx(migrations=False))
    items[:] = [item for item in items if not is_twice_the_same(item)]


def is_twice_the_same(item: pytest.Item) -> bool:
    """Tell whether a connection is given that we would have opened so: SQLite's."""
    chosen = getattr(getattr(item, "callspec", None), "params", {})
    fixtures = {*getattr(item, "fixturenames", ()), f"on_{chosen.get('database')}"}
    return chosen.get("colour") is Given and not fixtures & OF_SERVERS


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


@pytest.fixture(scope="session")
def mariadb() -> Iterator[mysql_server.Server]:
    """Start one MariaDB for the session."""
    yield from started(mysql_server.MARIADB)


@pytest.fixture(scope="session")
def mysql() -> Iterator[mysql_server.Server]:
    """Start one MySQL for the session."""
    yield from started(mysql_server.MYSQL)


def started(flavour: mysql_server.Flavour) -> Iterator[mysql_server.Server]:
    """Start a server, in memory where there is a way, and end it."""
    mysql_server.need(flavour)
    folder = new_folder()
    server = mysql_server.Server(folder, flavour)
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def on_mysql(mariadb: mysql_server.Server) -> Database:
    """Make an empty database of MariaDB, the one that most tests have as "mysql"."""
    return made(mariadb)


@pytest.fixture
def on_real_mysql(mysql: mysql_server.Server) -> Database:
    """Make an empty database of MySQL itself."""
    return made(mysql)


def made(server: mysql_server.Server) -> Database:
    """Make an empty database, which goes with its server."""
    name = f"test_{next(numbers)}"
    server.ask(f"CREATE DATABASE {name}")
    return Database("mysql", server.url(name), server.url(name))


REAL_MYSQL = pytest.param("real_mysql", marks=pytest.mark.slow)


@pytest.fixture(params=["sqlite", "postgres", "mysql", REAL_MYSQL])
def database(request: pytest.FixtureRequest) -> Database:
    """An empty database, of each kind in turn."""
    found: Database = request.getfixturevalue(f"on_{request.param}")
    return found


@pytest.fixture(params=["sqlite", "postgres"])
def transactional(request: pytest.FixtureRequest) -> Database:
    """An empty database where a transaction undoes DDL, of each kind in turn."""
    found: Database = request.getfixturevalue(f"on_{request.param}")
    return found


@pytest.fixture(
    params=[
        pytest.param(sqlx.Migrator, id="sync"),
        pytest.param(Awaited, id="async"),
        pytest.param(Given, id="given", marks=pytest.mark.slow),
    ]
)
def colour(request: pytest.FixtureRequest) -> Door:
    """Both doors in turn, behind one face: one body, six tests."""
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
