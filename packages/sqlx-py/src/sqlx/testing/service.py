"""A connection of ours to the server, with a thread of its own."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from threading import RLock
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Service", "Wire"]

T = TypeVar("T")


class Closable(Protocol):
    """A connection of any driver."""

    def close(self) -> object:
        """End it."""


C = TypeVar("C", bound=Closable)
C_contra = TypeVar("C_contra", bound=Closable, contravariant=True)


class Wire(Protocol[C_contra]):
    """What a driver knows of its connections."""

    def is_lost(self, connection: C_contra) -> bool:
        """Find out, without asking the server, whether it has ended a connection."""

    def cancel(self, connection: C_contra) -> None:
        """Break off the statement that runs on another thread, if one does."""


class Service(Generic[C]):
    """Works on a connection; one that is lost is opened anew, and the work done again.

    Args:
        name: The thread's.
        opened: Connects; it is called again for each loss.
        wire: The driver.

    Attributes:
        losses: How often the connection was lost.
    """

    def __init__(self, name: str, opened: Callable[[], C], wire: Wire[C]) -> None:
        self.losses = 0
        self._opened, self._wire = opened, wire
        self._thread = ThreadPoolExecutor(1, name)
        self._lock = RLock()  # Who has it uses the connection.
        self._connection: C | None = None
        self._opening = False

    def submit(self, work: Callable[[C], T]) -> Future[T]:
        """Let the thread do some work."""
        return self._thread.submit(self.run, work)

    def run(self, work: Callable[[C], T]) -> T:
        """Do some work now.

        Raises:
            ConnectionFailed: The server is gone.
            Exception: The driver's, when the server refuses it.
        """
        with self._lock:
            connection = self._alive()
            try:
                return work(connection)
            except Exception:
                if not self._wire.is_lost(connection):
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
                if self._connection is not None and self._wire.is_lost(
                    self._connection
                ):
                    self._alive()
            finally:
                self._lock.release()
        return self.losses

    def cancel(self) -> None:
        """Forget what has not begun, and break off what has."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._connection is not None:
            self._wire.cancel(self._connection)

    def close(self) -> None:
        """Wait for the work that is left, and close the connection."""
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()

    def _alive(self) -> C:
        if self._connection is None or self._wire.is_lost(self._connection):
            self.losses += self._connection is not None
            self._opening = True
            try:
                self._connection = self._opened()
            finally:
                self._opening = False
        return self._connection
