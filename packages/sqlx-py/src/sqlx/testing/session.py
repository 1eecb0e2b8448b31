"""Between pytest and the stock: tests, their databases, and what pytest is told."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar
from unittest import TestCase

import pytest

from sqlx.errors import ConfigurationError, SqlxError
from sqlx.testing.factory import DatabaseFactory
from sqlx.testing.stock import Lease, Stock
from sqlx.testing.wishes import read_wish

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlx.migrator import Migrator
    from sqlx.testing.wishes import Migrations, Wish

__all__ = ["Session", "failing", "give", "migrator_of", "runner_of"]

T = TypeVar("T")
LEASE = pytest.StashKey[Lease]()
FIXTURES = frozenset({"db", "adb", "db_url", "pool", "apool"})
KEPT = "sqlx_database"  # a property of a test's report
SECTION = "sqlx: the test's database"


@dataclass
class Session:
    """This process's part of a test session.

    Args:
        config: pytest's.
        stock: The databases.
        shared: A folder of all processes of the session.
        next_item: The test that runs after this one.
    """

    config: pytest.Config
    stock: Stock
    shared: Path
    next_item: pytest.Item | None = None
    _told: set[str] = field(default_factory=set)

    @classmethod
    def begin(
        cls, config: pytest.Config, usual: str, folders: pytest.TempPathFactory
    ) -> Self:
        """Begin with the server that is configured; it is reached when it is needed."""
        base = folders.getbasetemp()
        is_worker = hasattr(config, "workerinput")
        shared = base.parent if is_worker else base
        stock = Stock(
            usual,
            int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")),
            str(shared),
            str(folders.mktemp("sqlx")),
            partial(migrator_of, config),
            fresh=config.option.sqlx_fresh,
        )
        return cls(config, stock, shared)

    def lease(self, item: pytest.Item) -> Lease:
        """Give a test its database; pytest is told what goes wrong, once."""
        test = f"{self.config.rootpath}::{item.nodeid}"
        with failing():
            wish = _wish(item)
        try:
            lease = self.stock.lease(wish, test, str(item.path.parent))
        except SqlxError as error:
            if not self.stock.is_broken(error):
                pytest.fail(str(error), pytrace=False)
            self._fail_once(error)
        item.stash[LEASE] = lease
        self.look_ahead()
        return lease

    def factory(self) -> DatabaseFactory:
        """Make databases for longer than a test."""
        root = str(self.config.rootpath)
        return DatabaseFactory(lambda wish: self.stock.lease(wish, "", root))

    def look_ahead(self) -> None:
        """Begin to make the database of the next test, if it asks for one."""
        item, self.next_item = self.next_item, None
        if item is not None and FIXTURES & {*getattr(item, "fixturenames", ())}:
            with suppress(SqlxError):  # It is told when it is that test's turn.
                self.stock.make_ahead(_wish(item))

    def heard(
        self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> None:
        """Keep the database of a test that fails; at the end drop any other."""
        lease = item.stash.get(LEASE, None)
        if lease is None:
            return
        wanted = report.failed or self.config.option.sqlx_keep
        if wanted and not lease.kept and lease.url:
            lease.keep(f"{self.config.rootpath}::{item.nodeid}")
            report.user_properties.append((KEPT, lease.shown))
            report.sections.append((SECTION, f"kept: {lease.shown}"))
        if call.when == "teardown":
            del item.stash[LEASE]
            lease.give_back()

    def close(self) -> list[str]:
        """Drop what is left, and say what could not be dropped."""
        return self.stock.close()

    def _fail_once(self, error: SqlxError) -> None:
        """Fail one test of the session for what is broken, and skip the others."""
        text = f"{type(error).__name__}: {error}"
        if text not in self._told and _first(self.shared, text):
            self._told.add(text)
            notes = getattr(error, "__notes__", ())
            pytest.fail("\n".join((text, *notes)), pytrace=False)
        pytest.skip("the database could not be made: see the error of the first test")


@contextmanager
def failing() -> Iterator[None]:
    """Let a test fail with our message, without a traceback."""
    try:
        yield
    except SqlxError as error:
        pytest.fail(str(error), pytrace=False)


def give(request: pytest.FixtureRequest, name: str, value: T) -> T:
    """Give a fixture's value, and set it on a `unittest.TestCase`, which cannot ask."""
    if isinstance(request.instance, TestCase):
        setattr(request.instance, name, value)
    return value


def runner_of(request: pytest.FixtureRequest) -> str:
    """Tell what runs an async test: `anyio`, or the scope of pytest-asyncio's loop.

    Raises:
        ConfigurationError: Nothing does.
    """
    if "anyio_backend" in request.fixturenames:
        return "anyio"
    config = request.config
    if config.pluginmanager.hasplugin("asyncio"):
        mark = request.node.get_closest_marker("asyncio")
        given = mark.kwargs if mark else {}
        usual = config.getini("asyncio_default_test_loop_scope")
        return str(given.get("loop_scope") or given.get("scope") or usual)
    raise ConfigurationError(
        "adb and apool need an event loop: install pytest-asyncio, or mark the test "
        "with anyio (pip install anyio)"
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


def _first(folder: Path, text: str) -> bool:
    """Tell whether this process is the first of the session to tell something."""
    import hashlib

    name = f"sqlx-told-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    try:
        (folder / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
