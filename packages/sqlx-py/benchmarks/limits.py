"""What a server itself takes to copy a database: the limit of whatever tests do.

PostgreSQL has `CREATE DATABASE … TEMPLATE`, which is tried in each of its ways. MariaDB
copies nothing: there it is one message with the statements that `SHOW CREATE` tells,
and with those that copy the history.
"""

from __future__ import annotations

import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
import pymysql
from psycopg.conninfo import make_conninfo
from pymysql.constants import CLIENT
from servers import mariadb

import sqlx
from sqlx.testing.places import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

__all__ = ["OPENED", "Server"]

# How PostgreSQL 18 copies a database: its STRATEGY, and its file_copy_method.
WAYS = ("FILE_COPY", "clone"), ("FILE_COPY", "copy"), ("WAL_LOG", "copy")
TRIALS = 3
INSERT = "INSERT INTO table_0 (name) VALUES ('a')"
COUNT = "SELECT count(*) FROM table_0"
TEMPLATES = r"SELECT datname FROM pg_database WHERE datname LIKE '\_sqlx\_template\_%'"
TEMPLATES_OF_MARIADB = r"SHOW DATABASES LIKE '\_sqlx\_template\_%'"
# What stands in MariaDB's tables of objects: the kind, the name, the column with it.
OBJECTS = """
SELECT 'TABLE', table_name, 1 FROM information_schema.tables
WHERE table_schema = '{0}' AND table_type = 'BASE TABLE'
UNION ALL
SELECT 'FUNCTION', routine_name, 2 FROM information_schema.routines
WHERE routine_schema = '{0}'
UNION ALL
SELECT 'VIEW', table_name, 1 FROM information_schema.views WHERE table_schema = '{0}'
"""


class Server(Protocol):
    """A server that copies databases."""

    @property
    def where(self) -> Mapping[str, str]:
        """It, in the words of its driver."""

    @property
    def url(self) -> str:
        """It, for the plugin."""

    def make(self, name: str, migrations: Path) -> str:
        """Make what is copied, and tell how it is."""

    def copy(self, name: str) -> tuple[float, float, float]:
        """Copy it, use the copy, and drop it: the seconds of each part."""

    def forget(self) -> None:
        """Drop the templates that the plugin has made."""


@dataclass
class Postgres:
    """The embedded PostgreSQL.

    Args:
        admin: To make and drop databases.
        where: The server, in libpq's words.
    """

    admin: psycopg.Connection[Any]
    where: Mapping[str, str]
    _ways: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """It, for the plugin."""
        words = "&".join(f"{key}={text}" for key, text in self.where.items())
        return f"postgresql:///postgres?{words}"

    def make(self, name: str, migrations: Path) -> str:
        """Make what is copied, and find the way that is fastest here."""
        self._ask(f"CREATE DATABASE {name}")
        with self._connect(name) as connection:
            sqlx.Migrator(migrations).run(connection)
        self._connect(name).close()  # The server caches its catalogs in a file.
        self._await_gone(name)
        took: dict[tuple[str, str], float] = {}
        for way in WAYS * TRIALS:
            self._ways[name] = way
            with suppress(psycopg.Error):  # Not each system can clone files.
                seconds = self.copy(name)[0]
                took[way] = min(seconds, took.get(way, seconds))
        self._ways[name] = min(took, key=took.__getitem__)
        return " ".join(self._ways[name])

    def copy(self, name: str) -> tuple[float, float, float]:
        """Copy it, use the copy, and drop it."""
        strategy, method = self._ways[name]
        self._ask(f"SET file_copy_method = {method}")
        begun = time.perf_counter()
        self._ask(f"CREATE DATABASE copied TEMPLATE {name} STRATEGY {strategy}")
        created = time.perf_counter()
        with self._connect("copied") as connection:
            connection.execute(INSERT)
            connection.execute(COUNT).fetchone()
        used = time.perf_counter()
        self._await_gone("copied")
        alone = time.perf_counter()
        self._ask("DROP DATABASE copied")
        return created - begun, used - created, time.perf_counter() - alone

    def forget(self) -> None:
        """Drop the templates that the plugin has made."""
        for (name,) in self._ask(TEMPLATES):
            self._ask(f"ALTER DATABASE {name} IS_TEMPLATE false")
            self._ask(f"DROP DATABASE {name}")

    def _connect(self, name: str) -> psycopg.Connection[Any]:
        words = make_conninfo("", **self.where, dbname=name)
        return psycopg.connect(words, autocommit=True)

    def _ask(self, sql: str) -> list[tuple[Any, ...]]:
        cursor = self.admin.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []

    def _await_gone(self, name: str) -> None:
        """Wait until a closed session is gone: a DROP would wait 100 ms for it."""
        users = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'"
        while self._ask(users) != [(0,)]:
            pass


