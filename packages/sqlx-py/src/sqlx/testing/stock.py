"""All that one process of a test session has: servers, files, and what went wrong."""

from __future__ import annotations

import shlex
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlx.config.url import EmbeddedUrl, MySqlUrl, SqliteUrl
from sqlx.errors import (
    ConfigurationError,
    ConnectionLost,
    DatabaseError,
    ExecuteMigration,
    SqlxError,
)
from sqlx.opening import embedded_place, mysql_place, place_of
from sqlx.testing.names import DENIED, renamed
from sqlx.testing.places import SETTINGS, place
from sqlx.testing.scripts import run_script
from sqlx.testing.sqlite import Files, file_url, open_file
from sqlx.testing.wishes import script_path

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Callable

    from sqlx.config.url import DatabaseUrl, PostgresUrl
    from sqlx.databases.postgres.connect import Place
    from sqlx.migrator import Migrator
    from sqlx.testing.server import Server
    from sqlx.testing.wishes import Migrations, Wish

    ServerUrl: TypeAlias = PostgresUrl | EmbeddedUrl | MySqlUrl

__all__ = ["Lease", "Stock"]

MADE_ANEW = "a test's database is made anew each time: mend the file and run again"
NO_RIGHT = (
    "test databases have names of their own: GRANT what migrations need on "
    r"`\_sqlx\_%`.*"
)
NO_POOL = "SQLite has no pool; ask for db or db_url"
EMBEDDED_HINT = "  (its server runs while `python -m sqlx.testing{}` does)"
NO_URL = (
    "a database in memory has no URL; ask for db alone, or choose database='sqlite'"
)


@dataclass(slots=True)
class Lease:
    """The database of one test.

    Args:
        name: Its name on its server; a path for SQLite, empty in memory.
        url: Its URL; empty in memory.
        server: Who made it; None for SQLite.
        files: SQLite; None for a server.
        memory: The only connection to a database in memory.
        kept: Whether somebody wants to look at it afterwards.
        hint: How to reach it when the session is over.
        given_back: Whether it is the test's no longer.
        note: What else somebody should know whose test has failed.
    """

    name: str
    url: str
    server: Server[Any, Any, Any] | None = None
    files: Files | None = None
    memory: sqlite3.Connection | None = None
    kept: bool = False
    hint: str = ""
    given_back: bool = False
    note: str = ""

    @property
    def shown(self) -> str:
        """The URL without a password, and how to reach it."""
        return getattr(self.url, "shown", self.url) + self.hint

    def connect(self) -> Any:  # noqa: ANN401 -- either driver's connection.
        """Open a connection in autocommit."""
        if self.server is not None:
            return self.server.connect(self.name)
        return self.memory or open_file(self.name)

    @asynccontextmanager
    async def connected_async(self) -> AsyncIterator[Any]:
        """Open a connection in asyncio; SQLite has none, and gives its only kind."""
        if self.server is None:
            with closing(self.connect()) as file:
                yield file
            return
        async with self.server.connected_async(self.name) as connection:
            yield connection

    def pool(self) -> Any:  # noqa: ANN401 -- its package may be absent.
        """Make a pool that opens when it is entered.

        Raises:
            ConfigurationError: Its package is missing, or the database has none.
        """
        if self.server is None:
            raise ConfigurationError(NO_POOL)
        return self.server.pool(self.name)

    @asynccontextmanager
    async def pool_async(self) -> AsyncIterator[Any]:
        """Open a pool in asyncio."""
        if self.server is None:
            raise ConfigurationError(NO_POOL)
        async with self.server.pool_async(self.name) as made:
            yield made

    def keep(self, test: str) -> None:
        """Let it be when it is given back."""
        self.kept = True
        if self.server is not None:
            self.server.keep(self.name, test)

    def give_back(self) -> None:
        """Drop it, unless it is kept; a second call does nothing."""
        if self.given_back:
            return
        self.given_back = True
        if self.memory is not None:
            self.memory.close()
        elif self.kept:
            return
        elif self.server is not None:
            self.server.drop(self.name)
        elif self.files is not None:
            self.files.drop(self.name)


