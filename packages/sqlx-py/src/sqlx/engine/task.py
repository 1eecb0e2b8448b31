"""How one pending file is carried out: what the lexer and the marker say of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from sqlx.errors import DatabaseError, ExecuteMigration, SourceError
from sqlx.migrations.migration import Kind, Migration, SourceWarning
from sqlx.migrations.statements import (
    Statements,
    Syntax,
    client_copy,
    ends_transaction,
    is_plain_ddl,
    leaves_settings,
    position,
    split,
    transaction_control,
    way_back,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlx.engine.dialect import Frame

__all__ = [
    "Mode",
    "Task",
    "batches",
    "check_size",
    "failure",
    "read_task",
    "take_back",
    "warnings",
    "way_out",
]

SHARED_FILES = 32
SHARED_CHARS = 1_000_000
LONGEST_MESSAGE = 500
MENDS = {Syntax.MYSQL: "set it back at the file's end"}
CLIENT_DATA = {"COPY": "COPY with STDIN or STDOUT", "LOAD": "LOAD … LOCAL"}
OURS_BYTES = 8192  # more than what stands around a file in its message


class Mode(Enum):
    """How a file's SQL is sent."""

    TRANSACTION = auto()  # one transaction with its history row, one message
    OWN_CONTROL = auto()  # it begins or ends transactions itself
    STATEMENTS = auto()  # `-- no-transaction`: statement by statement


@dataclass(frozen=True, slots=True)
class Task:
    """A migration to carry out.

    Args:
        migration: The file.
        statements: Its text, split.
        mode: How it is sent.
        plain: Whether it is DDL through and through, leaves nothing in the session, and
            so may share a message with others.
    """

    migration: Migration
    statements: Statements
    mode: Mode
    plain: bool

    @property
    def down(self) -> bool:
        """Whether it is a down file."""
        return self.migration.kind is Kind.DOWN


def read_task(migration: Migration, syntax: Syntax) -> Task:
    """Look into a pending file, before anything is applied.

    Raises:
        SourceError: It cannot run as a migration.
    """
    statements = split(migration.body, syntax)
    _check_runs_here(migration, statements)
    controls = transaction_control(statements, syntax)
    if not migration.no_transaction:
        mode = Mode.OWN_CONTROL if controls else Mode.TRANSACTION
    elif controls and not ends_transaction(controls[-1]):
        raise SourceError(
            f"{_place(migration, statements, controls[-1].start)}: the file leaves a "
            "transaction open; end it with COMMIT"
        )
    else:
        mode = Mode.STATEMENTS
    plain = mode is Mode.TRANSACTION and is_plain_ddl(statements)
    return Task(migration, statements, mode, plain)


def _check_runs_here(migration: Migration, statements: Statements) -> None:
    """Refuse what is written for another tool than one that sends it whole."""
    copy = client_copy(statements)
    if copy is not None:
        verb = copy.words[0]
        raise SourceError(
            f"{_place(migration, statements, copy.start)}: {CLIENT_DATA[verb]} needs a "
            "client that carries the data, and a migration has none; use INSERT, or "
            f"{verb} from a file of the server's"
        )
    back = None if migration.kind is Kind.DOWN else way_back(statements)
    if back is not None:
        stem = migration.path.removesuffix(migration.kind.value)
        raise SourceError(
            f"{_place(migration, statements, back.start())}: {back[0]} parts a file "
            "for another tool, and here all of it runs, forward and back; keep what is "
            f"before it as {stem}.up.sql, and what follows as {stem}.down.sql"
        )


def check_size(task: Task, most_bytes: int) -> None:
    """Refuse a file that the server would not take in one message.

    Args:
        task: The file.
        most_bytes: What a message may have; 0 for any.

    Raises:
        SourceError: It is too long, or a statement that is sent alone is.
    """
    statements = task.statements
    alone = task.mode is Mode.STATEMENTS and statements.certain
    sent = map(statements.sql, statements.items) if alone else [statements.text]
    longest = max((len(text.encode()) for text in sent), default=0)
    if most_bytes and longest + OURS_BYTES > most_bytes:
        what = "a statement of it" if alone else "it"
        raise SourceError(
            f"{task.migration.path}: {what} has {longest} bytes, and the server takes "
            f"messages of {most_bytes} ({OURS_BYTES} of them are ours); raise "
            "max_allowed_packet on the server, or split the file"
        )


