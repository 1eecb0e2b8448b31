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
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from sqlx.config.url import (
    EmbeddedUrl,
    MySqlUrl,
    PostgresUrl,
    SqliteUrl,
    parse_url,
    redact,
)
from sqlx.databases.drive import AsyncConnection, Connection
from sqlx.databases.kinds import (
    ENGINES,
    PSYCOPG,
    PYMYSQL,
    SQLITE,
    Kind,
    kind_of,
)
from sqlx.databases.reach import Reach
from sqlx.errors import DriverMissing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from types import ModuleType

    from sqlx.config.url import DatabaseUrl
    from sqlx.databases.mysql.connect import Place as MySqlPlace
    from sqlx.databases.postgres.connect import Place
    from sqlx.engine.dialect import Dialect
    from sqlx.engine.news import News

__all__ = [
    "Setting",
    "connect",
    "connect_async",
    "embedded_place",
    "mysql_place",
    "open_async",
    "open_sync",
    "place_of",
]

SHORTEST_SECONDS = 1.0
Opened = tuple[Any, Connection]
OpenedAsync = tuple[Any, AsyncConnection]


@dataclass(frozen=True, slots=True)
class Setting:
    """How a migrator meets a database.

    Args:
        table_name: The history's table, as it is written in SQL.
        create_schemas: Schemas that are made when they are missing.
        locking: False leaves the lock of migrations alone.
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

    def within(self, seconds: float) -> Setting:
        """The same, with less time to reach the database, but some."""
        limit = min(self.connect_timeout_seconds, max(seconds, SHORTEST_SECONDS))
        return replace(self, connect_timeout_seconds=limit)

    def told(self, kind: Kind) -> tuple[object, ...]:
        """Choose what the opening of a connection of the user's depends on."""
        return tuple(getattr(self, name) for name in kind.told)

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
        database: A URL, or what `KINDS` has for `Migrator`.
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
        database: A URL, or what `KINDS` has for `AsyncMigrator`.
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


def mysql_place(url: MySqlUrl) -> MySqlPlace:
    """Tell PyMySQL where a server of MySQL or MariaDB is.

    Raises:
        DriverMissing: PyMySQL is not installed.
    """
    _need("pymysql", "mysql")
    from sqlx.databases.mysql.connect import Place

    return Place(url)


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
    keywords = names | {**place.keywords, "dbname": database}
    return replace(place, keywords=keywords, mend="")


def _sync(database: object, setting: Setting) -> AbstractContextManager[Opened]:
    if isinstance(database, str):
        return _sync_url(parse_url(database, os.environ), setting)
    kind = kind_of(database, "Migrator")
    if kind.room == ENGINES:
        return _sync_engine(kind, database, setting)
    opened: AbstractContextManager[Opened]
    opened = kind.door(kind.sync)(database, *setting.told(kind))
    return opened


def _async(
    database: object, setting: Setting
) -> AbstractAsyncContextManager[OpenedAsync]:
    if isinstance(database, str):
        return _async_url(parse_url(database, os.environ), setting)
    kind = kind_of(database, "AsyncMigrator")
    if kind.room == ENGINES:
        return _async_engine(kind, database, setting)
    opened: AbstractAsyncContextManager[OpenedAsync]
    opened = kind.door(kind.other)(database, *setting.told(kind))
    return opened


@contextmanager
def _sync_engine(kind: Kind, engine: object, setting: Setting) -> Iterator[Opened]:
    """Open the connection that SQLAlchemy lends."""
    lent = kind.door(kind.sync)
    with lent(engine) as connection, _sync(connection, setting) as session:
        yield session


@asynccontextmanager
async def _async_engine(
    kind: Kind, engine: object, setting: Setting
) -> AsyncIterator[OpenedAsync]:
    """Open the connection that SQLAlchemy lends."""
    lent = kind.door(kind.other)
    async with lent(engine) as connection, _async(connection, setting) as session:
        yield session


@contextmanager
def _sync_url(url: DatabaseUrl, setting: Setting) -> Iterator[Opened]:
    with (
        _located(url, setting) as (room, place),
        room.opened(*place) as session,
    ):
        yield session


@asynccontextmanager
async def _async_url(url: DatabaseUrl, setting: Setting) -> AsyncIterator[OpenedAsync]:
    with _located(url, setting) as (room, place):
        async with room.opened_async(*place) as session:
            yield session


@contextmanager
def _located(
    url: DatabaseUrl, setting: Setting
) -> Iterator[tuple[ModuleType, tuple[object, ...]]]:
    """Find the room that opens a URL, and what its functions are told."""
    match url:
        case SqliteUrl():
            yield import_module(SQLITE), (url.uri(), setting.lock_timeout_seconds)
        case MySqlUrl():
            by_mysql = mysql_place(url)  # First: it says that a driver is missing.
            yield import_module(PYMYSQL), (by_mysql, setting.reach())
        case PostgresUrl():
            by_postgres = place_of(url)
            yield import_module(PSYCOPG), (by_postgres, setting.reach())
        case _:
            with embedded_place(url) as place:
                yield import_module(PSYCOPG), (place, setting.reach())


def _need(module: str, extra: str) -> None:
    if find_spec(module) is None:
        raise DriverMissing(
            f"{module} is not installed; run: pip install 'sqlx-py[{extra}]'"
        )


def _silent(_: object) -> None:
    """Say nothing while waiting."""
