"""Create, drop and find databases: SQLx's `MigrateDatabase` (migrations.md 9)."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from sqlx.config.url import (
    EmbeddedUrl,
    MySqlUrl,
    PostgresUrl,
    SqliteUrl,
    parse_url,
)
from sqlx.databases.reach import Reach
from sqlx.engine.steps import Query
from sqlx.errors import ConfigurationError, DatabaseError, ForceNotSupported
from sqlx.opening import embedded_place, mysql_place, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.databases.drive import Connection
    from sqlx.databases.postgres.connect import Place
    from sqlx.engine.news import News

__all__ = ["create_database", "database_exists", "drop_database"]

_Elsewhere = TypeVar("_Elsewhere", PostgresUrl, EmbeddedUrl)
DUPLICATES = {"42P04", "23505"}  # PostgreSQL's, and of two who make it at once
EXISTS = 1007  # MySQL's


def database_exists(url: str, *, connect_timeout_seconds: float = 10.0) -> bool:
    """Tell whether the database of a URL exists.

    Args:
        url: A database URL; the maintenance database of its server is asked.
        connect_timeout_seconds: How long to wait for the server.

    Raises:
        ConfigurationError: The URL is wrong.
        ConnectionFailed: The server cannot be reached.
    """
    match parse_url(url, os.environ):
        case SqliteUrl() as place:
            return place.in_memory or os.path.exists(place.path)
        case place:
            with _maintenance(place, connect_timeout_seconds) as server:
                return server.has()


def create_database(
    url: str, *, wal: bool = True, connect_timeout_seconds: float = 10.0
) -> bool:
    """Make the database of a URL unless it exists.

    Args:
        url: A database URL.
        wal: Whether a new SQLite file gets a write-ahead log.
        connect_timeout_seconds: How long to wait for the server.

    Returns:
        Whether it was made.

    Raises:
        ConfigurationError: The URL is wrong.
        ConnectionFailed: The server cannot be reached.
        DatabaseError: The server refused.
    """
    match parse_url(url, os.environ):
        case SqliteUrl() as place:
            if place.in_memory or os.path.exists(place.path):
                return False
            _create_file(place, wal=wal)
            return True
        case place:
            with _maintenance(place, connect_timeout_seconds) as server:
                return not server.has() and server.create()


def drop_database(
    url: str, *, force: bool = False, connect_timeout_seconds: float = 10.0
) -> bool:
    """Drop the database of a URL, if it exists.

    Args:
        url: A database URL.
        force: End the sessions of others first; PostgreSQL alone can.
        connect_timeout_seconds: How long to wait for the server.

    Returns:
        Whether there was one.

    Raises:
        ConfigurationError: The URL is wrong.
        ForceNotSupported: The database is not PostgreSQL's.
        ConnectionFailed: The server cannot be reached.
        DatabaseError: The server refused, e.g. since the database is in use.
    """
    match parse_url(url, os.environ):
        case SqliteUrl() as place:
            return _drop_file(place, force=force)
        case place:
            with _maintenance(place, connect_timeout_seconds) as server:
                return server.has() and server.drop(force=force)


@dataclass(frozen=True, slots=True)
class _Server:
    """A session on a server, and how the server speaks of one of its databases.

    Args:
        connection: In a database that is made for such things, or in none.
        database: The name as it is written in SQL.
        found: Finds a row when there is such a database.
        forced: What a drop by force has at its end; None where there is none.
    """

    connection: Connection
    database: str
    found: str
    forced: str | None

    def has(self) -> bool:
        """Tell whether there is the database."""
        return bool(self.connection.execute(Query(self.found)))

    def create(self) -> bool:
        """Make the database, unless somebody was faster."""
        try:
            self.connection.execute(Query(f"CREATE DATABASE {self.database}"))
        except DatabaseError as error:
            if error.sqlstate in DUPLICATES or error.code == EXISTS:
                return False
            raise
        return True

    def drop(self, *, force: bool) -> bool:
        """Drop the database."""
        if force and self.forced is None:
            raise ForceNotSupported
        end = self.forced if force else ""
        self.connection.execute(Query(f"DROP DATABASE IF EXISTS {self.database}{end}"))
        return True


@contextmanager
def _maintenance(
    url: PostgresUrl | MySqlUrl | EmbeddedUrl, timeout_seconds: float
) -> Iterator[_Server]:
    """Connect to a server beside the database that is meant, as SQLx does."""
    reach = Reach(timeout_seconds, _silent)
    match url:
        case MySqlUrl():
            with _on_mysql(url, reach) as server:
                yield server
        case PostgresUrl():
            with _on_postgres(place_of(_beside(url)), reach, url.database) as server:
                yield server
        case _:
            with (
                embedded_place(_beside(url)) as place,
                _on_postgres(place, reach, url.database) as server,
            ):
                yield server


@contextmanager
def _on_mysql(url: MySqlUrl, reach: Reach) -> Iterator[_Server]:
    if not url.database:
        raise ConfigurationError(
            "DATABASE_URL does not specify a database; write its name at the end: "
            "mysql://user:password@host:3306/database"
        )
    place = mysql_place(url)
    from sqlx.databases.mysql.connect import opened
    from sqlx.databases.mysql.session import literal, quoted

    found = (
        "SELECT schema_name FROM information_schema.schemata"
        f" WHERE schema_name = {literal(url.database)}"
    )
    with opened(place, reach, database="") as (_, connection):
        yield _Server(connection, quoted(url.database), found, None)


@contextmanager
def _on_postgres(place: Place, reach: Reach, name: str) -> Iterator[_Server]:
    from sqlx.databases.postgres.connect import opened
    from sqlx.databases.postgres.session import literal

    found = (
        "SELECT datname FROM pg_catalog.pg_database"
        f" WHERE datname::pg_catalog.text = {literal(name)}"
    )
    quoted = '"' + name.replace('"', '""') + '"'
    with opened(place, reach) as (_, connection):
        yield _Server(connection, quoted, found, " WITH (FORCE)")


def _beside(url: _Elsewhere) -> _Elsewhere:
    """Name the database that is made for speaking of others."""
    return url.with_database("template1" if url.database == "postgres" else "postgres")


def _create_file(url: SqliteUrl, *, wal: bool) -> None:
    from sqlx.databases.sqlite.connect import create_file

    create_file(replace(url, mode="rwc").uri(), wal=wal)


def _drop_file(url: SqliteUrl, *, force: bool) -> bool:
    if url.in_memory or not os.path.exists(url.path):
        return False
    if force:
        raise ForceNotSupported
    try:
        for suffix in ("-wal", "-shm", ""):
            if os.path.exists(url.path + suffix):
                os.unlink(url.path + suffix)
    except OSError as error:
        raise DatabaseError(f"{url.path} cannot be removed: {error.strerror}") from None
    return True


def _silent(_: News) -> None:
    """Say nothing while waiting."""
