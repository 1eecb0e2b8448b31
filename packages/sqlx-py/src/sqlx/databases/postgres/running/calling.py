"""Checked queries on psycopg's connections.

A call makes a cursor, executes and fetches, as by hand. The rows are made by psycopg's
row factory: it is called with each result, before its rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from psycopg import ProgrammingError
from psycopg.rows import tuple_row

from sqlx.databases.loading import Loading, subclass
from sqlx.databases.postgres.running.adapting import adapt, adapt_all, is_plain, of_text
from sqlx.databases.postgres.running.cursors import AsyncCursor, Cursor
from sqlx.databases.postgres.running.streaming import stream, stream_async
from sqlx.errors import RowNotFound, TooManyRows
from sqlx.queries.annotations import Shape
from sqlx.queries.running.affected import RowsAffected
from sqlx.queries.running.building import Build, Rows
from sqlx.queries.running.compiling import (
    Body,
    expressions,
    has_fixed_columns,
    sequence,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg import AsyncRawCursor, RawCursor

    from sqlx.queries.running.compiling import Call

__all__ = ["body"]

AnyCursor: TypeAlias = "RawCursor[Any] | AsyncRawCursor[Any]"


def body(call: Call) -> Body:
    """Write what a call does on a psycopg connection."""
    texts = expressions(call.head, is_plain)
    values = sequence(texts) if texts else "None"
    names: dict[str, object] = {
        "_sqlx_adapt": adapt,
        "_sqlx_adapt_all": adapt_all,
        "_sqlx_Cursor": AsyncCursor if call.is_async else Cursor,
        "_sqlx_rows": _rows(call),
    }
    if call.shape is Shape.STREAM:
        begin = stream_async if call.is_async else stream
        names |= {"_sqlx_stream": begin, "_sqlx_where": call.where}
        arguments = f"{call.head.connection}, _sqlx_sql, {values}"
        return Body(
            (f"return _sqlx_stream({arguments}, _sqlx_rows, _sqlx_where)",), names
        )
    names |= {
        "_sqlx_affected": _affected_async if call.is_async else _affected,
        "_sqlx_none": lambda: call.where.error(RowNotFound),
        "_sqlx_many": lambda: call.where.error(TooManyRows),
    }
    connection = call.head.connection
    wait = "await " if call.is_async else ""
    return Body(
        (
            f"_sqlx_cursor = _sqlx_Cursor({connection}, row_factory=_sqlx_rows)",
            f"{wait}_sqlx_cursor.execute(_sqlx_sql, {values})",
            *(line.replace("AWAIT ", wait) for line in _ENDS[call.shape]),
        ),
        names,
    )


_ENDS = {
    Shape.ONE: (
        "_sqlx_row = AWAIT _sqlx_cursor.fetchone()",
        "if _sqlx_cursor.rowcount != 1:",
        "    raise _sqlx_many() if _sqlx_cursor.rowcount else _sqlx_none()",
        "return _sqlx_row",
    ),
    Shape.OPTIONAL: (
        "_sqlx_row = AWAIT _sqlx_cursor.fetchone()",
        "if _sqlx_cursor.rowcount > 1:",
        "    raise _sqlx_many()",
        "return _sqlx_row",
    ),
    Shape.ALL: ("return AWAIT _sqlx_cursor.fetchall()",),
    Shape.EXECUTE: ("return None",),
    Shape.AFFECTED: ("return AWAIT _sqlx_affected(_sqlx_cursor)",),
}


def _rows(call: Call) -> Callable[[Any], Any]:
    """Make psycopg's row factory: it is called with each result, before its rows."""
    if call.shape in {Shape.EXECUTE, Shape.AFFECTED}:
        return tuple_row
    rows = Rows(
        call.row,
        call.is_value,
        Loading(call.where, subclass, of_text).convert,
        call.where,
    )
    is_fixed = has_fixed_columns(call.sql)
    builds: dict[tuple[bytes | None, ...], Build] = {}
    fixed: Build | None = None

    def factory(cursor: AnyCursor) -> Build:
        nonlocal fixed
        if fixed is not None:
            return fixed
        result = cursor.pgresult
        # Read from the result in a tenth of the time of `cursor.description`.
        names = tuple(map(result.fname, range(result.nfields))) if result else ()
        build = builds.get(names)
        if build is None:
            columns = [column.name for column in cursor.description or ()]
            build = builds[names] = rows.build(columns)
            fixed = build if is_fixed else None
        return build

    return factory


def _affected(cursor: Cursor) -> RowsAffected:
    if cursor.pgresult is None:  # In a pipeline the result is still to come.
        try:
            cursor.fetchone()
        except ProgrammingError:
            if cursor.pgresult is None:
                raise
    return RowsAffected(max(cursor.rowcount, 0))


async def _affected_async(cursor: AsyncCursor) -> RowsAffected:
    if cursor.pgresult is None:  # In a pipeline the result is still to come.
        try:
            await cursor.fetchone()
        except ProgrammingError:
            if cursor.pgresult is None:
                raise
    return RowsAffected(max(cursor.rowcount, 0))
