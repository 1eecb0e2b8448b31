"""Whole sessions: several at once, killed and interrupted, and what they leave."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import new_folder
from testing.live import (
    ENOUGH_SECONDS,
    ONE,
    databases,
    no_changes,
    using,
    wait_until,
    wait_until_waiting,
)

import sqlx
from sqlx.testing.names import template_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

    from sqlx import embedded

pytestmark = pytest.mark.slow

INI = """
[pytest]
sqlx_database = embedded:{folder}
asyncio_default_fixture_loop_scope = function
"""
COUNT = """
def test_it(db):
    assert db.execute("SELECT count(*) FROM users").fetchone() == (0,)
"""
# A test that says so when it runs, and goes on when it hears a line.
WAITING = """
import sys

def test_it(db):
    print("running", file=sys.__stdout__, flush=True)
    sys.__stdin__.readline()
    db.execute("INSERT INTO users VALUES ('ada')")
    assert db.execute("SELECT count(*) FROM users").fetchone() == (1,)

def test_another(db):
    assert db.execute("SELECT count(*) FROM users").fetchone() == (0,)
"""
KILLED = """
import os, signal
import pytest

@pytest.mark.parametrize("number", range(20))
def test_it(db, number):
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    assert db.execute("SELECT count(*) FROM users").fetchone() == (0,)
"""
SUPERUSER = 10  # the oid of whom initdb makes
NONE_LIVES = "NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')"


class Pytest:
    """A session in a folder of its own, in a process group of its own.

    Args:
        folder: Of its own.
        database: The server's folder.
        tests: The text of its tests.
        arguments: pytest's.
    """

    def __init__(
        self, folder: Path, database: str, tests: str, *arguments: str
    ) -> None:
        (folder / "migrations").mkdir(parents=True, exist_ok=True)
        self.migration = folder / "migrations" / "1_users.sql"
        if not self.migration.exists():
            self.migration.write_text("CREATE TABLE users (name TEXT)")
        (folder / "pytest.ini").write_text(INI.format(folder=database))
        (folder / "test_it.py").write_text(tests)
        command = [sys.executable, "-m", "pytest", "-q", "-s", *arguments]
        self._process = subprocess.Popen(
            [*command, "-p", "no:cacheprovider"],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def wait_until_running(self) -> None:
        """Wait until its first test runs."""
        assert self._process.stdout is not None
        lines: IO[str] = self._process.stdout
        assert any("running" in line for line in iter(lines.readline, "")), "it ended"

    def go_on(self) -> None:
        """Let the first test go on."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def send(self, order: signal.Signals) -> None:
        """Send a signal to all its processes."""
        os.killpg(self._process.pid, order)

    def end(self, code: int = 0) -> str:
        """Wait for its end, and give what it has printed."""
        out, _ = self._process.communicate(timeout=ENOUGH_SECONDS)
        assert self._process.returncode == code, out
        return out


def migrator(session: Pytest) -> sqlx.Migrator:
    """Read a session's migrations."""
    return sqlx.Migrator(session.migration.parent)


@pytest.mark.parametrize("other", ["", " -- another digest"])
def test_two_sessions_at_once(
    server: embedded.Server, tmp_path: Path, other: str
) -> None:
    """One that begins and ends while another runs touches nothing of it."""
    first = Pytest(tmp_path / "1", server.directory, WAITING)
    first.wait_until_running()
    template = template_name(migrator(first).digest, SUPERUSER)
    before = databases(server, "test") | {template}
    second = Pytest(tmp_path / "2", server.directory, COUNT)
    assert "1 passed" in second.end()
    if other:
        second.migration.write_text(second.migration.read_text() + other)
        assert "1 passed" in Pytest(tmp_path / "2", server.directory, COUNT).end()
    fresh = Pytest(tmp_path / "2", server.directory, COUNT, "--sqlx-fresh")
    assert "1 passed" in fresh.end()
    assert databases(server) >= before
    first.go_on()
    out = first.end()
    assert "2 passed" in out
    assert "not dropped" not in out
    assert databases(server, "test") == set()


def test_a_killed_worker(server: embedded.Server, tmp_path: Path) -> None:
    """The other workers go on, and one of them drops what the killed one has left."""
    session = Pytest(tmp_path, server.directory, KILLED, "-n", "2")
    out = session.end(1)
    assert "1 failed, 19 passed" in out
    assert "not dropped" not in out
    wait_until(server, NONE_LIVES)
    with using(server) as ours:
        pass  # What the killed one's server side was still at.
    assert ours.problems == []
    assert databases(server, "test") == set()


