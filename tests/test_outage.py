"""A database that says nothing: every request is answered, and soon."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from faults.conftest import make_folder, removed
from faults.servers import EmbeddedServer
from service import PATIENCE_SECONDS, Smally, ask, get

from smally.auth.keys import display_prefix, hash_key, new_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faults.servers import Database

pytestmark = pytest.mark.slow
TERMINATE = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE application_name = 'smally'"
)


def family(parent: int) -> list[int]:
    """Find a process and those below it."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(
        encoding="ascii"
    )
    return [parent, *(pid for text in children.split() for pid in family(int(text)))]


@contextmanager
def frozen(folder: Path) -> Iterator[None]:
    """Stop every process of a server, as a machine that hangs does."""
    first = (folder / "data/postmaster.pid").read_text(encoding="ascii").split()[0]
    processes = family(int(first))
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)


def key_in(database: Database) -> str:
    """Make a user with a key."""
    key = new_key()
    with database.connect() as connection:
        connection.execute("INSERT INTO users (email) VALUES ('a@b')")
        connection.execute(
            "INSERT INTO api_keys (user_id, name, key_hash, prefix)"
            " VALUES (1, 'key', %s, %s)",
            (hash_key(key), display_prefix(key)),
        )
    return key


def until_embedded(address: str, key: str) -> None:
    """Ask until there is an answer."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while ask(address, "POST", "/v1/embed", {"input": "a"}, key=key)[0] != 200:
        assert time.monotonic() < deadline


def test_a_database_that_only_reads_is_not_ready(start: Callable[..., Smally]) -> None:
    """After a failover to a standby: 503 and no traceback, until writes are taken."""
    with removed(make_folder()) as folder:
        server = EmbeddedServer(folder)
        try:
            database = server.database("postgres")
            smally = start(DATABASE_URL=database.url)
            address = smally.serving()
            key = key_in(database)
            until_embedded(address, key)
            setting = "default_transaction_read_only"
            database.ask(f"ALTER ROLE postgres SET {setting} = on")
            database.ask(TERMINATE)
            deadline = time.monotonic() + PATIENCE_SECONDS
            while get(address, "/health/ready")[0] != 503:
                assert time.monotonic() < deadline
            refused = ask(address, "POST", "/v1/embed", {"input": "a"}, key=key)
            assert (refused[0], refused[1]["retry-after"]) == (503, "1")
            database.ask(f"BEGIN READ WRITE; ALTER ROLE postgres RESET {setting}")
            database.ask(TERMINATE)
            until_embedded(address, key)
            assert get(address, "/health/ready")[0] == 200
            assert smally.end(signal.SIGTERM) == 0
        finally:
            server.stop()
    assert "Traceback" not in "\n".join(smally.lines)


def test_a_frozen_database_is_answered_with_503(start: Callable[..., Smally]) -> None:
    """Counting, looking up and readiness alike; afterwards all works by itself."""
    with removed(make_folder()) as folder:
        server = EmbeddedServer(folder)
        try:
            database = server.database("postgres")
            smally = start(DATABASE_URL=database.url)
            address = smally.serving()
            key = key_in(database)
            until_embedded(address, key)
            with frozen(folder):
                unavailable = ask(address, "POST", "/v1/embed", {"input": "a"}, key=key)
                assert (unavailable[0], unavailable[1]["retry-after"]) == (503, "1")
                assert ask(address, "GET", "/v1/usage", key=key)[0] == 503
                assert get(address, "/health/ready")[0] == 503
                assert get(address, "/health/live")[0] == 200
            until_embedded(address, key)
            assert get(address, "/health/ready")[0] == 200
            assert smally.end(signal.SIGTERM) == 0
        finally:
            server.stop()
    assert "[WARNING] the database is lost" in smally.lines
    assert "[INFO] the database is back" in smally.lines
