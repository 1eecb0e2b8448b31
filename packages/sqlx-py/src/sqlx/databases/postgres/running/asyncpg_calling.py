"""Checked queries on asyncpg's connections.

asyncpg lets the server infer the types of parameters, so what was described is what
runs. It knows what JSON is only where a codec is set: without one it gives text, which
is read here, and refuses dicts, before anything is sent; then they are written here.
"""

from __future__ import annotations

import enum
import json
import re
from collections import deque
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from asyncpg.exceptions import DataError

from sqlx.databases.loading import Loading, composite, from_json, subclass
from sqlx.errors import RowNotFound, TooManyRows
from sqlx.queries.annotations import Annotation, Form, Shape
from sqlx.queries.running.affected import RowsAffected
from sqlx.queries.running.building import Build, Rows
from sqlx.queries.running.compiling import Body, expressions, has_fixed_columns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection

    from sqlx.queries.running.compiling import Call

__all__ = ["body"]

PREFETCH = 50  # rows of a stream that are asked for at once, as asyncpg does


def body(call: Call) -> Body:
    """Write what a call does on an asyncpg connection."""
    texts = expressions(call.head, _is_plain)
    rows = _Rows(call)
    connection = call.head.connection
    names: dict[str, object] = {
        "_sqlx_adapt": _adapt,
        "_sqlx_adapt_all": _adapt_all,
        "_sqlx_affected": _affected,
        "_sqlx_len": len,
        "_sqlx_loosely": _loosely,
        "_sqlx_many": lambda: call.where.error(TooManyRows),
        "_sqlx_none": lambda: call.where.error(RowNotFound),
        "_sqlx_rows": rows,
    }
    if call.shape is Shape.STREAM:
        line = f"return _sqlx_rows.stream({connection}, [{', '.join(texts)}])"
        return Body((line,), names)
    ask = f"{connection}.{'execute' if call.shape in _COMMANDS else 'fetch'}"
    if any("_sqlx_adapt" in text for text in texts):
        asked = f"_sqlx_loosely({ask}, _sqlx_sql, [{', '.join(texts)}])"
    else:
        asked = f"{ask}({', '.join(['_sqlx_sql', *texts])})"
    ends = [line.replace("CONNECTION", connection) for line in _ENDS[call.shape]]
    return Body((f"_sqlx_reply = await {asked}", *ends), names)


_COMMANDS = {Shape.EXECUTE, Shape.AFFECTED}
_MAKE = (
    "_sqlx_make = _sqlx_rows.fixed",
    "if _sqlx_make is None:",
    "    _sqlx_make = await _sqlx_rows.find(CONNECTION, _sqlx_reply[0])",
)
_ENDS = {
    Shape.ONE: (
        "if _sqlx_len(_sqlx_reply) != 1:",
        "    raise _sqlx_many() if _sqlx_reply else _sqlx_none()",
        *_MAKE,
        "return _sqlx_make(_sqlx_reply[0])",
    ),
    Shape.OPTIONAL: (
        "if not _sqlx_reply:",
        "    return None",
        "if _sqlx_len(_sqlx_reply) != 1:",
        "    raise _sqlx_many()",
        *_MAKE,
        "return _sqlx_make(_sqlx_reply[0])",
    ),
    Shape.ALL: (
        "if not _sqlx_reply:",
        "    return []",
        *_MAKE,
        "return [_sqlx_make(_sqlx_row) for _sqlx_row in _sqlx_reply]",
    ),
    Shape.EXECUTE: ("return None",),
    Shape.AFFECTED: ("return _sqlx_affected(_sqlx_reply)",),
}


@dataclass(slots=True)
class _Rows:
    """Makes rows of records, and remembers for which columns."""

    call: Call
    known: dict[tuple[str, ...], Build] = field(default_factory=dict)
    fixed: Build | None = None

    async def find(self, connection: Any, record: Any) -> Build:  # noqa: ANN401 -- asyncpg has no types.
        """Find what makes a row of a record, by the names of its columns."""
        names = tuple(record.keys())
        build = self.known.get(names)
        if build is None:
            build = self.known[names] = await self._learn(connection, record)
            self.fixed = build if has_fixed_columns(self.call.sql) else None
        return build

    async def _learn(self, connection: Any, record: Any) -> Build:  # noqa: ANN401 -- as above.
        """Compile what makes a row, with a first record at hand."""
        call, names = self.call, tuple(record.keys())
        convert = Loading(call.where, subclass, from_json).convert
        rows = Rows(call.row, call.is_value, convert, call.where)
        build = rows.build(names)
        annotations = rows.annotations(names)
        if any(map(_may_be_json, annotations, record.values())):
            statement = await connection.prepare(call.sql)
            types = [column.type.name for column in statement.get_attributes()]
            known = enumerate(zip(types, annotations, strict=True))
            texts = frozenset(at for at, pair in known if _is_json(*pair))
            build = replace(rows, json=texts).build(names)
        return build

    async def stream(self, connection: Any, values: list[Any]) -> AsyncIterator[Any]:  # noqa: ANN401 -- as above.
        """Give row after row; the cursor is gone when the stream is closed."""
        try:
            async with AsyncExitStack() as stack:
                # A cursor lives in a transaction.
                if not connection.is_in_transaction():
                    await stack.enter_async_context(connection.transaction())
                cursor = await _loosely(connection.cursor, self.call.sql, values)
                while records := await cursor.fetch(PREFETCH):
                    make = self.fixed or await self.find(connection, records[0])
                    for record in records:
                        yield make(record)
        except Exception as error:
            self.call.where.failed(error)
            raise


