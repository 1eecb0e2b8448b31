"""`smally serve` as an operator meets it: a real process on a real PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import quote
from zlib import crc32

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIGRATIONS = Path(__file__).parent.parent / "migrations"
THREE_LINES = [
    "[INFO] Running database migrations...",
    "[INFO] Database migrations completed",
    "[INFO] Database connection pool initialized",
]
APPLIED = "[INFO] Applied migration 20250114000000 initial schema"
OWNER = "[INFO] RUNTIME_DATABASE_URL is not set: serving as the schema's owner"
PATIENCE_SECONDS = 60


class Smally:
    """A running `smally serve`, its lines, and its answers."""

    def __init__(self, cwd: Path, environ: dict[str, str]) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        for name in ("DATABASE_URL", "RUNTIME_DATABASE_URL", "LOG_FORMAT"):
            inherited.pop(name, None)
        ours = {"SMALLY_PORT": "0", "SMALLY_MIGRATIONS": str(MIGRATIONS)}
        self.process = subprocess.Popen(
            [Path(sys.executable).with_name("smally"), "serve"],
            cwd=cwd,
            env=inherited | ours | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._coming: Queue[str | None] = Queue()
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self._coming.put(line.rstrip("\n"))
        self._coming.put(None)

    def wait_for(self, start: str) -> str:
        """Read on until a line begins so; it is the last of `lines` then."""
        while (line := self._coming.get(timeout=PATIENCE_SECONDS)) is not None:
            self.lines.append(line)
            if line.startswith(start):
                return line
        raise AssertionError(f"it ended without {start!r}:\n" + "\n".join(self.lines))

    def end(self, number: signal.Signals | None = None) -> int:
        """Send a signal, read the rest, and give the exit code."""
        if number is not None:
            self.process.send_signal(number)
        while (line := self._coming.get(timeout=PATIENCE_SECONDS)) is not None:
            self.lines.append(line)
        return self.process.wait(PATIENCE_SECONDS)

    def serving(self) -> str:
        """Wait until it serves, and give its address."""
        return self.wait_for("[INFO] Serving at ").split()[3]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Smally]]:
    """Start services in an empty directory; kill what a failed test leaves."""
    with ExitStack() as stack:

        def start_one(**environ: str) -> Smally:
            smally = Smally(tmp_path, environ)
            stack.callback(smally.process.wait)
            stack.callback(smally.process.kill)
            return smally

        yield start_one


def connect(keywords: dict[str, str]) -> psycopg.Connection[tuple[object, ...]]:
    """Connect with libpq's keywords; every statement is its own transaction."""
    return psycopg.connect(make_conninfo(**keywords), autocommit=True)


def url_of(database: dict[str, str], **changed: str) -> str:
    """Write libpq's keywords as a URL."""
    keywords = database | changed
    query = "&".join(
        f"{name}={quote(value, safe='')}"
        for name, value in keywords.items()
        if name != "dbname"
    )
    return f"postgresql:///{keywords['dbname']}?{query}"


