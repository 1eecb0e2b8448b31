"""Fixtures of the interop suite: Rust's tools, and databases for them and ours."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import psycopg
import pytest
from interop import tools
from interop.places import MysqlPlace, Place, PostgresPlace, SqlitePlace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mysql_server import Server as MysqlServer

    from sqlx.embedded import Server

numbers = count(1)
MYSQLS = {"mysql": "mariadb", "real_mysql": "mysql"}


@pytest.fixture(scope="session", autouse=True)
def _rust() -> None:
    if not tools.built():
        pytest.skip("compares with Rust's tools; run: make interop")


@pytest.fixture
def new_place(
    request: pytest.FixtureRequest, postgres: Server, sqlx_server: str, tmp_path: Path
) -> Iterator[Callable[[str], Place]]:
    """Return a function that makes an empty database; all are dropped in the end."""
    names: list[str] = []

    def make(kind: str) -> Place:
        name = f"interop_{next(numbers)}"
        if kind == "sqlite":
            return SqlitePlace(tmp_path / f"{name}.db")
        if kind in MYSQLS:
            server: MysqlServer = request.getfixturevalue(MYSQLS[kind])
            server.ask(f"CREATE DATABASE {name}")
            return MysqlPlace(server.url(name))
        names.append(name)
        how = "TEMPLATE template0 STRATEGY file_copy"
        maintenance.execute(f"CREATE DATABASE {name} {how}".encode())
        return PostgresPlace(postgres.keywords(name))

    with psycopg.connect(sqlx_server, autocommit=True) as maintenance:
        yield make
        for name in names:
            maintenance.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
