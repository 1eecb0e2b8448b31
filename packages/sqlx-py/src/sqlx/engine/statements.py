"""Run files that do not fit a transaction; their claim stands already.

`-- no-transaction`: statement by statement, as `psql -f` does. Files with transaction
control of their own: as SQLx sends them, in one message after a BEGIN.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlx.engine.attempt import attempt
from sqlx.engine.dialect import Dialect, Frame
from sqlx.engine.partly import (
    IN_PART,
    committed_on_its_way,
    may_be_in_part,
    not_taken_back,
)
from sqlx.engine.steps import Script, Steps
from sqlx.engine.task import Task, failure, way_out
from sqlx.errors import ConnectionLost, DatabaseError
from sqlx.migrations.statements import ends_transaction, transaction_control

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["broken_things", "own_control", "statement_by_statement"]

COMMITTED = (
    "the file ends its own transaction, so what stands before that is committed; "
)
UNDONE = (
    "rolled back, the file's own end of the transaction was not reached; mend it and "
    "run again"
)
RUNNING = "the connection was lost, and the statement may still be running; "
UNTOUCHED = "the first statement failed and left nothing behind; mend it and run again"
ALONE = Frame((), (), -1, -1)
Broken = dict[str, str]
"""The name of something broken, and the statement that removes it."""


def own_control(dialect: Dialect, task: Task) -> Steps[None]:
    """Run a file that ends or begins transactions itself.

    Raises:
        ExecuteMigration: It failed; its row stays FALSE, unless it provably committed
            nothing.
    """
    frame = dialect.own_transaction()
    script = Script((frame.opening, task.migration.body, frame.closing))
    error = yield from attempt(dialect, script)
    if not isinstance(error, DatabaseError):
        return
    left = yield from _left_of_own(dialect, task, error, frame)
    if left:
        state = left + way_out(dialect.table, task.migration)
        raise failure(task, error, frame, state) from error
    yield dialect.unclaim(task.migration)
    raise failure(task, error, frame, UNDONE) from error


def _left_of_own(
    dialect: Dialect, task: Task, error: DatabaseError, frame: Frame
) -> Steps[str]:
    """Say what is committed of a file with control of its own; nothing: empty."""
    statements = task.statements
    if isinstance(error, ConnectionLost) or not statements.certain:
        return COMMITTED
    index = error.completed - len(frame.before)
    controls = transaction_control(statements, dialect.syntax)
    complete = statements.items[:index]
    if any(item in controls and ends_transaction(item) for item in complete):
        return COMMITTED
    on_its_way = committed_on_its_way(dialect, task, index)
    return on_its_way or (yield from not_taken_back(dialect, task, index))


def statement_by_statement(dialect: Dialect, task: Task) -> Steps[None]:
    """Run a `-- no-transaction` file.

    Raises:
        ExecuteMigration: A statement failed, or the file left an INVALID index.
    """
    before = yield from broken_things(dialect, task.statements.text)
    for index, (start, sql) in enumerate(_pieces(task)):
        error = yield from attempt(dialect, Script((sql,)))
        if isinstance(error, DatabaseError):
            if error.offset is not None or task.statements.certain:
                error.part, error.offset = 1, start + (error.offset or 0)
            yield from _give_up(dialect, task, error, index, before)
    broken = yield from broken_things(dialect, task.statements.text)
    if broken:
        invalid = DatabaseError(f"{', '.join(broken)} is INVALID")
        raise failure(task, invalid, ALONE, _state(dialect, task, broken))


def _give_up(
    dialect: Dialect, task: Task, error: DatabaseError, index: int, before: Broken
) -> Steps[None]:
    """Say what is committed; take the claim back when nothing is."""
    if isinstance(error, ConnectionLost):
        state = RUNNING + way_out(dialect.table, task.migration)
        raise failure(task, error, ALONE, state) from error
    left = yield from broken_things(dialect, task.statements.text)
    new = {name: mend for name, mend in left.items() if name not in before}
    in_part = may_be_in_part(dialect, task, index)
    if index == 0 and not new and not in_part:
        yield dialect.unclaim(task.migration)
        raise failure(task, error, ALONE, UNTOUCHED) from error
    state = _state(dialect, task, new)
    if in_part:
        state = f"{IN_PART}; {state}"
    if index:
        state = f"the statements before it are committed; {state}"
    raise failure(task, error, ALONE, state) from error


def _state(dialect: Dialect, task: Task, broken: Broken) -> str:
    mends = "".join(
        f"{name} is INVALID, remove it with: {mend}; " for name, mend in broken.items()
    )
    return mends + way_out(dialect.table, task.migration)


def _pieces(task: Task) -> Iterator[tuple[int, str]]:
    """Cut a file into statements; one that the lexer doubts stays whole."""
    statements = task.statements
    if not statements.certain:
        yield 0, statements.text
        return
    for item in statements.items:
        yield item.start, statements.sql(item)


def broken_things(dialect: Dialect, text: str) -> Steps[Broken]:
    """List what is INVALID, of what a text names or on a table that it names."""
    question = dialect.invalid()
    if question is None:
        return {}
    rows = yield question
    words = set(re.findall(r"\w+", text.lower()))
    return {
        str(name): str(mend)
        for name, bare, table, mend in rows
        if {str(bare).lower(), str(table).lower()} & words
    }
