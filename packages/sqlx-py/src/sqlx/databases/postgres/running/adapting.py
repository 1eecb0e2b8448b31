"""Values between Python and psycopg: what it would send or give otherwise than wanted.

Almost all is psycopg's own work. What is added: an enum is sent by its value (psycopg
sends the name), a dict as JSON, a tuple of any length as an array; and an array of a
type that is not registered, which comes as the text `{a,b}`, is read.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg import ProgrammingError
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import Format
from psycopg.types.enum import EnumDumper
from psycopg.types.json import Json

from sqlx.databases.loading import composite
from sqlx.queries.annotations import Annotation, Form

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from psycopg.adapt import AdaptersMap

__all__ = ["adapt", "adapt_all", "is_plain", "of_text"]

TEXT_ARRAY_OID = 1009
LONGEST = 40  # characters of a value that a message shows
_PLAIN: tuple[type, ...] = (
    str,
    int,
    float,
    bytes,
    bytearray,
    memoryview,
    Decimal,
    UUID,
    date,
    time,
    timedelta,
)
_EXACTLY_PLAIN = frozenset({*_PLAIN, bool, datetime, type(None)})
_ARRAYS = (list, tuple, set, frozenset, deque)


def is_plain(annotation: Annotation) -> bool:
    """Tell whether psycopg takes all values of a type as they are."""
    match annotation.form:
        case Form.LITERAL | Form.GENERIC | Form.TUPLE:
            return True
        case Form.CLASS | Form.ENUM:
            cls = annotation.cls
            return isinstance(cls, type) and issubclass(cls, _PLAIN)
        case Form.ARRAY if annotation.cls is list:
            return all(is_plain(item) for item in annotation.items)
        case Form.UNION:
            return all(is_plain(item) for item in annotation.items)
        case _:
            return False


def adapt(connection: Any, value: Any) -> Any:  # noqa: ANN401 -- the user's.
    """Make a value into one that psycopg sends as it is meant.

    Args:
        connection: A psycopg connection: what is registered there comes first.
        value: For a placeholder.
    """
    if type(value) in _EXACTLY_PLAIN:
        return value
    if isinstance(value, Mapping):
        is_known = _is_registered(connection.adapters, type(value))
        return value if is_known else Json(dict(value))
    if type(value) in _ARRAYS:
        return list(adapt_all(connection, value))
    if isinstance(value, enum.Enum):
        by_name = connection.adapters.get_dumper(type(value), PyFormat.TEXT)
        return adapt(connection, value.value) if by_name is EnumDumper else value
    parts = composite(value)
    if parts is None or _is_registered(connection.adapters, type(value)):
        return value
    return tuple(adapt_all(connection, parts))


def adapt_all(connection: Any, values: Collection[Any]) -> Collection[Any]:  # noqa: ANN401 -- as above.
    """Do the same with several values."""
    if _EXACTLY_PLAIN.issuperset(map(type, values)):
        return values
    return [adapt(connection, value) for value in values]


def _is_registered(adapters: AdaptersMap, cls: type) -> bool:
    try:
        adapters.get_dumper(cls, PyFormat.TEXT)
    except ProgrammingError:
        return False
    return True


def of_text(value: str, annotation: Annotation) -> Any:  # noqa: ANN401 -- what it says.
    """Read what psycopg gave as text, because the type is not registered.

    Raises:
        TypeError: Only a type that is registered can be read.
    """
    item = annotation
    while item.form is Form.ARRAY and item.items:
        item = item.items[0]
    read = _OF_TEXT.get(item.cls)
    if annotation.form is Form.ARRAY and (read or item.cls not in _EXACTLY_PLAIN):
        loader = Transformer().get_loader(TEXT_ARRAY_OID, Format.TEXT)
        return _each(read, loader.load(value.encode()))
    raise TypeError(
        f"{value[:LONGEST]!r} came as text where {annotation.text} is wanted; register "
        "its type on the connection: psycopg.types has register_composite, "
        "register_hstore and others"
    )


def _each(read: Callable[[str], Any] | None, items: list[Any]) -> list[Any]:
    if read is None:
        return items
    return [
        _each(read, each) if isinstance(each, list) else each and read(each)
        for each in items
    ]


def _bool(text: str) -> bool:
    return text == "t"


_OF_TEXT: dict[object, Callable[[str], Any]] = {
    str: str,
    bool: _bool,
    int: int,
    float: float,
    Decimal: Decimal,
    UUID: UUID,
}
