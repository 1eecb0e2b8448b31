"""The database of the service: reach it, migrate it, and hold the pool that serves."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

import sqlx
from smally.config import EMBEDDED, Settings, SettingsError
from smally.store import health

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from psycopg import AsyncConnection

__all__ = ["Database", "DatabaseRefused", "DatabaseUnavailable", "StatementRefused"]

POOL_SIZE = 10
CONNECT_TIMEOUT_SECONDS = 10
RECONNECT_SECONDS = 2
# A request is answered within three seconds, also when the database is not well: it
# waits so long for a connection, then the server ends its statement, and when the
# server says nothing at all, the connection is cut.
LEND_TIMEOUT_SECONDS = 1
STATEMENT_TIMEOUT_MS = 1_500
SILENCE_SECONDS = 2
MOST_WAITING = 200

WRITES_REFUSED = (
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.InsufficientPrivilege,
)
# In libpq's messages, where waiting does not help.
FINAL = ("authentication failed", "does not exist", "pg_hba.conf", "permission denied")
MAY_WRITE_HISTORY = (
    "the role that serves may write the history; as its owner: REVOKE INSERT, UPDATE"
    ", DELETE ON _sqlx_migrations, _sqlx_compatible FROM the role"
)

log = logging.getLogger("smally")


class DatabaseUnavailable(Exception):
    """The service cannot use its database now; the message says why."""


class StatementRefused(DatabaseUnavailable):
    """The server refused a statement, for its time or its kind: nothing was done."""


class DatabaseRefused(DatabaseUnavailable):
    """The database lets us in no more the next time; a person has to act."""


class Database:
    """The way to the database: opened once, beside the server that already answers.

    Args:
        settings: Where it is, and where the migrations lie.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._held = AsyncExitStack()
        self._pool: AsyncConnectionPool | None = None
        self._trying: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._trying.set_result(None)
        self._is_well = True
        self.is_stopping = False

    async def open(self) -> None:
        """Migrate, then open the pool; log each of the three lines once it is true.

        Raises:
            SettingsError: A URL is of no use to this service.
            SqlxError: The database could not be reached or migrated.
            DatabaseUnavailable: The role that serves cannot connect.
        """
        url = read_url("DATABASE_URL", self._settings.database_url)
        keywords = await self._reach(url)
        log.info("Running database migrations...")
        await self._migrate()
        log.info("Database migrations completed")
        if self._settings.runtime_database_url:
            keywords = self._runtime_keywords()
        elif isinstance(url, sqlx.PostgresUrl):
            log.info("RUNTIME_DATABASE_URL is not set: serving as the schema's owner")
        self._pool = await self._open_pool(keywords)
        log.info("Database connection pool initialized")

    async def close(self) -> None:
        """Give back the connections; the embedded server stops with its last user."""
        self._pool = None
        await self._held.aclose()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection, in autocommit, for a short piece of work.

        Raises:
            DatabaseUnavailable: There is none, or it was lost, or it took too long.
        """
        if self._pool is None:
            raise DatabaseUnavailable("the database is being migrated")
        try:
            async with self._pool.connection(LEND_TIMEOUT_SECONDS) as connection:
                with cut_when_silent(connection):
                    yield connection
            self._tell(is_well=True)
        except psycopg.errors.QueryCanceled as error:
            raise StatementRefused("the database is too slow") from error
        except WRITES_REFUSED as error:
            raise StatementRefused("the database takes no writes") from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            self._tell(is_well=False)
            self._sort_out()
            raise DatabaseUnavailable("the database does not answer") from error

    async def check(self) -> None:
        """Ask the database for a sign of life.

        Raises:
            DatabaseUnavailable: There is none, or the service is starting or stopping.
        """
        if self.is_stopping:
            raise DatabaseUnavailable("the service is stopping")
        async with self.connection() as connection:
            if not await health.takes_writes(connection):
                raise DatabaseUnavailable("the database takes no writes")

    def pool_stats(self) -> dict[str, int]:
        """Count the pool's connections and who waits, by psycopg_pool's names."""
        return self._pool.get_stats() if self._pool else {}

    def _tell(self, *, is_well: bool) -> None:
        """Log that the database is lost or back, when that is news."""
        if is_well is not self._is_well:
            self._is_well = is_well
            level = logging.INFO if is_well else logging.WARNING
            log.log(level, "the database %s", "is back" if is_well else "is lost")

    def _sort_out(self) -> None:
        """Have the idle connections tried: one was lost, so others may be dead too."""
        if self._pool is not None and self._trying.done():
            self._trying = asyncio.ensure_future(self._pool.check())

    async def _reach(self, url: sqlx.PostgresUrl | sqlx.EmbeddedUrl) -> dict[str, str]:
        """Give libpq's keywords; start an embedded server, held until `close`."""
        if isinstance(url, sqlx.PostgresUrl):
            return url.keywords()
        if self._settings.database_url == EMBEDDED:
            log.info(
                "DATABASE_URL is not set: using the embedded PostgreSQL in .postgres"
            )
        starting = asyncio.create_task(
            asyncio.to_thread(sqlx.start_embedded, url.path, on_event=log.info)
        )
        try:
            server = await asyncio.shield(starting)
        except asyncio.CancelledError:
            # A thread cannot be cancelled: what it starts must be stopped all the same.
            (await starting).stop()
            raise
        self._held.push_async_callback(asyncio.to_thread, server.stop)
        return server.keywords(url.database)

    async def _migrate(self) -> None:
        """Apply what is pending, over a connection that is closed again."""
        migrator = sqlx.AsyncMigrator(
            self._settings.migrations,
            connect_timeout_seconds=self._settings.database_wait_seconds,
            on_event=tell,
        )
        await migrator.run(self._settings.database_url)

    def _runtime_keywords(self) -> dict[str, str]:
        """Read the URL of the role that serves, which need not own what it reads."""
        url = read_url("RUNTIME_DATABASE_URL", self._settings.runtime_database_url)
        if isinstance(url, sqlx.PostgresUrl):
            return url.keywords()
        raise SettingsError("RUNTIME_DATABASE_URL: give a postgresql:// URL")

    async def _open_pool(self, keywords: dict[str, str]) -> AsyncConnectionPool:
        """Open the pool, after one connection that says clearly why there is none."""
        conninfo = make_conninfo(**{"application_name": "smally", **keywords})
        try:
            connection = await psycopg.AsyncConnection.connect(
                conninfo, connect_timeout=CONNECT_TIMEOUT_SECONDS
            )
        except psycopg.OperationalError as error:
            raise refused(str(error).strip()) from error
        await connection.close()
        pool = AsyncConnectionPool(
            conninfo,
            kwargs={"autocommit": True, "connect_timeout": RECONNECT_SECONDS},
            # The pool would wait longer each time, up to five minutes.
            reconnect_timeout=RECONNECT_SECONDS,
            min_size=2,
            max_size=POOL_SIZE,
            max_waiting=MOST_WAITING,
            configure=limit_statements,
            open=False,
        )
        await self._held.enter_async_context(pool)
        try:
            await pool.wait(CONNECT_TIMEOUT_SECONDS)
            async with pool.connection() as connection:
                if await health.may_write_history(connection):
                    log.warning(MAY_WRITE_HISTORY)
        except psycopg.Error as error:
            raise refused(str(error).strip()) from error
        return pool


