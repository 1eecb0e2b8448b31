"""What is counted is what was answered, whatever is stopped and started meanwhile."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from faults.conftest import removed
from faults.servers import EmbeddedServer
from service import Smally, free_port, get
from support import new_folder

from smally.auth.keys import display_prefix, hash_key, new_key

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

    from faults.servers import Database

CLIENTS, REQUESTS, FEW_REQUESTS = 50, 10_000, 2_000
PAUSE_SECONDS = 0.02
pytestmark = pytest.mark.slow


@dataclass
class Client:
    """Somebody who asks until there is an answer, each time under a new id.

    With one id for all its attempts, a request that was counted and not answered would
    hide behind its retry.
    """

    ports: list[int]
    key: str
    answered: set[str] = field(default_factory=set)
    other: set[tuple[int, bool]] = field(default_factory=set)
    sent: int = 0

    async def run(self, name: str, requests: int) -> None:
        """Send requests, one after the other."""
        for number in range(requests):
            while not await self.send(f"{name}-{number}-{self.sent}"):  # noqa: ASYNC110 - a server decides.
                await asyncio.sleep(PAUSE_SECONDS)

    async def send(self, request_id: str) -> bool:
        """Send once; note what came back, and say whether it was the answer."""
        self.sent += 1
        port = self.ports[self.sent % len(self.ports)]
        try:
            status, retry = await post(port, self.key, request_id)
        except (OSError, EOFError, asyncio.IncompleteReadError):
            return False
        if status == 200:
            self.answered.add(request_id)
            return True
        self.other.add((status, retry))
        return False


async def post(port: int, key: str, request_id: str) -> tuple[int, bool]:
    """Ask over a new connection: the status, and whether Retry-After came with it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        body = json.dumps({"input": f"text {request_id}"}).encode()
        head = (
            "POST /v1/embed HTTP/1.1\r\nHost: smally\r\nConnection: close\r\n"
            f"Authorization: Bearer {key}\r\nIdempotency-Key: {request_id}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        await reader.read()
    finally:
        writer.close()
    return int(answer.split()[1]), b"retry-after:" in answer.lower()


@pytest.fixture
def crashing() -> Iterator[EmbeddedServer]:
    """Start a server that can be ended and started again."""
    with removed(new_folder()) as folder:
        server = EmbeddedServer(folder)
        yield server
        server.stop()


def new_key_in(database: Database, tier: str) -> str:
    """Make a user of a tier, with a key."""
    key = new_key()
    with database.connect() as connection:
        connection.execute(
            "WITH u AS (INSERT INTO users (email, tier) VALUES ('a@b', %s)"
            " RETURNING id) INSERT INTO api_keys (user_id, name, key_hash, prefix)"
            " SELECT id, 'key', %s, %s FROM u",
            (tier, hash_key(key), display_prefix(key)),
        )
    return key


def counted(database: Database) -> set[object]:
    """Read the ids of all requests that were counted."""
    return {row[0] for row in database.ask("SELECT request_id FROM usage")}


class Fleet:
    """Two processes of the service, each on its port."""

    def __init__(self, folder: Path, database: Database, stack: ExitStack) -> None:
        self.ports = [free_port(), free_port()]
        self._folder, self._url, self._stack = folder, database.url, stack
        self.processes = [self.start(port) for port in self.ports]
        for smally in self.processes:
            smally.serving()

    def start(self, port: int) -> Smally:
        """Start a process, ended when the test is."""
        environ = {"DATABASE_URL": self._url, "SMALLY_PORT": str(port)}
        smally = Smally(self._folder, environ)
        self._stack.callback(smally.process.wait)
        self._stack.callback(smally.process.kill)
        return smally

    async def replace(self, number: int, by: signal.Signals) -> None:
        """End a process, and start another in its place."""
        await asyncio.to_thread(self.processes[number].end, by)
        self.processes[number] = self.start(self.ports[number])
        await asyncio.to_thread(self.processes[number].serving)


async def until(client: Client, answered: int) -> None:
    """Wait until so many requests are answered, while clients go on."""
    while len(client.answered) < answered:  # noqa: ASYNC110 - so does a server here.
        await asyncio.sleep(PAUSE_SECONDS)


def lift_limits(database: Database) -> None:
    """Have the meter's minute begin anew: 6,000 requests would end the race."""
    database.ask("UPDATE meters SET minute_started_at = now() - interval '1 hour'")


async def race(
    client: Client, requests: int, faults: Coroutine[None, None, None]
) -> None:
    """Let all clients run, while faults happen."""
    each = requests // CLIENTS
    runs = [client.run(f"client{number}", each) for number in range(CLIENTS)]
    await asyncio.gather(faults, *runs)


def test_usage_equals_answers_through_restarts(
    crashing: EmbeddedServer, tmp_path: Path
) -> None:
    """A rolling restart by SIGTERM, and one of the database; nothing but 503."""
    database = crashing.database("postgres")
    with ExitStack() as stack:
        fleet = Fleet(tmp_path, database, stack)
        client = Client(fleet.ports, new_key_in(database, "scale"))

        async def faults() -> None:
            step = REQUESTS // 10
            for number in (0, 1):
                await until(client, (number + 1) * step)
                await asyncio.to_thread(lift_limits, database)
                await fleet.replace(number, signal.SIGTERM)
            await until(client, 4 * step)
            await asyncio.to_thread(lift_limits, database)
            await asyncio.to_thread(crashing.crash)
            await asyncio.to_thread(crashing.start)
            await until(client, 8 * step)
            await asyncio.to_thread(lift_limits, database)

        asyncio.run(race(client, REQUESTS, faults()))
        statuses = {smally.end(signal.SIGTERM) for smally in fleet.processes}
    assert statuses == {0}
    assert client.other <= {(503, True), (429, True)}
    assert len(client.answered) == REQUESTS
    assert counted(database) == client.answered
    ready = "[INFO] the database is back"
    assert all(ready in smally.lines for smally in fleet.processes)


def test_a_killed_process_counts_no_less_than_it_answered(
    crashing: EmbeddedServer, tmp_path: Path
) -> None:
    """SIGKILL under load: each answer that somebody has is counted."""
    database = crashing.database("postgres")
    with ExitStack() as stack:
        fleet = Fleet(tmp_path, database, stack)
        client = Client(fleet.ports, new_key_in(database, "scale"))

        async def faults() -> None:
            for number in (0, 1):
                await until(client, (number + 1) * FEW_REQUESTS // 4)
                answered = set(client.answered)
                await fleet.replace(number, signal.SIGKILL)
                assert answered <= await asyncio.to_thread(counted, database)

        asyncio.run(race(client, FEW_REQUESTS, faults()))
        assert get(f"http://127.0.0.1:{fleet.ports[0]}", "/health/ready")[0] == 200
    # What was under way when a process was killed may be counted without an answer.
    extra = counted(database) - client.answered
    assert client.answered <= counted(database)
    assert len(extra) <= 2 * CLIENTS
