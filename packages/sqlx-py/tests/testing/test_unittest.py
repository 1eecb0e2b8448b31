"""Classes of unittest, which cannot ask by an argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testing.projects import Project

CLASSES = """
import asyncio, contextlib, unittest, psycopg, psycopg_pool, pytest

NAMES = "SELECT name FROM users"

@pytest.mark.usefixtures("db", "db_url", "pool", "adb", "apool")
class Used(unittest.TestCase):
    def setUp(self):
        self.db.execute("INSERT INTO users VALUES ('ada')")

    def test_one(self):
        with self.pool.connection() as mine:
            self.assertEqual(mine.execute(NAMES).fetchall(), [("ada",)])
        with contextlib.closing(psycopg.connect(self.db_url)) as mine:
            self.assertEqual(mine.execute(NAMES).fetchall(), [("ada",)])
        self.assertIs(type(self.adb), psycopg.AsyncConnection)
        self.assertIs(type(self.apool), psycopg_pool.AsyncConnectionPool)

    @pytest.mark.sqlx(fixtures=["grace"])
    def test_marked(self):
        rows = self.db.execute(NAMES).fetchall()
        self.assertEqual(rows, [("grace",), ("ada",)])

@pytest.mark.sqlx(database="sqlite")
class Autouse(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def connect(self, db):
        self.connection = db

    def test_one(self):
        with self.connection as mine:
            mine.execute("INSERT INTO users VALUES ('ada')")
        rows = self.connection.execute(NAMES).fetchall()
        self.assertEqual(rows, [("ada",)])

    test_two = test_one

@pytest.mark.usefixtures("adb")
class Async(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        await self.adb.execute("INSERT INTO users VALUES ('ada')")

    async def test_one(self):
        cursor = await self.adb.execute(NAMES)
        self.assertEqual(await cursor.fetchall(), [("ada",)])

    test_two = test_one

@pytest.mark.usefixtures("db")
class Fails(unittest.TestCase):
    def test_fails(self):
        self.fail()

    def test_subtests(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertEqual(number, 1)

    @unittest.expectedFailure
    def test_expected(self):
        self.fail()

    @unittest.skip("skipped")
    def test_skipped(self):
        self.fail()

class Plain:
    pass

class TestPlain(Plain):
    @pytest.mark.usefixtures("db")
    def test_it(self):
        assert not hasattr(self, "db")
"""


@pytest.mark.slow
def test_a_test_case_has_fixtures_as_attributes(project: Project) -> None:
    """`usefixtures` sets them on a `TestCase`, before `setUp`, and on nothing else.

    A fixture that is used automatically works as anywhere, and so do skips, expected
    failures and subtests; what fails is kept.
    """
    project.write({"fixtures/grace.sql": "INSERT INTO users VALUES ('grace')"})
    ran = project.run(CLASSES)
    assert ran.outcomes == {
        "passed": 8,
        "failed": 3,
        "skipped": 1,
        "xfailed": 1,
    }
    assert {*project.kept()} == {
        "test_it.py::Fails::test_fails",
        "test_it.py::Fails::test_subtests",
    }
