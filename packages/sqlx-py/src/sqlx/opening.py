"""Open what a caller names: a URL, a connection or a pool, sync or async."""

from __future__ import annotations

import os
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from sqlx.config.url import EmbeddedUrl, PostgresUrl, SqliteUrl, parse_url, redact
from sqlx.databases.drive import AsyncConnection, Connection
from sqlx.databases.reach import Reach
from sqlx.errors import DriverMissing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from sqlx.databases.postgres.connect import Place
    from sqlx.engine.dialect import Dialect
    from sqlx.engine.news import News

__all__ = [
    "Setting",
    "connect",
    "connect_async",
    "embedded_place",
    "open_async",
    "open_sync",
    "place_of",
]

Opened = tuple[Any, Connection]
OpenedAsync = tuple[Any, AsyncConnection]


@dataclass(frozen=True, slots=True)
class Setting:
    """How a migrator meets a database.

    Args:
        table_name: The history's table, as it is written in SQL.
        create_schemas: Schemas that are made when they are missing.
        locking: False leaves PostgreSQL's advisory lock alone.
        lock_timeout_seconds: How long to wait for others; None for ever.
        connect_timeout_seconds: How long to wait for the database.
        tell: Hears what happens.
    """

    table_name: str
    create_schemas: tuple[str, ...]
    locking: bool
    lock_timeout_seconds: float | None
    connect_timeout_seconds: float
    tell: Callable[[News], None]

    def reach(self) -> Reach:
        """Begin to reach a database."""
        return Reach(self.connect_timeout_seconds, self.tell)

    def applied_to(self, dialect: Dialect) -> Dialect:
        """Make a dialect use our table, schemas and locking."""
        known: dict[str, object] = {
            "table": self.table_name,
            "create_schemas": self.create_schemas,
        }
        if hasattr(dialect, "locking"):
            known["locking"] = self.locking
        changed: Dialect = replace(cast("Any", dialect), **known)
        return changed


@contextmanager
def open_sync(
    database: object, setting: Setting
) -> Iterator[tuple[Dialect, Connection]]:
    """Open what a sync caller names.

    Args:
        database: A URL, a psycopg connection or pool, or an `sqlite3.Connection`.
        setting: How it is met.

    Raises:
        ConfigurationError: The URL is wrong, or its driver is missing.
        ConnectionFailed: The database cannot be reached.
        InTransaction: The connection is inside a transaction.
        TypeError: It is nothing that we know.
    """
    with _sync(database, setting) as (dialect, connection):
        yield setting.applied_to(dialect), connection


@asynccontextmanager
async def open_async(
    database: object, setting: Setting
) -> AsyncIterator[tuple[Dialect, AsyncConnection]]:
    """Open what an async caller names.

    Args:
        database: A URL, an async psycopg connection or pool, `sqlite3.Connection`.
        setting: How it is met.

    Raises:
        ConfigurationError: The URL is wrong, or its driver is missing.
        ConnectionFailed: The database cannot be reached.
        InTransaction: The connection is inside a transaction.
        TypeError: It is nothing that we know.
    """
    async with _async(database, setting) as (dialect, connection):
        yield setting.applied_to(dialect), connection


def place_of(url: PostgresUrl) -> Place:
    """Tell libpq where a PostgreSQL server is.

    Raises:
        DriverMissing: psycopg is not installed.
    """
    _need("psycopg", "postgres")
    from sqlx.databases.postgres.connect import Place

    def clean(message: str) -> str:
        return redact(message, url)

    return Place(url.keywords(), clean, url.pooled)


@contextmanager
def embedded_place(
    url: EmbeddedUrl, settings: Mapping[str, str] | None = None
) -> Iterator[Place]:
    """Start the embedded PostgreSQL for as long as it is used.

    Args:
        url: Where its data are.
        settings: PostgreSQL's, if it does not run yet.
    """
    _need("psycopg", "embedded")
    from sqlx.databases.postgres.connect import Place
    from sqlx.embedded import start

    with start(url.path, settings=settings or {}) as server:
        yield Place(server.keywords(url.database), str, pooled=False)


def connect(place: Place, database: str, *, timeout_seconds: float = 30.0) -> Any:  # noqa: ANN401 -- psycopg may be absent.
    """Connect by psycopg to a database of a PostgreSQL server, in autocommit.

    Waits for a server that starts, and for one that has no connection left.

    Raises:
        ConnectionFailed: It cannot be reached in that time.
    """
    from sqlx.databases.postgres import connect as postgres

    there = _inside(place, database)
    return postgres.connect(there, Reach(timeout_seconds, _silent))


async def connect_async(
    place: Place, database: str, *, timeout_seconds: float = 30.0
) -> Any:  # noqa: ANN401 -- psycopg may be absent.
    """Connect as `connect` does, in `asyncio`."""
    from sqlx.databases.postgres import connect as postgres

    there = _inside(place, database)
    return await postgres.connect_async(there, Reach(timeout_seconds, _silent))