_JSON = {"json", "jsonb"}
_JSON_ARRAYS = {"json[]", "jsonb[]"}
_NUMBERS = (int, float)


def _may_be_json(annotation: Annotation | None, value: object) -> bool:
    """Tell whether a column can be JSON, which arrives as text, and is not to be."""
    if annotation is None:
        return False
    if annotation.form is Form.ARRAY and isinstance(value, list):
        items = annotation.items[:1]
        return any(_may_be_json(item, each) for item in items for each in value)
    return annotation.form is Form.ANY or (
        _is_number(annotation) and not isinstance(value, _NUMBERS)
    )


def _is_number(annotation: Annotation) -> bool:
    if annotation.form in {Form.ENUM, Form.LITERAL}:
        return all(isinstance(value, _NUMBERS) for value in annotation.values)
    return annotation.form is Form.CLASS and issubclass(annotation.cls, _NUMBERS)


def _is_json(type_name: str, annotation: Annotation | None) -> bool:
    """Tell whether asyncpg's text is to be read as JSON: a list of one is already."""
    is_array = annotation is not None and annotation.form is Form.ARRAY
    return type_name in (_JSON_ARRAYS if is_array else _JSON)


def _affected(status: str) -> RowsAffected:
    """Read what the server says of a command: `INSERT 0 3`, `CREATE TABLE`."""
    number = status.rpartition(" ")[2]
    return RowsAffected(number if number.isdecimal() else 0)


def _loosely(
    ask: Callable[..., Awaitable[Any]], sql: str, values: list[Any]
) -> Awaitable[Any]:
    """Ask, and write as JSON what asyncpg refuses to."""
    if _EXACTLY_PLAIN.issuperset(map(type, values)):
        return ask(sql, *values)
    return _with_json(ask, sql, values)


async def _with_json(
    ask: Callable[..., Awaitable[Any]], sql: str, values: list[Any]
) -> Any:  # noqa: ANN401 -- asyncpg's reply.
    while True:
        try:
            return await ask(sql, *values)
        except DataError as error:
            if not _write_json(str(error), values):
                raise


_REFUSED = re.compile(r"invalid input for query argument \$(\d+): ")
_NO_TEXT = re.compile(
    r"\((?P<item>invalid array element[^()]*: )?expected str, got \w+\)$"
)


def _write_json(message: str, values: list[Any]) -> bool:
    """Write one value as JSON; False when the message is about something else."""
    refused, reason = _REFUSED.match(message), _NO_TEXT.search(message)
    if refused is None or reason is None:
        return False
    at = int(refused[1]) - 1
    value = values[at]
    items = list(value) if reason["item"] else [value]
    if not all(isinstance(item, _CODED) for item in items):
        return False
    written = [_json(item) for item in items]
    values[at] = written if reason["item"] else written[0]
    return True


_CODED = (Mapping, list, type(None))


def _json(value: Any) -> str | None:  # noqa: ANN401 -- the user's.
    if isinstance(value, Mapping):
        value = dict(value)
    return None if value is None else json.dumps(value)


_ARRAYS = {list, tuple, set, frozenset, deque}
_EXACTLY_PLAIN = frozenset(
    {str, int, float, bool, bytes, type(None), UUID, datetime, Decimal}
)


def _adapt(_: object, value: Any) -> Any:  # noqa: ANN401 -- the user's.
    """Make a value into one that asyncpg takes."""
    if type(value) in _EXACTLY_PLAIN:
        return value
    if isinstance(value, enum.Enum) and not isinstance(value, str | int):
        return _adapt(_, value.value)
    if type(value) in _ARRAYS:
        return _adapt_all(_, value)
    parts = composite(value)
    return value if parts is None else tuple(_adapt_all(_, parts))


def _adapt_all(_: object, values: Collection[Any]) -> Collection[Any]:
    """Do the same with several values."""
    if _EXACTLY_PLAIN.issuperset(map(type, values)):
        return values
    return [_adapt(_, value) for value in values]


def _is_plain(annotation: Annotation) -> bool:
    """Tell whether asyncpg takes all values of a type as they are."""
    match annotation.form:
        case Form.LITERAL | Form.GENERIC:
            return True
        case Form.CLASS:
            return not issubclass(annotation.cls, Mapping)
        case Form.ENUM:
            return issubclass(annotation.cls, str | int)
        case Form.UNION:
            return all(map(_is_plain, annotation.items))
        case _:
            return False
