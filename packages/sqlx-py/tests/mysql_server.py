"""MariaDB and MySQL servers of the tests' own.

Each lies in a folder of its own and listens on a socket in it, so that nothing that
runs on the machine is touched. It ends by its own handle, and with the test's process.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pymysql
import pytest
from pymysql.constants import CLIENT

import sqlx

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MARIADB", "MYSQL", "Flavour", "Server", "client", "connect", "need"]

READY_SECONDS = 60.0
END_SECONDS = 20.0
PATH = f"{os.environ['PATH']}:/usr/sbin"
# A fork with code of ours after it is no good where there are threads.
BECOME = """
import os, signal, sys
sys.path.append(sys.argv[1])
from sqlx.embedded.account import end_with_parent
end_with_parent(signal.SIGKILL)
os.execv(sys.argv[2], sys.argv[2:])
"""
# Nobody needs the data after a crash of the machine; a killed server has it still.
SETTINGS = {
    "character-set-server": "utf8mb4",  # as Debian's and Docker's configuration say
    "innodb-buffer-pool-size": "32M",
    "innodb-doublewrite": "0",
    "innodb-fast-shutdown": "2",
    "innodb-flush-log-at-trx-commit": "2",
    "innodb-flush-method": "fsync",
    "innodb-use-native-aio": "0",
    "max-connections": "300",
    "skip-log-bin": "",
    "skip-networking": "",
}


@dataclass(frozen=True, slots=True)
class Flavour:
    """A make of server.

    Args:
        name: What it is called.
        program: How a command that starts a server begins; "" where there is none.
        installing: How one that makes a data folder begins.
        source: What brings it.
        settings: What only this make understands.
        in_ci: Whether CI must have it.
    """

    name: str
    program: tuple[str, ...]
    installing: tuple[str, ...]
    source: str
    settings: Mapping[str, str]
    in_ci: bool = True


def _found(program: str) -> str:
    return shutil.which(program, path=PATH) or ""


MARIADB = Flavour(
    "MariaDB",
    (_found("mariadbd"), "--no-defaults"),
    (
        _found("mariadb-install-db"),
        *("--no-defaults", "--auth-root-authentication-method=normal"),
        *("--skip-test-db", "--skip-name-resolve"),
    ),
    "Debian's package mariadb-server-core",
    {
        "collation-server": "utf8mb4_general_ci",
        "performance-schema": "ON",  # It lists the locks, as MySQL's does by itself.
        "performance-schema-instrument": "wait/lock/metadata/sql/mdl=ON",
    },
)


def _unpacked() -> tuple[str, ...]:
    """Find what scripts/mysql unpacks; it runs on the libraries that lie beside it."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    tree = Path(cache, "sqlx-py", "mysql")
    for loader in tree.glob("usr/lib/*/ld-linux-*.so.*"):
        return (
            *(str(loader), "--library-path", str(loader.parent)),
            *(str(tree / "usr/sbin/mysqld"), "--no-defaults"),
            f"--lc-messages-dir={tree / 'usr/share/mysql'}",
            f"--character-sets-dir={tree / 'usr/share/mysql/charsets'}",
            f"--plugin-dir={tree / 'usr/lib/mysql/plugin'}",
        )
    return ("",)


MYSQL = Flavour(
    "MySQL",
    _unpacked(),
    (*_unpacked(), "--initialize-insecure"),
    "scripts/mysql",
    {
        "innodb-redo-log-capacity": "8M",
        "mysqlx": "OFF",
        "secure-file-priv": "NULL",
    },
    in_ci=False,  # Debian's stable releases have none.
)


def need(flavour: Flavour) -> None:
    """Skip a test where there is no such server, or fail where CI must have it."""
    if not (flavour.program[0] and flavour.installing[0]):
        _miss(flavour.name, flavour.source, in_ci=flavour.in_ci)


def client(name: str) -> str:
    """Find a program that talks to MariaDB; skip or fail as `need` does."""
    found = _found(name)
    if not found:
        _miss(name, "Debian's package mariadb-client", in_ci=True)
    return found


def _miss(what: str, source: str, *, in_ci: bool) -> None:
    missing = f"{what} is not installed ({source} brings it)"
    if os.environ.get("CI") and in_ci:
        pytest.fail(missing)
    pytest.skip(missing)


class Server:
    """A server that may be crashed and started again.

    Args:
        folder: Where its data will lie; empty, with a short path.
        flavour: Whose program.
        settings: More options of the program, "" for those without a value.
    """

    def __init__(
        self,
        folder: Path,
        flavour: Flavour = MARIADB,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder, self.flavour = folder, flavour
        self.socket = str(folder / "socket")
        self._settings = {**SETTINGS, **flavour.settings, **(settings or {})}
        self._run([*flavour.installing, *self._common()])
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers; it recovers what a crash has left."""
        options = [
            f"--{name}={text}" if text else f"--{name}"
            for name, text in self._settings.items()
        ]
        places = (
            f"--socket={self.socket}",
            f"--pid-file={self.folder / 'pid'}",
            f"--tmpdir={self.folder}",  # One that starts empties the folder of others.
        )
        command = [*self.flavour.program, *self._common(), *places, *options]
        self._process = self._spawn(command)
        self._wait()

    def url(self, database: str = "", user: str = "root", **parameters: str) -> str:
        """Write the URL of one of its databases."""
        query = {"socket": self.socket, **parameters}
        text = "&".join(f"{key}={quote(value)}" for key, value in query.items())
        return f"mysql://{user}@localhost/{database}?{text}"

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement in a session of its own."""
        with connect(self.url()) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def crash(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait(END_SECONDS)

    def stop(self) -> None:
        """End it in order, and by force when it does not end so."""
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.crash()

    def _common(self) -> list[str]:
        # Who starts drops the temporary tables of all who share a folder for them.
        data = [f"--datadir={self.folder / 'data'}", f"--tmpdir={self.folder}"]
        # It wants to be told that it may be root.
        return [*data, "--user=root"] if os.geteuid() == 0 else data

    def _run(self, command: list[str]) -> None:
        process = self._spawn(command)
        assert process.wait(READY_SECONDS) == 0, self._log()

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        package = str(Path(sqlx.__file__).parents[1])
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", BECOME, package, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
            )

    def _wait(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                # PyMySQL leaves a socket open when it is refused.
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(self.socket)
                connect(self.url()).close()
            except (OSError, pymysql.OperationalError):
                assert self._process.poll() is None, self._log()
                assert time.monotonic() < deadline, "the server is not ready"
                time.sleep(0.02)
            else:
                return

    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


def connect(url: str) -> pymysql.Connection[Any]:
    """Connect a session of the test's own, in autocommit, for many statements."""
    parts = urlsplit(url)
    query = {key: texts[-1] for key, texts in parse_qs(parts.query).items()}
    return pymysql.connect(
        user=unquote(parts.username or "root"),
        password=unquote(parts.password or ""),
        host=parts.hostname or "localhost",
        port=parts.port or 3306,
        unix_socket=query.get("socket"),
        database=parts.path[1:] or None,
        autocommit=True,
        client_flag=CLIENT.MULTI_STATEMENTS,
        ssl_disabled=True,  # to make a TLS context takes longer than all the rest
    )
