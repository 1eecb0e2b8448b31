"""Carry out one message: a file, or several, each with its history row.

Exactly once needs no trust in sessions or locks: the primary key on `version` is the
real lock, and every check inside a message raises in the server.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from sqlx.engine.attempt import attempt, quietly
from sqlx.engine.dialect import Dialect, Frame, LockKind, Sending, Trouble
from sqlx.engine.news import Retrying
from sqlx.engine.partly import left_behind, lost_words, note_interruption
from sqlx.engine.retry import FIRST_LIMIT_MS, Retry
from sqlx.engine.statements import own_control, statement_by_statement
from sqlx.engine.steps import Event, Query, Rows, Script, Steps
from sqlx.engine.task import Mode, Task, failure, take_back, way_out
from sqlx.errors import ConnectionLost, DatabaseError, LockTimeout, NotWritable
from sqlx.migrations.migration import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlx.engine.lock import Lock
    from sqlx.migrations.migration import Migration

__all__ = ["Moved", "Session", "apply_alone", "apply_together", "unrecorded"]

ROLLED_BACK = "rolled back, nothing of this migration is applied; mend it and run again"
SEVERAL_LOST = (
    "which of the migrations sent are applied is not known here; each is applied as a "
    "whole or not at all: run again"
)
NOT_BEGUN = (
    "the connection was lost before the file began; run again, and should its row have "
    "been left behind, take it back: "
)
TOO_NARROW = (
    "the connection was lost before the file began; behind a pooler such a file needs "
    "two connections to the server, one of them to hold the lock: let the pool have "
    "them, or connect to the server itself, and run again"
)
UNRECORDED = "what the file committed is done, and not recorded as a whole; "
GAVE_UP = "rolled back; whoever holds the lock on the table must end, then run again"


class Moved(Exception):
    """The history is not what the plan was made for: look again.

    Args:
        waited: Whether time was let pass for it, so that nothing need have changed yet.
        done: How many files of the message are applied all the same.
    """

    def __init__(self, *, waited: bool = False, done: int = 0) -> None:
        super().__init__()
        self.waited, self.done = waited, done


@dataclass
class Session:
    """What a run carries along.

    Args:
        lock: The lock, with the dialect as the session has told of itself.
        retry_seconds: How long a migration that meets a table's lock is tried; 0 for
            one attempt that waits without a limit.
        seen: How many rows the history has now, as far as we know.
        sharing: Whether files may share a message; not after one has failed.
        untidy: Whether a file may have left something in the session.
    """

    lock: Lock
    retry_seconds: float
    seen: int = 0
    sharing: bool = True
    untidy: bool = False

    @property
    def dialect(self) -> Dialect:
        """The dialect, knowing all that is known."""
        return self.lock.dialect

    def counted(self, task: Task, rows: Rows) -> int:
        """Note that a migration is done; tell its time in ns."""
        self.untidy = not task.plain
        self.seen += -1 if task.down else 1
        return int(rows[-1][1] or 0)

    def noted(self, migration: Migration) -> None:
        """Know that the table of marks is there, once a marked file is recorded."""
        if migration.compatible and migration.kind is not Kind.DOWN:
            self.lock.dialect = self.dialect.with_marks()


def apply_together(session: Session, tasks: tuple[Task, ...]) -> Steps[Rows]:
    """Send several files in one message, each in a transaction of its own.

    The server parses the message as a whole and stops at the first error; who called
    looks again then, and goes on one by one. All commits but the last leave the flush
    to it: the log's order makes the last one carry the earlier ones.

    Raises:
        Moved: The server stopped; what stands before that is done.
        ConnectionLost: What is done cannot be told.
    """
    parts: list[str] = []
    sizes: list[int] = []
    dialect = session.dialect
    for place, task in enumerate(tasks):
        frame = dialect.frame(
            task.migration,
            Sending(
                seen=session.seen + place,
                limit_ms=FIRST_LIMIT_MS if session.retry_seconds > 0 else 0,
                durable=place == len(tasks) - 1,
                tidy=session.untidy and place == 0,
            ),
        )
        parts += [frame.opening, task.migration.body, frame.closing + ";\n"]
        ours = len(frame.before) + len(frame.after)
        sizes.append(ours + len(task.statements.items))
        if task.migration.compatible and not task.down:
            dialect = dialect.with_marks()  # this file makes it for those after it
    rows = yield from attempt(dialect, Script(tuple(parts)))
    if isinstance(rows, DatabaseError):
        raise _stopped(rows, sizes) from rows
    session.lock.dialect = dialect
    session.seen += sum(-1 if task.down else 1 for task in tasks)
    session.untidy = False
    return rows


def _stopped(error: DatabaseError, sizes: list[int]) -> Moved | ConnectionLost:
    """Tell how many files of a message are done, which a lost connection does not."""
    lost = isinstance(error, ConnectionLost)
    done = sum(end <= error.completed for end in accumulate(sizes))
    return (
        ConnectionLost(f"{error.message}; {SEVERAL_LOST}") if lost else Moved(done=done)
    )


def apply_alone(session: Session, task: Task) -> Steps[int]:
    """Carry out one file and record it; the reply is how long it took, in ns.

    Raises:
        ExecuteMigration: The database refused it.
        NotWritable: The database may only be read.
        Moved: Somebody else was faster.
    """
    if task.mode is Mode.TRANSACTION:
        return (yield from _in_transaction(session, task))
    alone = own_control if task.mode is Mode.OWN_CONTROL else statement_by_statement
    return (yield from _claimed(session, task, alone))


def _in_transaction(session: Session, task: Task) -> Steps[int]:
    retry = Retry(session.retry_seconds, session.dialect.shortest_limit_ms)
    while True:
        sending = Sending(session.seen, retry.limit_ms, tidy=session.untidy)
        frame = session.dialect.frame(task.migration, sending)
        script = Script((frame.opening, task.migration.body, frame.closing))
        try:
            refused = yield from attempt(session.dialect, script)
        except BaseException as stop:
            note_interruption(session.dialect, task, stop)
            raise
        if not isinstance(refused, DatabaseError):
            session.noted(task.migration)
            return session.counted(task, refused)
        yield from _judge(session, task, refused, frame, retry)


def _judge(
    session: Session, task: Task, error: DatabaseError, frame: Frame, retry: Retry
) -> Steps[None]:
    """Raise what an error means, or return when the message is to be sent again."""
    dialect, migration = session.dialect, task.migration
    yield from _check_leftovers(dialect, task, error, frame)
    match dialect.trouble(error, frame):
        case Trouble.LOCKED:
            yield from session.lock.patience.wait(dialect)
            raise Moved(waited=True) from error
        case Trouble.MOVED:
            raise Moved from error
        case Trouble.BUSY:
            news = Retrying(migration, error.message, retry.attempt, retry.limit_ms)
            yield Event(news)
            if not (yield from retry.pause()):
                raise failure(task, error, frame, GAVE_UP) from error
        case Trouble.TIMED_OUT:
            raise LockTimeout(session.lock.patience.limit_seconds or 0, "") from error
        case Trouble.READ_ONLY:
            raise NotWritable(error.message) from error
        case Trouble.GONE:
            yield dialect.mark_dirty(migration)
            state = UNRECORDED + way_out(dialect.table, migration)
            raise failure(task, error, frame, state) from error
        case _:  # FAILED
            state = ROLLED_BACK
            if frame.at_mark(error):
                state = f"rolled back, {unrecorded(dialect)}"
            raise failure(task, error, frame, state) from error


def _check_leftovers(
    dialect: Dialect, task: Task, error: DatabaseError, frame: Frame
) -> Steps[None]:
    """Raise when a part of the file is committed, or nobody can tell."""
    if isinstance(error, ConnectionLost):
        raise failure(task, error, frame, lost_words(dialect, task)) from error
    left = yield from left_behind(dialect, task, error, frame)
    if left:
        raise failure(task, error, frame, left) from error


def unrecorded(dialect: Dialect) -> str:
    """Say why a migration fails that has not begun: its mark cannot be written."""
    return (
        f"nothing of this migration is applied: {dialect.marks} records that it is "
        "compatible; let the role make and write that table, and run again"
    )


def _claimed(
    session: Session, task: Task, execute: Callable[[Dialect, Task], Steps[None]]
) -> Steps[int]:
    """Commit the claim, run what is not one transaction, and record its end.

    A FALSE that a crash leaves behind stops both tools: a killed client does not stop
    its statement, and nobody could tell whether to run the file again.
    """
    lock = session.lock
    guarded = session.dialect.lock is LockKind.TRANSACTION
    yield from lock.guard() if guarded else lock.keep()
    begun = False
    try:
        yield from _claim(session, task, guarded=guarded)
        begun = True
        yield from execute(session.dialect, task)
        rows = yield session.dialect.finish(task.migration)
        _check_recorded(session, task, rows)
    except BaseException as error:
        if begun and not isinstance(error, Exception):
            note_interruption(session.dialect, task, error)
        if guarded:
            yield from quietly(Query("ROLLBACK", guard=True), error)
        raise
    if guarded:
        yield Query("ROLLBACK", guard=True)
    return session.counted(task, rows)


def _claim(session: Session, task: Task, *, guarded: bool) -> Steps[None]:
    retry = Retry(session.retry_seconds, session.dialect.shortest_limit_ms)
    while True:
        sending = Sending(session.seen, tidy=session.untidy, guarded=guarded)
        frame = session.dialect.claim(task.migration, sending)
        refused = yield from attempt(
            session.dialect, Script((frame.opening, frame.closing))
        )
        if not isinstance(refused, DatabaseError):
            session.noted(task.migration)
            return
        _check_claim(session, task, refused, frame, guarded=guarded)
        yield from _judge(session, task, refused, frame, retry)


def _check_claim(
    session: Session, task: Task, error: DatabaseError, frame: Frame, *, guarded: bool
) -> None:
    """Say what a connection that was lost at the claim means: the file did not run."""
    if isinstance(error, ConnectionLost):
        undo = take_back(session.dialect.table, task.migration)
        state = TOO_NARROW if guarded else NOT_BEGUN + undo
        raise failure(task, error, frame, state) from error


def _check_recorded(session: Session, task: Task, rows: Rows) -> None:
    if rows:
        return
    error = DatabaseError("the history's row of this migration vanished while it ran")
    state = UNRECORDED + way_out(session.dialect.table, task.migration)
    raise failure(task, error, Frame((), (), -1, -1), state)
