"""A tap on a connection's wire: what the server replies, heard beside the driver.

A client library that gives neither the rows of a simple query nor each statement's
result (asyncpg's `execute` gives the last one's tag) still receives them. The tap
stands between the transport and the library's protocol, hands everything on, and keeps
what an engine wants to know: rows as texts, and how many statements were complete.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.engine.steps import Row

__all__ = ["Result", "Tap"]

HEAD = struct.Struct("!cI")  # kind, and the length of all behind the kind
COUNT, LENGTH = struct.Struct("!H"), struct.Struct("!i")
OF_A_COLUMN = 18  # bytes behind a column's name: table, type, size, format
DESCRIPTION, ROW, READY = b"T", b"D", b"Z"
COMPLETE = {b"C", b"I"}  # CommandComplete, EmptyQueryResponse
COPY = {b"G", b"H", b"W"}


@dataclass(slots=True)
class Result:
    """What one statement gave.

    Args:
        names: Of its columns; none for a command.
        raw: Its rows, as they came.
    """

    names: tuple[bytes, ...] = ()
    raw: list[bytes] = field(default_factory=list)

    def rows(self) -> list[Row]:
        """Read the rows: texts and None, as a simple query gives them."""
        return [tuple(_values(row)) for row in self.raw]


class Tap(asyncio.Protocol):
    """Listens in on a connection that is idle, until it is taken off.

    Args:
        transport: The connection's; its protocol goes on hearing all.

    Attributes:
        results: Of the statements of the last message that were complete.
        ready: Set once the server waits for the next message, or is gone.
        copying: Whether the server has begun a COPY that nobody would answer; the
            connection has been aborted then.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._owner = cast("asyncio.Protocol", transport.get_protocol())
        self._heard = bytearray()
        self._result = Result()
        self._done: list[Result] = []
        self.results: list[Result] = self._done
        self.ready = asyncio.Event()
        self.copying = False
        transport.set_protocol(self)

    def begin(self) -> None:
        """Forget the message before: another one is about to be sent."""
        self.ready.clear()
        self.results = self._done

    def take_off(self) -> None:
        """Let the connection be as it was."""
        self._transport.set_protocol(self._owner)

    def data_received(self, data: bytes) -> None:
        """Listen, and hand on."""
        self._heard += data
        for kind, body in self._messages():
            self._hear(kind, body)
        self._owner.data_received(data)

    def eof_received(self) -> bool | None:
        """Hand on."""
        return self._owner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Hand on."""
        self.ready.set()
        self._owner.connection_lost(exc)

    def pause_writing(self) -> None:
        """Hand on."""
        self._owner.pause_writing()

    def resume_writing(self) -> None:
        """Hand on."""
        self._owner.resume_writing()

    def _messages(self) -> Iterator[tuple[bytes, bytes]]:
        """Cut off the messages that are there as a whole."""
        at = 0
        while len(self._heard) - at >= HEAD.size:
            kind, length = HEAD.unpack_from(self._heard, at)
            end = at + 1 + length
            if end > len(self._heard):
                break
            yield kind, bytes(self._heard[at + HEAD.size : end])
            at = end
        del self._heard[:at]

    def _hear(self, kind: bytes, body: bytes) -> None:
        if kind == DESCRIPTION:
            self._result = Result(tuple(_names(body)))
        elif kind == ROW:
            self._result.raw.append(body)
        elif kind in COMPLETE:
            self._done.append(self._result)
            self._result = Result()
        elif kind == READY:
            # A message that was cancelled ends here too, before the next is sent.
            self.results, self._done, self._result = self._done, [], Result()
            self.ready.set()
        elif kind in COPY:
            self.copying = True
            self._transport.abort()


def _names(body: bytes) -> Iterator[bytes]:
    """Read a RowDescription."""
    (count,) = COUNT.unpack_from(body)
    at = COUNT.size
    for _ in range(count):
        end = body.index(b"\0", at)
        yield body[at:end]
        at = end + 1 + OF_A_COLUMN


def _values(body: bytes) -> Iterator[str | None]:
    """Read a DataRow."""
    (count,) = COUNT.unpack_from(body)
    at = COUNT.size
    for _ in range(count):
        (length,) = LENGTH.unpack_from(body, at)
        at += LENGTH.size
        if length < 0:
            yield None
            continue
        yield body[at : at + length].decode()
        at += length
