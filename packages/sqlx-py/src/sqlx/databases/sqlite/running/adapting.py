"""Values between Python and SQLite, which knows numbers, texts and bytes only.

What is written is what SQLx writes: dates and times as ISO 8601 text, JSON as text;
but a UUID is text (SQLx writes its 16 bytes: `id.bytes` does that). Both are read.
sqlite3's own adapters are not asked: they are deprecated.
"""

from __future__ import annotations

import enum
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlx.databases.adapting import Write, adapters
from sqlx.databases.loading import subclass
from sqlx.queries.annotations import Annotation, Form

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlx.queries.running.building import Build

__all__ = ["adapt", "adapt_all", "is_plain", "leaf"]

_PLAIN = (str, int, float, bytes, bytearray, memoryview)
_EXACTLY_PLAIN = frozenset({*_PLAIN, bool, type(None)})
_UNIX_EPOCH_DAYS = 2440587.5  # as a Julian day
_SECONDS_A_DAY = 86400


def is_plain(annotation: Annotation) -> bool:
    """Tell whether sqlite3 takes all values of a type as they are."""
    match annotation.form:
        case Form.CLASS | Form.ENUM:
            cls = annotation.cls
            return isinstance(cls, type) and issubclass(cls, _PLAIN)
        case Form.LITERAL:
            return True
        case Form.UNION:
            return all(is_plain(item) for item in annotation.items)
        case _:
            return False


def _write_datetime(value: datetime) -> str:
    """Write as SQLx does: a blank where there is no zone, as in SQLite's functions."""
    return value.isoformat(" " if value.tzinfo is None else "T")


def _write_enum(member: enum.Enum) -> Any:  # noqa: ANN401 -- an enum can hold anything.
    return member if isinstance(member, _PLAIN) else adapt(None, member.value)


_WRITERS: dict[type, Write] = {
    datetime: _write_datetime,
    date: date.isoformat,
    time: time.isoformat,
    Decimal: str,
    UUID: str,
    dict: json.dumps,
    list: json.dumps,
    tuple: json.dumps,
    enum.Enum: _write_enum,
}
adapt, adapt_all = adapters(_EXACTLY_PLAIN, _WRITERS)


def leaf(cls: type) -> Build | None:
    """Find what converts to a class; None when sqlite3 gives it."""
    return _READERS.get(cls) or subclass(cls)


def _read_datetime(value: Any) -> Any:  # noqa: ANN401 -- what SQLite has.
    """Read a datetime: ISO 8601, seconds since 1970, or a Julian day, as SQLx does."""
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    if isinstance(value, float):
        value = (value - _UNIX_EPOCH_DAYS) * _SECONDS_A_DAY
    return value if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)


def _read_date(value: Any) -> Any:  # noqa: ANN401 -- what SQLite has.
    return date.fromisoformat(value[:10]) if isinstance(value, str) else value


def _read_time(value: Any) -> Any:  # noqa: ANN401 -- what SQLite has.
    return time.fromisoformat(value) if isinstance(value, str) else value


def _read_decimal(value: Any) -> Any:  # noqa: ANN401 -- what SQLite has.
    return Decimal(str(value))


def _read_uuid(value: Any) -> Any:  # noqa: ANN401 -- what SQLite has.
    if isinstance(value, bytes):
        return UUID(bytes=value)
    return UUID(value) if isinstance(value, str) else value


_READERS: dict[type, Callable[[Any], Any]] = {
    bool: bool,
    datetime: _read_datetime,
    date: _read_date,
    time: _read_time,
    Decimal: _read_decimal,
    UUID: _read_uuid,
}
