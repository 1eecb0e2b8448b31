"""A database that says nothing: every request is answered, and soon."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from faults.conftest import removed
from faults.servers import EmbeddedServer
from service import PATIENCE_SECONDS, Smally, ask, get
from support import new_folder

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


@dataclass(frozen=True)
class Served:
    """A running service, its server's folder, and somebody who has a key."""

    folder: Path
    database: Database
    smally: Smally
    address: str
    key: str

    def embed(self) -> tuple[int, dict[str, str], object]:
        """Ask for an embedding."""
        return ask(self.address, "POST", "/v1/embed", {"input": "a"}, key=self.key)

    def assert_unavailable(self) -> None:
        """Each request is answered: not now, and when to come again."""
        status, headers, _ = self.embed()
        assert (status, headers["retry-after"]) == (503, "1")

    def until(self, path: str, wanted: int) -> None:
        """Ask until the answer is another one."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while ask(self.address, "GET", path, key=self.key)[0] != wanted:
            assert time.monotonic() < deadline

    def assert_recovers(self) -> None:
        """All works again by itself, and it ends as it should."""
        self.until("/health/ready", 200)
        self.until("/v1/usage", 200)
        assert self.embed()[0] == 200
        assert self.smally.end(signal.SIGTERM) == 0
        assert "Traceback" not in "\n".join(self.smally.lines)


@pytest.fixture
def served(start: Callable[..., Smally]) -> Iterator[Served]:
    """Start a server that may be hurt, and the service on it."""
    key = new_key()
    with removed(new_folder()) as folder:
        server = EmbeddedServer(folder)
        try:
            database = server.database("postgres")
            smally = start(DATABASE_URL=database.url)
            address = smally.serving()
            with database.connect() as connection:
                connection.execute("INSERT INTO users (email) VALUES ('a@b')")
                connection.execute(
                    "INSERT INTO api_keys (user_id, name, key_hash, prefix)"
                    " VALUES (1, 'key', %s, %s)",
                    (hash_key(key), display_prefix(key)),
                )
            there = Served(folder, database, smally, address, key)
            assert there.embed()[0] == 200
            yield there
        finally:
            server.stop()


def test_a_database_that_only_reads_is_not_ready(served: Served) -> None:
    """After a failover to a standby: 503 and no traceback, until writes are taken."""
    setting = "default_transaction_read_only"
    served.database.ask(f"ALTER ROLE postgres SET {setting} = on")
    served.database.ask(TERMINATE)
    served.until("/health/ready", 503)
    served.assert_unavailable()
    served.database.ask(f"BEGIN READ WRITE; ALTER ROLE postgres RESET {setting}")
    served.database.ask(TERMINATE)
    served.assert_recovers()


def test_a_frozen_database_is_answered_with_503(served: Served) -> None:
    """Counting, looking up and readiness alike; afterwards all works by itself."""
    with frozen(served.folder):
        served.assert_unavailable()
        assert ask(served.address, "GET", "/v1/usage", key=served.key)[0] == 503
        assert get(served.address, "/health/ready")[0] == 503
        assert get(served.address, "/health/live")[0] == 200
    served.assert_recovers()
    assert "[WARNING] the database is lost" in served.smally.lines
    assert "[INFO] the database is back" in served.smally.lines
