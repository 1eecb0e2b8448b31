"""Connections of a user's to PostgreSQL, of each kind, behind one face."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, cast

import asyncpg
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool, ConnectionPool
from sqlalchemy import URL, create_engine
from sqlalchemy.ext.asyncio import create_async_engine

import sqlx

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from support import Database

__all__ = ["KINDS", "Given", "Sync", "engine_url", "sleeping"]

Asked = list[tuple[Any, ...]]


class Given(Protocol):
    """A connection or pool of the user's, sync or async, behind one face."""

    pid: int

    def ask(self, sql: str, *, prepare: bool = False) -> Asked:
        """Ask on the connection, and end the transaction that psycopg begins."""

    def attributes(self) -> dict[str, object]:
        """Tell what psycopg's object says of itself."""

    def run(self, folder: Path, **options: Any) -> sqlx.Report:
        """Migrate on it."""

    def revert(self, folder: Path) -> sqlx.Report:
        """Go back on it."""

    def info(self, folder: Path) -> sqlx.Info:
        """Ask what is applied on it."""

    def close(self) -> None:
        """Close all."""

    def interrupted(self, folder: Path, database: Database) -> type[BaseException]:
        """Break a run off while `pg_sleep` runs; give the error that came out."""


def attributes_of(connection: Any) -> dict[str, object]:
    """Read all that a migrator could have changed of psycopg's object."""
    names = (
        "autocommit",
        "isolation_level",
        "read_only",
        "deferrable",
        "row_factory",
        "prepare_threshold",
        "prepared_max",
        "closed",
    )
    told = {name: getattr(connection, name) for name in names}
    status = connection.info.transaction_status
    return {**told, "status": status, "encoding": connection.info.encoding}


def sleeping(database: Database) -> None:
    """Await the moment in which a statement of the run sleeps."""
    with psycopg.connect(database.place, autocommit=True) as watcher:
        while not watcher.execute(
            "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
            " AND datname = current_database()"
        ).fetchall():
            watcher.execute("SELECT pg_stat_clear_snapshot()")


class Sync:
    """A `Connection`, or what lends always the same one: a pool, an engine."""

    def __init__(
        self,
        database: Database,
        lend: Callable[[Sync, Database], psycopg.Connection[Any]],
    ) -> None:
        self.stack = ExitStack()
        self.given: object = None
        self.connection = lend(self, database)
        self.given = self.given or self.connection
        self.stack.callback(self.connection.close)
        self.pid = self.connection.info.backend_pid

    def close(self) -> None:
        """Close all."""
        self.stack.close()

    def ask(self, sql: str, *, prepare: bool = False) -> Asked:
        """Ask, and commit."""
        cursor = self.connection.execute(sql.encode(), prepare=prepare)
        rows = cursor.fetchall() if cursor.description else []
        self.connection.commit()
        return rows

    def attributes(self) -> dict[str, object]:
        """Tell what psycopg's object says of itself."""
        return attributes_of(self.connection)

    def run(self, folder: Path, **options: Any) -> sqlx.Report:
        """Migrate on it."""
        return sqlx.Migrator(folder, **options).run(self.given)

    def revert(self, folder: Path) -> sqlx.Report:
        """Go back on it."""
        return sqlx.Migrator(folder).revert(self.given)

    def info(self, folder: Path) -> sqlx.Info:
        """Ask what is applied on it."""
        return sqlx.Migrator(folder).info(self.given)

    def interrupted(self, folder: Path, database: Database) -> type[BaseException]:
        """Press Ctrl-C."""

        def press() -> None:
            sleeping(database)
            os.kill(os.getpid(), signal.SIGINT)

        presser = threading.Thread(target=press)
        presser.start()
        try:
            with pytest.raises(BaseException) as caught:  # noqa: PT011 -- which one is the result.
                self.run(folder)
        finally:
            presser.join()
        return caught.type


class Async:
    """The same in `asyncio`, in a loop that lives as long."""

    def __init__(
        self, database: Database, lend: Callable[[Any, Database], Awaitable[Any]]
    ) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.given: object = None
        self.connection = self.runner.run(self.opened(lend, database))
        self.given = self.given or self.connection
        self.pid = self.backend_pid()

    async def opened(
        self, lend: Callable[[Any, Database], Awaitable[Any]], database: Database
    ) -> Any:
        """Connect, and close at the end."""
        connection = await lend(self, database)
        self.stack.push_async_callback(connection.close)
        return connection

    def close(self) -> None:
        """Close all."""
        self.runner.run(self.stack.aclose())
        self.runner.close()

    def backend_pid(self) -> int:
        """Tell the server's process."""
        return int(self.connection.info.backend_pid)

    def ask(self, sql: str, *, prepare: bool = False) -> Asked:
        """Ask, and commit."""

        async def asking() -> Asked:
            cursor = await self.connection.execute(sql.encode(), prepare=prepare)
            rows = await cursor.fetchall() if cursor.description else []
            await self.connection.commit()
            return rows

        return self.runner.run(asking())

    def attributes(self) -> dict[str, object]:
        """Tell what psycopg's object says of itself."""
        return attributes_of(self.connection)

    def run(self, folder: Path, **options: Any) -> sqlx.Report:
        """Migrate on it."""
        return self.runner.run(sqlx.AsyncMigrator(folder, **options).run(self.given))

    def revert(self, folder: Path) -> sqlx.Report:
        """Go back on it."""
        return self.runner.run(sqlx.AsyncMigrator(folder).revert(self.given))

    def info(self, folder: Path) -> sqlx.Info:
        """Ask what is applied on it."""
        return self.runner.run(sqlx.AsyncMigrator(folder).info(self.given))

    def interrupted(self, folder: Path, database: Database) -> type[BaseException]:
        """Cancel the task."""

        async def cancel() -> type[BaseException]:
            task = asyncio.create_task(sqlx.AsyncMigrator(folder).run(self.given))
            await asyncio.to_thread(sleeping, database)
            task.cancel()
            (result,) = await asyncio.gather(task, return_exceptions=True)
            assert isinstance(result, BaseException)
            return type(result)

        return self.runner.run(cancel())