def get(address: str, path: str) -> tuple[int, dict[str, str], object]:
    """Ask once: the status, the headers by lower-case name, the JSON."""
    connection = HTTPConnection(address.removeprefix("http://"), timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, headers, json.loads(answer.read())
    finally:
        connection.close()


def free_port() -> int:
    """Find a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def test_a_start_without_settings_migrates_an_embedded_postgresql(
    start: Callable[..., Smally], tmp_path: Path
) -> None:
    """The three lines come in order; ready is 200; a signal ends server and all."""
    smally = start()
    address = smally.serving()
    assert smally.lines == [
        "[INFO] DATABASE_URL is not set: using the embedded PostgreSQL in .postgres",
        *[line for line in smally.lines[1:] if "mbedded" in line],
        THREE_LINES[0],
        APPLIED,
        *THREE_LINES[1:],
        f"[INFO] Serving at {address} (try: curl {address}/health/ready)",
    ]
    assert get(address, "/health/live")[::2] == (200, {"status": "live"})
    assert get(address, "/health/ready")[::2] == (200, {"status": "ready"})
    status, headers, body = get(address, "/nothing")
    assert (status, headers["content-type"]) == (404, "application/problem+json")
    assert body == {"status": 404, "title": "Not Found", "detail": "Not Found"}
    assert (tmp_path / ".postgres/data/postmaster.pid").exists()
    assert smally.end(signal.SIGTERM) == 0
    assert not (tmp_path / ".postgres/data/postmaster.pid").exists()

    again = start()
    again.serving()
    assert [line for line in again.lines if line in THREE_LINES] == THREE_LINES
    assert APPLIED not in again.lines
    assert again.end(signal.SIGINT) == 130
    assert not (tmp_path / ".postgres/data/postmaster.pid").exists()


def test_four_starts_at_once_on_an_empty_database(
    start: Callable[..., Smally], database: dict[str, str]
) -> None:
    """One process migrates, and all four serve."""
    services = [start(DATABASE_URL=url_of(database)) for _ in range(4)]
    for smally in services:
        address = smally.serving()
        assert [line for line in smally.lines if line in THREE_LINES] == THREE_LINES
        assert get(address, "/health/ready")[0] == 200
    assert sum(APPLIED in smally.lines for smally in services) == 1
    with connect(database) as connection:
        rows = connection.execute(
            "SELECT version, success FROM _sqlx_migrations"
        ).fetchall()
    assert rows == [(20250114000000, True)]
    assert [smally.end(signal.SIGTERM) for smally in services] == [0, 0, 0, 0]


def test_it_answers_while_it_migrates(
    start: Callable[..., Smally], database: dict[str, str]
) -> None:
    """Live is 200 and ready is 503 until whoever holds the migration lock lets go."""
    key = 0x3D32AD9E * crc32(database["dbname"].encode())
    address = f"127.0.0.1:{(port := free_port())}"
    with connect(database) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", (key,))
        smally = start(DATABASE_URL=url_of(database), SMALLY_PORT=str(port))
        smally.wait_for("[WARNING] waiting for the migration lock")
        assert get(address, "/health/live")[::2] == (200, {"status": "live"})
        status, headers, body = get(address, "/health/ready")
    assert (status, headers["content-type"], headers["retry-after"]) == (
        503,
        "application/problem+json",
        "1",
    )
    assert body == {
        "status": 503,
        "title": "Service Unavailable",
        "detail": "the database is being migrated",
    }
    smally.serving()
    assert get(address, "/health/ready")[0] == 200


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)]
)
def test_a_signal_ends_a_start_that_waits(
    start: Callable[..., Smally],
    database: dict[str, str],
    number: signal.Signals,
    code: int,
) -> None:
    """A migration that waits for the lock is given up cleanly."""
    key = 0x3D32AD9E * crc32(database["dbname"].encode())
    with connect(database) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", (key,))
        smally = start(DATABASE_URL=url_of(database))
        smally.wait_for("[WARNING] waiting for the migration lock")
        assert smally.end(number) == code
    assert not [line for line in smally.lines if "Traceback" in line]


def test_a_failed_migration_ends_the_process_with_its_message(
    start: Callable[..., Smally], database: dict[str, str], tmp_path: Path
) -> None:
    """File, line and column stand there once, without a traceback; exit code 1."""
    broken = tmp_path / "migrations"
    broken.mkdir()
    (broken / "1_broken.sql").write_text("CREATE TABLE t (\n    id nonsense\n);\n")
    smally = start(DATABASE_URL=url_of(database), SMALLY_MIGRATIONS="migrations")
    assert smally.end() == 1
    assert smally.lines[0] == THREE_LINES[0]
    errors = [line for line in smally.lines if line.startswith("[ERROR] ")]
    assert len(errors) == 1
    assert errors[0].startswith("[ERROR] migrations/1_broken.sql:2:8: ")
    assert "42704" in errors[0]
    assert not [line for line in smally.lines if "Traceback" in line]


def test_a_database_that_does_not_come_is_waited_for_with_a_bound(
    start: Callable[..., Smally],
) -> None:
    """The wait is told, then the reason; the password is in neither."""
    smally = start(
        DATABASE_URL=f"postgresql://ada:hunter2@127.0.0.1:{free_port()}/smally",
        SMALLY_DATABASE_WAIT_SECONDS="5",
    )
    assert smally.end() == 1
    assert smally.lines[0] == THREE_LINES[0]
    assert smally.lines[1].startswith("[WARNING] waiting for the database: ")
    assert smally.lines[-1].startswith("[ERROR] ")
    assert "refused" in smally.lines[-1]
    text = "\n".join(smally.lines)
    assert "Traceback" not in text
    assert "hunter2" not in text


def test_a_port_in_use_is_told_before_anything_starts(
    start: Callable[..., Smally], tmp_path: Path
) -> None:
    """The message has the address and the mend, and no database was touched."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        smally = start(SMALLY_PORT=str(port))
        assert smally.end() == 2
    message = (
        f"[ERROR] cannot listen on 127.0.0.1:{port}: address already in use; "
        "stop what listens there, or set SMALLY_HOST or SMALLY_PORT"
    )
    assert smally.lines == [message]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"DATABASE_URL": "sqlite:smally.db"},
            "[ERROR] DATABASE_URL: smally needs PostgreSQL; give a postgresql:// URL",
        ),
        (
            {"LOG_FORMAT": "yaml"},
            "smally: LOG_FORMAT is 'yaml': give text or json",
        ),
    ],
)
def test_a_wrong_setting_ends_with_2(
    start: Callable[..., Smally], environ: dict[str, str], message: str
) -> None:
    """What can only be mended by the operator is exit code 2, and one line."""
    smally = start(**environ)
    assert smally.end() == 2
    assert smally.lines == [message]


