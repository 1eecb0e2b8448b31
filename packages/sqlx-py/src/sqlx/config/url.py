"""Database URLs: text in, one frozen value out.

A URL is `postgres://…` (or `postgresql://…`), `mysql://…` (or `mariadb://…`),
`sqlite:…` or `embedded:…`. Nothing here connects or imports a driver, and no message
shows a password or a part of one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from sqlx.config.grammar import (
    EXAMPLES,
    decode,
    encode,
    pairs,
    quoted,
    refused,
    split_scheme,
)
from sqlx.config.mysql_url import MySqlUrl, parse_mysql_url
from sqlx.config.postgres_url import Host, PostgresUrl, parse_postgres_url
from sqlx.config.redaction import redact
from sqlx.config.sqlite_url import SqliteUrl, parse_sqlite_url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlx.errors import ConfigurationError

__all__ = [
    "DatabaseUrl",
    "EmbeddedUrl",
    "Host",
    "MySqlUrl",
    "PostgresUrl",
    "SqliteUrl",
    "parse_url",
    "redact",
]


@dataclass(frozen=True, slots=True)
class EmbeddedUrl:
    """Where an embedded PostgreSQL keeps its data, and which of its databases is meant.

    Args:
        path: A directory, relative to the working directory.
        database: The name of the database.
        redacted: The URL, for messages; no part of it is secret.
    """

    path: str
    database: str
    redacted: str

    def with_database(self, name: str) -> EmbeddedUrl:
        """Make the URL of another database on the same server."""
        place = self.redacted.partition("?")[0]
        redacted = f"{place}?dbname={encode(name)}"
        return replace(self, database=name, redacted=redacted)


DatabaseUrl: TypeAlias = PostgresUrl | MySqlUrl | SqliteUrl | EmbeddedUrl


def parse_url(
    url: str,
    environ: Mapping[str, str],
    exists: Callable[[str], bool] = os.path.exists,
) -> DatabaseUrl:
    """Read a database URL.

    Args:
        url: `postgres://user:password@host:5432/database` or another.
        environ: The environment variables; `PGHOST` and its kin matter here.
        exists: Tells whether there is a file: the server's socket is looked for when
            neither the URL nor the environment names a host.

    Raises:
        ConfigurationError: The URL cannot be used; the message says why, and what a
            right one looks like.
    """
    scheme, rest = split_scheme(url)
    match scheme:
        case "postgres" | "postgresql":
            return parse_postgres_url(scheme, rest, environ, exists)
        case "mysql" | "mariadb":
            return parse_mysql_url(scheme, rest)
        case "sqlite":
            return parse_sqlite_url(rest)
        case "embedded":
            return _parse_embedded_url(rest)
        case _:
            raise _no_driver(scheme)


def _parse_embedded_url(rest: str) -> EmbeddedUrl:
    """Read `PATH?dbname=NAME`; as in SQLite's URLs, `//` before it says nothing."""
    place, _, query = rest.removeprefix("//").partition("?")
    path = decode(place, "directory")
    if not path:
        raise refused(
            "embedded: names no directory",
            "say where the server keeps its data: embedded:.postgres",
        )
    database = "postgres"
    for name, value in pairs(query):
        if name != "dbname" or not value:
            raise refused(
                f"unknown query parameter `{name}` while parsing connection URL",
                "an embedded PostgreSQL has one: embedded:.postgres?dbname=app",
            )
        database = value
    return EmbeddedUrl(path, database, f"embedded:{rest}")


def _no_driver(scheme: str) -> ConfigurationError:
    """Say which schemes there are; SQLAlchemy's URLs name a driver too."""
    kind, plus, _ = scheme.partition("+")
    if plus and kind in {"postgres", "postgresql", "mysql", "mariadb", "sqlite"}:
        mend = f"leave the driver away: {kind}://"
    else:
        mend = f"write {EXAMPLES}"
    return refused(f"no driver found for URL scheme {quoted(scheme)}", mend)
