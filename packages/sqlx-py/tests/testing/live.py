"""What the tests of the plugin's server side share: servers, and what is on them."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import make_conninfo
from support import new_folder

import sqlx
from sqlx.databases.postgres.connect import Place
from sqlx.testing.places import SETTINGS
from sqlx.testing.postgres.server import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx import embedded

__all__ = [
    "ONE",
    "Fragile",
    "admin",
    "ask",
    "databases",
    "holders",
    "no_changes",
    "place_of",
    "postgres",
    "statements",
    "using",
    "wait_until",
    "wait_until_waiting",
]

ENOUGH_SECONDS = 60.0
ONE = sqlx.Migrator({"1_users.sql": "CREATE TABLE users (name TEXT)"})


@contextmanager
def postgres(**settings: str) -> Iterator[embedded.Server]:
    """Start a server of one's own, with the plugin's settings and others."""
    folder = new_folder()
    chosen = {**SETTINGS, **settings}
    with sqlx.start_embedded(folder / "postgres", settings=chosen) as server:
        yield server
    shutil.rmtree(folder)


def place_of(server: embedded.Server, **words: str) -> Place:
    """Tell where a server is, with other words of libpq."""
    return Place(server.keywords() | words, str)


@contextmanager
def using(
    where: embedded.Server | Place, processes: int = 1, *, fresh: bool = False
) -> Iterator[PostgresServer]:
    """Use a server, as a process of a test session does."""
    place = where if isinstance(where, Place) else place_of(where)
    server = PostgresServer(place, processes, fresh=fresh)
    try:
        yield server
    finally:
        server.close()


class Fragile:
    """A server of one's own that may be crashed, and started again."""

    def __init__(self) -> None:
        self._folder = new_folder()
        self._uses: list[embedded.Server] = []
        self.start()

    @property
    def server(self) -> embedded.Server:
        """The server, whether it runs or not."""
        return self._uses[-1]

    def start(self) -> None:
        """Start it; it recovers what a crash has left."""
        folder = self._folder / "postgres"
        self._uses.append(sqlx.start_embedded(folder, settings=SETTINGS))

    def end(self, order: signal.Signals) -> None:
        """Let it shut down: by SIGINT with a checkpoint, by SIGQUIT at once."""
        lines = Path(self.server.directory, "data", "postmaster.pid").read_text()
        process = os.pidfd_open(int(lines.split("\n")[0]))
        try:
            signal.pidfd_send_signal(process, order)
            assert select.select([process], [], [], ENOUGH_SECONDS)[0], (
                "it does not end"
            )
        finally:
            os.close(process)

    def stop(self) -> None:
        """Stop it as its last user does."""
        for use in self._uses:
            use.stop()

    def close(self) -> None:
        """Stop it for good."""
        self.stop()
        shutil.rmtree(self._folder)


@contextmanager
def no_changes(server: embedded.Server, table: str = "pg_database") -> Iterator[None]:
    """Let whoever makes or drops a database wait, or changes another catalog."""
    with admin(server) as connection, connection.transaction():
        connection.execute(f"LOCK TABLE pg_catalog.{table} IN SHARE MODE".encode())
        yield


def wait_until(server: embedded.Server, condition: str) -> None:
    """Ask a server until a condition holds."""
    latest = time.monotonic() + ENOUGH_SECONDS
    with admin(server) as connection:
        while connection.execute(f"SELECT {condition}".encode()).fetchone() != (True,):
            assert time.monotonic() < latest, condition


def wait_until_waiting(server: embedded.Server, statement: str, count: int = 1) -> None:
    """Wait until so many of a kind of statement wait for a lock."""
    wait_until(
        server,
        f"count(*) = {count} FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
        f"AND query LIKE '%{statement}%'",
    )


@contextmanager
def admin(
    server: embedded.Server, database: str = "postgres", **words: str
) -> Iterator[psycopg.Connection[Any]]:
    """Connect to a server, as a superuser unless it is said."""
    line = make_conninfo("", **(server.keywords(database) | words))
    with psycopg.connect(line, autocommit=True) as connection:
        yield connection


def ask(
    server: embedded.Server, sql: str, *params: object, database: str = "postgres"
) -> list[tuple[Any, ...]]:
    """Run a statement in a session of its own, and give its rows."""
    with admin(server, database) as connection:
        cursor = connection.execute(sql.encode(), params or None)
        return cursor.fetchall() if cursor.description else []


def databases(server: embedded.Server, kind: str = "") -> set[str]:
    """Name the databases that are ours: `test` or `template`, or both."""
    found = ask(server, "SELECT datname FROM pg_database WHERE datname ~ '^_sqlx_'")
    return {name for (name,) in found if name.startswith(f"_sqlx_{kind}")}


def holders(server: embedded.Server) -> list[int]:
    """Give the processes of the connections that hold a lock of the plugin's."""
    sql = "SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' ORDER BY pid"
    return [pid for (pid,) in ask(server, sql)]


def statements(server: embedded.Server, begun: int = 0) -> list[str]:
    """List the statements that are in a server's log, from some byte on.

    Args:
        server: It logs those of `options=-c log_statement=all`.
        begun: How long the log was before.
    """
    text = Path(server.log).read_bytes()[begun:].decode()
    return re.findall("LOG:  (?:statement|execute [^:]*): (.*)", text)