class Asyncpg(Async):
    """A connection of asyncpg's."""

    def __init__(
        self, database: Database, lend: Callable[[Any, Database], Awaitable[Any]]
    ) -> None:
        self.prepared: list[object] = []
        super().__init__(database, lend)

    def backend_pid(self) -> int:
        """Tell the server's process."""
        return int(self.connection.get_server_pid())

    def ask(self, sql: str, *, prepare: bool = False) -> Asked:
        """Ask; nothing stays prepared unless it is wanted."""

        async def asking() -> Asked:
            if prepare:
                self.prepared.append(await self.connection.prepare(sql))
                return []
            return [tuple(row) for row in await self.connection.fetch(sql)]

        return self.runner.run(asking())

    def attributes(self) -> dict[str, object]:
        """Tell what asyncpg's object says of itself, and who hears its socket."""
        return {
            "closed": self.connection.is_closed(),
            "transaction": self.connection.is_in_transaction(),
            "protocol": self.connection._transport.get_protocol(),
            "encoding": self.connection.get_settings().client_encoding,
        }


def engine_url(database: Database, driver: str) -> URL:
    """Write where a PostgreSQL database is as SQLAlchemy does."""
    known = conninfo_to_dict(database.place)
    return URL.create(
        f"postgresql+{driver}",
        username=str(known["user"]),
        database=str(known["dbname"]),
        query={"host": str(known["host"]), "port": str(known["port"])},
    )


def connected(
    _: Sync, database: Database, *, autocommit: bool
) -> psycopg.Connection[Any]:
    """Connect by psycopg."""
    return psycopg.connect(database.place, autocommit=autocommit)


def of_a_pool(given: Sync, database: Database) -> psycopg.Connection[Any]:
    """Take the only connection of psycopg's pool."""
    pool = ConnectionPool(database.place, min_size=1, max_size=1, open=True)
    given.given = given.stack.enter_context(pool)
    with pool.connection() as connection:
        return connection


def of_an_engine(given: Sync, database: Database) -> psycopg.Connection[Any]:
    """Take the only connection of an engine's pool."""
    given.given = engine = create_engine(engine_url(database, "psycopg"), pool_size=1)
    given.stack.callback(engine.dispose)
    with engine.connect() as connection:
        return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


async def connected_async(_: Async, database: Database) -> Any:
    """Connect by psycopg."""
    return await psycopg.AsyncConnection.connect(database.place)


async def of_an_async_pool(given: Async, database: Database) -> Any:
    """Take the only connection of psycopg's pool."""
    options = {"autocommit": True}
    pool = AsyncConnectionPool(
        database.place, min_size=1, max_size=1, kwargs=options, open=False
    )
    given.given = await given.stack.enter_async_context(pool)
    async with pool.connection() as connection:
        return connection


async def connected_by_asyncpg(_: Async, database: Database) -> Any:
    """Connect by asyncpg, which prepares nothing behind a test's back."""
    return await asyncpg.connect(database.place, statement_cache_size=0)


async def of_an_async_engine(given: Async, database: Database) -> Any:
    """Take the only connection of an engine's pool."""
    given.given = engine = create_async_engine(
        engine_url(database, "asyncpg"),
        pool_size=1,
        connect_args={"statement_cache_size": 0},
    )
    given.stack.push_async_callback(engine.dispose)
    async with engine.connect() as connection:
        return (await connection.get_raw_connection()).driver_connection


KINDS: dict[str, Callable[[Database], Given]] = {
    "connection": partial(Sync, lend=partial(connected, autocommit=False)),
    "connection in autocommit": partial(Sync, lend=partial(connected, autocommit=True)),
    "pool": partial(Sync, lend=of_a_pool),
    "engine": partial(Sync, lend=of_an_engine),
    "async connection": partial(Async, lend=connected_async),
    "async pool": partial(Async, lend=of_an_async_pool),
    "asyncpg": partial(Asyncpg, lend=connected_by_asyncpg),
    "async engine": partial(Asyncpg, lend=of_an_async_engine),
}
