"""Values between Python and MySQL: what the drivers would send or give otherwise.

PyMySQL and asyncmy write values into the text, by their exact classes; of any other
class they write what `str()` gives, and of a datetime with a zone they drop that.
"""

from __future__ import annotations

import enum
import json
from datetime import date, datetime, time
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

_EXACTLY_PLAIN: frozenset[type] = frozenset(
    {str, int, float, bool, bytes, type(None), Decimal, date}
)
_NO_ZONE = (
    "has a time zone, which MySQL would drop; pass it in the session's, without one: "
    "value.astimezone(UTC).replace(tzinfo=None)"
)


def is_plain(annotation: Annotation) -> bool:
    """Tell whether the drivers write all values of a type as they are meant.

    An `int` may be a member of an IntEnum, which they would write as text.
    """
    match annotation.form:
        case Form.CLASS:
            return issubclass(annotation.cls, str)
        case Form.LITERAL:
            return True
        case Form.UNION:
            return all(map(is_plain, annotation.items))
        case _:
            return False


def _write_datetime(value: datetime) -> datetime:
    if value.tzinfo is None:
        return datetime.combine(value.date(), value.time())
    raise TypeError(f"{value!r} {_NO_ZONE}")


def _write_time(value: time) -> time:
    if value.tzinfo is None:
        return value.replace()
    raise TypeError(f"{value!r} {_NO_ZONE}")


def _write_date(value: date) -> date:
    return date(value.year, value.month, value.day)


def _write_enum(member: enum.Enum) -> Any:  # noqa: ANN401 -- an enum can hold anything.
    return adapt(None, member.value)


_WRITERS: dict[type, Write] = {
    str: str.__str__,
    int: int,
    float: float,
    bytes: bytes,
    bytearray: bytes,
    memoryview: bytes,
    Decimal: Decimal,
    datetime: _write_datetime,
    date: _write_date,
    time: _write_time,
    UUID: str,
    dict: json.dumps,
    list: json.dumps,
    tuple: json.dumps,
    enum.Enum: _write_enum,
}
adapt, adapt_all = adapters(_EXACTLY_PLAIN, _WRITERS)


def leaf(cls: type) -> Build | None:
    """Find what converts to a class; None when the drivers give it."""
    return _READERS.get(cls) or subclass(cls)


def _read_bool(value: Any) -> bool:  # noqa: ANN401 -- a driver's value.
    """Read a number, or the bytes of BIT(1)."""
    return value != b"\0" if type(value) is bytes else bool(value)


def _read_date(value: Any) -> Any:  # noqa: ANN401 -- a driver's value.
    """Refuse what the drivers give as text, because Python has no such date."""
    if type(value) is str:
        raise ValueError(
            f"{value!r} is no date of Python's; NULLIF(…, 0) in the SQL makes it NULL"
        )
    return value


def _read_uuid(value: Any) -> Any:  # noqa: ANN401 -- a driver's value.
    return UUID(bytes=value) if type(value) is bytes else UUID(value)


_READERS: dict[type, Callable[[Any], Any]] = {
    bool: _read_bool,
    date: _read_date,
    datetime: _read_date,
    UUID: _read_uuid,
}
