"""Create, drop and find databases: SQLx's `MigrateDatabase` (migrations.md 9)."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlx.config.url import EmbeddedUrl, PostgresUrl, SqliteUrl, parse_url
from sqlx.databases.reach import Reach
from sqlx.engine.steps import Query
from sqlx.errors import DatabaseError, ForceNotSupported
from sqlx.opening import embedded_place, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.databases.drive import Connection
    from sqlx.engine.news import News

__all__ = ["create_database", "database_exists", "drop_database"]

DUPLICATE_DATABASE = "42P04"


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
            with _maintenance(place, connect_timeout_seconds) as connection:
                return _has(connection, place.database)


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
            with _maintenance(place, connect_timeout_seconds) as connection:
                if _has(connection, place.database):
                    return False
                return _create(connection, place.database)


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
        ForceNotSupported: The database is SQLite's.
        ConnectionFailed: The server cannot be reached.
        DatabaseError: The server refused, e.g. since the database is in use.
    """
    match parse_url(url, os.environ):
        case SqliteUrl() as place:
            return _drop_file(place, force=force)
        case place:
            with _maintenance(place, connect_timeout_seconds) as connection:
                if not _has(connection, place.database):
                    return False
                with_force = " WITH (FORCE)" if force else ""
                name = _quoted(place.database)
                connection.execute(Query(f"DROP DATABASE IF EXISTS {name}{with_force}"))
                return True


@contextmanager
def _maintenance(
    url: PostgresUrl | EmbeddedUrl, timeout_seconds: float
) -> Iterator[Connection]:
    """Connect to the server's database for such things, as SQLx does."""
    name = "template1" if url.database == "postgres" else "postgres"
    reach = Reach(timeout_seconds, _silent)
    match url.with_database(name):
        case PostgresUrl() as other:
            place = place_of(other)
            from sqlx.databases.postgres.connect import opened

            with opened(place, reach) as (_, connection):
                yield connection
        case other:
            with embedded_place(other) as place:
                from sqlx.databases.postgres.connect import opened

                with opened(place, reach) as (_, connection):
                    yield connection


def _has(connection: Connection, name: str) -> bool:
    rows = connection.execute(Query("SELECT datname FROM pg_catalog.pg_database"))
    return (name,) in rows


def _create(connection: Connection, name: str) -> bool:
    try:
        connection.execute(Query(f"CREATE DATABASE {_quoted(name)}"))
    except DatabaseError as error:
        if error.sqlstate in {DUPLICATE_DATABASE, "23505"}:  # somebody was faster
            return False
        raise
    return True


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


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _silent(_: News) -> None:
    """Say nothing while waiting."""
