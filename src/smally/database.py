"""The database of the service: reach it, migrate it, and hold the pool that serves."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import AsyncExitStack

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool, PoolTimeout

import sqlx
from smally.config import EMBEDDED, Settings, SettingsError
from smally.store.health import ping

__all__ = ["Database", "DatabaseUnavailable"]

POOL_SIZE = 10
CONNECT_TIMEOUT_SECONDS = 10
# A probe must answer while the database hangs, so it does not wait for long.
PROBE_TIMEOUT_SECONDS = 2

log = logging.getLogger("smally")


class DatabaseUnavailable(Exception):
    """The service cannot use its database now; the message says why."""


class Database:
    """The way to the database: opened once, beside the server that already answers.

    Args:
        settings: Where it is, and where the migrations lie.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._held = AsyncExitStack()
        self._pool: AsyncConnectionPool | None = None

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

    async def check(self) -> None:
        """Ask the database for a sign of life.

        Raises:
            DatabaseUnavailable: There is none, or the service is still starting.
        """
        if self._pool is None:
            raise DatabaseUnavailable("the database is being migrated")
        try:
            async with (
                asyncio.timeout(PROBE_TIMEOUT_SECONDS),
                self._pool.connection() as connection,
            ):
                await ping(connection)
        except (psycopg.Error, PoolTimeout, TimeoutError) as error:
            raise DatabaseUnavailable("the database does not answer") from error

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
            reason = str(error).strip()
            raise DatabaseUnavailable(f"the pool cannot connect: {reason}") from error
        await connection.close()
        pool = AsyncConnectionPool(
            conninfo,
            min_size=1,
            max_size=POOL_SIZE,
            open=False,
            timeout=PROBE_TIMEOUT_SECONDS,
        )
        await self._held.enter_async_context(pool)
        await pool.wait(CONNECT_TIMEOUT_SECONDS)
        return pool


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