@dataclass
class Stock:
    """What one process has opened for its tests.

    Args:
        usual: The server that is configured; empty for an embedded one.
        processes: How many processes the test session has.
        shared: A folder that they all have.
        own: A folder of this process.
        migrator: Finds the migrations of a wish; None for none.
        fresh: Whether to drop first what nobody uses.
    """

    usual: str
    processes: int
    shared: str
    own: str
    migrator: Callable[[Migrations], Migrator | None]
    fresh: bool = False
    _stack: ExitStack = field(default_factory=ExitStack)
    _servers: dict[str, Server[Any, Any, Any]] = field(default_factory=dict)
    _migrators: dict[Migrations, Migrator | None] = field(default_factory=dict)
    _files: Files | None = None
    _out: list[Lease] = field(default_factory=list)
    _broken: dict[object, SqlxError] = field(default_factory=dict)

    def lease(self, wish: Wish, test: str, folder: str) -> Lease:
        """Give a test its database.

        Args:
            wish: What it asks for.
            test: Its name, for a database that is kept.
            folder: Where it stands, for its fixtures.

        Raises:
            SqlxError: The server, a migration or a fixture cannot be used.
        """
        where = place(wish.database, self.usual)
        scripts = [(name, script_path(name, folder)) for name in wish.fixtures]
        taken = self._take(where, wish, test)
        self._out = [*(lease for lease in self._out if not lease.given_back), taken]
        try:
            for name, path in scripts:
                run_script(taken.memory or taken.url, name, path)
        except BaseException as error:
            taken.give_back()
            _forget(error, where)
            raise
        return taken

    def make_ahead(self, wish: Wish) -> None:
        """Begin to make what the next test will ask for, where that is known."""
        where = place(wish.database, self.usual)
        server = self._servers.get(where.redacted)
        if server is not None and not self._broken:
            server.make_ahead(self._migrator(wish.migrations))

    def is_broken(self, error: SqlxError) -> bool:
        """Tell whether an error concerns more than one test."""
        return error in self._broken.values()

    @property
    def has_no_migrations(self) -> bool:
        """Whether none are configured, and none are where they usually are."""
        return self._migrator(None) is None

    def close(self) -> list[str]:
        """Drop what is left, stop a server of ours; say what somebody should know."""
        for lease in self._out:
            lease.give_back()
        self._stack.close()
        return [text for server in self._servers.values() for text in server.told]

    def _migrator(self, migrations: Migrations) -> Migrator | None:
        """Find migrations; their files are read once a session."""
        if migrations not in self._migrators:
            self._migrators[migrations] = self.migrator(migrations)
        return self._migrators[migrations]

    def _take(self, where: DatabaseUrl, wish: Wish, test: str) -> Lease:
        """Take a database with its migrations; what fails once is not tried again."""
        key = where.redacted, str(wish.migrations)
        if key in self._broken:
            raise self._broken[key]
        try:
            if isinstance(where, SqliteUrl):
                return self._take_file(where, self._migrator(wish.migrations))
            return self._take_clone(where, self._migrator(wish.migrations), test)
        except SqlxError as error:
            _forget(error, where)
            self._broken[key] = error
            raise

    def _take_file(self, where: SqliteUrl, migrator: Migrator | None) -> Lease:
        files = self._files = self._files or Files(self.shared, self.own)
        template = files.template(migrator)
        if where.in_memory:
            return Lease("", "", files=files, memory=files.in_memory(template))
        path = files.take(template)
        return Lease(path, file_url(path), files=files)

    def _take_clone(
        self, where: ServerUrl, migrator: Migrator | None, test: str
    ) -> Lease:
        server = self._server(where)
        server.drop_kept(test)
        name = server.take(migrator)
        hint = ""
        if isinstance(where, EmbeddedUrl):
            is_usual = where.redacted == "embedded"
            named = "" if is_usual else f" {shlex.quote(where.redacted)}"
            hint = EMBEDDED_HINT.format(named)
        return Lease(name, server.url(name), server, hint=hint)

    def _server(self, where: ServerUrl) -> Server[Any, Any, Any]:
        if where.redacted not in self._servers:
            server = self._opened(where)
            self._stack.callback(server.close)
            self._servers[where.redacted] = server
        return self._servers[where.redacted]

    def _opened(self, where: ServerUrl) -> Server[Any, Any, Any]:
        """Meet a server; the driver that it needs is missed in our words."""
        if isinstance(where, MySqlUrl):
            reached = mysql_place(where)
            from sqlx.testing.mysql.server import MySqlServer

            return MySqlServer(reached, self.processes, fresh=self.fresh)
        there = self._reach(where)
        from sqlx.testing.postgres.server import PostgresServer

        return PostgresServer(there, self.processes, fresh=self.fresh)

    def _reach(self, where: PostgresUrl | EmbeddedUrl) -> Place:
        if isinstance(where, EmbeddedUrl):
            return self._stack.enter_context(embedded_place(where, SETTINGS))
        return place_of(where)


def require_url(lease: Lease) -> str:
    """Give the URL of a test's database.

    Raises:
        ConfigurationError: It is in memory.
    """
    if not lease.url:
        raise ConfigurationError(NO_URL)
    return lease.url


def _forget(error: BaseException, where: DatabaseUrl) -> None:
    """Say nothing of a database that is gone when somebody reads the error."""
    cause = getattr(error, "cause", None)
    if not isinstance(cause, DatabaseError) or isinstance(cause, ConnectionLost):
        return
    denied = cause.code in DENIED
    if not denied:
        cause.message = renamed(cause.message, getattr(where, "database", ""))
    if isinstance(error, ExecuteMigration):
        error.state = NO_RIGHT if denied else MADE_ANEW
