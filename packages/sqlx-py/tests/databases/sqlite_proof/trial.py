"""Run random queries on data of every sort, and see where NULL comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import apsw
from apsw.ext import query_info
from databases.sqlite_proof.generator import Queries
from databases.sqlite_proof.tables import FILLINGS, filled, scratch

from sqlx.databases.sqlite.describing.listing import Program, read_program
from sqlx.databases.sqlite.proving.proof import prove, values_of
from sqlx.databases.sqlite.proving.proof_values import Value, storage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.databases.sqlite.describing.stored import Stored

__all__ = ["Trial", "proofs", "stored_as", "trials", "values"]

MOST_ROWS = 500
MOST_STEPS = 200_000
NONE = type(None)


class Trial(NamedTuple):
    """A query, its program on empty tables, and what came of it on others.

    Args:
        sql: The query.
        program: All that `EXPLAIN` lists of it.
        nulls: For each column whether NULL came, on any data.
        classes: For each column the classes of the values that came, on any data.
        rows: How many rows came.
    """

    sql: str
    program: Program
    nulls: tuple[bool, ...]
    classes: tuple[frozenset[type], ...]
    rows: int


def trials(
    seed: int, count: int, depth: int = 2, largest: int = 2000
) -> Iterator[Trial]:
    """Try queries; what SQLite refuses is left out.

    Args:
        seed: Any number.
        count: How many.
        depth: How many queries may stand in one another.
        largest: The longest program that is wanted.
    """
    queries, empty = Queries(seed, depth), scratch()
    databases = [filled(name) for name in FILLINGS]
    while count:
        sql = queries.query()
        try:
            info = query_info(empty, sql)
        except apsw.SQLError:
            continue
        program = read_program(empty, sql, info.bindings_count)
        if len(program) > largest:
            continue
        count -= 1
        rows = [
            row for each in databases for row in rows_of(each, sql, info.bindings_count)
        ]
        columns = range(len(info.description))
        nulls = tuple(any(row[i] is None for row in rows) for i in columns)
        classes = (frozenset(type(row[i]) for row in rows) - {NONE} for i in columns)
        yield Trial(sql, program, nulls, tuple(classes), len(rows))


def proofs(trial: Trial, stored: Stored) -> tuple[bool, ...]:
    """Tell of each column whether it is proved to be never NULL."""
    found = prove(trial.sql, trial.program, stored, len(trial.nulls))
    return tuple(not column.may_be_null for column in found)


def stored_as(trial: Trial, stored: Stored) -> tuple[str, ...]:
    """Tell of each column the one storage class that is proved; Null where none is."""
    return tuple(map(storage, values(trial, stored)))


def values(trial: Trial, stored: Stored) -> tuple[Value, ...]:
    """Give all that is proved of the columns."""
    return values_of(trial.sql, trial.program, stored, len(trial.nulls))


def rows_of(
    connection: apsw.Connection, sql: str, parameters: int
) -> list[tuple[object, ...]]:
    """Take what rows there are before an error or the end, and undo what it wrote.

    Every parameter is NULL.
    """
    rows: list[tuple[object, ...]] = []
    connection.set_progress_handler(lambda: True, MOST_STEPS)
    connection.execute("SAVEPOINT before")
    try:
        for row in connection.execute(sql, (None,) * parameters):
            rows.append(row)
            if len(rows) == MOST_ROWS:
                break
    except (apsw.Error, UnicodeDecodeError):
        pass
    finally:
        connection.set_progress_handler(None)
    if connection.in_transaction:
        connection.execute("ROLLBACK TO before; RELEASE before")
    return rows
