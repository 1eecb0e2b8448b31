"""What the tests of the plugin share on servers of MySQL's kind."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import mysql_server

from sqlx.config.url import MySqlUrl, parse_url
from sqlx.databases.mysql.connect import Place
from sqlx.testing.mysql.ground import session_locks
from sqlx.testing.mysql.server import MySqlServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pymysql

__all__ = ["admin", "databases", "place_of", "using"]

ENOUGH_SECONDS = 60


def place_of(url: str) -> Place:
    """Tell where a URL leads."""
    parsed = parse_url(url, {})
    assert isinstance(parsed, MySqlUrl)
    return Place(parsed)


@contextmanager
def using(
    where: mysql_server.Server, user: str = "root", *, fresh: bool = False
) -> Iterator[MySqlServer]:
    """Use a server, as a process of a test session does."""
    server = MySqlServer(place_of(where.url("mysql", user)), fresh=fresh)
    try:
        yield server
    finally:
        server.close()
        for lock in session_locks(server.session):
            where.ask(f"DO GET_LOCK('{lock}', {ENOUGH_SECONDS})")  # They are let go.


@contextmanager
def admin(server: mysql_server.Server) -> Iterator[pymysql.Connection[Any]]:
    """Connect to a server for longer than one statement."""
    with closing(mysql_server.connect(server.url())) as connection:
        yield connection


def databases(server: mysql_server.Server, kind: str = "") -> set[str]:
    """Name the databases that are ours: `test` or `template`, or both."""
    found = {name for (name,) in server.ask("SHOW DATABASES")}
    return {name for name in found if name.startswith(f"_sqlx_{kind}")}
