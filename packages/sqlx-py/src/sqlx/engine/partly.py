"""What is left of a file that failed where DDL commits at once.

MySQL and MariaDB commit before and after each DDL statement. The claim stands in the
file's transaction, so the history tells: with nothing committed, the claim is gone like
all else; where it stands, so does whatever came before the last commit.
"""

from __future__ import annotations

from functools import partial
from itertools import dropwhile
from typing import TYPE_CHECKING

from sqlx.engine.lock import truth
from sqlx.engine.task import Mode, way_out
from sqlx.errors import ConnectionLost, DatabaseError
from sqlx.migrations.statements import (
    changes_nothing,
    commits_implicitly,
    fails_as_a_whole,
    position,
    runs_code,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.engine.dialect import Dialect, Frame
    from sqlx.engine.steps import Steps
    from sqlx.engine.task import Task
    from sqlx.migrations.statements import Statement

__all__ = [
    "committed_on_its_way",
    "left_behind",
    "lost_words",
    "may_be_in_part",
    "not_taken_back",
    "note_interruption",
]

LOST = (
    "the connection was lost, so its outcome is not known here; it is applied as a "
    "whole or not at all: run again"
)
LOST_ROWS = (
    "the connection was lost, so its outcome is not known here; but for rows of a "
    "table that cannot roll back (MyISAM, Aria), it is applied as a whole or not at "
    "all: run again"
)
LOST_PARTLY = (
    "the connection was lost, and the server may still be running the file, which it "
    "commits as it goes; run again, and what is then still unknown is said"
)
AT_ONCE = "DDL commits at once here: "
SOMETHING = "a part of the file may be committed; "
UNASKED = "what is left could not be asked; "
KEPT = (
    "a table of the file cannot roll back (MyISAM, Aria), so its rows are there for "
    "good; "
)
MAYBE_KEPT = (
    "rows of a table that cannot roll back (MyISAM, Aria) may be there for good; "
)
IN_PART = "the statement that failed may be done in part"


def lost_words(dialect: Dialect, task: Task) -> str:
    """Say what a lost connection means for the file that was under way."""
    if dialect.transactional_ddl:
        return LOST
    return LOST_PARTLY if _may_commit_on_its_way(task) else LOST_ROWS


def note_interruption(dialect: Dialect, task: Task, stop: BaseException) -> None:
    """Say what an interruption may leave of the file that was under way."""
    migration = task.migration
    if task.mode is not Mode.TRANSACTION:
        stop.add_note(
            f"{migration.path} is not one transaction: what it has committed stays; "
            f"sqlx migrate info tells whether {migration.version} counts as partially "
            "applied, and how to mend it"
        )
    elif not dialect.transactional_ddl and _may_commit_on_its_way(task):
        stop.add_note(
            f"{migration.path}: {AT_ONCE}a part of it may be committed; then migration "
            f"{migration.version} counts as partially applied, and the next run says "
            "what to decide"
        )


def _may_commit_on_its_way(task: Task) -> bool:
    statements = task.statements
    return not statements.certain or any(
        commits_implicitly(item) or runs_code(item) for item in statements.items
    )


def left_behind(
    dialect: Dialect, task: Task, error: DatabaseError, frame: Frame
) -> Steps[str]:
    """Say what a failed file has committed, and the way out; nothing: empty."""
    index = error.completed - len(frame.before)
    if dialect.transactional_ddl or index < 0:
        return ""
    try:
        return (yield from _left(dialect, task, index))
    except ConnectionLost as second:
        error.add_note(f"asking what is left failed too: {second}")
        return lost_words(dialect, task)
    except DatabaseError as second:
        error.add_note(f"asking what is left failed too: {second}")
        found = UNASKED + _committed(dialect, task, index)
        return found + way_out(dialect.table, task.migration)


def _left(dialect: Dialect, task: Task, index: int) -> Steps[str]:
    """Ask the history, where the claim went with all else or stands with the rest.

    A first statement that failed as a whole has committed nothing but the claim, which
    is taken back.
    """
    rows = yield dialect.look()
    _, history = dialect.seen(rows)
    version = task.migration.version
    out = way_out(dialect.table, task.migration)
    if any(row[0] == version and not row[2] for row in history):
        if _did_nothing(dialect, task, index):
            yield dialect.unclaim(task.migration)
            return ""
        return _committed(dialect, task, index) + out
    stays = yield from not_taken_back(dialect, task, index)
    if not stays:
        return ""
    yield dialect.mark_dirty(task.migration)
    return stays + out


def committed_on_its_way(dialect: Dialect, task: Task, index: int) -> str:
    """Say what DDL has committed of a file whose claim does not tell; nothing: empty.

    Args:
        dialect: The database's.
        task: The file; its splitting is certain.
        index: Of the statement that was refused; those before it are complete.
    """
    if dialect.transactional_ddl:
        return ""
    reached = task.statements.items[: index + 1]
    begun = dropwhile(partial(_changes_nothing, task), reached)
    if not any(map(commits_implicitly, begun)) or _did_nothing(dialect, task, index):
        return ""
    return _committed(dialect, task, index)


def not_taken_back(dialect: Dialect, task: Task, index: int) -> Steps[str]:
    """Say what the rollback of a file may not have taken back; nothing: empty.

    A temporary table that cannot roll back is warned of, too.
    """
    question = dialect.kept()
    if question is None:
        return ""
    items = task.statements.items
    reached = items[: index + 1] if task.statements.certain else items
    if any(map(runs_code, reached)):
        return SOMETHING
    if not truth((yield question)):
        return ""
    temporary = any("TEMPORARY" in item.words[1:4] for item in items)
    return MAYBE_KEPT if temporary else KEPT


def may_be_in_part(dialect: Dialect, task: Task, index: int) -> bool:
    """Tell whether a statement that was refused may have done something for good.

    It stands outside of a transaction, or commits at once. Where DDL is rolled back,
    so is all else, but for code that may commit; elsewhere a table may not roll back.
    """
    statements = task.statements
    if not statements.certain:
        return True
    for item in statements.items[index : index + 1]:
        if dialect.transactional_ddl:
            return runs_code(item) or item.words[:1] == ("DO",)
        whole = fails_as_a_whole(item, statements.sql(item))
        return not whole and not _changes_nothing(task, item)
    return False


def _did_nothing(dialect: Dialect, task: Task, index: int) -> bool:
    """Tell whether nothing was done before a statement that failed, nor by it."""
    before = task.statements.items[:index]
    nothing_before = all(map(partial(_changes_nothing, task), before))
    return nothing_before and not may_be_in_part(dialect, task, index)


def _changes_nothing(task: Task, item: Statement) -> bool:
    """Tell whether a statement only reads, sets the session, or begins."""
    begins = item.words[:1] == ("BEGIN",) or item.words[:2] == ("START", "TRANSACTION")
    if begins:
        return not runs_code(item)
    return changes_nothing(item, task.statements.sql(item))


def _committed(dialect: Dialect, task: Task, index: int) -> str:
    """Say which lines are committed: what is complete, once something commits.

    The first commit ends the transaction, and behind it each statement commits itself.

    Args:
        dialect: The database's.
        task: The file.
        index: Of the statement that was refused; those before it are complete.
    """
    items = task.statements.items
    if not task.statements.certain:
        return AT_ONCE + SOMETHING
    if not any(map(commits_implicitly, items[: index + 1])):
        return SOMETHING  # It was hidden in a routine, or a table cannot roll back.
    facts = [*_lines(task, items[:index])]
    if may_be_in_part(dialect, task, index):
        facts.append(IN_PART)
    return f"{AT_ONCE}{'; '.join(facts)}; " if facts else ""


def _lines(task: Task, items: tuple[Statement, ...]) -> Iterator[str]:
    """Say that some statements in a row are committed."""
    if not items:
        return
    text = task.statements.text
    first = position(text, items[0].start)[0]
    last = position(text, items[-1].end)[0]
    lines = f"line {first} is" if first == last else f"lines {first} to {last} are"
    yield f"{lines} committed for good"
