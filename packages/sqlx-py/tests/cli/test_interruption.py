"""Ctrl-C and SIGTERM while a migration runs, and the line that shows it is alive."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cli.conftest import Start
    from support import Write

FOREVER = (
    "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
    "SELECT count(*) FROM c;\n"
)


@pytest.fixture
def endless(database: str, write: Write) -> str:
    """A migration that ends at once, and one that never does; the database's path."""
    write("1_a.sql", "CREATE TABLE a (x);\n")
    write("2_endless.sql", f"CREATE TABLE b (x);\n{FOREVER}")
    return database


def tables(database: str) -> set[str]:
    """List the tables that exist."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        return {name for (name,) in rows}


def history(database: str) -> list[tuple[int, int]]:
    """Read version and success of every row."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(
            "SELECT version, success FROM _sqlx_migrations ORDER BY version"
        ).fetchall()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_an_interrupted_run_leaves_nothing_half_done(
    start: Start, endless: str, number: signal.Signals, code: int
) -> None:
    """The statement ends, its transaction is rolled back, and the exit code says it."""
    process = start("migrate", "run")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("Applied 1/migrate a (")
    process.send_signal(number)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (
        code,
        "",
        "interrupted; transaction ended, lock given back\n",
    )
    assert history(endless) == [(1, 1)]
    assert tables(endless) == {"_sqlx_migrations", "a"}


def test_an_interruption_outside_a_transaction_says_what_it_leaves(
    start: Start, endless: str, write: Write
) -> None:
    """What a `-- no-transaction` file had done stays, and its row says FALSE."""
    write("2_endless.sql", f"-- no-transaction\nCREATE TABLE b (x);\n{FOREVER}")
    process = start("migrate", "run")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("Applied 1/migrate a (")
    while "b" not in tables(endless):
        pass
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert (process.returncode, err) == (
        130,
        (
            "interrupted; lock given back\nmigrations/2_endless.sql is not one "
            "transaction: what it has committed stays; sqlx migrate info tells whether "
            "2 counts as partially applied, and how to mend it\n"
        ),
    )
    assert history(endless) == [(1, 1), (2, 0)]


@pytest.mark.slow
@pytest.mark.usefixtures("endless")
def test_a_long_statement_shows_that_it_is_alive(start: Start) -> None:
    """On a terminal a line appears after a second, and goes when it is over."""
    pty = pytest.importorskip("pty", reason="a pseudo-terminal")
    ours, theirs = pty.openpty()
    process = start("migrate", "run", stderr=theirs)
    os.close(theirs)
    shown = b""
    while b"(1 s)" not in shown:
        shown += os.read(ours, 1024)
    assert shown == b"\r\033[Kapplying 2/endless (1 s)"
    process.send_signal(signal.SIGINT)
    process.wait()
    last = b""
    while not last.endswith(b"back\r\n"):
        last += os.read(ours, 1024)
    os.close(ours)
    assert last.endswith(b"\r\033[Kinterrupted; transaction ended, lock given back\r\n")
