"""Values as drivers give them, made into what the user's types say.

Each driver knows its leaves; how they are put together is the same for all: lists,
composite types, enums, subclasses of `str` and the like.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlx.queries.annotations import Annotation, Form
from sqlx.queries.rows import raw_fields
from sqlx.queries.running.building import Rows

if TYPE_CHECKING:
    from sqlx.queries.running.building import Build, Convert
    from sqlx.queries.running.compiling import Where

__all__ = ["Loading", "composite", "from_json", "subclass"]

Parse: TypeAlias = Callable[[str, Annotation], Any]
_SUBCLASSED = (str, bytes, int, float, Decimal)
_CONTAINERS = (tuple, set, frozenset, deque)


@dataclass(frozen=True, slots=True)
class Loading:
    """How a driver's values are made into the user's.

    Args:
        where: The query, for errors.
        leaf: Finds what converts to a class; None when the driver gives it.
        of_text: Reads what came as text where a list, a mapping or a composite is
            wanted.
    """

    where: Where
    leaf: Callable[[type], Build | None]
    of_text: Parse

    def convert(self, annotation: Annotation) -> Build | None:
        """Find the converter to a type; None when the driver gives it."""
        find = self._finders().get(annotation.form)
        return None if find is None or annotation.cls is None else find(annotation)

    def _finders(self) -> dict[Form, Convert]:
        return {
            Form.ARRAY: self._array,
            Form.CLASS: lambda annotation: self.leaf(annotation.cls),
            Form.ENUM: _enum,
            Form.GENERIC: self._given,
            Form.MAPPING: self._given,
            Form.ROW: self._row,
            Form.TUPLE: self._tuple,
        }

    def _given(self, annotation: Annotation) -> Build:
        """Find what reads a value that may have come as text."""
        of_text = self.of_text
        return lambda value: of_text(value, annotation) if type(value) is str else value

    def _array(self, annotation: Annotation) -> Build:
        read = self._given(annotation)
        make = self.convert(annotation.items[0]) if annotation.items else None
        container = annotation.cls if annotation.cls in _CONTAINERS else list
        if make is None:
            return read if container is list else lambda value: container(read(value))
        item = make
        return lambda value: container(
            [None if each is None else item(each) for each in read(value)]
        )

    def _tuple(self, annotation: Annotation) -> Build:
        read = self._given(annotation)
        items = [self.convert(item) or _as_it_is for item in annotation.items]
        return lambda value: tuple(
            None if each is None else make(each)
            for make, each in zip(items, read(value), strict=True)
        )

    def _row(self, annotation: Annotation) -> Build:
        """Make a composite, or a JSON object, into an object of a class."""
        read = self._given(annotation)
        rows = Rows(annotation, is_value=False, convert=self.convert, where=self.where)
        builds: dict[tuple[str, ...], Build] = {}

        def load(value: Any) -> Any:  # noqa: ANN401 -- a driver's value.
            if type(value) is annotation.cls:
                return value
            names, given = _parts(read(value), annotation)
            if names not in builds:
                builds[names] = rows.build(names)
            return builds[names](given)

        return load


def _enum(annotation: Annotation) -> Build:
    made: Build = annotation.cls
    return made


def _as_it_is(value: Any) -> Any:  # noqa: ANN401 -- a driver's value.
    return value


def _parts(
    value: Any,  # noqa: ANN401 -- a driver's value.
    annotation: Annotation,
) -> tuple[tuple[str, ...], Any]:
    """Take a composite apart: a dict, a Record, a named tuple, or else by position."""
    if hasattr(value, "keys"):
        return tuple(value.keys()), tuple(value.values())
    names = getattr(value, "_fields", None)
    return names or tuple(field.name for field in annotation.fields), value


def composite(value: object) -> tuple[Any, ...] | None:
    """Take an object of a row class apart; None when it is none, or a named tuple."""
    fields = None if isinstance(value, tuple) else raw_fields(type(value))
    if fields is None:
        return None
    return tuple(getattr(value, field.name) for field in fields)


def subclass(cls: type) -> Build | None:
    """Convert to a class of the user's that is a text, a number or bytes."""
    if issubclass(cls, _SUBCLASSED) and cls not in {*_SUBCLASSED, bool}:
        return cls
    return None


def from_json(text: str, _: Annotation) -> Any:  # noqa: ANN401 -- JSON can be anything.
    """Read JSON that came as text."""
    return json.loads(text)