@dataclass
class MariaDb:
    """A MariaDB of Debian's package.

    Args:
        admin: To make and drop databases.
        where: The server, in PyMySQL's words.
    """

    admin: pymysql.Connection[Any]
    where: Mapping[str, str]
    _messages: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """It, for the plugin."""
        return f"mysql://root@localhost/?socket={self.where['unix_socket']}"

    def make(self, name: str, migrations: Path) -> str:
        """Make what is copied, and write down how."""
        self._ask(f"CREATE DATABASE {name}")
        with closing(connected(self.where, name)) as connection:
            sqlx.Migrator(migrations).run(connection)
        texts = ["CREATE DATABASE copied; USE copied; SET foreign_key_checks = 0"]
        self.admin.select_db(name)
        for kind, called, column in self._ask(OBJECTS.format(name)):
            (row,) = self._ask(f"SHOW CREATE {kind} {called}")
            texts.append(row[column].replace(f"`{name}`.", ""))
        history = f"SELECT * FROM {name}._sqlx_migrations"
        texts.append(f"INSERT INTO _sqlx_migrations {history}")
        self._messages[name] = ";\n".join(texts)
        return "SHOW CREATE"

    def copy(self, name: str) -> tuple[float, float, float]:
        """Copy it, use the copy, and drop it."""
        begun = time.perf_counter()
        self._ask(self._messages[name])
        created = time.perf_counter()
        with closing(connected(self.where, "copied")) as connection:
            connection.cursor().execute(INSERT)
            connection.cursor().execute(COUNT)
        used = time.perf_counter()
        self._ask("DROP DATABASE copied")
        return created - begun, used - created, time.perf_counter() - used

    def forget(self) -> None:
        """Drop the templates that the plugin has made."""
        for (name,) in self._ask(TEMPLATES_OF_MARIADB):
            self._ask(f"DROP DATABASE {name}")

    def _ask(self, sql: str) -> list[tuple[Any, ...]]:
        with self.admin.cursor() as cursor:
            cursor.execute(sql)
            found = list(cursor.fetchall())
            while cursor.nextset():
                pass
            return found


@contextmanager
def postgres_in(work: Path) -> Iterator[Server]:
    """Start the embedded PostgreSQL."""
    with sqlx.start_embedded(work / "postgres", settings=SETTINGS) as server:
        where = server.keywords()
        with psycopg.connect(make_conninfo("", **where), autocommit=True) as admin:
            del where["dbname"]
            yield Postgres(admin, where)


@contextmanager
def mariadb_in(work: Path) -> Iterator[Server]:
    """Start a MariaDB."""
    with mariadb(work) as server:
        where = {"unix_socket": str(server.folder / server.socket), "user": "root"}
        with closing(connected(where)) as admin:
            yield MariaDb(admin, where)


def connected(
    where: Mapping[str, str], database: str | None = None
) -> pymysql.Connection[Any]:
    """Connect to a MariaDB, for messages of several statements."""
    return pymysql.connect(
        unix_socket=where["unix_socket"],
        user=where["user"],
        database=database,
        autocommit=True,
        client_flag=CLIENT.MULTI_STATEMENTS,
        ssl_disabled=True,  # Its context takes longer than all the rest.
    )


OPENED: dict[
    str, tuple[Callable[[Path], AbstractContextManager[Server]], tuple[str, ...]]
] = {
    "postgres": (postgres_in, ("postgres", "sqlite")),
    "mariadb": (mariadb_in, ("mysql",)),
}
