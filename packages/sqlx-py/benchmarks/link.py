"""A link between a client and a server's socket: it can be long, and it counts.

One thread passes bytes on, each chunk after the delay of its way. A round trip is
counted whenever the server speaks after the client has spoken; those of connecting, up
to the server's word that a client is connected, are counted apart.
"""

from __future__ import annotations

import heapq
import selectors
import socket
import threading
import time
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

__all__ = ["Link", "is_ready"]

Due = tuple[float, int, socket.socket, bytes]


def is_ready(data: bytes) -> bool:
    """Find PostgreSQL's ReadyForQuery, outside a transaction."""
    return b"Z\x00\x00\x00\x05I" in data


@dataclass(eq=False)
class Session:
    """One client and its connection to the server."""

    client: socket.socket
    server: socket.socket
    asked: bool = False
    connected: bool = False

    def other(self, side: socket.socket) -> socket.socket:
        """The socket that the bytes of a side are sent to."""
        return self.server if side is self.client else self.client


@dataclass
class Link:
    """Listens on a socket in a folder and passes on to a server's socket.

    Args:
        target: The server's socket.
        listening: The socket to make.
        seconds: The delay of each way.
        greets: Tells whether the server says in its reply that a client is connected;
            by default PostgreSQL's ReadyForQuery does.
    """

    target: Path
    listening: Path
    seconds: float = 0.0
    greets: Callable[[bytes], bool] = is_ready
    connecting: int = 0
    round_trips: int = 0
    bytes_up: int = 0
    _due: list[Due] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=count)

    def reset(self) -> None:
        """Begin to count anew."""
        self.connecting = self.round_trips = self.bytes_up = 0

    def __enter__(self) -> Self:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.listening))
        self._listener.listen(64)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._stop, self._stopped = socket.socketpair()
        self._selector.register(self._stopped, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.close()
        self._thread.join()
        self._listener.close()
        self.listening.unlink()

    def _serve(self) -> None:
        while True:
            wait = self._due[0][0] - time.perf_counter() if self._due else None
            for key, _ in self._selector.select(None if wait is None else max(0, wait)):
                if key.fileobj is self._stopped:
                    return
                if key.data is None:
                    self._accept()
                else:
                    self._receive(*key.data)
            self._deliver()

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(self.target))
        session = Session(client, server)
        for side in (client, server):
            self._selector.register(side, selectors.EVENT_READ, (session, side))

    def _receive(self, session: Session, side: socket.socket) -> None:
        try:
            data = side.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        if not data:
            self._selector.unregister(side)
        elif side is session.client:
            session.asked = True
            self.bytes_up += len(data)
        else:
            self._count(session, data)
        at = time.perf_counter() + self.seconds
        due = (at, next(self._numbers), session.other(side), data)
        heapq.heappush(self._due, due)

    def _count(self, session: Session, data: bytes) -> None:
        if session.asked and session.connected:
            self.round_trips += 1
        elif session.asked:
            self.connecting += 1
            session.connected = self.greets(data)
        session.asked = False

    def _deliver(self) -> None:
        while self._due and self._due[0][0] <= time.perf_counter():
            _, _, to, data = heapq.heappop(self._due)
            try:
                to.sendall(data) if data else to.shutdown(socket.SHUT_WR)
            except OSError:
                continue  # It has gone already; its own end is read in turn.
