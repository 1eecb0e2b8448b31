"""What is left of a file that failed where DDL commits at once.

MySQL and MariaDB commit before and after each DDL statement. The claim stands in the
file's transaction, so the history tells: with nothing committed, the claim is gone like
all else; where it stands, so does whatever came before the last commit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlx.engine.lock import truth
from sqlx.engine.task import way_out
from sqlx.errors import DatabaseError
from sqlx.migrations.statements import commits_implicitly, position

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.engine.dialect import Dialect, Frame
    from sqlx.engine.steps import Steps
    from sqlx.engine.task import Task
    from sqlx.migrations.statements import Statement

__all__ = ["is_whole", "left_behind", "lost_words", "note_interruption"]

LOST = (
    "the connection was lost, so its outcome is not known here; it is applied as a "
    "whole or not at all: run again"
)
LOST_PARTLY = (
    "the connection was lost, and the server may still be running the file, which it "
    "commits as it goes; run again, and what is then still unknown is said"
)
AT_ONCE = "DDL commits at once here: "
SOMETHING = "a part of the file may be committed; "
KEPT = (
    "a table of the file cannot roll back (MyISAM, Aria), so its rows are there for "
    "good; "
)
WHOLE = frozenset({"ALTER", "CREATE"})
"""Verbs whose statement is done as a whole or not at all."""


def lost_words(dialect: Dialect, task: Task) -> str:
    """Say what a lost connection means for the file that was under way."""
    return LOST_PARTLY if _commits_on_its_way(dialect, task) else LOST


def note_interruption(dialect: Dialect, task: Task, stop: BaseException) -> None:
    """Say what an interruption may leave of the file that was under way."""
    if _commits_on_its_way(dialect, task):
        migration = task.migration
        stop.add_note(
            f"{migration.path}: {AT_ONCE}a part of it may be committed; then migration "
            f"{migration.version} counts as partially applied, and the next run says "
            "what to decide"
        )


def _commits_on_its_way(dialect: Dialect, task: Task) -> bool:
    statements = task.statements
    partly = not statements.certain or any(map(commits_implicitly, statements.items))
    return partly and not dialect.transactional_ddl


def left_behind(
    dialect: Dialect, task: Task, error: DatabaseError, frame: Frame
) -> Steps[str]:
    """Say what a failed file has committed, and the way out; nothing: empty.

    A first statement that failed as a whole has committed nothing but the claim, which
    is taken back. What only sets the session may stand before it.
    """
    index = error.completed - len(frame.before)
    if dialect.transactional_ddl or index < 0:
        return ""
    try:
        rows = yield dialect.look()
    except DatabaseError as second:
        error.add_note(f"asking what is left failed too: {second}")
        return lost_words(dialect, task)
    _, history = dialect.seen(rows)
    version = task.migration.version
    if not any(row[0] == version and not row[2] for row in history):
        return (yield from _kept(dialect, task))
    if is_whole(task, index) and all(map(_only_sets, task.statements.items[:index])):
        yield dialect.unclaim(task.migration)
        return ""
    return _committed(task, index) + way_out(dialect.table, task.migration)


def _kept(dialect: Dialect, task: Task) -> Steps[str]:
    """Say which rows no rollback has taken back, and record that the file began.

    MySQL warns of temporary tables in the same way, which end with the session.
    """
    question = dialect.kept()
    temporary = any(item.words[1:2] == ("TEMPORARY",) for item in task.statements.items)
    if question is None or temporary or not truth((yield question)):
        return ""
    yield dialect.mark_dirty(task.migration)
    return KEPT + way_out(dialect.table, task.migration)


def is_whole(task: Task, index: int) -> bool:
    """Tell whether a statement is DDL that is done as a whole or not at all.

    MariaDB drops tables one by one, and replaces by dropping first.
    """
    statements = task.statements
    if not statements.certain or index >= len(statements.items):
        return False
    item = statements.items[index]
    if item.words[:1] == ("DROP",):
        return "," not in statements.sql(item)
    return not WHOLE.isdisjoint(item.words[:1]) and item.words[1:2] != ("OR",)


def _only_sets(item: Statement) -> bool:
    return item.words[:1] in {("SET",), ("USE",)} and not commits_implicitly(item)


def _committed(task: Task, index: int) -> str:
    """Say which lines are committed: what is complete, once something commits.

    The first commit ends the transaction, and behind it each statement commits itself.

    Args:
        task: The file.
        index: Of the statement that was refused; those before it are complete.
    """
    items = task.statements.items
    if not task.statements.certain:
        return AT_ONCE + SOMETHING
    if not any(map(commits_implicitly, items[: index + 1])):
        return SOMETHING  # It was hidden in a routine, or a table cannot roll back.
    facts = [*_lines(task, items[:index])]
    if _may_be_in_part(task, index):
        facts.append("the statement that failed may be done in part")
    return f"{AT_ONCE}{'; '.join(facts)}; "


def _may_be_in_part(task: Task, index: int) -> bool:
    """Tell whether a statement that was refused can have done something."""
    for item in task.statements.items[index : index + 1]:
        runs = item.words[:1] in {("CALL",), ("EXECUTE",)}
        return runs or (commits_implicitly(item) and not is_whole(task, index))
    return False


def _lines(task: Task, items: tuple[Statement, ...]) -> Iterator[str]:
    """Say that some statements in a row are committed."""
    if not items:
        return
    text = task.statements.text
    first = position(text, items[0].start)[0]
    last = position(text, items[-1].end)[0]
    lines = f"line {first} is" if first == last else f"lines {first} to {last} are"
    yield f"{lines} committed for good"