def test_it_serves_with_the_runtime_role(
    start: Callable[..., Smally], database: dict[str, str]
) -> None:
    """The owner migrates; afterwards only the other role is connected."""
    role = f"app_of_{database['dbname']}"
    with connect(database) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN")
        smally = start(
            DATABASE_URL=url_of(database),
            RUNTIME_DATABASE_URL=url_of(database, user=role),
        )
        address = smally.serving()
        assert get(address, "/health/ready")[0] == 200
        users = connection.execute(
            "SELECT DISTINCT usename FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
        assert users == [(role,)]
        assert OWNER not in smally.lines
        assert smally.end(signal.SIGTERM) == 0
        connection.execute(f"DROP ROLE {role}")


def test_a_runtime_role_that_may_not_connect_is_named(
    start: Callable[..., Smally], database: dict[str, str]
) -> None:
    """The migrations are done, and the message says who could not connect."""
    smally = start(
        DATABASE_URL=url_of(database),
        RUNTIME_DATABASE_URL=url_of(database, user="nobody_here"),
    )
    assert smally.end() == 1
    assert smally.lines[-1].startswith("[ERROR] the pool cannot connect: ")
    assert smally.lines[-1].endswith('role "nobody_here" does not exist')


def test_readiness_follows_the_database(
    start: Callable[..., Smally],
    database: dict[str, str],
    server: Callable[[str], dict[str, str]],
) -> None:
    """Without its database, ready is 503; when it is back, 200 without a restart."""
    smally = start(DATABASE_URL=url_of(database))
    address = smally.serving()
    name = database["dbname"]
    with connect(server("postgres")) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = %s",
            (name,),
        )
        status, headers, body = get(address, "/health/ready")
        assert (status, headers["retry-after"]) == (503, "1")
        assert body == {
            "status": 503,
            "title": "Service Unavailable",
            "detail": "the database does not answer",
        }
        assert get(address, "/health/live")[0] == 200
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while get(address, "/health/ready")[0] != 200:
        assert time.monotonic() < deadline
    assert smally.end(signal.SIGTERM) == 0


def test_the_log_can_be_json(
    start: Callable[..., Smally], database: dict[str, str]
) -> None:
    """With LOG_FORMAT=json every line is an object; the three messages are the same."""
    smally = start(DATABASE_URL=url_of(database), LOG_FORMAT="json")
    while "Serving at" not in smally.wait_for("{"):
        pass
    records = [json.loads(line) for line in smally.lines]
    assert {record["level"] for record in records} == {"INFO"}
    messages = [f"[INFO] {record['message']}" for record in records]
    assert [message for message in messages if message in THREE_LINES] == THREE_LINES
    assert smally.end(signal.SIGTERM) == 0
