"""Servers, fresh databases and proxies for the fault suite."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

sys.path.append(str(Path(__file__).parents[1]))

from faults.mysql import MySqlDatabase
from faults.proxy import MySqlProxy, Proxy
from faults.servers import (
    PGBOUNCER,
    POSTGRES_15,
    Database,
    DebianServer,
    EmbeddedServer,
    Server,
    pgbouncer,
)
from mysql_server import MARIADB, MYSQL, Flavour, need
from mysql_server import Server as MySqlServer
from support import new_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from sqlx import embedded

numbers = count(1)


class Fresh(Protocol):
    """Makes an empty database, which is dropped with whoever is still connected."""

    def __call__(self) -> AbstractContextManager[Database]:
        """Make it."""


@pytest.fixture(autouse=True)
def _linux() -> None:
    if sys.platform != "linux":
        pytest.skip("the fault suite knows Linux's signals and sockets")


@contextmanager
def removed(folder: Path) -> Iterator[Path]:
    """Remove a folder in the end."""
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def sockets() -> Iterator[Path]:
    """Give a folder for a socket."""
    with removed(new_folder("faults-")) as folder:
        yield folder


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """Give a folder for files that are written and removed very often."""
    with removed(new_folder("faults-")) as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres_18(postgres: embedded.Server) -> Callable[[str], Database]:
    """Give the databases of the session's PostgreSQL 18."""
    return lambda name: Database(postgres.socket_directory, name, postgres.port)


@pytest.fixture(scope="session")
def postgres_15() -> Iterator[Callable[[str], Database]]:
    """Give the databases of a PostgreSQL 15, where Debian's is installed."""
    need_postgres_15()
    with removed(new_folder("faults-")) as folder:
        server = DebianServer(folder)
        yield server.database
        server.stop()


@pytest.fixture
def version() -> str:
    """Say which PostgreSQL a test runs on; a test may ask for another."""
    return "18"


@pytest.fixture
def fresh(version: str, request: pytest.FixtureRequest) -> Fresh:
    """Give a maker of empty databases."""
    databases: Callable[[str], Database]
    databases = request.getfixturevalue(f"postgres_{version}")

    @contextmanager
    def make() -> Iterator[Database]:
        database = create(databases("postgres"))
        yield database
        databases("postgres").ask(f"DROP DATABASE {database.name} WITH (FORCE)")

    return make


def create(maintenance: Database) -> Database:
    """Create an empty database on the server of another."""
    name = f"faults_{next(numbers)}"
    # Copied file by file: in memory a third of the time that the default takes.
    how = "TEMPLATE template0 STRATEGY file_copy"
    maintenance.ask(f"CREATE DATABASE {name} {how}")
    return Database(maintenance.host, name, maintenance.port)


@pytest.fixture
def database(fresh: Fresh) -> Iterator[Database]:
    """Make the test's empty database."""
    with fresh() as database:
        yield database


@pytest.fixture
def proxy(database: Database, sockets: Path) -> Iterator[Proxy]:
    """Put a proxy before the test's database."""
    with Proxy(database, sockets) as proxy:
        yield proxy


@pytest.fixture
def pooled(database: Database) -> Iterator[Database]:
    """Put a PgBouncer with transaction pooling before the test's database."""
    with bouncer(database, {"default_pool_size": "20"}) as pooled:
        yield pooled


@pytest.fixture
def narrow(database: Database) -> Iterator[Database]:
    """Put a PgBouncer before the test's database that has one connection to it."""
    settings = {"default_pool_size": "1", "query_wait_timeout": "2"}
    with bouncer(database, settings) as pooled:
        yield pooled


@contextmanager
def bouncer(database: Database, settings: dict[str, str]) -> Iterator[Database]:
    """Start a PgBouncer; without the program, skip, or fail where CI says so."""
    if PGBOUNCER is None and os.environ.get("CI"):
        pytest.fail("pgbouncer is not installed")
    if PGBOUNCER is None:
        pytest.skip("pgbouncer is not installed")
    with (
        removed(new_folder("faults-")) as folder,
        pgbouncer(folder, database, settings) as pooled,
    ):
        yield pooled


@pytest.fixture(scope="session")
def fragile_18() -> Iterator[Server]:
    """Start a PostgreSQL 18 to be crashed."""
    with removed(new_folder("faults-")) as folder:
        server = EmbeddedServer(folder / "postgres")
        yield server
        server.stop()


@pytest.fixture(scope="session")
def fragile_15() -> Iterator[Server]:
    """Start a PostgreSQL 15 to be crashed, where Debian's is installed."""
    need_postgres_15()
    with removed(new_folder("faults-")) as folder:
        server = DebianServer(folder)
        yield server
        server.stop()


@pytest.fixture
def fragile(version: str, request: pytest.FixtureRequest) -> Server:
    """Give a PostgreSQL that the test may crash, and has to start again."""
    server: Server = request.getfixturevalue(f"fragile_{version}")
    return server


def need_postgres_15() -> None:
    """Skip a test where Debian's PostgreSQL 15 is not installed."""
    if not (POSTGRES_15 / "postgres").exists():
        pytest.skip(f"PostgreSQL 15 is not installed in {POSTGRES_15}")


class FreshMySql(Protocol):
    """Makes an empty database of MariaDB or MySQL, which goes with its server."""

    def __call__(self) -> MySqlDatabase:
        """Make it."""


@pytest.fixture(
    params=[MARIADB, pytest.param(MYSQL, marks=pytest.mark.slow)],
    ids=lambda flavour: flavour.name,
)
def flavour(request: pytest.FixtureRequest) -> Flavour:
    """Name a make of server; each test of such a database runs on both."""
    chosen: Flavour = request.param
    return chosen


@pytest.fixture
def fresh_mysql(flavour: Flavour, request: pytest.FixtureRequest) -> FreshMySql:
    """Give a maker of empty databases on the session's server."""
    server: MySqlServer = request.getfixturevalue(flavour.name.lower())
    return lambda: create_mysql(server)


@pytest.fixture
def on_either(fresh_mysql: FreshMySql) -> MySqlDatabase:
    """Make the test's empty database of MariaDB or MySQL."""
    return fresh_mysql()


@pytest.fixture
def mysql_proxy(on_either: MySqlDatabase, sockets: Path) -> Iterator[MySqlProxy]:
    """Put a proxy before it."""
    with MySqlProxy(on_either, sockets) as proxy:
        yield proxy


@pytest.fixture
def fragile_mysql(flavour: Flavour) -> Iterator[MySqlServer]:
    """Start a server that the test may crash, and has to start again."""
    need(flavour)
    with removed(new_folder("faults-")) as folder:
        server = MySqlServer(folder, flavour)
        yield server
        server.stop()


def create_mysql(server: MySqlServer) -> MySqlDatabase:
    """Create an empty database on a server."""
    name = f"faults_{next(numbers)}"
    server.ask(f"CREATE DATABASE {name}")
    return MySqlDatabase(server.socket, name)
