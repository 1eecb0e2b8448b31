"""Read the history and, only when it matters, what is recorded beside it.

A version that is applied and has no file stops a run, unless it is recorded as
compatible. That is a second question, so a start with nothing to do asks one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from sqlx.engine.plan import Applied, History
from sqlx.errors import ConnectionLost, DatabaseError

if TYPE_CHECKING:
    from sqlx.engine.dialect import Dialect
    from sqlx.engine.steps import Rows, Steps
    from sqlx.migrations.migration import Source

__all__ = ["Wanted", "because", "look", "matters", "read"]

Wanted: TypeAlias = Callable[[History], bool]
"""Tells whether it matters what is marked compatible."""


def matters(source: Source, *, ignore_missing: bool) -> Wanted:
    """Ask for the marks when a version has no file, and that is not let pass."""
    return lambda history: not ignore_missing and bool(history.missing(source))


def look(
    dialect: Dialect, wanted: Wanted, *, details: bool = False
) -> Steps[tuple[History, Dialect]]:
    """Ask for the history without a lock, read-only; no table is an empty one."""
    try:
        rows = yield dialect.look(details=details)
    except DatabaseError as error:
        if isinstance(error, ConnectionLost) or not dialect.has_no_table(error):
            raise
        return History((), dialect.table), dialect
    return (yield from read(dialect, rows, wanted))


def read(
    dialect: Dialect, reply: Rows, wanted: Wanted
) -> Steps[tuple[History, Dialect]]:
    """Read the reply of `look` or `prepare`, and ask for the marks when need be."""
    known, found = dialect.seen(reply)
    history = History(tuple(Applied(*row) for row in found), known.table)
    if known.has_marks and wanted(history):
        history = replace(history, compatible=(yield from _marked(known)))
    return history, known


def _marked(dialect: Dialect) -> Steps[frozenset[int]]:
    try:
        rows = yield dialect.marked()
    except DatabaseError as error:
        raise because(
            error,
            f"{dialect.marks} records which migrations are compatible; let the role "
            "read it",
        ) from None
    return frozenset(int(str(version)) for (version,) in rows)


def because(error: DatabaseError, why: str) -> DatabaseError:
    """Say behind the database's words what they mean, unless it is gone."""
    if not isinstance(error, ConnectionLost):
        error.message = f"{error.message}; {why}"
        error.args = (error.message,)
    return error