def _inside(place: Place, database: str) -> Place:
    """Name a database of a server, and what we want there."""
    names = {"application_name": "sqlx-test"}
    return replace(place, keywords=names | {**place.keywords, "dbname": database})


def _sync(
    database: Any,  # noqa: ANN401 -- its driver may be absent.
    setting: Setting,
) -> AbstractContextManager[Opened]:
    if isinstance(database, str):
        return _sync_url(parse_url(database, os.environ), setting)
    match _kind(database):
        case "sqlite3.Connection":
            from sqlx.databases.sqlite import connect as sqlite

            return sqlite.given(database, setting.lock_timeout_seconds)
        case "psycopg.Connection":
            from sqlx.databases.postgres import connect as postgres

            return postgres.given(database)
        case "psycopg_pool.ConnectionPool":
            return _from_pool(database)
        case kind:
            raise _unknown(kind, "Migrator", "a psycopg Connection or ConnectionPool")


def _async(
    database: Any,  # noqa: ANN401 -- its driver may be absent.
    setting: Setting,
) -> AbstractAsyncContextManager[OpenedAsync]:
    if isinstance(database, str):
        return _async_url(parse_url(database, os.environ), setting)
    match _kind(database):
        case "sqlite3.Connection":
            from sqlx.databases.sqlite import connect as sqlite

            return sqlite.given_async(database, setting.lock_timeout_seconds)
        case "psycopg.AsyncConnection":
            from sqlx.databases.postgres import connect as postgres

            return postgres.given_async(database)
        case "psycopg_pool.AsyncConnectionPool":
            return _from_async_pool(database)
        case kind:
            wanted = "a psycopg AsyncConnection or AsyncConnectionPool"
            raise _unknown(kind, "AsyncMigrator", wanted)


@contextmanager
def _sync_url(
    url: PostgresUrl | SqliteUrl | EmbeddedUrl, setting: Setting
) -> Iterator[Opened]:
    match url:
        case SqliteUrl():
            from sqlx.databases.sqlite import connect as sqlite

            with sqlite.opened(url.uri(), setting.lock_timeout_seconds) as opened:
                yield opened
        case PostgresUrl():
            place = place_of(url)
            from sqlx.databases.postgres import connect as postgres

            with postgres.opened(place, setting.reach()) as session:
                yield session
        case _:
            with embedded_place(url) as place:
                from sqlx.databases.postgres import connect as postgres

                with postgres.opened(place, setting.reach()) as session:
                    yield session


@asynccontextmanager
async def _async_url(
    url: PostgresUrl | SqliteUrl | EmbeddedUrl, setting: Setting
) -> AsyncIterator[OpenedAsync]:
    match url:
        case SqliteUrl():
            from sqlx.databases.sqlite import connect as sqlite

            timeout = setting.lock_timeout_seconds
            async with sqlite.opened_async(url.uri(), timeout) as opened:
                yield opened
        case PostgresUrl():
            place = place_of(url)
            from sqlx.databases.postgres import connect as postgres

            async with postgres.opened_async(place, setting.reach()) as session:
                yield session
        case _:
            with embedded_place(url) as place:
                from sqlx.databases.postgres import connect as postgres

                async with postgres.opened_async(place, setting.reach()) as session:
                    yield session


@contextmanager
def _from_pool(pool: Any) -> Iterator[Opened]:  # noqa: ANN401 -- may be absent.
    from sqlx.databases.postgres import connect as postgres

    with postgres.borrowed(pool) as connection, postgres.given(connection) as session:
        yield session


@asynccontextmanager
async def _from_async_pool(
    pool: Any,  # noqa: ANN401 -- its package may be absent.
) -> AsyncIterator[OpenedAsync]:
    from sqlx.databases.postgres import connect as postgres

    async with (
        postgres.borrowed_async(pool) as connection,
        postgres.given_async(connection) as session,
    ):
        yield session


def _kind(database: object) -> str:
    """Name the class that we know it by, without importing its driver."""
    known = {
        "sqlite3.Connection",
        "psycopg.Connection",
        "psycopg.AsyncConnection",
        "psycopg_pool.ConnectionPool",
        "psycopg_pool.AsyncConnectionPool",
    }
    names = [
        f"{cls.__module__.partition('.')[0]}.{cls.__name__}"
        for cls in type(database).__mro__
    ]
    return next((name for name in names if name in known), names[0])


def _unknown(kind: str, door: str, wanted: str) -> TypeError:
    return TypeError(
        f"{door} takes a database URL, {wanted}, or an sqlite3.Connection, not {kind}"
    )


def _need(module: str, extra: str) -> None:
    if find_spec(module) is None:
        raise DriverMissing(
            f"{module} is not installed; run: pip install 'sqlx-py[{extra}]'"
        )


def _silent(_: object) -> None:
    """Say nothing while waiting."""
