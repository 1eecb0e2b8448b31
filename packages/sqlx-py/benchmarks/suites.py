"""Suites of tests that differ in where a test's database comes from.

Every test of a suite asks for a database, puts a row into a table and counts the rows.
All suites run in one environment, with no plugin but those that they name.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from contenders import PEERS
from measure import Sample, measure

import sqlx

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corpora import Corpus

__all__ = ["LENGTH", "SUITES", "Suite", "is_installed", "python"]

SOURCE = Path(sqlx.__file__).parents[1]
PEER, PLUGIN = "pytest-postgresql", "sqlx.testing.plugin"
LENGTH = 220  # of a long session, in tests
PACKAGES = (
    "PyMySQL",
    "asyncmy",
    "psycopg",
    "psycopg-binary",
    "psycopg-pool",
    "pytest",
    "pytest-asyncio",
    "pytest-xdist",
)


@dataclass(frozen=True, slots=True)
class Suite:
    """Tests, and what makes a database for each of them.

    Args:
        name: In the tables of figures.
        test: The test.
        fixtures: The text of `conftest.py`.
        plugins: Which it needs.
        ini: Lines of `pytest.ini`; `{url}` is the server's.
        few: Tests of a short session.
        many: And of a long one.
        kind: The kind of database that it is for.
        is_variant: Whether one corpus and one process are enough.
        package: Which has to be installed.
    """

    name: str
    test: str
    fixtures: str = ""
    plugins: tuple[str, ...] = ()
    ini: tuple[str, ...] = ()
    few: int = 20
    many: int = LENGTH
    kind: str = "postgres"
    is_variant: bool = False
    package: str | None = None

    @property
    def is_ours(self) -> bool:
        """Whether it uses the plugin."""
        return PLUGIN in self.plugins

    @property
    def sqlite(self) -> bool:
        """Whether it needs no server."""
        return self.kind == "sqlite"

    def write(
        self, folder: Path, corpus: Corpus, where: Mapping[str, str], url: str
    ) -> None:
        """Write its files; `where` are the words for the server's driver."""
        migrations = folder / "migrations"
        migrations.mkdir(parents=True)
        texts = dict(corpus.texts(self.kind))
        for name, sql in texts.items():
            (migrations / name).write_text(sql, encoding="utf-8")
        files = {
            "all.sql": "".join(texts.values()),
            "conftest.py": f"WHERE = {dict(where)!r}\n{self.fixtures}",
            "pytest.ini": "\n".join(("[pytest]", *self.ini)).format(url=url) + "\n",
            "test_rows.py": MANY + self.test,
        }
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")

    def run(self, folder: Path, tests: int, processes: int = 1) -> Sample:
        """Run a session of so many tests.

        Raises:
            Failed: A test has failed.
        """
        plugins, many = [*self.plugins], []
        if processes > 1:
            plugins, many = [*plugins, "xdist"], ["-n", str(processes)]
        chosen = [f"-p{name}" for name in (*plugins, "no:cacheprovider")]
        variables = {
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(SOURCE),
            "TESTS": str(tests),
            "TMPDIR": str(folder.parent),
        }
        command = [str(python()), "-m", "pytest", "-q", *chosen, *many]
        return measure(command, folder, variables)


@cache
def python() -> Path:
    """Find the interpreter of all suites, with pytest-postgresql where that works."""
    place = PEERS / "pytest" / "bin" / "python"
    if not (is_installed(PEER) and is_installed("asyncmy")):
        subprocess.call([sys.executable, "-m", "venv", "--clear", PEERS / "pytest"])
        same = [f"{name}=={version(name)}" for name in PACKAGES]
        subprocess.call([place, "-m", "pip", "install", "-q", PEER, *same])
    if is_installed(PEER):
        return place
    print(f"bench: {PEER} is left out: pip did not install it")
    return Path(sys.executable)


def is_installed(package: str) -> bool:
    """Tell whether the environment of the suites has a package."""
    name = package.replace("-", "_")
    return bool(list(PEERS.glob(f"pytest/lib/python*/site-packages/{name}")))


