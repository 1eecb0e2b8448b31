"""Servers of the fault suite's own: PostgreSQL 18 and 15, and PgBouncer before them.

Each lies in a folder of its own and listens on a socket in it, so that nothing that
runs on the machine is touched. PostgreSQL and PgBouncer refuse root; for root they run
as the embedded PostgreSQL does.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

import psycopg

import sqlx
from sqlx import embedded
from sqlx.embedded.account import Account, candidates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "PGBOUNCER",
    "POSTGRES_15",
    "Database",
    "DebianServer",
    "EmbeddedServer",
    "Server",
    "pgbouncer",
]

POSTGRES_15 = Path("/usr/lib/postgresql/15/bin")
PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
PORT = 5432
READY_SECONDS = 60.0
# A fork with code of ours after it is no good where there are threads: see the proxy.
BECOME = """
import json, os, signal, sys
sys.path.append(sys.argv[1])
from sqlx.embedded.account import Account, end_with_parent
Account(*json.loads(sys.argv[2])).become()
end_with_parent(signal.SIGQUIT)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Database:
    """A database on a server, or on what stands before one.

    Args:
        host: Directory of the socket.
        name: Of the database.
        port: Part of the socket's name.
        user: Who connects; a superuser unless a test says otherwise.
    """

    def __init__(
        self, host: str, name: str, port: int = PORT, user: str = "postgres"
    ) -> None:
        self.host, self.name, self.port, self.user = host, name, port, user

    @property
    def url(self) -> str:
        """Its URL."""
        return self.url_with()

    def url_with(self, **parameters: str) -> str:
        """Its URL with parameters of libpq or ours."""
        query = "".join(f"&{key}={quote(text)}" for key, text in parameters.items())
        host = quote(self.host, safe="")
        return (
            f"postgresql:///{self.name}?host={host}&port={self.port}"
            f"&user={self.user}{query}"
        )

    @property
    def socket(self) -> str:
        """The file of its server's socket."""
        return f"{self.host}/.s.PGSQL.{self.port}"

    def as_user(self, user: str) -> Database:
        """The same database for another role."""
        return Database(self.host, self.name, self.port, user)

    def behind(self, host: str, port: int) -> Database:
        """The same database through something that listens elsewhere."""
        return Database(host, self.name, port, self.user)

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Connect a session of the test's own, in autocommit."""
        return psycopg.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            dbname=self.name,
            autocommit=True,
            application_name="test",
        )

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        """Run one statement in a session of its own."""
        with self.connect() as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []


class Server(Protocol):
    """A PostgreSQL server that may be crashed."""

    version: str

    def database(self, name: str) -> Database:
        """Name one of its databases."""

    def crash(self) -> None:
        """End it at once, as `pg_ctl stop -m immediate` does."""

    def start(self) -> None:
        """Start it again; it recovers."""

    def stop(self) -> None:
        """End it for good."""


class EmbeddedServer:
    """PostgreSQL 18, as `embedded:PATH` starts it.

    Args:
        folder: Where its data will lie.
    """

    version = "18"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._uses: list[embedded.Server] = []
        self.start()

    def start(self) -> None:
        """Start it; it recovers what a crash has left."""
        settings = {"fsync": "off", "max_connections": "150"}
        self._uses.append(sqlx.start_embedded(self._folder, settings=settings))

    def database(self, name: str) -> Database:
        """Name one of its databases."""
        return Database(self._uses[-1].socket_directory, name, self._uses[-1].port)

    def crash(self) -> None:
        """End it at once, without a checkpoint."""
        _kill_postmaster(self._folder / "data", signal.SIGQUIT)

    def stop(self) -> None:
        """Give up all uses; the server stops."""
        while self._uses:
            self._uses.pop().stop()


