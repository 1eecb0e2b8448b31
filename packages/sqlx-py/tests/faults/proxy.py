"""Proxies for PostgreSQL's protocol and for MySQL's: they count, show and cut.

They understand as much of a protocol as it takes to know where a message begins. After
the start-up they number the client's messages from 1, and count a round trip whenever
the server answers after the client has spoken. A fault is fired at message k: before it
reaches the server, in its middle, when it has reached it, or when it is answered.

Every session has two threads, one for each way. (Its kernel answers TCP's keepalives,
so a silent network cannot be shown by it.)
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from faults.mysql import MySqlDatabase
    from faults.servers import Database

__all__ = ["Fault", "Message", "Moment", "MySqlProxy", "Proxy", "nth"]

PORT = 5432
WORD = struct.Struct("!I")
COM_QUERY = 3


class Moment(Enum):
    """When a fault is fired, seen from the server."""

    BEFORE = auto()  # the message has not come
    HALF = auto()  # half of it has come
    AFTER = auto()  # all of it has come
    ANSWERED = auto()  # it was answered, and the answer has not gone


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a client's.

    Args:
        number: From 1, over all sessions.
        session: From 1, in the order of connecting.
        kind: Its first byte, e.g. `Q` for a simple query.
        text: The SQL of a simple query.
    """

    number: int
    session: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Do something at one message, once.

    Args:
        at: Which message.
        moment: When.
        act: What to do; the message, or its answer, is held back meanwhile.
        cut: Whether the session is cut then.
    """

    at: Callable[[Message], bool]
    moment: Moment
    act: Callable[[], object]
    cut: bool = True


def nth(number: int) -> Callable[[Message], bool]:
    """Mean the message of a number."""
    return lambda message: message.number == number


class Cut(Exception):
    """A session ends here."""


@dataclass
class Relay:
    """Listens on a socket and passes on to another.

    Args:
        here: Where it listens.
        there: Where the server does.
    """

    here: Path
    there: str
    messages: list[Message] = field(default_factory=list)
    sessions: int = 0
    round_trips: int = 0
    fault: Fault | None = None
    fired: bool = False

    @property
    def texts(self) -> list[str]:
        """The simple queries that were sent."""
        return [message.text for message in self.messages if message.kind == "Q"]

    def reset(self, fault: Fault | None = None) -> None:
        """Begin to count anew, with another fault."""
        with self._changed:
            self.messages.clear()
            self.sessions = self.round_trips = 0
            self.fault, self.fired = fault, False

    def wait_until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until what the proxy has seen fulfils a condition."""
        with self._changed:
            assert self._changed.wait_for(condition, seconds), self.texts[-3:]

    def wait_closed(self) -> None:
        """Wait until no session is open any more."""
        self.wait_until(lambda: self._open == 0)

    def __enter__(self) -> Self:
        self._changed = threading.Condition()
        self._open = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.here))
        self._listener.listen(200)
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Only a shutdown wakes the thread that accepts.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        self.here.unlink()

    def session(self, client: socket.socket) -> Session:
        """Begin the session of a client that has connected."""
        return Session(self, client, self.sessions)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._changed:
                self.sessions += 1
                self._open += 1
                session = self.session(client)
            threading.Thread(target=session.run, daemon=True).start()

    def heard(self, session: int, kind: str, body: bytes) -> Message:
        """Note a client's message."""
        text = body.rstrip(b"\0").decode(errors="replace") if kind == "Q" else ""
        with self._changed:
            message = Message(len(self.messages) + 1, session, kind, text)
            self.messages.append(message)
            self._changed.notify_all()
            return message

    def turned(self) -> None:
        """Note that the server answers."""
        with self._changed:
            self.round_trips += 1
            self._changed.notify_all()

    def closed(self) -> None:
        """Note the end of a session."""
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    def strike(self, message: Message, moment: Moment) -> None:
        """Fire the fault if it is due.

        Raises:
            Cut: It was, and it ends the session.
        """
        fault = self.fault
        if fault is None or self.fired or fault.moment is not moment:
            return
        if fault.at(message):
            self.fired = True  # before the client can notice what the act does
            fault.act()
            if fault.cut:
                raise Cut


class Proxy(Relay):
    """Stands before a PostgreSQL.

    Args:
        target: The database behind it.
        folder: Of its own.
    """

    def __init__(self, target: Database, folder: Path) -> None:
        super().__init__(folder / f".s.PGSQL.{PORT}", target.socket)
        self.target = target

    @property
    def database(self) -> Database:
        """The database through the proxy."""
        return self.target.behind(str(self.here.parent), PORT)


