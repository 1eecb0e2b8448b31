"""The migration lock: SQLx's own key, polled, and given back whatever happens.

A wait that blocks inside the server holds a snapshot, and the holder's `CREATE INDEX
CONCURRENTLY` waits for it: a deadlock. So the lock is polled.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlx.engine.dialect import Dialect, LockKind
from sqlx.engine.news import WaitingForLock
from sqlx.engine.steps import Event, Query, Steps, Wait
from sqlx.errors import LockTimeout

__all__ = ["Lock", "Patience"]

FIRST_POLL_SECONDS = 0.05
LAST_POLL_SECONDS = 1.0
TELL_EVERY_SECONDS = 10.0


@dataclass
class Patience:
    """Waits for a lock, ever longer, until the limit is used up.

    Args:
        limit_seconds: In all; None for ever.
    """

    limit_seconds: float | None
    waited_seconds: float = 0.0
    next_seconds: float = FIRST_POLL_SECONDS
    told_at_seconds: float = -TELL_EVERY_SECONDS

    def wait(self, dialect: Dialect) -> Steps[None]:
        """Wait once, saying who is in the way.

        Raises:
            LockTimeout: The limit is used up.
        """
        limit = self.limit_seconds
        due = self.waited_seconds - self.told_at_seconds >= TELL_EVERY_SECONDS
        spent = limit is not None and self.waited_seconds >= limit
        if due or spent:
            holder = dialect.holder_words((yield dialect.holder()))
            if spent:
                raise LockTimeout(self.waited_seconds, holder)
            yield Event(WaitingForLock(holder, self.waited_seconds))
            self.told_at_seconds = self.waited_seconds
        pause = self.next_seconds
        if limit is not None:
            pause = min(pause, limit - self.waited_seconds)
        yield Wait(pause)
        self.waited_seconds += pause
        self.next_seconds = min(self.next_seconds * 2, LAST_POLL_SECONDS)

    def calm(self) -> None:
        """Begin with short waits again: somebody made way."""
        self.next_seconds = FIRST_POLL_SECONDS


@dataclass
class Lock:
    """The lock of one run, and what the session has told of itself.

    Args:
        dialect: Learns from every reply.
        patience: How long to wait.
    """

    dialect: Dialect
    patience: Patience
    taken: bool = False

    def acquire(self) -> Steps[None]:
        """Take the lock; behind a pooler, see that nobody holds it.

        Raises:
            LockTimeout: Somebody held it for too long.
        """
        if self.dialect.lock is LockKind.NONE:
            self.taken = True
        if self.taken and self.dialect.lock is not LockKind.TRANSACTION:
            yield from self.keep()
            return
        while True:
            self.taken = True  # a question that is interrupted may have been granted
            rows = yield self.dialect.try_lock()
            self.dialect, granted = self.dialect.locked(rows)
            self.taken = granted is True
            if self.taken:
                self.patience.calm()
                return
            if granted is not None:
                yield from self.patience.wait(self.dialect)

    def keep(self) -> Steps[None]:
        """Make sure of the lock: a file may have given it back behind our back."""
        if self.dialect.lock is not LockKind.SESSION:
            return
        while not truth((yield self.dialect.keep_lock())):
            yield from self.patience.wait(self.dialect)

    def guard(self) -> Steps[None]:
        """Hold the lock in an idle transaction on a second connection.

        It excludes others while statements outside a transaction run through a pooler,
        and has no snapshot that `CREATE INDEX CONCURRENTLY` would wait for.
        """
        while True:
            yield Query("BEGIN", guard=True)
            question = self.dialect.try_lock()
            rows = yield Query(question.sql, guard=True)
            _, granted = self.dialect.locked(rows)
            if granted:
                yield Query(
                    "SET LOCAL idle_in_transaction_session_timeout = 0", guard=True
                )
                return
            yield Query("ROLLBACK", guard=True)
            yield from self.patience.wait(self.dialect)


def truth(rows: object) -> bool:
    """Read a reply of one row and one column, a truth value in words or numbers."""
    match rows:
        case [(value,)]:
            return value in (True, "t", "true")
        case _:
            return False
