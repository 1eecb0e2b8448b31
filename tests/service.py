"""The service as clients and operators meet it: a process, its lines, its answers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg

if TYPE_CHECKING:
    import signal

__all__ = [
    "MIGRATIONS",
    "PATIENCE_SECONDS",
    "Connection",
    "Smally",
    "ask",
    "connect",
    "free_port",
    "get",
    "smally",
]

Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]

MIGRATIONS = Path(__file__).parent.parent / "migrations"
PATIENCE_SECONDS = 60
PROGRAM = Path(sys.executable).with_name("smally")


class Smally:
    """A running `smally serve`, its lines, and its answers."""

    def __init__(
        self, cwd: Path, environ: dict[str, str], options: tuple[str, ...] = ()
    ) -> None:
        self.process = subprocess.Popen(
            [PROGRAM, "serve", *options],
            cwd=cwd,
            env=surroundings() | environ,
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


def connect(url: str) -> Connection:
    """Connect to a database; every statement is its own transaction."""
    return psycopg.connect(url, autocommit=True)


def surroundings() -> dict[str, str]:
    """Take this process's environment without what chooses a database."""
    unwanted = {"DATABASE_URL", "RUNTIME_DATABASE_URL", "LOG_FORMAT"}
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "SMALLY_")) and name not in unwanted
    }
    return kept | {"SMALLY_PORT": "0", "SMALLY_MIGRATIONS": str(MIGRATIONS)}


def smally(cwd: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command of smally's to its end."""
    return subprocess.run(
        [PROGRAM, *words],
        cwd=cwd,
        env=surroundings() | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def get(address: str, path: str) -> tuple[int, dict[str, str], Any]:
    """Ask once, without a key."""
    return ask(address, "GET", path)


def ask(
    address: str,
    method: str,
    path: str,
    body: object = None,
    *,
    key: str = "",
    headers: dict[str, str] | None = None,
) -> tuple[int, dict[str, str], Any]:
    """Ask once: the status, the headers by lower-case name, and what the JSON says.

    A body is sent as JSON, but bytes as they are.
    """
    sent = dict(headers or {})
    if key:
        sent["Authorization"] = f"Bearer {key}"
    if body is not None:
        sent["Content-Type"] = "application/json"
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection = HTTPConnection(address.removeprefix("http://"), timeout=10)
    try:
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        content = answer.read()
        is_json = "json" in found.get("content-type", "")
        return answer.status, found, json.loads(content) if is_json else content
    finally:
        connection.close()


def free_port() -> int:
    """Find a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