def warnings(task: Task, syntax: Syntax) -> Iterator[SourceWarning]:
    """Say what a person should know of a file that is about to run."""
    migration, statements = task.migration, task.statements
    if task.mode is Mode.OWN_CONTROL:
        control = transaction_control(statements, syntax)[0]
        yield SourceWarning(
            "transaction-control",
            migration.path,
            f"{' '.join(control.words[:1])} ends or begins a transaction, so the "
            "migration and its history row are not one unit; remove it (a migration "
            "runs in a transaction), or begin the file with -- no-transaction",
            position(statements.text, control.start)[0],
        )
    for statement in leaves_settings(statements, syntax)[:1]:
        yield SourceWarning(
            "session-settings",
            migration.path,
            "changes a setting of the session; it is reset after the file, while SQLx "
            "keeps it for the files that follow in the same run; "
            + MENDS.get(syntax, "use SET LOCAL"),
            position(statements.text, statement.start)[0],
        )


def batches(tasks: Iterable[Task], *, sharing: bool) -> Iterator[tuple[Task, ...]]:
    """Group neighbours that may share a message; everything else goes alone."""
    group: list[Task] = []
    size = 0
    for task in tasks:
        size += len(task.statements.text)
        fits = len(group) < SHARED_FILES and size <= SHARED_CHARS
        if group and not (sharing and task.plain and fits):
            yield tuple(group)
            group, size = [], len(task.statements.text)
        group.append(task)
        if not (sharing and task.plain):
            yield tuple(group)
            group, size = [], 0
    if group:
        yield tuple(group)


def failure(
    task: Task, error: DatabaseError, frame: Frame, state: str
) -> ExecuteMigration:
    """Say where in the file the database stopped, and what is left of it."""
    text = task.statements.text
    offset = _offset(task, error, frame)
    _clean(error, frame)
    line, column, shown = (None, None, "")
    if offset is not None:
        line, column, shown = position(text, min(offset, len(text.rstrip())))
    migration = task.migration
    return ExecuteMigration(
        migration.version, migration.path, line, column, shown, error, state
    )


def way_out(table: str, migration: Migration) -> str:
    """Say how a person puts the history right after a migration that has no end."""
    success, gone = _set_true(table, migration), _delete(table, migration)
    if migration.kind is Kind.DOWN:
        return (
            f"complete it by hand and {gone}, or undo what it did by hand and {success}"
        )
    return f"complete it by hand and {success}, or undo it by hand and {gone}"


def take_back(table: str, migration: Migration) -> str:
    """Say what makes the row as it was before the migration was claimed."""
    down = migration.kind is Kind.DOWN
    return _set_true(table, migration) if down else _delete(table, migration)


def _set_true(table: str, migration: Migration) -> str:
    return f"UPDATE {table} SET success = TRUE WHERE version = {migration.version}"


def _delete(table: str, migration: Migration) -> str:
    return f"DELETE FROM {table} WHERE version = {migration.version}"


def _offset(task: Task, error: DatabaseError, frame: Frame) -> int | None:
    """Find the failing place in the file, in characters from 0."""
    statements = task.statements
    if error.part is not None and error.offset is not None:
        places = {0: None, 1: error.offset}
        return places.get(error.part, len(statements.text))
    index = error.completed - len(frame.before)
    framed = frame.before and statements.certain
    if not framed or not 0 <= index < len(statements.items):
        return None
    return statements.items[index].start


def _clean(error: DatabaseError, frame: Frame) -> None:
    """Cut our own text out of a message that quotes the file to its end."""
    message = error.message
    if frame.after:
        message = message.replace(frame.closing, "")
    if len(message) > LONGEST_MESSAGE:
        message = message[:LONGEST_MESSAGE] + " …"
    error.message, error.args = message, (message,)


def _place(migration: Migration, statements: Statements, offset: int) -> str:
    line, column, _ = position(statements.text, offset)
    return f"{migration.path}:{line}:{column}"
