"""A server and a project for the plugin's own tests, which run an inner pytest."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import asyncmy.pool  # noqa: F401 -- kept loaded: pytester unloads what it finds new.
import psycopg_pool  # noqa: F401 -- the same.
import pytest
import pytest_asyncio  # noqa: F401 -- the same.
from anyio.abc import TestRunner  # noqa: F401 -- the same.
from support import new_folder
from testing import live_mysql
from testing.projects import USERS, Project

import sqlx
from sqlx.testing import header, loops  # noqa: F401 -- the same.
from sqlx.testing.mysql.server import MySqlServer  # noqa: F401 -- the same.
from sqlx.testing.places import SETTINGS
from sqlx.testing.postgres.server import PostgresServer  # noqa: F401 -- the same.

if TYPE_CHECKING:
    from collections.abc import Iterator

    import mysql_server

    from sqlx.embedded import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Start one embedded PostgreSQL for the plugin's tests, in memory if there is room.

    It has the settings of the plugin's own.
    """
    folder = new_folder("sqlx-plugin-")
    with sqlx.start_embedded(folder, settings=SETTINGS) as running:
        yield running
    shutil.rmtree(folder)


@pytest.fixture
def project(
    pytester: pytest.Pytester, server: Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """Make a project with one table, `users`; drop what is kept for its tests."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    made = Project(pytester, server)
    made.configure()
    made.write({"migrations/1_users.sql": USERS})
    yield made
    with made.connect() as connection:
        for found in made.kept().values():
            connection.execute(f'DROP DATABASE "{found.name}"'.encode())


@pytest.fixture(params=["mariadb", pytest.param("mysql", marks=pytest.mark.slow)])
def either_mysql(request: pytest.FixtureRequest) -> Iterator[mysql_server.Server]:
    """Give a server of MySQL's kind on which nothing of ours is, and leave it so."""
    made: mysql_server.Server = request.getfixturevalue(request.param)
    yield made
    with live_mysql.using(made, fresh=True):
        pass
    assert live_mysql.databases(made) == set()
