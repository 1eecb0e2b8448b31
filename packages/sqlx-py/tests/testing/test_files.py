"""SQLite's templates: files that are complete or absent, whoever makes them."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sqlx
from sqlx.config.url import SqliteUrl, parse_url
from sqlx.errors import MigrationError
from sqlx.testing.sqlite import Files, file_url, open_file

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE = "CREATE TABLE users (name TEXT);\nINSERT INTO users VALUES ('ada');"
ONE = sqlx.Migrator({"1_users.sql": TABLE})
WAL = sqlx.Migrator(
    {"1_wal.sql": f"-- no-transaction\nPRAGMA journal_mode=WAL;{TABLE}"}
)
ROWS = "SELECT name FROM users"


@pytest.fixture
def files(tmp_path: Path) -> Callable[[str], Files]:
    """Make the files of a process of a session; all have one folder in common."""

    def make(process: str) -> Files:
        (tmp_path / process).mkdir()
        return Files(str(tmp_path), str(tmp_path / process))

    return make


def rows(path: str) -> list[tuple[str]]:
    """Read what is in a file's table."""
    with closing(open_file(path)) as connection:
        return connection.execute(ROWS).fetchall()


@pytest.mark.parametrize("migrator", [ONE, WAL], ids=["rollback journal", "WAL"])
def test_copies_are_of_their_own(
    files: Callable[[str], Files], tmp_path: Path, migrator: sqlx.Migrator
) -> None:
    """A copy on disk or in memory has all rows, and what is written stays in it."""
    ours = files("a")
    template = ours.template(migrator)
    first, second = ours.take(template), ours.take(template)
    with (
        closing(ours.in_memory(template)) as memory,
        closing(open_file(first)) as connection,
    ):
        for written in (memory, connection):
            written.execute("INSERT INTO users VALUES ('alan')")
            assert written.execute(ROWS).fetchall() == [("ada",), ("alan",)]
        assert rows(second) == rows(template) == [("ada",)]
    for path in (first, second):
        ours.drop(path)
    assert [*(tmp_path / "a").iterdir()] == []
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [
        Path(template).name
    ]


def test_two_processes_may_make_one_template(files: Callable[[str], Files]) -> None:
    """Both have the same file at the end, which was complete when it appeared."""
    both = [files("a"), files("b")]
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda ours: ours.template(ONE), both)
    assert first == second
    assert rows(first) == [("ada",)]


def test_a_template_is_made_once(files: Callable[[str], Files]) -> None:
    """The next process takes what is there, and a changed migration makes another."""
    template = files("a").template(ONE)
    made = Path(template).stat()
    ours = files("b")
    assert ours.template(ONE) == template
    assert Path(template).stat() == made
    assert ours.template(WAL) != template


def test_what_has_failed_is_not_met_again(
    files: Callable[[str], Files], tmp_path: Path
) -> None:
    """A migration that fails leaves no template, and no file for the next one."""
    wrong = sqlx.Migrator({"1_users.sql": TABLE, "2_wrong.sql": "SELECT wrong"})
    ours = files("a")
    with pytest.raises(MigrationError):
        ours.template(wrong)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert rows(ours.take(ours.template(ONE))) == [("ada",)]


def test_without_migrations_a_file_is_empty(files: Callable[[str], Files]) -> None:
    """There is no template then, neither on disk nor in memory."""
    ours = files("a")
    assert ours.template(None) == ""
    tables = "SELECT count(*) FROM sqlite_master"
    with (
        closing(open_file(ours.take(""))) as connection,
        closing(ours.in_memory("")) as memory,
    ):
        for empty in (connection, memory):
            assert empty.execute(tables).fetchone() == (0,)
            assert empty.execute("PRAGMA foreign_keys").fetchone() == (1,)


@pytest.mark.parametrize("name", ["a b.db", "100%25.db", "what?.db", "a#b.db", "ä.db"])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    """A URL leads to the file, whatever is in its path."""
    path = str(tmp_path / name)
    parsed = parse_url(file_url(path), {})
    assert isinstance(parsed, SqliteUrl)
    assert (parsed.path, parsed.mode) == (path, "rwc")
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE t (a)")
    ours = Files(str(tmp_path), str(tmp_path))
    with closing(ours.in_memory(path)) as memory:
        assert memory.execute("SELECT count(*) FROM t").fetchone() == (0,)
