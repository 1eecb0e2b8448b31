"""Checked queries on PyMySQL's connections, and on asyncmy's, which is like it.

The drivers write the values into the text, at each `%s`: the placeholders, which are
`?` as in SQLx, are changed once, when a call is compiled. Cursors are of the drivers'
first class, whatever class the connection makes by itself: rows are tuples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlx.databases.loading import Loading, from_json
from sqlx.databases.mysql.running.adapting import adapt, adapt_all, is_plain, leaf
from sqlx.databases.mysql.running.streaming import stream, stream_async
from sqlx.errors import RowNotFound, TooManyRows
from sqlx.queries.annotations import Shape
from sqlx.queries.checking.mysql_placeholders import around_placeholders
from sqlx.queries.running.affected import RowsAffected
from sqlx.queries.running.building import Build, Rows
from sqlx.queries.running.compiling import (
    Body,
    expressions,
    has_fixed_columns,
    sequence,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlx.queries.running.compiling import Call

__all__ = ["body"]


def body(call: Call, cursor: type, unbuffered: type) -> Body:
    """Write what a call does on a connection.

    Args:
        call: The query.
        cursor: The driver's cursor.
        unbuffered: The one that reads row by row.

    Raises:
        TypeError: There are more or fewer values than placeholders.
    """
    text, values = _bound(call)
    rows = _Rows(call)
    names: dict[str, object] = {
        "_sqlx_adapt": adapt,
        "_sqlx_adapt_all": adapt_all,
        "_sqlx_affected": _affected,
        "_sqlx_Cursor": unbuffered if call.shape is Shape.STREAM else cursor,
        "_sqlx_many": lambda: call.where.error(TooManyRows),
        "_sqlx_none": lambda: call.where.error(RowNotFound),
        "_sqlx_rows": rows,
        "_sqlx_text": text,
    }
    connection = call.head.connection
    begin = f"{connection}.cursor(_sqlx_Cursor)"
    if call.shape is Shape.STREAM:
        names |= {"_sqlx_stream": stream_async if call.is_async else stream}
        names |= {"_sqlx_where": call.where}
        arguments = f"{begin}, _sqlx_text, {values}, _sqlx_rows.find, _sqlx_where"
        return Body((f"return _sqlx_stream({arguments})",), names)
    wait = "await " if call.is_async else ""
    return Body(
        (
            f"_sqlx_cursor = {begin}",
            f"{wait}_sqlx_cursor.execute(_sqlx_text, {values})",
            *(line.replace("AWAIT ", wait) for line in _ENDS[call.shape]),
        ),
        names,
    )


_MAKE = (
    "_sqlx_make = _sqlx_rows.fixed",
    "if _sqlx_make is None:",
    "    _sqlx_make = _sqlx_rows.find(_sqlx_cursor.description)",
)
_ENDS = {
    Shape.ONE: (
        *_MAKE,
        "if _sqlx_cursor.rowcount != 1:",
        "    raise _sqlx_many() if _sqlx_cursor.rowcount else _sqlx_none()",
        "return _sqlx_make(AWAIT _sqlx_cursor.fetchone())",
    ),
    Shape.OPTIONAL: (
        *_MAKE,
        "if _sqlx_cursor.rowcount == 0:",
        "    return None",
        "if _sqlx_cursor.rowcount != 1:",
        "    raise _sqlx_many()",
        "return _sqlx_make(AWAIT _sqlx_cursor.fetchone())",
    ),
    Shape.ALL: (
        *_MAKE,
        "return [_sqlx_make(_sqlx_row) for _sqlx_row in AWAIT _sqlx_cursor.fetchall()]",
    ),
    Shape.EXECUTE: ("return None",),
    Shape.AFFECTED: ("return _sqlx_affected(_sqlx_cursor.rowcount)",),
}


def _bound(call: Call) -> tuple[str, str]:
    """Write the text as the drivers want it, and what its placeholders get."""
    parts = around_placeholders(call.sql)
    texts = expressions(call.head, is_plain)
    several = any(value.starred for value in call.head.values)
    if not several and len(texts) != len(parts) - 1:
        raise TypeError(
            f"{call.where}: the query takes {len(parts) - 1} values, not {len(texts)}"
        )
    if not texts:
        return call.sql, "None"
    return "%s".join(part.replace("%", "%%") for part in parts), sequence(texts)


@dataclass(slots=True)
class _Rows:
    """Makes rows, and remembers for which columns."""

    call: Call
    known: dict[tuple[str, ...], Build] = field(default_factory=dict)
    fixed: Build | None = None

    def find(self, description: Sequence[Sequence[Any]] | None) -> Build:
        """Choose the function that makes rows of such columns."""
        names = tuple(column[0] for column in description or ())
        build = self.known.get(names)
        if build is None:
            call = self.call
            convert = Loading(call.where, leaf, from_json).convert
            rows = Rows(call.row, call.is_value, convert, call.where)
            build = self.known[names] = rows.build(names)
            self.fixed = build if has_fixed_columns(call.sql) else None
        return build


def _affected(count: int) -> RowsAffected:
    return RowsAffected(max(count, 0))