def refused(reason: str) -> DatabaseUnavailable:
    """Say why there is no pool, and whether the next start may have one."""
    final = any(words in reason for words in FINAL)
    kind = DatabaseRefused if final else DatabaseUnavailable
    mend = "check the role, the password and the database in RUNTIME_DATABASE_URL"
    return kind(f"the pool cannot connect: {reason}; {mend}")


async def limit_statements(connection: AsyncConnection) -> None:
    """Have the server end what takes too long."""
    await health.set_statement_timeout(connection, str(STATEMENT_TIMEOUT_MS))


@contextmanager
def cut_when_silent(connection: AsyncConnection) -> Iterator[None]:
    """Cut the connection when the work with it takes too long.

    Whoever waits for the server's reply then fails at once. Cancelling would wait for a
    server that does not answer.
    """
    loop = asyncio.get_running_loop()
    cutting = loop.call_later(SILENCE_SECONDS, cut, connection)
    try:
        yield
    finally:
        cutting.cancel()


def cut(connection: AsyncConnection) -> None:
    """End a connection as the network would."""
    with (
        suppress(OSError, psycopg.Error),
        socket.socket(fileno=os.dup(connection.fileno())) as copy,
    ):
        copy.shutdown(socket.SHUT_RDWR)


def read_url(name: str, text: str) -> sqlx.PostgresUrl | sqlx.EmbeddedUrl:
    """Read the URL in an environment variable.

    Raises:
        SettingsError: It is of no use to this service; the message shows no password.
    """
    try:
        url = sqlx.parse_url(text, os.environ)
    except sqlx.ConfigurationError as error:
        raise SettingsError(f"{name}: {error}") from error
    if isinstance(url, sqlx.PostgresUrl | sqlx.EmbeddedUrl):
        return url
    raise SettingsError(f"{name}: smally needs PostgreSQL; give a postgresql:// URL")


def tell(news: sqlx.News) -> None:
    """Log what happens during the migration: what was applied, and every wait."""
    if isinstance(news, sqlx.Change):
        migration = news.migration
        log.info("Applied migration %s %s", migration.version, migration.description)
    elif not isinstance(news, sqlx.Starting):
        log.warning("%s", news)
