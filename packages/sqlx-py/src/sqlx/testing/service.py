"""A connection of ours to the server, with a thread of its own."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import psycopg

from sqlx.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable

    Connection: TypeAlias = psycopg.Connection[Any]

__all__ = ["Service"]

T = TypeVar("T")
CANCEL_SECONDS = 2.0


class Service:
    """Works on a connection; one that is lost is opened anew, and the work done again.

    Args:
        name: The thread's.
        opened: Connects; it is called again for each loss.

    Attributes:
        losses: How often the connection was lost.
    """

    def __init__(self, name: str, opened: Callable[[], Connection]) -> None:
        self.losses = 0
        self._opened = opened
        self._thread = ThreadPoolExecutor(1, name)
        self._lock = RLock()  # Who has it uses the connection.
        self._connection: Connection | None = None
        self._opening = False

    def submit(self, work: Callable[[Connection], T]) -> Future[T]:
        """Let the thread do some work."""
        return self._thread.submit(self.run, work)

    def run(self, work: Callable[[Connection], T]) -> T:
        """Do some work now.

        Raises:
            ConnectionFailed: The server is gone.
            psycopg.Error: The server refuses it.
        """
        with self._lock:
            connection = self._alive()
            try:
                return work(connection)
            except (psycopg.OperationalError, DatabaseError):
                if not _is_lost(connection):
                    raise
            return work(self._alive())

    def look(self) -> int:
        """Find out, without asking the server, whether it has ended the connection.

        Returns:
            How often it was lost.

        Raises:
            ConnectionFailed: The server is gone.
        """
        # Somebody at work finds out without us; somebody who opens it has found out.
        if self._lock.acquire(blocking=self._opening):
            try:
                if self._connection is not None and _is_lost(self._connection):
                    self._alive()
            finally:
                self._lock.release()
        return self.losses

    def cancel(self) -> None:
        """Forget what has not begun, and break off what has."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.cancel_safe(timeout=CANCEL_SECONDS)

    def close(self) -> None:
        """Wait for the work that is left, and close the connection."""
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()

    def _alive(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self.losses += self._connection is not None
            self._opening = True
            try:
                self._connection = self._opened()
            finally:
                self._opening = False
        return self._connection


def _is_lost(connection: Connection) -> bool:
    """Read what the server has said by itself; its last word is that it ends."""
    for _ in range(2):  # That word, and then the end.
        with suppress(psycopg.OperationalError):
            if not connection.closed:
                connection.pgconn.consume_input()
    return connection.closed
