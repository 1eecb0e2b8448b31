"""Checked queries on sqlite3's connections.

Theory of operation: the call by hand takes 2.5 µs, so each step counts. Where the names
of the columns cannot change (nothing is `*`), they are read once; then the function
gets its last code, in which the row is built without another call.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlx.databases.loading import Loading, from_json
from sqlx.databases.sqlite.running.adapting import adapt, adapt_all, is_plain, leaf
from sqlx.databases.sqlite.running.placeholders import placeholder_names
from sqlx.errors import RowNotFound, TooManyRows
from sqlx.queries.annotations import Shape
from sqlx.queries.running.affected import RowsAffected
from sqlx.queries.running.building import Build, Expression, Rows
from sqlx.queries.running.compiling import (
    Body,
    expressions,
    has_fixed_columns,
    sequence,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from sqlx.queries.running.compiling import Call, Where

__all__ = ["body"]

Description: TypeAlias = "tuple[tuple[str, None, None, None, None, None, None], ...]"
_UNSETTLED = Expression("_sqlx_make(_sqlx_row)", {})


def body(call: Call) -> Body:
    """Write what a call does on an `sqlite3.Connection`.

    Raises:
        TypeError: There are more or fewer values than the placeholders take.
    """
    rows = _Rows(call)
    values, bind = _values(call)
    names: dict[str, object] = {
        "_sqlx_adapt": adapt,
        "_sqlx_adapt_all": adapt_all,
        "_sqlx_bind": bind,
        "_sqlx_build": rows.build,
        "_sqlx_affected": _affected,
        "_sqlx_none": lambda: call.where.error(RowNotFound),
        "_sqlx_many": lambda: call.where.error(TooManyRows),
        "_sqlx_stream": _stream_async if call.is_async else _stream,
        "_sqlx_where": call.where,
    }
    connection = call.head.connection
    if call.shape is Shape.STREAM:
        arguments = f"{connection}, _sqlx_sql, {values}, _sqlx_build, _sqlx_where"
        return Body((f"return _sqlx_stream({arguments})",), names)

    def settled() -> Body | None:
        found = rows.settled()
        if found is None:
            return None
        return Body(_lines(call, values, found), {**names, **found.names})

    return Body(_lines(call, values, _UNSETTLED), names, settled)


def _lines(call: Call, values: str, row: Expression) -> tuple[str, ...]:
    connection = call.head.connection
    learns = row is _UNSETTLED and call.shape in _ROWS
    counts = call.shape is Shape.AFFECTED
    return (
        *((f"_sqlx_before = {connection}.total_changes",) if counts else ()),
        f"_sqlx_cursor = {connection}.execute(_sqlx_sql, {values})",
        "_sqlx_cursor.row_factory = None",
        *(("_sqlx_make = _sqlx_build(_sqlx_cursor.description)",) if learns else ()),
        *(
            # The row's text comes last: it has names of the user's.
            line.replace("CONNECTION", connection).replace("ROW", row.text)
            for line in _ENDS[call.shape]
        ),
    )


_ROWS = {Shape.ONE, Shape.OPTIONAL, Shape.ALL}
_ENDS = {
    Shape.ONE: (
        "_sqlx_row = _sqlx_cursor.fetchone()",
        "if _sqlx_row is None:",
        "    raise _sqlx_none()",
        "if _sqlx_cursor.fetchone() is not None:",
        "    raise _sqlx_many()",
        "return ROW",
    ),
    Shape.OPTIONAL: (
        "_sqlx_row = _sqlx_cursor.fetchone()",
        "if _sqlx_row is None:",
        "    return None",
        "if _sqlx_cursor.fetchone() is not None:",
        "    raise _sqlx_many()",
        "return ROW",
    ),
    Shape.ALL: ("return [ROW for _sqlx_row in _sqlx_cursor]",),
    Shape.EXECUTE: ("return None",),
    Shape.AFFECTED: ("return _sqlx_affected(CONNECTION, _sqlx_cursor, _sqlx_before)",),
}


def _values(call: Call) -> tuple[str, Callable[[Sequence[Any]], dict[str, Any]]]:
    """Write what is bound: a tuple, or a dict where placeholders have names."""
    texts = expressions(call.head, is_plain)
    several = any(value.starred for value in call.head.values)
    names = _names(call, None if several else len(texts))
    if names is None:
        return sequence(texts), dict
    known = names
    if not several:
        items = ", ".join(f"{name!r}: {texts[at]}" for name, at in known.items())
        return f"{{{items}}}", dict

    def bind(values: Sequence[Any]) -> dict[str, Any]:
        if len(values) != max(known.values()) + 1:
            _names(call, len(values))
        return {name: values[at] for name, at in known.items()}

    return f"_sqlx_bind({sequence(texts)})", bind


def _names(call: Call, count: int | None) -> dict[str, int] | None:
    try:
        return placeholder_names(call.sql, count)
    except ValueError as error:
        raise TypeError(f"{call.where}: {error}") from None


@dataclass(slots=True)
class _Rows:
    """Makes rows, and remembers for which columns."""

    call: Call
    known: dict[Description | None, Build] = field(default_factory=dict)

    def build(self, description: Description | None) -> Build:
        """Choose the function that makes rows of such columns."""
        build = self.known.get(description)
        if build is None:
            build = self._rows().build([each[0] for each in description or ()])
            self.known[description] = build
        return build

    def settled(self) -> Expression | None:
        """Write what makes rows, when the columns are known and cannot change."""
        if len(self.known) != 1 or not has_fixed_columns(self.call.sql):
            return None
        (description,) = self.known
        return self._rows().expression([each[0] for each in description or ()])

    def _rows(self) -> Rows:
        call = self.call
        loading = Loading(call.where, leaf, from_json)
        return Rows(call.row, call.is_value, loading.convert, call.where)


def _affected(
    connection: sqlite3.Connection, cursor: sqlite3.Cursor, before: int
) -> RowsAffected:
    if cursor.description is not None:  # What RETURNING gives is counted at its end.
        cursor.fetchall()
    if cursor.rowcount >= 0 or connection.total_changes == before:
        return RowsAffected(max(cursor.rowcount, 0))
    # sqlite3 does not count where the statement begins with WITH.
    (number,) = connection.execute("SELECT changes()").fetchone()
    return RowsAffected(number)


def _stream(
    connection: sqlite3.Connection,
    sql: str,
    values: Any,  # noqa: ANN401 -- the user's.
    build: Callable[[Description | None], Build],
    where: Where,
) -> Iterator[Any]:
    try:
        cursor = connection.execute(sql, values)
        try:
            cursor.row_factory = None
            yield from map(build(cursor.description), cursor)
        finally:
            cursor.close()
    except Exception as error:
        where.failed(error)
        raise


async def _stream_async(
    connection: sqlite3.Connection,
    sql: str,
    values: Any,  # noqa: ANN401 -- the user's.
    build: Callable[[Description | None], Build],
    where: Where,
) -> AsyncIterator[Any]:
    for row in _stream(connection, sql, values, build, where):
        yield row
