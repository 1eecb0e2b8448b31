"""`smally serve` as an operator meets it: a real process on a real PostgreSQL."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from zlib import crc32

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from service import (
    MIGRATIONS,
    PATIENCE_SECONDS,
    Smally,
    ask,
    connect,
    free_port,
    get,
)

import sqlx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from service import Connection

THREE_LINES = [
    "[INFO] Running database migrations...",
    "[INFO] Database migrations completed",
    "[INFO] Database connection pool initialized",
]
APPLIED = [
    "[INFO] Applied migration 20250114000000 initial schema",
    "[INFO] Applied migration 20250115000000 meters",
]
pytestmark = pytest.mark.sqlx(migrations=False)  # They are what a start applies.
OWNER = "[INFO] RUNTIME_DATABASE_URL is not set: serving as the schema's owner"


@contextmanager
def migrating(db: Connection) -> Iterator[None]:
    """Hold the lock of whoever migrates the database."""
    key = 0x3D32AD9E * crc32(db.info.dbname.encode())
    db.execute("SELECT pg_advisory_lock(%s)", (key,))
    yield
    db.execute("SELECT pg_advisory_unlock(%s)", (key,))


@pytest.mark.slow
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
        *APPLIED,
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
    assert not set(APPLIED) & set(again.lines)
    assert again.end(signal.SIGINT) == 130
    assert not (tmp_path / ".postgres/data/postmaster.pid").exists()


@pytest.mark.slow
def test_four_starts_at_once_on_an_empty_database(
    start: Callable[..., Smally], db: Connection, db_url: str
) -> None:
    """One process migrates, and all four serve."""
    services = [start(DATABASE_URL=db_url) for _ in range(4)]
    for smally in services:
        address = smally.serving()
        assert [line for line in smally.lines if line in THREE_LINES] == THREE_LINES
        assert get(address, "/health/ready")[0] == 200
    assert [line in s.lines for s in services for line in APPLIED].count(True) == 2
    rows = db.execute("SELECT version, success FROM _sqlx_migrations").fetchall()
    assert rows == [(20250114000000, True), (20250115000000, True)]
    assert [smally.end(signal.SIGTERM) for smally in services] == [0, 0, 0, 0]


@pytest.mark.slow
def test_it_answers_while_it_migrates(
    start: Callable[..., Smally], db: Connection, db_url: str
) -> None:
    """Live is 200 and ready is 503 until whoever holds the migration lock lets go."""
    address = f"127.0.0.1:{(port := free_port())}"
    with migrating(db):
        smally = start(DATABASE_URL=db_url, SMALLY_PORT=str(port))
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)]
)
def test_a_signal_ends_a_start_that_waits(
    start: Callable[..., Smally],
    db: Connection,
    db_url: str,
    number: signal.Signals,
    code: int,
) -> None:
    """A migration that waits for the lock is given up cleanly."""
    with migrating(db):
        smally = start(DATABASE_URL=db_url)
        smally.wait_for("[WARNING] waiting for the migration lock")
        assert smally.end(number) == code
    assert not [line for line in smally.lines if "Traceback" in line]


@pytest.mark.slow
def test_a_failed_migration_ends_the_process_with_its_message(
    start: Callable[..., Smally], db_url: str, tmp_path: Path
) -> None:
    """File, line and column stand there once, without a traceback; exit code 3."""
    broken = tmp_path / "migrations"
    broken.mkdir()
    (broken / "1_broken.sql").write_text("CREATE TABLE t (\n    id nonsense\n);\n")
    smally = start(DATABASE_URL=db_url, SMALLY_MIGRATIONS="migrations")
    assert smally.end() == 3
    assert smally.lines[0] == THREE_LINES[0]
    errors = [line for line in smally.lines if line.startswith("[ERROR] ")]
    assert len(errors) == 1
    assert errors[0].startswith("[ERROR] migrations/1_broken.sql:2:8: ")
    assert "42704" in errors[0]
    assert not [line for line in smally.lines if "Traceback" in line]


@pytest.mark.slow
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
    assert smally.lines[-1].endswith("; start PostgreSQL, or mend DATABASE_URL")
    text = "\n".join(smally.lines)
    assert "Traceback" not in text
    assert "hunter2" not in text


@pytest.mark.slow
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


@pytest.mark.slow
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
    start: Callable[..., Smally], db: Connection, db_url: str, role: str
) -> None:
    """The owner migrates; afterwards only the other role is connected."""
    app = f"{db_url}&user={role}"
    smally = start(DATABASE_URL=db_url, RUNTIME_DATABASE_URL=app)
    address = smally.serving()
    assert get(address, "/health/ready")[0] == 200
    users = db.execute(
        "SELECT DISTINCT usename FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    ).fetchall()
    assert users == [(role,)]
    assert OWNER not in smally.lines
    assert smally.end(signal.SIGTERM) == 0


@pytest.mark.slow
def test_a_runtime_role_that_may_not_connect_is_named(
    start: Callable[..., Smally], db_url: str
) -> None:
    """The migrations are done, and the message says who could not connect."""
    smally = start(
        DATABASE_URL=db_url,
        RUNTIME_DATABASE_URL=f"{db_url}&user=nobody_here",
    )
    assert smally.end() == 3
    assert smally.lines[-1].startswith("[ERROR] the pool cannot connect: ")
    assert smally.lines[-1].endswith(
        'role "nobody_here" does not exist; check the role, the password and the'
        " database in RUNTIME_DATABASE_URL"
    )


@pytest.mark.slow
def test_an_owner_that_may_not_connect_is_named(
    start: Callable[..., Smally], db_url: str
) -> None:
    """It is not waited for, and the message names the setting; exit code 3."""
    smally = start(DATABASE_URL=f"{db_url}&user=nobody_here")
    assert smally.end() == 3
    assert smally.lines[-1].endswith(
        'role "nobody_here" does not exist; check the role, the password and the'
        " database in DATABASE_URL"
    )


@pytest.mark.slow
def test_readiness_follows_the_database(
    start: Callable[..., Smally], db_url: str
) -> None:
    """Without its database, ready is 503; when it is back, 200 without a restart."""
    smally = start(DATABASE_URL=db_url)
    address = smally.serving()
    name = conninfo_to_dict(db_url)["dbname"]
    with connect(make_conninfo(db_url, dbname="postgres")) as admin:
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


@pytest.mark.slow
def test_the_log_can_be_json(start: Callable[..., Smally], db_url: str) -> None:
    """With LOG_FORMAT=json every line is an object; the three messages are the same."""
    smally = start(DATABASE_URL=db_url, LOG_FORMAT="json")
    while "Serving at" not in smally.wait_for("{"):
        pass
    records = [json.loads(line) for line in smally.lines]
    assert {record["level"] for record in records} == {"INFO"}
    messages = [f"[INFO] {record['message']}" for record in records]
    assert [message for message in messages if message in THREE_LINES] == THREE_LINES
    assert smally.end(signal.SIGTERM) == 0


@pytest.mark.slow
def test_systemd_is_told_what_happens(
    start: Callable[..., Smally], db: Connection, db_url: str, tmp_path: Path
) -> None:
    """More time while it migrates, READY once it serves, STOPPING when it ends."""
    place = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(place)
        systemd.settimeout(PATIENCE_SECONDS)
        with migrating(db):
            smally = start(DATABASE_URL=db_url, NOTIFY_SOCKET=place)
            smally.wait_for("[WARNING] waiting for the migration lock")
            assert systemd.recv(1000) == b"EXTEND_TIMEOUT_USEC=30000000"
        address = smally.serving()
        assert systemd.recv(1000).decode() == f"READY=1\nSTATUS=Serving at {address}"
        assert smally.end(signal.SIGTERM) == 0
        assert systemd.recv(1000) == b"STOPPING=1"


@pytest.mark.slow
def test_a_model_that_is_not_there_is_told_before_anything_starts(
    start: Callable[..., Smally], tmp_path: Path
) -> None:
    """One line with the names that there are, and exit code 2."""
    smally = start(SMALLY_EMBEDDER="other")
    assert smally.end() == 2
    assert smally.lines == [
        "[ERROR] SMALLY_EMBEDDER is 'other': no such embedder; installed: hashed"
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_newcomer_is_given_a_key_that_works(
    start: Callable[..., Smally], tmp_path: Path
) -> None:
    """With --demo, the same key at every start, until it is revoked."""
    keys = []
    for _ in range(2):
        smally = start("--demo")
        key = smally.wait_for("Your API key: ").rpartition(" ")[2]
        curl = smally.wait_for("curl ")
        address = curl.split()[1].removesuffix("/v1/embed")
        assert curl == (
            f"curl {address}/v1/embed -H 'Authorization: Bearer {key}'"
            """ --json '{"input": "hello, world"}'"""
        )
        assert ask(address, "POST", "/v1/embed", {"input": "hi"}, key=key)[0] == 200
        keys.append(key)
        if len(keys) == 2:
            (row,) = ask(address, "GET", "/v1/keys", key=key)[2]["keys"]
            assert ask(address, "DELETE", f"/v1/keys/{row['id']}", key=key)[0] == 204
        assert smally.end(signal.SIGINT) == 130
    assert keys[0] == keys[1]
    assert (tmp_path / ".demo-key").stat().st_mode & 0o777 == 0o600
    again = start("--demo")
    assert again.wait_for("Your API key: ").rpartition(" ")[2] not in keys


@pytest.mark.slow
@pytest.mark.parametrize("mark", ["-- sqlx: compatible\n", ""])
def test_an_older_release_starts_on_a_newer_schema_that_is_compatible(
    start: Callable[..., Smally], db_url: str, tmp_path: Path, mark: str
) -> None:
    """It says so and serves; without the mark it refuses and names the version."""
    newer = shutil.copytree(MIGRATIONS, tmp_path / "newer")
    change = f"{mark}ALTER TABLE users ADD COLUMN notes text;\n"
    (newer / "20990101000000_notes.sql").write_text(change)
    sqlx.Migrator(newer).run(db_url)
    smally = start(DATABASE_URL=db_url)
    if mark:
        address = smally.serving()
        assert get(address, "/health/ready")[0] == 200
        assert (
            f"[WARNING] {MIGRATIONS}: migration 20990101000000 (notes) is applied and"
            " has no file here; it is marked compatible, so a run goes on"
        ) in smally.lines
        return
    assert smally.end() == 3
    assert smally.lines[-1].startswith(
        "[ERROR] migration 20990101000000 was previously applied but is missing"
    )
