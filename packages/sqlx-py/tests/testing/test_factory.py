"""`db_factory`: databases that live longer than a test, or several in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testing.projects import Project

FACTORY = """
import contextlib, os, sqlite3, psycopg, pytest, sqlx
from sqlx.testing import DatabaseFactory

def names(url):
    with psycopg.connect(url) as mine:
        return [name for (name,) in mine.execute("SELECT name FROM users")]

@pytest.fixture(scope="module")
def shared(db_factory):
    assert type(db_factory) is DatabaseFactory
    return db_factory.create(fixtures=["ada", "seeds/grace.sql"])

@pytest.fixture(scope="session")
def longest(db_factory):
    return db_factory.create()

@pytest.mark.parametrize("number", range(2))
def test_shared(shared, longest, db_url, number):
    assert len({shared, longest, db_url}) == 3
    assert names(shared) == ["ada", "grace", *["alan"][:number]]
    assert names(longest) == []
    if not number:
        with psycopg.connect(shared) as mine:
            mine.execute("INSERT INTO users VALUES ('alan')")

def test_several(db_factory):
    several = [db_factory.create() for _ in range(3)]
    assert len({*several}) == 3
    for url in several:
        with psycopg.connect(url) as mine:
            mine.execute("INSERT INTO users VALUES ('ada')")

def test_others(db_factory):
    migrator = sqlx.Migrator({"1_posts.sql": "CREATE TABLE posts ()"})
    with psycopg.connect(db_factory.create(migrations=migrator)) as mine:
        mine.execute("SELECT * FROM posts")
    with psycopg.connect(db_factory.create(migrations=False)) as mine:
        with pytest.raises(psycopg.errors.UndefinedTable):
            mine.execute("SELECT * FROM users")

def test_sqlite(db_factory):
    url = db_factory.create(database="sqlite", fixtures=["ada"])
    path = url.removeprefix("sqlite://").removesuffix("?mode=rwc")
    with contextlib.closing(sqlite3.connect(path)) as mine:
        assert mine.execute("SELECT name FROM users").fetchall() == [("ada",)]

def test_refused(db_factory):
    with pytest.raises(sqlx.SqlxError, match="a database in memory has no URL"):
        db_factory.create(database="sqlite::memory:")
    with pytest.raises(sqlx.SqlxError, match='fixture "nobody": .*: No such file'):
        db_factory.create(fixtures=["nobody"])
    with pytest.raises(sqlx.SqlxError, match="database 'oracle': it is a URL"):
        db_factory.create(database="oracle")

def test_dropped(db_factory):
    url = db_factory.create()
    db_factory.drop(url)
    with pytest.raises(sqlx.SqlxError, match="db_factory has no database 'postgres"):
        db_factory.drop(url)
    url = db_factory.create(database="sqlite")
    path = url.removeprefix("sqlite://").removesuffix("?mode=rwc")
    assert os.path.exists(path)
    db_factory.drop(url)
    assert not os.path.exists(path)

def test_fails(db_factory, db):
    db_factory.create()
    raise AssertionError
"""


@pytest.mark.slow
def test_databases_of_any_length_of_life(project: Project) -> None:
    """`db_factory` serves fixtures of any scope, and takes what the marker takes.

    Paths of fixtures begin at rootdir. All of them are dropped at the end, also where
    the test fails that has asked for them.
    """
    project.write(
        {
            "fixtures/ada.sql": "INSERT INTO users VALUES ('ada')",
            "seeds/grace.sql": "INSERT INTO users VALUES ('grace')",
            "tests/test_factory.py": FACTORY,
        }
    )
    ran = project.run()
    assert ran.outcomes == {"passed": 7, "failed": 1}
    assert "not dropped" not in ran
    assert [*project.kept()] == ["tests/test_factory.py::test_fails"]
    assert project.databases() == 1
