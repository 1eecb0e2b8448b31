"""The servers that are migrated: a PostgreSQL or a MariaDB of our own, on disk.

Each has its defaults, and a socket in a folder, which a link can stand in front of.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
import pymysql
from link import is_ready
from psycopg.conninfo import make_conninfo

import sqlx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

__all__ = ["SERVERS", "Address", "Server"]

READY_SECONDS = 60.0
SBIN = "/usr/sbin:/usr/bin:/usr/local/bin"
CORPUS = r"table\_%"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is.

    Args:
        url: For SQLx and for ours.
        folder: Of the server's socket, or of a link's.
        database: Its name.
    """

    url: str
    folder: str
    database: str


class Server(Protocol):
    """What a benchmark asks of a server."""

    @property
    def folder(self) -> Path:
        """Where its socket is."""

    @property
    def socket(self) -> str:
        """The socket's name."""

    def address(self, folder: Path, database: str) -> Address:
        """Tell where a database is, through a socket in that folder."""

    def renew(self, database: str) -> None:
        """Make a database empty, and let the server write what it has to."""

    def tables(self, database: str) -> int:
        """Count the tables of the corpus."""

    def flushes(self) -> int:
        """Count the log's flushes so far, once no other session is open any more."""

    def greets(self, data: bytes) -> bool:
        """Tell whether the server has said here that a client is connected."""


@dataclass(frozen=True)
class Postgres:
    """The embedded PostgreSQL."""

    folder: Path
    socket: str
    admin: psycopg.Connection

    def address(self, folder: Path, database: str) -> Address:
        """Tell where a database is."""
        url = f"postgres:///{database}?host={folder}&user=postgres"
        return Address(url, str(folder), database)

    def renew(self, database: str) -> None:
        """Make a database empty."""
        self._ask(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        self._ask(f"CREATE DATABASE {database} STRATEGY wal_log")
        self._ask("CHECKPOINT")

    def tables(self, database: str) -> int:
        """Count the tables of the corpus."""
        words = make_conninfo(self.admin.info.dsn, dbname=database)
        with psycopg.connect(words) as connection:
            row = connection.execute(
                f"SELECT count(*) FROM pg_tables WHERE tablename LIKE '{CORPUS}'"
            ).fetchone()
        return int(row[0]) if row else 0

    def flushes(self) -> int:
        """Count the WAL's flushes."""
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname ~ '^bench_'"
        while self._ask(others) != [(0,)]:
            pass
        rows = self._ask("SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal'")
        return int(str(rows[0][0]))

    def greets(self, data: bytes) -> bool:
        """Find ReadyForQuery."""
        return is_ready(data)

    def _ask(self, sql: str) -> list[tuple[object, ...]]:
        cursor = self.admin.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []


@dataclass(frozen=True)
class MariaDb:
    """A MariaDB of Debian's package."""

    folder: Path
    socket: str
    admin: pymysql.Connection[Any]

    def address(self, folder: Path, database: str) -> Address:
        """Tell where a database is."""
        url = f"mysql://root@localhost/{database}?socket={folder / self.socket}"
        return Address(url, str(folder), database)

    def renew(self, database: str) -> None:
        """Make a database empty."""
        self._ask(f"DROP DATABASE IF EXISTS {database}")
        self._ask(f"CREATE DATABASE {database}")
        self._ask("FLUSH LOGS")

    def tables(self, database: str) -> int:
        """Count the tables of the corpus."""
        return len(self._ask(f"SHOW TABLES IN {database} LIKE '{CORPUS}'"))

    def flushes(self) -> int:
        """Count InnoDB's writes of its log, each of which it flushes."""
        others = (
            "SELECT count(*) FROM information_schema.processlist WHERE db LIKE 'bench%'"
        )
        while self._ask(others) != [(0,)]:
            pass
        ((_, count),) = self._ask("SHOW GLOBAL STATUS LIKE 'Innodb_log_writes'")
        return int(count)

    def greets(self, data: bytes) -> bool:
        """Find the first packet that is an OK: the one that ends the login."""
        return data[4:5] == b"\x00"

    def _ask(self, sql: str) -> list[tuple[Any, ...]]:
        with self.admin.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())


@contextmanager
def postgres(work: Path) -> Iterator[Postgres]:
    """Start the embedded PostgreSQL."""
    with sqlx.start_embedded(work / "postgres") as server:
        words = make_conninfo("", **server.keywords())
        with psycopg.connect(words, autocommit=True) as admin:
            folder = Path(server.socket_directory)
            yield Postgres(folder, f".s.PGSQL.{server.port}", admin)


@contextmanager
def mariadb(work: Path) -> Iterator[MariaDb]:
    """Start a MariaDB, and end it."""
    folder = work / "mariadb"
    folder.mkdir()
    path = folder / "socket"
    data = (f"--datadir={folder / 'data'}", "--user=root")
    install = ("--no-defaults", "--auth-root-authentication-method=normal", *data)
    with (folder / "log").open("wb") as log:
        subprocess.run(
            [found("mariadb-install-db"), *install], stdout=log, stderr=log, check=True
        )
        options = ("--no-defaults", f"--socket={path}", "--skip-networking", *data)
        process = subprocess.Popen(
            [found("mariadbd"), *options], stdout=log, stderr=log
        )
        try:
            admin = connect(path, process)
            yield MariaDb(folder, path.name, admin)
            admin.close()
        finally:
            process.terminate()
            process.wait()


def found(program: str) -> str:
    """Find a program, also where only root looks."""
    return shutil.which(program) or shutil.which(program, path=SBIN) or program


def connect(path: Path, process: subprocess.Popen[bytes]) -> pymysql.Connection[Any]:
    """Connect once the server is ready.

    Raises:
        pymysql.OperationalError: It does not get ready.
    """
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            return pymysql.connect(unix_socket=str(path), user="root", autocommit=True)
        except pymysql.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


SERVERS: dict[str, Callable[[Path], AbstractContextManager[Server]]] = {
    "postgres": postgres,
    "mariadb": mariadb,
}