@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_killed_session(
    server: embedded.Server, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """The next session drops what one has left that was killed with all its workers."""
    tests = COUNT + "    __import__('signal').pause()\n"
    session = Pytest(tmp_path, server.directory, tests, *arguments)
    visited = "EXISTS (SELECT FROM pg_stat_activity WHERE datname ~ '^_sqlx_test' "
    wait_until(
        server, visited + "AND application_name = 'sqlx-test' AND query ~ 'users')"
    )
    session.send(signal.SIGKILL)
    session.end(-signal.SIGKILL)
    wait_until(server, NONE_LIVES)
    assert databases(server, "test") != set()
    assert "1 passed" in Pytest(tmp_path, server.directory, COUNT).end()
    assert databases(server, "test") == set()


def test_a_session_killed_while_it_migrates(
    server: embedded.Server, tmp_path: Path
) -> None:
    """The next session makes the template anew, from the beginning."""
    (tmp_path / "migrations").mkdir()
    slow = "CREATE TABLE users (name TEXT);\nALTER ROLE CURRENT_USER RESET work_mem;"
    (tmp_path / "migrations" / "1_users.sql").write_text(slow)
    with no_changes(server, "pg_db_role_setting"):
        session = Pytest(tmp_path, server.directory, COUNT)
        wait_until_waiting(server, "ALTER ROLE")
        session.send(signal.SIGKILL)
        session.end(-signal.SIGKILL)
    assert "1 passed" in Pytest(tmp_path, server.directory, COUNT).end()
    assert databases(server, "test") == set()


@pytest.mark.parametrize("order", [signal.SIGKILL, signal.SIGINT])
def test_a_session_ended_while_it_clones(
    server: embedded.Server, tmp_path: Path, order: signal.Signals
) -> None:
    """Killed or interrupted, it ends at once, and its clone is not left."""
    with using(server) as ours:
        ours.take(ONE)
        ours._ready.clear()
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "1_users.sql").write_text(
        "CREATE TABLE users (name TEXT)"
    )
    with no_changes(server):
        session = Pytest(tmp_path, server.directory, COUNT)
        wait_until_waiting(server, "CREATE DATABASE")
        session.send(order)
        out = session.end(2 if order == signal.SIGINT else -order)
    assert "not dropped" not in out
    wait_until(server, NONE_LIVES)
    with using(server) as ours:
        pass
    assert ours.problems == []
    assert databases(server, "test") == set()


def test_ctrl_c_in_a_test(server: embedded.Server, tmp_path: Path) -> None:
    """The session ends, and nothing is left."""
    session = Pytest(tmp_path, server.directory, WAITING)
    session.wait_until_running()
    session.send(signal.SIGINT)
    out = session.end(2)
    assert "KeyboardInterrupt" in out
    assert "not dropped" not in out
    assert databases(server, "test") == set()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Name a folder for a server that only the sessions start."""
    made = new_folder()
    yield made / "postgres"
    shutil.rmtree(made)


def postmaster(folder: Path) -> int:
    """Open the process of a server, to wait for its end."""
    text = (folder / "data" / "postmaster.pid").read_text()
    return os.pidfd_open(int(text.split("\n")[0]))


@pytest.mark.parametrize("order", [None, signal.SIGKILL])
def test_sessions_share_an_embedded_server(
    folder: Path, tmp_path: Path, order: signal.Signals | None
) -> None:
    """It is stopped with the last of them, also when that one is killed."""
    first = Pytest(tmp_path / "1", str(folder), WAITING)
    first.wait_until_running()
    server = postmaster(folder)
    second = Pytest(tmp_path / "2", str(folder), COUNT, "-n", "2")
    assert "1 passed" in second.end()
    assert select.select([server], [], [], 0)[0] == []
    if order is None:
        first.go_on()
        assert "2 passed" in first.end()
    else:
        first.send(order)
        first.end(-order)
    assert select.select([server], [], [], ENOUGH_SECONDS)[0] == [server]
    os.close(server)
    assert "1 passed" in Pytest(tmp_path / "2", str(folder), COUNT).end()
    with sqlx.start_embedded(folder) as found:
        assert databases(found, "test") == set()
        assert len(databases(found, "template")) == 1


def test_a_server_that_dies_in_a_session(folder: Path, tmp_path: Path) -> None:
    """One error says so, the other tests are skipped, and the session ends."""
    tests = WAITING + "\n\ndef test_third(db):\n    pass\n"
    session = Pytest(tmp_path, str(folder), tests, "-rs")
    session.wait_until_running()
    server = postmaster(folder)
    signal.pidfd_send_signal(server, signal.SIGQUIT)
    assert select.select([server], [], [], ENOUGH_SECONDS)[0] == [server]
    os.close(server)
    session.go_on()
    out = session.end(1)
    assert "1 failed, 1 skipped, 1 error" in out
    socket = folder / "data" / ".s.PGSQL.5432"
    gone = f'connection is bad: connection to server on socket "{socket}" failed: '
    lines = [line for line in out.splitlines() if gone in line]
    assert len(lines) == 2, out
    assert lines[1].startswith(f"not dropped: {gone}")