class DebianServer:
    """PostgreSQL 15 from Debian's package.

    Args:
        folder: Where its data will lie; empty, and open to everybody above it.
        bin_directory: Its programs.
    """

    version = "15"

    def __init__(
        self, folder: Path, bin_directory: Path = POSTGRES_15, *, standby_of: str = ""
    ) -> None:
        self._bin, self._data, self._folder = bin_directory, folder / "data", folder
        self._account = unprivileged(folder)
        own(folder, self._account)
        if standby_of:
            primary = f"host={standby_of} user=postgres"
            self._run(
                "pg_basebackup", "-R", "-X", "stream", "-c", "fast", "-d", primary
            )
        else:
            encoding = ("-E", "UTF8", "--no-sync")
            self._run("initdb", "-A", "trust", "-U", "postgres", *encoding)
        self.start()

    def standby(self, folder: Path) -> DebianServer:
        """Start a copy that follows this server, in a folder of its own."""
        return DebianServer(folder, self._bin, standby_of=str(self._folder))

    def promote(self) -> None:
        """Make a standby a primary."""
        self._run("pg_ctl", "promote", "--wait")

    def start(self) -> None:
        """Start it and wait until it is ready."""
        with (self._folder / "log").open("ab") as log:
            self._process = spawn(
                self._account,
                [
                    str(self._bin / "postgres"),
                    *("-D", str(self._data), "-k", str(self._folder)),
                    *("-c", "listen_addresses=", "-c", "fsync=off"),
                    *("-c", "max_connections=150"),
                ],
                log.fileno(),
            )
        wait_for(self.database("postgres"), self._process)

    def database(self, name: str) -> Database:
        """Name one of its databases."""
        return Database(str(self._folder), name)

    def crash(self) -> None:
        """End it at once, without a checkpoint."""
        _kill_postmaster(self._data, signal.SIGQUIT)
        self._process.wait(READY_SECONDS)

    def stop(self) -> None:
        """End it for good; nobody needs its data."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(READY_SECONDS)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), "-D", str(self._data), *arguments]
        with (self._folder / "log").open("ab") as log:
            process = spawn(self._account, command, log.fileno())
        assert process.wait(READY_SECONDS) == 0, (self._folder / "log").read_text()


@contextmanager
def pgbouncer(
    folder: Path, server: Database, settings: Mapping[str, str]
) -> Iterator[Database]:
    """Start PgBouncer before a server, and stop it.

    Args:
        folder: Of its own, empty.
        server: Any database of the server.
        settings: More lines of `[pgbouncer]`, e.g. `pool_mode`.
    """
    account = unprivileged(folder)
    own(folder, account)
    lines = {
        "listen_addr": "",
        "listen_port": str(PORT),
        "unix_socket_dir": str(folder),
        "auth_type": "any",
        "pool_mode": "transaction",
        "max_client_conn": "200",
        "server_check_delay": "0",
        **settings,
    }
    text = (
        f"[databases]\n* = host={server.host} port={server.port} user=postgres\n"
        "[pgbouncer]\n"
        + "".join(f"{name} = {value}\n" for name, value in lines.items())
    )
    (folder / "pgbouncer.ini").write_text(text)
    assert PGBOUNCER is not None
    with (folder / "log").open("ab") as log:
        command = [PGBOUNCER, str(folder / "pgbouncer.ini")]
        process = spawn(account, command, log.fileno())
    try:
        here = server.behind(str(folder), PORT)
        wait_for(here, process)
        yield here
    finally:
        process.kill()
        process.wait(READY_SECONDS)


def unprivileged(folder: Path) -> Account:
    """Find whom a server in a folder can run as."""
    owner = folder.stat()
    for account in candidates(owner, complete=False, namespace=True):
        if account.possible():
            return account
    raise AssertionError("no account that a server may run as")


def own(folder: Path, account: Account) -> None:
    """Give a folder to an account."""
    if folder.stat().st_uid != account.uid:
        os.chown(folder, account.uid, account.gid)


def spawn(account: Account, command: list[str], log: int) -> subprocess.Popen[bytes]:
    """Start a program as an account; it ends with this process."""
    who = [account.uid, account.gid, account.name, account.inside]
    package = str(Path(sqlx.__file__).parents[1])
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", BECOME, package, json.dumps(who), *command],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
    )


def wait_for(database: Database, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            database.connect().close()
        except psycopg.OperationalError:
            assert process.poll() is None, "the server ended at its start"
            assert time.monotonic() < deadline, "the server is not ready"
            time.sleep(0.02)
        else:
            return


def _kill_postmaster(data: Path, order: signal.Signals) -> None:
    """Send a signal to a server's first process, and wait for its end."""
    pid = int((data / "postmaster.pid").read_text().split("\n")[0])
    process = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(process, order)
        assert select.select([process], [], [], READY_SECONDS)[0], "it does not end"
    finally:
        os.close(process)
