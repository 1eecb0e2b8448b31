"""SQLite: a file for each test, or memory."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testing.projects import Project

BOTH = """
import contextlib, sqlite3, pytest

pytestmark = pytest.mark.sqlx(database="%s")

@pytest.mark.parametrize("number", range(2))
def test_fresh(db, number):
    assert type(db) is sqlite3.Connection and db.isolation_level is None
    assert db.execute("SELECT count(*) FROM users").fetchone() == (0,)
    db.execute("INSERT INTO users VALUES ('ada')")

def test_foreign_keys(db):
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("INSERT INTO posts VALUES ('nobody')")

@pytest.mark.sqlx(fixtures=["ada"], migrations=False)
def test_empty(db):
    assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("ada",)]

@pytest.mark.asyncio
async def test_async(db, adb):
    assert type(adb) is sqlite3.Connection
    adb.execute("INSERT INTO users VALUES ('ada')")
    assert db.execute("SELECT name FROM users").fetchall() == [("ada",)]
"""


@pytest.mark.parametrize("database", ["sqlite", "sqlite::memory:"])
def test_each_test_has_a_database_of_its_own(project: Project, database: str) -> None:
    """Files and databases in memory are fresh, check foreign keys, and are autocommit.

    `adb` is the `sqlite3.Connection`, for SQLite has no other. A log written ahead,
    which a migration may ask for, is no trouble.
    """
    posts = "CREATE TABLE posts (author TEXT REFERENCES users (name))"
    project.write(
        {
            "migrations/2_wal.sql": "-- no-transaction\nPRAGMA journal_mode = WAL",
            "migrations/3_posts.sql": posts,
            "fixtures/ada.sql": "CREATE TABLE ada (id INTEGER)",
        }
    )
    ran = project.run(BOTH % database)
    assert ran.outcomes == {"passed": 5}


FILE = """
import contextlib, sqlite3, pytest, sqlx

def test_url(db, db_url):
    path = db_url.removeprefix("sqlite://").removesuffix("?mode=rwc")
    with contextlib.closing(sqlite3.connect(path)) as mine, mine:
        mine.execute("INSERT INTO users VALUES ('ada')")
    assert db.execute("SELECT name FROM users").fetchall() == [("ada",)]
    report = sqlx.Migrator("migrations").run(db_url)
    assert report.changes == ()

def test_fails(db):
    db.execute("INSERT INTO users VALUES ('ada')")
    raise AssertionError
"""


def test_a_file_has_a_url_and_is_kept(project: Project) -> None:
    """`db_url` is the file's; that of a test that fails stays, the others go."""
    project.configure(sqlx_database="sqlite")
    ran = project.run(FILE)
    assert ran.outcomes == {"passed": 1, "failed": 1}
    (line,) = ran.lines("kept: ")
    path = line.removeprefix("kept: sqlite://").removesuffix("?mode=rwc")
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT name FROM users").fetchall() == [("ada",)]


MESSAGES = {
    "pool": "SQLite has no pool; ask for db or db_url",
    "apool": "SQLite has no pool; ask for db or db_url",
    "db_url": "a database in memory has no URL; ask for db alone, or choose "
    "database='sqlite'",
}


def test_what_sqlite_has_not_is_said(project: Project) -> None:
    """A pool, and the URL of a database in memory, fail the test with the mend."""
    project.configure(sqlx_database="sqlite::memory:")
    tests = [f"def test_{name}({name}): pass" for name in MESSAGES]
    assert project.run("\n".join(tests)).errors == {
        f"setup of test_{name}": message for name, message in MESSAGES.items()
    }


def test_a_migration_that_fails_is_one_error(project: Project) -> None:
    """As on PostgreSQL, one test has it, and the others are skipped."""
    project.configure(sqlx_database="sqlite")
    project.write({"migrations/2_wrong.sql": "CREATE TABLE users (id INTEGER);"})
    ran = project.run("def test_one(db): pass\ndef test_two(db): pass")
    assert ran.outcomes == {"errors": 1, "skipped": 1}
    assert ran.errors == {
        "setup of test_one": "migrations/2_wrong.sql:1:1: while executing migration 2: "
        "table users already exists [code 1]\n"
        "  CREATE TABLE users (id INTEGER);\n"
        "  ^\n"
        "state: a test's database is made anew each time: mend the file and run again"
    }
