"""Between pytest and the stock: tests, their databases, and what pytest is told."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from unittest import TestCase

import pytest

from sqlx.config.url import parse_url
from sqlx.errors import ConfigurationError, SqlxError
from sqlx.testing.factory import DatabaseFactory
from sqlx.testing.places import SecretUrl
from sqlx.testing.stock import Lease, Stock
from sqlx.testing.summary import KEPT
from sqlx.testing.wishes import read_wish

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlx.migrator import Migrator
    from sqlx.testing.wishes import Migrations, Wish

__all__ = ["Session", "failing", "give", "migrator_of", "runner_of", "secret", "told"]

T = TypeVar("T")
LEASE = pytest.StashKey[Lease]()
FIXTURES = frozenset({"db", "adb", "db_url", "pool", "apool"})
SECTION = "sqlx: the test's database"


@dataclass
class Session:
    """This process's part of a test session.

    Args:
        config: pytest's.
        folders: Makes folders of this process.
        next_item: The test that runs after this one.
    """

    config: pytest.Config
    folders: pytest.TempPathFactory
    next_item: pytest.Item | None = None
    _stocks: dict[str, Stock] = field(default_factory=dict)  # by sqlx_server
    _told: list[str] = field(default_factory=list)

    def lease(self, item: pytest.Item, server: str) -> Lease:
        """Give a test its database; pytest is told what goes wrong, once.

        Args:
            item: The test.
            server: What the fixture `sqlx_server` is for it.
        """
        stock = self._stock(item.session, server)
        with failing():
            wish = _wish(item)
        try:
            lease = stock.lease(wish, self._name(item), str(item.path.parent))
        except SqlxError as error:
            raise self._outcome(item, wish, error, stock) from None
        if wish.migrations is None and stock.has_no_migrations:
            lease.note = f"it is empty: there are no migrations in {self._usual}"
        item.stash[LEASE] = lease
        self._look_ahead(stock)
        return lease

    def factory(self, session: pytest.Session, server: str) -> DatabaseFactory:
        """Make databases for longer than a test."""
        root = str(self.config.rootpath)

        def lease(wish: Wish) -> Lease:
            # A URL may be that of an override, and has to go with its server.
            named = wish.database if ":" in wish.database else server
            return self._stock(session, named).lease(wish, "", root)

        return DatabaseFactory(lease)

    def look_ahead(self) -> None:
        """Begin to make the database of the next test, if it asks for one."""
        for stock in [*self._stocks.values()][-1:]:
            self._look_ahead(stock)

    def heard(
        self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> None:
        """Keep the database of a test that fails; at the end drop any other."""
        lease = item.stash.get(LEASE, None)
        if lease is None:
            return
        wanted = report.failed or self.config.option.sqlx_keep
        if wanted and lease.url and not (lease.kept or lease.given_back):
            lease.keep(self._name(item))
            report.user_properties.append((KEPT, lease.shown))
        if report.failed and lease.kept:
            text = "\n".join(filter(None, (f"kept: {lease.shown}", lease.note)))
            report.sections.append((SECTION, text))
        if call.when == "teardown":
            del item.stash[LEASE]
            lease.give_back()

    def ended(self, server: str) -> None:
        """Drop what is left on a server that its fixture is about to stop.

        Ours waits: the last test may yet fail as its fixtures end.
        """
        if not isinstance(server, SecretUrl) and server in self._stocks:
            self._told += self._stocks.pop(server).close()

    def close(self) -> list[str]:
        """Drop what is left, and say what somebody should know."""
        left = [text for stock in self._stocks.values() for text in stock.close()]
        return self._told + left

    def _stock(self, session: pytest.Session, server: str) -> Stock:
        stock = self._stocks.pop(server, None)
        if stock is None:
            worker = getattr(self.config, "workerinput", {})
            stock = Stock(
                secret(server),
                worker.get("workercount", 1),
                str(self._shared),
                str(self.folders.mktemp("sqlx")),
                partial(migrator_of, self.config),
                fresh=self.config.option.sqlx_fresh,
            )
            session.addfinalizer(partial(self.ended, server))
        self._stocks[server] = stock  # The last one is the one in use.
        return stock

    @property
    def _shared(self) -> Path:
        """A folder of all processes of the session."""
        base = self.folders.getbasetemp()
        return base.parent if hasattr(self.config, "workerinput") else base

    def _look_ahead(self, stock: Stock) -> None:
        item, self.next_item = self.next_item, None
        if item is not None and FIXTURES & {*getattr(item, "fixturenames", ())}:
            with suppress(SqlxError):  # It is told when it is that test's turn.
                stock.make_ahead(_wish(item))

    @property
    def _usual(self) -> Path:
        """The directory of the migrations, where nothing else is configured."""
        from sqlx.config.settings import settings_in

        root = self.config.rootpath
        return root / settings_in(str(root)).migrations_dir

    def _name(self, item: pytest.Item) -> str:
        return f"{self.config.rootpath}::{item.nodeid}"

    def _outcome(
        self, item: pytest.Item, wish: Wish, error: SqlxError, stock: Stock
    ) -> BaseException:
        """Fail one test of the session for what is broken, and skip the others."""
        text = "\n".join((str(error), *getattr(error, "__notes__", ())))
        is_setting = isinstance(error, ConfigurationError) and not wish.database
        if is_setting or stock.is_broken(error):
            teller = self._teller(text, item)
            if teller != item.nodeid:
                return pytest.skip.Exception(
                    f"its database could not be made: see the error of {teller}"
                )
        return pytest.fail.Exception(told(self.config, text), pytrace=False)

    def _teller(self, text: str, item: pytest.Item) -> str:
        """Name the test that fails for a problem: the first of all processes.

        It is none that is expected to fail, for nobody would see it.
        """
        digest = hashlib.sha256(text.encode()).hexdigest()
        file = self._shared / f"sqlx-told-{digest[:16]}"
        if item.get_closest_marker("xfail") is None:
            with suppress(FileExistsError), file.open("x", encoding="utf-8") as new:
                new.write(item.nodeid)
        with suppress(FileNotFoundError):
            return file.read_text(encoding="utf-8") or "another test"
        return "another test"


@contextmanager
def failing() -> Iterator[None]:
    """Let a test fail with our message alone."""
    try:
        yield
    except SqlxError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


def secret(server: str) -> SecretUrl:
    """Hide the password of what `sqlx_server` is, wherever pytest may print it."""
    if isinstance(server, SecretUrl) or ":" not in server:
        return SecretUrl(server, getattr(server, "shown", server))
    try:
        shown = parse_url(server, os.environ).redacted
    except ConfigurationError:
        shown = "***"
    return SecretUrl(server, shown)


def told(config: pytest.Config, text: object) -> str:
    """Show paths as pytest does: from the directory where it was started."""
    here = os.path.join(config.invocation_params.dir, "")
    return re.sub(rf"(?<![\w/.-]){re.escape(here)}(?=[^/])", "", str(text))


def give(request: pytest.FixtureRequest, name: str, value: T) -> T:
    """Give a fixture's value, and set it on a `unittest.TestCase`, which cannot ask."""
    if isinstance(request.instance, TestCase):
        setattr(request.instance, name, value)
    return value


