"""`database create|drop|reset|setup` on SQLite, and the question before a drop."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command, Start
    from support import Write

QUESTION = "Drop database at sqlite:x.db? [y/N] "
TABLE_A = "CREATE TABLE a (x);\n"


@pytest.fixture(autouse=True)
def url(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """DATABASE_URL names a file that does not exist yet; its path."""
    monkeypatch.setenv("DATABASE_URL", "sqlite:x.db")
    return here / "x.db"


def journal_mode(path: Path) -> str:
    """Ask in which mode a database's journal is."""
    with closing(sqlite3.connect(path)) as connection:
        mode: str = connection.execute("PRAGMA journal_mode").fetchone()[0]
        return mode


def answered(start: Start, answer: str, *words: str) -> tuple[int, str, str]:
    """Run a command on a terminal and type an answer; what stderr showed comes last."""
    pty = pytest.importorskip("pty", reason="a pseudo-terminal")
    ours, theirs = pty.openpty()
    process = start(*words, stdin=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while not shown.endswith(b"[y/N] "):
        shown += os.read(ours, 1024)
    os.write(ours, answer.encode())
    assert process.stdout is not None
    out = process.stdout.read()
    process.wait()
    try:
        while piece := os.read(ours, 1024):
            shown += piece
    except OSError:  # The other end is closed.
        pass
    finally:
        os.close(ours)
    return process.returncode, out, shown.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("words", "mode"),
    [
        ([], "wal"),
        (["--sqlite-create-db-wal=true"], "wal"),
        (["--sqlite-create-db-wal", "false"], "delete"),
    ],
)
def test_a_database_is_created_once(
    sqlx: Command, url: Path, words: list[str], mode: str
) -> None:
    """`create` says nothing, in WAL mode unless told, and a second one is fine."""
    for _ in range(2):
        result = sqlx("database", "create", *words)
        assert (result.code, result.out, result.err) == (0, "", "")
    assert journal_mode(url) == mode


def test_setup_creates_and_runs(sqlx: Command, url: Path, write: Write) -> None:
    """`setup` prints the lines of a run, and a second one does nothing."""
    write("1_a.sql", TABLE_A)
    first = sqlx("db", "setup")
    assert re.fullmatch(r"Applied 1/migrate a \([\d.]+[mµ]?s\)\n", first.out)
    assert (first.code, first.err) == (0, "")
    second = sqlx("db", "setup")
    assert (second.code, second.out, second.err) == (0, "", "")
    assert url.exists()


def test_a_database_is_dropped(sqlx: Command, url: Path) -> None:
    """`drop -y` says nothing; a database that is not there is fine, as in SQLx."""
    sqlx("database", "create")
    for _ in range(2):
        result = sqlx("database", "drop", "-y")
        assert (result.code, result.out, result.err) == (0, "", "")
    assert not url.exists()


def test_force_is_for_postgresql(sqlx: Command, url: Path) -> None:
    """`--force` is refused for a file that exists."""
    sqlx("database", "create")
    result = sqlx("database", "drop", "-y", "--force")
    assert (result.code, result.out, result.err) == (
        1,
        "",
        (
            "error: database driver does not support force-dropping a database (Only "
            "PostgreSQL); leave --force away\n"
        ),
    )
    assert url.exists()


def test_reset_begins_anew(sqlx: Command, url: Path, write: Write) -> None:
    """`reset -y` drops, creates and runs."""
    write("1_a.sql", TABLE_A)
    sqlx("database", "setup")
    with closing(sqlite3.connect(url)) as connection:
        connection.execute("CREATE TABLE other (x)")
    result = sqlx("database", "reset", "-y")
    assert result.code == 0
    assert result.out.startswith("Applied 1/migrate a (")
    with closing(sqlite3.connect(url)) as connection:
        sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'other'"
        assert connection.execute(sql).fetchone() == (0,)


@pytest.mark.parametrize("word", ["drop", "reset"])
def test_without_a_terminal_nothing_is_dropped(
    sqlx: Command, url: Path, word: str
) -> None:
    """A question that nobody can answer is refused; SQLx panics."""
    sqlx("database", "create")
    result = sqlx("database", word)
    assert (result.code, result.out, result.err) == (
        1,
        "",
        (
            "error: the database at sqlite:x.db is dropped only when a person says so, "
            "and there is no terminal to ask on; pass -y to say so here\n"
        ),
    )
    assert url.exists()


@pytest.mark.parametrize("answer", ["y\n", "YES\n", " Yes \n"])
def test_a_yes_drops(sqlx: Command, start: Start, url: Path, answer: str) -> None:
    """The question stands on stderr, and yes drops."""
    sqlx("database", "create")
    code, out, shown = answered(start, answer, "database", "drop")
    assert (code, out, shown) == (0, "", f"{QUESTION}{answer}")
    assert not url.exists()


@pytest.mark.parametrize("answer", ["n\n", "\n", "yes please\n", "\x04"])
@pytest.mark.parametrize("word", ["drop", "reset"])
def test_a_no_changes_nothing(
    sqlx: Command, start: Start, url: Path, write: Write, word: str, answer: str
) -> None:
    """All but yes means no, the end of the input too; SQLx's reset would go on."""
    write("1_a.sql", TABLE_A)
    sqlx("database", "create")
    code, out, shown = answered(start, answer, "database", word)
    assert (code, out) == (0, "")
    assert shown.startswith(QUESTION)
    assert shown.endswith("nothing was dropped\n")
    with closing(sqlite3.connect(url)) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == []


def test_the_question_shows_no_password(start: Start) -> None:
    """The URL is shown without its password; SQLx shows it in full."""
    url = "postgres://me:s3cret@localhost:1/db"
    code, _, shown = answered(start, "n\n", "database", "drop", "-D", url)
    assert code == 0
    assert shown.startswith("Drop database at postgres://me")
    assert "s3cret" not in shown
