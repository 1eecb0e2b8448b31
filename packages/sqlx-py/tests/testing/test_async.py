"""Async fixtures, on the loop of whatever runs the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testing.projects import Project

# A pool's tasks live on the loop where it was opened.
HELPERS = """
import asyncio, psycopg, pytest

async def works(adb, apool):
    assert apool._sched_runner.get_loop() is asyncio.get_running_loop()
    await adb.execute("INSERT INTO users VALUES ('ada')")
    async with apool.connection() as mine:
        cursor = await mine.execute("SELECT name FROM users")
        assert await cursor.fetchall() == [("ada",)]
"""

STRICT = """
@pytest.mark.asyncio
async def test_default(adb, apool):
    await works(adb, apool)

@pytest.mark.asyncio(loop_scope="function")
@pytest.mark.parametrize("number", range(2))
async def test_function(adb, apool, number):
    await works(adb, apool)

@pytest.mark.asyncio(loop_scope="class")
class TestClass:
    async def test_one(self, adb, apool):
        await works(adb, apool)

    async def test_two(self, adb, apool):
        await works(adb, apool)

    @pytest.mark.asyncio(loop_scope="session")
    async def test_closer(self, adb, apool):
        await works(adb, apool)

@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("number", range(2))
async def test_module(adb, apool, number):
    await works(adb, apool)

@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("number", range(2))
async def test_session(adb, apool, number):
    await works(adb, apool)
"""


@pytest.mark.slow
def test_each_scope_of_pytest_asyncios_loops(project: Project) -> None:
    """In strict mode, `adb` and `apool` live on the loop that the marker asks for."""
    assert project.run(HELPERS + STRICT).outcomes == {"passed": 10}


AUTO = """
async def test_function(adb, apool):
    await works(adb, apool)

class TestClass:
    async def test_method(self, adb, apool):
        await works(adb, apool)

    async def test_sync_fixture(self, db):
        db.execute("INSERT INTO users VALUES ('ada')")

@pytest.mark.asyncio(loop_scope="function")
async def test_other_scope(adb, apool):
    await works(adb, apool)
"""


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["function", "session"])
def test_pytest_asyncios_auto_mode(project: Project, scope: str) -> None:
    """In auto mode no marker is needed; the loop's scope is the configured one."""
    project.configure(asyncio_mode="auto", asyncio_default_test_loop_scope=scope)
    assert project.run(HELPERS + AUTO).outcomes == {"passed": 4}


SYNC = """
import pytest_asyncio

@pytest_asyncio.fixture
async def ada(adb):
    await adb.execute("INSERT INTO users VALUES ('ada')")

def test_sync(ada, db):
    assert db.execute("SELECT name FROM users").fetchall() == [("ada",)]

def test_given(adb):
    assert type(adb) is psycopg.AsyncConnection
"""


def test_a_sync_test_uses_async_fixtures(project: Project) -> None:
    """A sync test may have `adb` by a fixture that is async, with pytest-asyncio."""
    assert project.run(HELPERS + SYNC).outcomes == {"passed": 2}


ANYIO = """
pytestmark = pytest.mark.anyio

@pytest.fixture(%s, params=["asyncio", ("asyncio", {"debug": True})])
def anyio_backend(request):
    return request.param

@pytest.fixture
async def grace(adb):
    await adb.execute("INSERT INTO users VALUES ('grace')")
    yield
    await adb.execute("DELETE FROM users")

async def test_it(adb, apool):
    await works(adb, apool)

class TestClass:
    async def test_fixture(self, grace, db):
        assert db.execute("SELECT name FROM users").fetchall() == [("grace",)]
"""


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["function", "module"])
@pytest.mark.parametrize("others", [(), ("-p", "no:asyncio")])
def test_anyio_runs_them_on_asyncio(
    project: Project, scope: str, others: tuple[str, ...]
) -> None:
    """With anyio's marker they live on its loop, whether pytest-asyncio is there.

    A backend that lasts longer than a test gives each test its own database.
    """
    if others:
        project.configure(asyncio_default_fixture_loop_scope=None)
    ran = project.run(HELPERS + ANYIO % f"scope={scope!r}", *others)
    assert ran.outcomes == {"passed": 4}


NOBODY = """
def test_sync(adb): pass

async def test_pool(apool): pass

def test_other(db): pass
"""
TRIO = """
@pytest.fixture
def anyio_backend():
    return "trio"

def test_sync(anyio_backend, adb): pass

@pytest.mark.anyio
async def test_pool(apool): pass

def test_other(db): pass
"""
NOTHING = (
    "adb and apool need an event loop: install pytest-asyncio 0.26 or later, or mark "
    "the test with anyio (pip install anyio)"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tests", "off", "message"),
    [
        (
            TRIO,
            "asyncio",
            (
                "adb and apool run on asyncio, as psycopg does, and this test on trio: "
                "let the fixture anyio_backend return 'asyncio', or ask for db"
            ),
        ),
        (NOBODY, "asyncio", NOTHING),
        (NOBODY, "anyio", NOTHING),
    ],
)
def test_where_psycopg_cannot_run_it_is_said(
    project: Project, tests: str, off: str, message: str
) -> None:
    """On trio, and where nothing runs async tests, each test fails with the mend."""
    project.configure(asyncio_default_fixture_loop_scope=None)
    ran = project.run(HELPERS + tests, "-p", "no:asyncio", "-p", f"no:{off}")
    assert ran.errors == {"setup of test_sync": message, "setup of test_pool": message}
    assert ran.outcomes == {"passed": 1, "errors": 2}
