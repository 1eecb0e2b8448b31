"""What differs between two files of one query, in words, for `sqlx prepare --check`."""

from __future__ import annotations

import json
from itertools import zip_longest
from typing import TYPE_CHECKING

from sqlx.queries.caching.query_data import from_json
from sqlx.queries.values import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.queries.values import Column, Description, Origin, TypeInfo

__all__ = ["differences"]

_NULLABLE = {True: "true", False: "false", None: "unknown"}
_ORIGIN = {
    False: "no `origin` (SQLx 0.8)",
    True: "`origin` (SQLx 0.9)",
}


def differences(old: str, new: str) -> list[str]:
    """Say what differs between two files of one query; nothing when SQLx sees nothing.

    As SQLx does, the files are compared as JSON values: the order of keys and the
    blanks do not count, a key that SQLx does not write does.

    Args:
        old: The text of the file that lies there.
        new: The text that it should have, see `to_json`.

    Returns:
        A line per fact, for example `column 2 "title": nullable false → true`.

    Raises:
        CacheError: One of them is no file of SQLx's.
    """
    was, now = from_json(old), from_json(new)
    had, has = _has_origin(old), _has_origin(new)
    found = [*_whole(was, now), *_columns(was, now, origin=had and has)]
    if was.columns and now.columns and had is not has:
        found.append(f"{_ORIGIN[had]} → {_ORIGIN[has]}")
    if not found and json.loads(old) != json.loads(new):
        found.append("there are keys or values that SQLx does not write")
    return found


def _has_origin(text: str) -> bool:
    columns = json.loads(text)["describe"]["columns"]
    return all("origin" in column for column in columns)


def _whole(was: Description, now: Description) -> Iterator[str]:
    """Compare the query, its database and its parameters."""
    if was.sql != now.sql:
        yield "query: the text is another one"
    if was.database is not now.database:
        yield f"database: {was.database.value} → {now.database.value}"
    if was.parameter_count != now.parameter_count:
        yield f"parameters: {was.parameter_count} → {now.parameter_count}"
    elif not isinstance(was.parameters, int) and not isinstance(now.parameters, int):
        pairs = zip(was.parameters, now.parameters, strict=True)
        for place, (before, after) in enumerate(pairs, 1):
            if before != after:
                yield f"parameter ${place}: {_type(before)} → {_type(after)}"


def _columns(was: Description, now: Description, *, origin: bool) -> Iterator[str]:
    for place, (before, after) in enumerate(zip_longest(was.columns, now.columns), 1):
        if before is None:
            yield f'column {place} "{after.name}": added, {_type(after.type_info)}'
        elif after is None:
            yield f'column {place} "{before.name}": gone'
        else:
            for words in _column(before, after, origin=origin):
                yield f'column {place} "{before.name}": {words}'


def _column(was: Column, now: Column, *, origin: bool) -> Iterator[str]:
    if was.name != now.name:
        yield f'name → "{now.name}"'
    if was.type_info != now.type_info:
        yield f"type {_type(was.type_info)} → {_type(now.type_info)}"
    if was.nullable is not now.nullable:
        yield f"nullable {_NULLABLE[was.nullable]} → {_NULLABLE[now.nullable]}"
    if was.ordinal != now.ordinal:
        yield f"ordinal {_ordinal(was)} → {_ordinal(now)}"
    if origin and was.origin != now.origin:
        yield f"origin {_origin(was.origin)} → {_origin(now.origin)}"


def _ordinal(column: Column) -> str:
    return "as its place" if column.ordinal is None else str(column.ordinal)


def _origin(origin: Origin | None) -> str:
    return "an expression" if origin is None else f"{origin.table}.{origin.column}"


def _type(type_info: TypeInfo) -> str:
    """Show a type and what it is made of, since that may be all that has changed."""
    name, kind, of = type_info.name, type_info.kind, type_info.of
    if of is not None:
        return f"{name} ({kind.value.lower()} of {_type(of)})"
    if kind is Kind.ENUM:
        return f"{name} ({', '.join(type_info.labels)})"
    if kind is Kind.COMPOSITE:
        fields = (f"{field} {_type(its)}" for field, its in type_info.fields)
        return f"{name} ({', '.join(fields)})"
    return name