class MySqlProxy(Relay):
    """Stands before a MySQL or a MariaDB.

    Args:
        target: The database behind it.
        folder: Of its own.
    """

    def __init__(self, target: MySqlDatabase, folder: Path) -> None:
        super().__init__(folder / "socket", target.socket)
        self.target = target

    @property
    def database(self) -> MySqlDatabase:
        """The database through the proxy."""
        return self.target.behind(str(self.here))

    def session(self, client: socket.socket) -> Session:
        """Begin the session of a client that has connected."""
        return MySqlSession(self, client, self.sessions)


class Session:
    """One client and its connection to the server.

    Args:
        proxy: What notes and strikes.
        client: The client's socket.
        number: From 1.
    """

    def __init__(self, proxy: Relay, client: socket.socket, number: int) -> None:
        self._proxy, self._client, self._number = proxy, client, number
        self._server = socket.socket(socket.AF_UNIX)
        self._ready = False
        self._asked = False
        self._last: Message | None = None

    def run(self) -> None:
        """Pass messages on until one side ends."""
        back = threading.Thread(target=self._pass, args=(self._to_client,), daemon=True)
        try:
            self._server.connect(self._proxy.there)
            self._start_up()
            back.start()
            self._pass(self._to_server)
            back.join()
        except (OSError, Cut):
            pass
        finally:
            self._end()
            self._client.close()
            self._server.close()
            self._proxy.closed()

    def _end(self) -> None:
        """End both sides; only a shutdown wakes who reads from them."""
        for side in (self._client, self._server):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def _pass(self, step: Callable[[], None]) -> None:
        try:
            while True:
                step()
        except (OSError, Cut):
            self._end()

    def _start_up(self) -> None:
        """Pass the first message on, which has no kind."""
        head = _exactly(self._client, WORD.size)
        body = _exactly(self._client, WORD.unpack(head)[0] - WORD.size)
        self._server.sendall(head + body)

    def _to_server(self) -> None:
        kind, raw = _message(self._client)
        if not self._ready:  # a password, or the like
            self._server.sendall(raw)
            return
        self._hand_over(self._proxy.heard(self._number, kind, raw[5:]), raw)

    def _hand_over(self, message: Message, raw: bytes) -> None:
        """Pass a message on, and strike where it is due."""
        self._last, self._asked = message, True
        self._proxy.strike(message, Moment.BEFORE)
        half = len(raw) // 2
        self._server.sendall(raw[:half])
        self._proxy.strike(message, Moment.HALF)
        self._server.sendall(raw[half:])
        self._proxy.strike(message, Moment.AFTER)

    def _to_client(self) -> None:
        kind, raw = _message(self._server)
        self._note_turn()
        if kind == "Z":
            if self._last is not None:
                self._proxy.strike(self._last, Moment.ANSWERED)
            self._ready = True
        self._client.sendall(raw)

    def _note_turn(self) -> None:
        if self._asked:
            self._asked = False
            self._proxy.turned()


class MySqlSession(Session):
    """The same in MySQL's protocol: a command's first packet has the number 0.

    The moment ANSWERED is not known here: where an answer ends takes a parser.
    """

    def _start_up(self) -> None:
        """The server speaks first, and all before the first command has numbers."""

    def _to_server(self) -> None:
        raw = _packet(self._client)
        if raw[3] != 0:  # a password, or the like
            self._server.sendall(raw)
            return
        kind, text = ("Q", raw[5:]) if raw[4] == COM_QUERY else (f"{raw[4]:x}", b"")
        self._hand_over(self._proxy.heard(self._number, kind, text), raw)

    def _to_client(self) -> None:
        raw = _packet(self._server)
        self._note_turn()
        self._client.sendall(raw)


def _packet(side: socket.socket) -> bytes:
    """Read one whole packet of MySQL's."""
    head = _exactly(side, 4)
    return head + _exactly(side, int.from_bytes(head[:3], "little"))


def _message(side: socket.socket) -> tuple[str, bytes]:
    """Read one whole message."""
    head = _exactly(side, 1 + WORD.size)
    rest = _exactly(side, WORD.unpack(head[1:])[0] - WORD.size)
    return chr(head[0]), head + rest


def _exactly(side: socket.socket, size: int) -> bytes:
    """Read so many bytes.

    Raises:
        Cut: The other side has ended.
    """
    parts = []
    while size:
        part = side.recv(min(size, 1 << 16))
        if not part:
            raise Cut
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
