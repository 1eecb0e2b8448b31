"""The pytest plugin: fixtures, the marker `sqlx`, options, a line in the header.

Every pytest on a machine with sqlx-py loads this module, so it imports nothing that a
session without databases does not need.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

    import psycopg_pool

    from sqlx.testing.factory import DatabaseFactory
    from sqlx.testing.session import Session
    from sqlx.testing.stock import Lease

__all__: list[str] = []

MARKER = (
    "sqlx(migrations=None, fixtures=(), database=''): what the test's database is made "
    "of. migrations: a directory, a Migrator, or False for none; fixtures: SQL files "
    "that fill it, 'users' for fixtures/users.sql beside the test; database: the URL "
    "of a server, 'postgres', 'embedded' or 'sqlite'."
)

SESSION = pytest.StashKey["Session"]()
TOLD = pytest.StashKey[list[str]]()  # what somebody should know, by all processes
OF_A_WORKER = "sqlx_told"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options and settings."""
    group = parser.getgroup("sqlx", "databases for tests (sqlx-py)")
    group.addoption(
        "--sqlx-keep",
        action="store_true",
        help="keep every test's database, and print where it is",
    )
    group.addoption(
        "--sqlx-fresh",
        action="store_true",
        help="first drop the templates and kept databases that nobody uses",
    )
    parser.addini(
        "sqlx_database",
        "the URL of the server for test databases, 'embedded' or 'sqlite' "
        "(default: DATABASE_URL, else an embedded PostgreSQL)",
        default="",
    )
    parser.addini(
        "sqlx_migrations",
        "the directory of the migrations, from rootdir (default: that of sqlx.toml, "
        "else migrations)",
        default="",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker, and let async fixtures run on what drives the tests."""
    config.addinivalue_line("markers", MARKER)
    plugins = config.pluginmanager
    if not (plugins.hasplugin("django") or plugins.hasplugin("pytest_django.plugin")):
        from sqlx.testing import connection

        plugins.register(connection, "sqlx-db")
    with suppress(ValueError):  # pytest-asyncio is not there, or is too old.
        config.getini("asyncio_default_test_loop_scope")
        from sqlx.testing import loops

        plugins.register(loops, "sqlx-asyncio")


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which server, version and migrations the tests' databases come from."""
    root = config.rootpath
    ours = (root / "sqlx.toml").exists() or (root / "migrations").is_dir()
    if not (ours or config.getini("sqlx_database") or config.getini("sqlx_migrations")):
        return None
    from sqlx.testing.header import header

    return header(config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """Remember which test comes next: its database is made while this one runs."""
    if SESSION in item.config.stash:
        item.config.stash[SESSION].next_item = nextitem
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Begin to make the next test's database, if this one needed none."""
    if SESSION in item.config.stash:
        item.config.stash[SESSION].look_ahead()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the database of a test that fails, and drop any other at its end."""
    report = yield
    if SESSION in item.config.stash:
        item.config.stash[SESSION].heard(item, call, report)
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Drop what is left, when no fixture lives any more, and stop our server."""
    config = session.config
    if SESSION in config.stash:
        told = config.stash[SESSION].close()
        if hasattr(config, "workeroutput"):
            config.workeroutput[OF_A_WORKER] = told
        else:
            config.stash[TOLD] = told


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401 -- xdist may be absent.
    """Hear what a process of pytest-xdist tells."""
    told = getattr(node, "workeroutput", {}).get(OF_A_WORKER, ())
    node.config.stash.setdefault(TOLD, []).extend(told)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print where the databases are that were kept, and what else is to know."""
    from sqlx.testing.summary import summarise

    summarise(terminalreporter, terminalreporter.config.stash.get(TOLD, []))


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Compare URLs as they are shown: pytest would print a password."""
    if "SecretUrl" in {type(left).__name__, type(right).__name__}:
        return [f"{left!r} {op} {right!r}"]
    return None


@pytest.fixture(scope="session")
def sqlx_server(pytestconfig: pytest.Config) -> str:
    """Choose the server of the test databases: a URL, 'embedded' or 'sqlite'.

    Override it to bring a server of your own up, for example in a container.
    """
    from sqlx.errors import SqlxError
    from sqlx.testing.header import usual_server
    from sqlx.testing.session import secret

    try:
        return usual_server(pytestconfig)
    except SqlxError:  # A test is told so when its migrations are looked for.
        return secret("embedded")


@pytest.fixture(scope="session")
def _sqlx_session(
    pytestconfig: pytest.Config,
    sqlx_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Session]:
    from sqlx.testing.session import Session

    if SESSION not in pytestconfig.stash:
        pytestconfig.stash[SESSION] = Session(pytestconfig, tmp_path_factory)
    session = pytestconfig.stash[SESSION]
    yield session
    session.ended(sqlx_server)


@pytest.fixture(scope="session")
def db_factory(
    request: pytest.FixtureRequest, _sqlx_session: Session, sqlx_server: str
) -> Iterator[DatabaseFactory]:
    """Make databases for longer than a test: `url = db_factory.create()`.

    Its server is the one of `sqlx_server` where it is asked for first.
    """
    factory = _sqlx_session.factory(request.session, sqlx_server)
    yield factory
    factory.close()


@pytest.fixture
def _sqlx_lease(
    request: pytest.FixtureRequest, _sqlx_session: Session, sqlx_server: str
) -> Lease:
    return _sqlx_session.lease(request.node, sqlx_server)


@pytest.fixture
def db_url(request: pytest.FixtureRequest, _sqlx_lease: Lease) -> str:
    """Give the URL of a fresh, migrated database of this test's own."""
    from sqlx.testing.session import failing, give
    from sqlx.testing.stock import require_url

    with failing():
        return give(request, "db_url", require_url(_sqlx_lease))


@pytest.fixture
def pool(
    request: pytest.FixtureRequest, _sqlx_lease: Lease
) -> Iterator[psycopg_pool.ConnectionPool[Any]]:
    """Open a pool of connections to a fresh, migrated database of this test's own."""
    from sqlx.testing.session import failing, give

    with failing():
        made = _sqlx_lease.pool()
    with made:
        yield give(request, "pool", made)


@pytest.fixture
def adb(request: pytest.FixtureRequest, _sqlx_lease: Lease) -> object:
    """Connect as `db` does, in asyncio."""
    return _of_the_loop(request, "adb")


@pytest.fixture
def apool(request: pytest.FixtureRequest, _sqlx_lease: Lease) -> object:
    """Open a pool as `pool` does, in asyncio."""
    return _of_the_loop(request, "apool")


def _of_the_loop(request: pytest.FixtureRequest, name: str) -> object:
    """Get an async fixture that lives on the event loop of the test."""
    from sqlx.testing.session import failing, give, runner_of

    with failing():
        made = request.getfixturevalue(f"_sqlx_{name}_{runner_of(request)}")
    return give(request, name, made)


@pytest.fixture
async def _sqlx_adb_anyio(_sqlx_lease: Lease) -> AsyncIterator[object]:
    async with _sqlx_lease.connected_async() as connection:
        yield connection


@pytest.fixture
async def _sqlx_apool_anyio(_sqlx_lease: Lease) -> AsyncIterator[object]:
    async with _sqlx_lease.pool_async() as made:
        yield made
