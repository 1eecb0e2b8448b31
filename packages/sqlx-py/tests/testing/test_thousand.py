"""A thousand tests in eight processes: no connection error, and nothing is left."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from testing.live import admin, databases, holders, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlx import embedded

pytestmark = pytest.mark.slow

SETTINGS = """
[pytest]
sqlx_database = embedded:{folder}
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""
TESTS = """
import asyncio

import pytest

ADD, COUNT = "INSERT INTO users VALUES ('ada')", "SELECT count(*) FROM users"
numbers = pytest.mark.parametrize("number", range({count}))


@numbers
def test_db(db, number):
    db.execute(ADD)
    assert db.execute(COUNT).fetchone() == (1,)


@numbers
def test_pool(pool, db, number):
    with pool.connection() as first:
        first.execute(ADD)
    assert db.execute(COUNT).fetchone() == (1,)


@pytest.mark.asyncio
@numbers
async def test_adb(adb, number):
    await adb.execute(ADD)
    assert await (await adb.execute(COUNT)).fetchone() == (1,)


@pytest.mark.asyncio
@numbers
async def test_apool(apool, adb, number):
    async def add():
        async with apool.connection() as connection:
            await connection.execute(ADD)

    await asyncio.gather(*(add() for _ in range(8)))
    assert await (await adb.execute(COUNT)).fetchone() == (8,)
"""
CONNECTED = """
SELECT count(*) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"""


def write(folder: Path, server: embedded.Server, count: int) -> None:
    """Write a project, with four tests for each number."""
    (folder / "migrations").mkdir()
    (folder / "migrations" / "1_users.sql").write_text("CREATE TABLE users (name TEXT)")
    (folder / "pytest.ini").write_text(SETTINGS.format(folder=server.directory))
    (folder / "test_it.py").write_text(TESTS.format(count=count))


@contextmanager
def counted(server: embedded.Server) -> Iterator[list[int]]:
    """Count the connections to a server, again and again, from within it."""
    counts: list[int] = []
    ended = threading.Event()

    def count() -> None:
        with admin(server) as connection:
            while not ended.wait(0.005):
                counts.extend(connection.execute(CONNECTED).fetchone() or ())

    thread = threading.Thread(target=count)
    thread.start()
    yield counts
    ended.set()
    thread.join()


@pytest.mark.parametrize(
    ("most", "count", "budget"),
    # Of a process: two of ours, one of the test, its pool, one that just ends.
    [(300, 250, 8 * (2 + 1 + 5 + 1)), (40, 50, 37)],
)
def test_a_thousand_tests(tmp_path: Path, most: int, count: int, budget: int) -> None:
    """All pass, within the server's connections; no database and no lock is left."""
    with postgres(max_connections=str(most)) as server:
        write(tmp_path, server, count)
        with counted(server) as counts:
            done = run(tmp_path, "-n", "8")
        assert done.returncode == 0, done.stdout[-3000:]
        assert f"{4 * count} passed in" in done.stdout
        assert "not dropped" not in done.stdout
        assert max(counts) <= budget
        assert databases(server, "test") == set()
        assert len(databases(server, "template")) == 1
        assert holders(server) == []


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a session in a folder, with nothing of this one's environment."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        check=False,
    )
