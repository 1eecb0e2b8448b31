"""SQLite: killed at every statement and at every write, full, locked, rolled back."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import pytest
from faults.laws import MIXED, check_sqlite, put
from faults.starters import Outcome, Starter, migrate

import sqlx

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from faults.starters import Tell

STRACE = shutil.which("strace")
WRITES = "pwrite64,fdatasync,fsync,unlink,ftruncate"
slow = pytest.mark.slow
journals = pytest.mark.parametrize(
    "journal", ["delete", pytest.param("wal", marks=slow)]
)


def url(path: Path) -> str:
    """Name a database file."""
    return f"sqlite://{path}?mode=rwc"


def make(path: Path, journal: str) -> None:
    """Make a database file with a kind of journal."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as file:
        assert file.execute(f"PRAGMA journal_mode = {journal}").fetchone() == (journal,)


def dies_at(tell: Tell, path: Path, directory: Path, statement: int) -> tuple[int, ...]:
    """Migrate on a connection whose n-th statement is the process's last."""
    tell("dies")
    seen = count(1)

    def trace(_sql: str) -> None:
        if next(seen) == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    with closing(sqlite3.connect(path)) as connection:
        connection.set_trace_callback(trace)
        report = sqlx.Migrator(directory).run(connection)
    return tuple(migration.version for migration in report.applied)


def until_clean(
    path: Path, directory: Path, journal: str, strike: Callable[[int], Outcome]
) -> set[tuple[int, ...]]:
    """Strike at 1, 2, 3 and so on until a run ends clean; what was found in between."""
    reached: set[tuple[int, ...]] = set()
    for number in count(1):
        make(path, journal)
        outcome = strike(number)
        if outcome.status == 0:
            assert check_sqlite(path) == [1, 2, 3, 4]
            return reached
        assert outcome.status == -signal.SIGKILL
        reached.add(tuple(check_sqlite(path)))
        sqlx.Migrator(directory).run(url(path))
        assert check_sqlite(path) == [1, 2, 3, 4]
    raise AssertionError


@pytest.mark.slow
@journals
def test_killed_at_every_statement(
    in_memory: Path, tmp_path: Path, journal: str
) -> None:
    """Kill -9 at any statement leaves what is recorded; the next run ends it (C10)."""
    directory, path = put(tmp_path / "m", MIXED), in_memory / "test.db"

    def strike(number: int) -> Outcome:
        work = partial(dies_at, path=path, directory=directory, statement=number)
        return Starter(work).outcome()

    reached = until_clean(path, directory, journal, strike)
    assert {(), (1,), (1, 2), (1, 2, 3)} <= reached


@slow
@pytest.mark.skipif(STRACE is None, reason="strace is not installed")
@journals
def test_killed_at_every_write(in_memory: Path, tmp_path: Path, journal: str) -> None:
    """Kill -9 at any write, sync or unlink of file or journal does so, too (C10)."""
    directory, path = put(tmp_path / "m", MIXED), in_memory / "test.db"

    def strike(number: int) -> Outcome:
        starter = Starter(migrate(url(path), directory), held=True)
        tracer = traced(starter.pid, number)
        starter.release()
        outcome = starter.outcome()
        tracer.communicate(timeout=60)
        return outcome

    reached = until_clean(path, directory, journal, strike)
    assert {(), (1,), (1, 2), (1, 2, 3)} <= reached


def traced(pid: int, number: int) -> subprocess.Popen[str]:
    """Attach strace, which kills the process at its n-th write."""
    assert STRACE is not None
    command = [STRACE, "-f", "-p", str(pid), "-o", os.devnull, "-e", f"trace={WRITES}"]
    command += ["-e", f"inject={WRITES}:signal=KILL:when={number}"]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    line = tracer.stderr.readline()
    assert "attached" in line, line
    return tracer


def test_waits_for_a_writer(tmp_path: Path) -> None:
    """A writer that holds the file is waited for, as long as for the lock (T12)."""
    path = tmp_path / "test.db"
    make(path, "delete")
    directory = put(tmp_path / "m", MIXED)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("CREATE TABLE other (id INT)")
        with pytest.raises(sqlx.SqlxError, match="database is locked"):
            sqlx.Migrator(directory, lock_timeout_seconds=0).run(url(path))
        starter = Starter(migrate(url(path), directory))
        while not has_open(starter.pid, path):
            os.sched_yield()
        writer.execute("COMMIT")
    assert starter.outcome().applied == (1, 2, 3, 4)
    with closing(sqlite3.connect(path)) as connection:
        seen: list[int] = []
        connection.create_function("seen", 1, seen.append)
        put(directory, {"5_seen.sql": "SELECT seen(timeout) FROM pragma_busy_timeout;"})
        migrator = sqlx.Migrator(directory, lock_timeout_seconds=12)
        migrator.run(connection)
        assert seen == [12000]


def has_open(pid: int, path: Path) -> bool:
    """Tell whether a process has a file open."""
    found = os.scandir(f"/proc/{pid}/fd")
    with found:
        return any(os.path.realpath(entry.path) == str(path) for entry in found)


def test_a_full_database(tmp_path: Path) -> None:
    """When the disk is full SQLite ends the transaction itself; all is well (F15)."""
    path = tmp_path / "test.db"
    make(path, "delete")
    big = "CREATE TABLE big (b BLOB);\nINSERT INTO big VALUES (zeroblob(1000000));"
    directory = put(tmp_path / "m", MIXED | {"5_big.sql": big})
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA max_page_count = 50")
        with pytest.raises(sqlx.ExecuteMigration) as caught:
            sqlx.Migrator(directory).run(connection)
        assert not connection.in_transaction
        assert str(caught.value).startswith(
            f"{directory}/5_big.sql:2:1: while executing migration 5: "
            "database or disk is full [code 13]\n"
        )
        assert check_sqlite(path) == [1, 2, 3, 4]
        connection.execute("PRAGMA max_page_count = 5000")
        report = sqlx.Migrator(directory).run(connection)
    assert [migration.version for migration in report.applied] == [5]


@pytest.mark.parametrize(
    "sql",
    [
        (
            "CREATE TABLE u (id INT UNIQUE);\nINSERT INTO u VALUES (1);\n"
            "INSERT OR ROLLBACK INTO u VALUES (1);\nCREATE TABLE after (id INT);"
        ),
        (
            "CREATE TABLE u (id INT);\nCREATE TRIGGER no BEFORE INSERT ON u BEGIN"
            " SELECT RAISE(ROLLBACK, 'no'); END;\nINSERT INTO u VALUES (1);\n"
            "CREATE TABLE after (id INT);"
        ),
    ],
)
def test_a_statement_that_rolls_back(tmp_path: Path, sql: str) -> None:
    """A statement that ends the transaction behind our back is an error (T15)."""
    path = tmp_path / "test.db"
    directory = put(tmp_path / "m", MIXED | {"5_rolls.sql": sql})
    with pytest.raises(sqlx.ExecuteMigration) as caught:
        sqlx.Migrator(directory).run(url(path))
    assert (caught.value.line, caught.value.column) == (3, 1)
    with closing(sqlite3.connect(path)) as file:
        made = "SELECT count(*) FROM sqlite_master WHERE name IN ('u', 'after')"
        assert file.execute(made).fetchone() == (0,)
    assert check_sqlite(path) == [1, 2, 3, 4]
