"""What `sqlx check` imports: a driver only to ask a database of its kind."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

APP = """
from {module} import Connection

import sqlx


@sqlx.query("SELECT id FROM pets WHERE id = 1")
def ids(connection: Connection) -> list[int]:
    raise NotImplementedError
"""
RUN = """
import sys
from sqlx.cli.main import main
code = main(sys.argv[1:])
print(code, *sorted({"apsw", "asyncio", "asyncpg", "psycopg"} & {*sys.modules}))
"""


@pytest.fixture(params=["sqlite3", "psycopg"])
def app(request: pytest.FixtureRequest, here: Path) -> str:
    """A module with a query, and a migration; the driver that it imports."""
    (here / "migrations").mkdir()
    table = "CREATE TABLE pets (id INTEGER NOT NULL PRIMARY KEY);"
    (here / "migrations" / "1_pets.sql").write_text(table)
    (here / "app.py").write_text(APP.format(module=request.param))
    return str(request.param)


def imported(*words: str) -> list[str]:
    """Run a command in a process of its own; tell its exit code and its drivers."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    return done.stdout.splitlines()[-1].split()


@pytest.mark.slow
def test_an_offline_check_imports_no_driver(app: str) -> None:
    """The module that is checked imports one, in a process of its own."""
    assert app in {"sqlite3", "psycopg"}
    assert imported("check", "app", "--offline") == ["1"]  # There is no cache.


@pytest.mark.slow
@pytest.mark.parametrize("app", ["sqlite3"], indirect=True)
def test_asking_sqlite_imports_apsw_alone(app: str) -> None:
    """Neither the drivers of PostgreSQL nor asyncio."""
    assert app == "sqlite3"
    assert imported("check", "app") == ["0", "apsw"]
    assert imported("prepare", "app") == ["0", "apsw"]
    assert imported("check", "app", "--offline") == ["0"]
    assert imported("prepare", "app") == ["0"]  # Nothing has changed.