MANY = """\
import os

import pytest

pytestmark = pytest.mark.parametrize("number", range(int(os.environ["TESTS"])))
INSERT = "INSERT INTO table_0 (name) VALUES ('a')"
COUNT = "SELECT count(*) FROM table_0"


"""
NOTHING = """\
def test_rows(number):
    pass
"""
SYNC = """\
def test_rows(number, db):
    db.execute(INSERT)
    assert db.execute(COUNT).fetchone() == (1,)
"""
ASYNC = """\
async def test_rows(number, adb):
    await adb.execute(INSERT)
    assert await (await adb.execute(COUNT)).fetchone() == (1,)
"""
POOL = """\
def test_rows(number, pool):
    with pool.connection() as connection:
        connection.execute(INSERT)
        assert connection.execute(COUNT).fetchone() == (1,)
"""
HAND = """
import os
from itertools import count

import psycopg
import pytest
import sqlx

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
MIGRATOR = sqlx.Migrator("migrations")
NUMBERS = count()


def connect(name):
    return psycopg.connect(dbname=name, autocommit=True, **WHERE)


def migrate(name):
    with connect(name) as connection:
        MIGRATOR.run(connection)


@pytest.fixture(scope="session")
def admin():
    with connect("postgres") as connection:
        yield connection

"""
REPLAY = f"""{HAND}
@pytest.fixture
def db(admin):
    name = f"replayed_{{WORKER}}_{{next(NUMBERS)}}"
    admin.execute(f"CREATE DATABASE {{name}}")
    migrate(name)
    with connect(name) as connection:
        yield connection
    admin.execute(f"DROP DATABASE {{name}}")
"""
TEMPLATE = f"""{HAND}
@pytest.fixture(scope="session")
def template(admin):
    name = f"template_{{WORKER}}"
    admin.execute(f"CREATE DATABASE {{name}}")
    migrate(name)
    yield name
    admin.execute(f"DROP DATABASE {{name}}")


@pytest.fixture
def db(admin, template):
    name = f"cloned_{{WORKER}}_{{next(NUMBERS)}}"
    admin.execute(f"CREATE DATABASE {{name}} TEMPLATE {{template}}")
    with connect(name) as connection:
        yield connection
    admin.execute(f"DROP DATABASE {{name}}")
"""
THEIRS = """
from pathlib import Path

from pytest_postgresql import factories

SQL = Path(__file__).with_name("all.sql")
server = factories.postgresql_noproc(dbname="peer", load=[SQL], **WHERE)
db = factories.postgresql("server")
"""
REPLAY_FILE = """
import sqlite3

import pytest
import sqlx

MIGRATOR = sqlx.Migrator("migrations")


@pytest.fixture
def db(tmp_path):
    path = tmp_path / "test.sqlite"
    MIGRATOR.run(f"sqlite://{path}?mode=rwc")
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()
    path.unlink()
"""

SYNC_MYSQL = """\
def test_rows(number, db):
    with db.cursor() as cursor:
        cursor.execute(INSERT)
        cursor.execute(COUNT)
        assert cursor.fetchone() == (1,)
"""
ASYNC_MYSQL = """\
async def test_rows(number, adb):
    async with adb.cursor() as cursor:
        await cursor.execute(INSERT)
        await cursor.execute(COUNT)
        assert await cursor.fetchone() == (1,)
"""
REPLAY_MYSQL = """
import os
from itertools import count

import pymysql
import pytest
import sqlx

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
MIGRATOR = sqlx.Migrator("migrations")
NUMBERS = count()


@pytest.fixture
def db():
    name = f"replayed_{WORKER}_{next(NUMBERS)}"
    with pymysql.connect(autocommit=True, **WHERE) as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        connection.select_db(name)
        MIGRATOR.run(connection)
        yield connection
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")
"""

SERVER = "sqlx_database = {url}"
SUITES = (
    Suite("no database", NOTHING),
    Suite("db", SYNC, "", (PLUGIN,), (SERVER,)),
    Suite("pool", POOL, "", (PLUGIN,), (SERVER,), is_variant=True),
    Suite(
        "adb",
        ASYNC,
        "",
        (PLUGIN, "asyncio"),
        (SERVER, "asyncio_mode = auto"),
        is_variant=True,
    ),
    Suite("template by hand", SYNC, TEMPLATE),
    Suite(PEER, SYNC, THEIRS, ("pytest_postgresql",), package=PEER),
    Suite("replayed", SYNC, REPLAY, few=2, many=12),
    Suite("SQLite: no database", NOTHING, kind="sqlite"),
    Suite(
        "SQLite: db", SYNC, "", (PLUGIN,), ("sqlx_database = sqlite",), kind="sqlite"
    ),
    Suite(
        "SQLite: db in memory",
        SYNC,
        "",
        (PLUGIN,),
        ("sqlx_database = sqlite::memory:",),
        kind="sqlite",
    ),
    Suite("SQLite: replayed", SYNC, REPLAY_FILE, few=2, many=22, kind="sqlite"),
    Suite("no database", NOTHING, kind="mysql"),
    Suite("db", SYNC_MYSQL, "", (PLUGIN,), (SERVER,), kind="mysql"),
    Suite(
        "adb",
        ASYNC_MYSQL,
        "",
        (PLUGIN, "asyncio"),
        (SERVER, "asyncio_mode = auto"),
        is_variant=True,
        kind="mysql",
    ),
    Suite("replayed", SYNC_MYSQL, REPLAY_MYSQL, few=2, many=12, kind="mysql"),
)
