"""What the engine needs to know of a database: SQL text and facts.

A dialect is a frozen value. What a session tells of itself (its database, the table's
schema, whether a pooler stands in between) makes a new one, by `seen` and `locked`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from sqlx.engine.steps import Query, Rows
    from sqlx.errors import DatabaseError, SqlxError
    from sqlx.migrations.migration import Migration
    from sqlx.migrations.statements import Syntax

__all__ = ["Dialect", "Frame", "HistoryRow", "LockKind", "Sending", "Trouble"]

HistoryRow = tuple[int, str, bool, bytes, str, int]
"""version, description, success, checksum, installed_on, execution_time."""


class LockKind(Enum):
    """How migrators keep out of each other's way, beside the claim."""

    NONE = auto()  # the database itself, or nothing (`locking=False`)
    SESSION = auto()  # held by the connection from the first look to the end
    TRANSACTION = auto()  # inside each transaction: a pooler stands in between


class Trouble(Enum):
    """What an error that stopped a migration means for the engine."""

    LOCKED = auto()  # somebody else migrates: wait, look again
    MOVED = auto()  # the history is no longer what the plan was made for: look again
    BUSY = auto()  # a lock on a table was not to be had in time: again, later
    TIMED_OUT = auto()  # the database itself waited for others as long as it may
    GONE = auto()  # the claim vanished: the file controlled transactions, hidden
    READ_ONLY = auto()  # the database may only be read
    FAILED = auto()  # the SQL is wrong


@dataclass(frozen=True, slots=True)
class Frame:
    """The statements of ours around a migration's SQL, in its transaction.

    Args:
        before: Each raises in the server when it is not as it must be.
        after: The same.
        lock: Index in `before` of the statement that takes the lock; -1 for none.
        claim: Index in `before` of the statement that claims the version.
        marks: How many statements right in front of the claim write the mark.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    lock: int
    claim: int
    marks: int = 0

    @property
    def opening(self) -> str:
        """The text in front of the file's."""
        return "".join(f"{statement};\n" for statement in self.before)

    @property
    def closing(self) -> str:
        """The text behind the file's, which may end in a comment or without a `;`."""
        return "\n;\n" + ";\n".join(self.after)

    def at_mark(self, error: DatabaseError) -> bool:
        """Tell whether an error stopped the message while the mark was written."""
        return self.claim - self.marks <= error.completed < self.claim


@dataclass(frozen=True, slots=True)
class Sending:
    """What holds while one migration is sent.

    Args:
        seen: How many rows the history has, as the plan knows it.
        limit_ms: `lock_timeout` of its statements; 0 for none.
        durable: False when a later commit of the same message will carry this one.
        tidy: True when the file before may have left something in the session.
        guarded: True when the lock is held on another connection.
    """

    seen: int
    limit_ms: int = 0
    durable: bool = True
    tidy: bool = False
    guarded: bool = False


class Dialect(Protocol):
    """SQL text and facts of one database, for one session."""

    @property
    def syntax(self) -> Syntax:
        """How the database's SQL is split."""

    @property
    def table(self) -> str:
        """The history's table as it is written in SQL: qualified, once it was seen."""

    @property
    def marks(self) -> str:
        """Our table beside the history: what is applied and marked compatible."""

    @property
    def has_marks(self) -> bool:
        """Whether that table was seen; it is made when it is first needed."""

    @property
    def lock(self) -> LockKind:
        """How migrators exclude each other on this session."""

    @property
    def shares_messages(self) -> bool:
        """Whether several files may travel in one message."""

    @property
    def transactional_ddl(self) -> bool:
        """Whether DDL is rolled back with its transaction; else it commits at once."""

    @property
    def message_bytes(self) -> int:
        """The most that a message may have; 0 for any."""

    @property
    def shortest_limit_ms(self) -> int:
        """The shortest time for which a statement can be told to wait for a lock."""

    @property
    def session(self) -> str:
        """Set a session of ours as SQLx sets its own; empty: nothing has to be set."""

    @property
    def read_only(self) -> str:
        """Why nothing can be written, in words; empty when something can."""

    @property
    def dirty_grace_seconds(self) -> float:
        """How long a row that says FALSE may belong to somebody alive, lock held."""

    def look(self, *, details: bool = False) -> Query:
        """List the history, read-only, in one statement."""

    def has_no_table(self, error: DatabaseError) -> bool:
        """Tell whether `look` failed because there is no table yet."""

    def seen(self, reply: Rows) -> tuple[Self, tuple[HistoryRow, ...]]:
        """Read the reply of `look` or `prepare`."""

    def marked(self) -> Query:
        """List the applied versions that are marked; the table must be there."""

    def with_marks(self) -> Self:
        """Know that the table of marks has been made."""

    def try_lock(self) -> Query:
        """Ask for the lock without waiting; also tells what the session is."""

    def locked(self, reply: Rows) -> tuple[Self, bool | None]:
        """Read the reply of `try_lock`; None: ask again, knowing more."""

    def holder(self) -> Query:
        """Ask who holds the lock."""

    def holder_words(self, reply: Rows) -> str:
        """Say who holds the lock."""

    def keep_lock(self) -> Query:
        """Make sure that the lock is still held, or take it again: one row, a truth."""

    def release(self) -> Query:
        """Put the session back as it was, and give the lock back."""

    def prepare(self) -> Query:
        """Make the session ours, make what is missing, and list the history."""

    def frame(self, migration: Migration, sending: Sending) -> Frame:
        """Enclose a migration: mark and claim, the file, success; one transaction."""

    def own_transaction(self) -> Frame:
        """Enclose a file that controls transactions itself, as SQLx does."""

    def claim(self, migration: Migration, sending: Sending) -> Frame:
        """Mark and claim a version in a transaction of its own, before its file."""

    def unclaim(self, migration: Migration) -> Query:
        """Take claim and mark back: nothing of the file was done."""

    def finish(self, migration: Migration) -> Query:
        """Record the end; no row in the reply: the claim is gone."""

    def record(self, migration: Migration) -> Frame:
        """Mark and record a migration as applied; its file does not run."""

    def mark_dirty(self, migration: Migration) -> Query:
        """Write the row that says FALSE when the claim is not there any more."""

    def kept(self) -> Query | None:
        """Ask whether rows stayed that no rollback takes back; None: none can."""

    def invalid(self) -> Query | None:
        """List what is left broken: `(name, bare name, table's bare name, mend)`."""

    @property
    def rollback(self) -> str:
        """End the transaction, if there is one."""

    def is_race(self, error: DatabaseError) -> bool:
        """Tell whether `prepare` met somebody who does the same, or the lock."""

    def explained(self, error: DatabaseError) -> SqlxError:
        """Say what an error of `prepare` that is no race means."""

    def trouble(self, error: DatabaseError, frame: Frame) -> Trouble:
        """Tell what an error in a framed migration, or in its claim, means."""