def runner_of(request: pytest.FixtureRequest) -> str:
    """Tell what runs an async test: `anyio`, or the scope of pytest-asyncio's loop.

    Raises:
        ConfigurationError: Nothing does, or nothing that psycopg knows.
    """
    if "anyio_backend" in request.fixturenames:
        backend = request.getfixturevalue("anyio_backend")
        name = backend if isinstance(backend, str) else backend[0]
        if name == "asyncio":
            return "anyio"
        raise ConfigurationError(
            f"adb and apool run on asyncio, as psycopg does, and this test on {name}: "
            "let the fixture anyio_backend return 'asyncio', or ask for db"
        )
    config = request.config
    if config.pluginmanager.hasplugin("sqlx-asyncio"):
        mark = request.node.get_closest_marker("asyncio")
        given = mark.kwargs if mark else {}
        usual = config.getini("asyncio_default_test_loop_scope")
        return str(given.get("loop_scope") or given.get("scope") or usual)
    raise ConfigurationError(
        "adb and apool need an event loop: install pytest-asyncio 0.26 or later, or "
        "mark the test with anyio (pip install anyio)"
    )


def migrator_of(config: pytest.Config, migrations: Migrations) -> Migrator | None:
    """Find the migrations that a test or the configuration names; None for none.

    Raises:
        ConfigurationError: `sqlx.toml` is wrong.
    """
    from sqlx.config.settings import settings_in
    from sqlx.migrator import Migrator

    root = config.rootpath
    match migrations:
        case bool():
            return None
        case Migrator():
            return migrations
        case None if not config.getini("sqlx_migrations"):
            directory = root / settings_in(str(root)).migrations_dir
            if not directory.is_dir():
                return None
        case None:
            directory = root / config.getini("sqlx_migrations")
        case named:
            directory = root / named
    return Migrator.from_config(root, source=str(directory))


def _wish(item: pytest.Item) -> Wish:
    """Read a test's markers, the outermost first."""
    marks = [*item.iter_markers("sqlx")][::-1]
    return read_wish((mark.args, mark.kwargs) for mark in marks)
