"""Rows of the user's class, built by position from a driver's records.

Theory of operation: the names of the columns are known when the first rows arrive. For
them, one expression is compiled that calls the class with each value in its place;
values that the driver gives in another form than the field's go through a converter.
"""

from __future__ import annotations

import inspect
from collections import namedtuple
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlx.errors import ColumnMismatch
from sqlx.queries.annotations import Annotation, Field, Form
from sqlx.queries.checking.overrides import ColumnName, parse_column

if TYPE_CHECKING:
    from sqlx.queries.running.compiling import Where

__all__ = ["Build", "Convert", "Expression", "Rows"]

Build: TypeAlias = Callable[[Any], Any]
Convert: TypeAlias = Callable[[Annotation], Build | None]
"""For a type, what makes its values of the driver's; None when they are the same."""


@dataclass(frozen=True, slots=True)
class Expression:
    """What makes a row of a record.

    Args:
        text: Source, in which `_sqlx_row` is the record.
        names: What else it names.
    """

    text: str
    names: dict[str, object]

    def compiled(self) -> Build:
        """Make it a function of the record."""
        build: Build = eval(f"lambda _sqlx_row: {self.text}", dict(self.names))  # noqa: S307 -- ours.
        return build


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a query.

    Args:
        row: What a row is; None for tuples with the columns' names.
        is_value: Whether the one column is the row.
        convert: Finds a converter.
        where: The query.
        json: The columns, from 0, whose values are JSON as text, or arrays of that.
    """

    row: Annotation | None
    is_value: bool
    convert: Convert
    where: Where
    json: frozenset[int] = frozenset()

    def build(self, columns: Sequence[str]) -> Build:
        """Compile what makes a row.

        Args:
            columns: Their names, overrides (`id!: UserId`) included.

        Raises:
            ColumnMismatch: They are not those that the class has fields for.
        """
        return self.expression(columns).compiled()

    def expression(self, columns: Sequence[str]) -> Expression:
        """Write what makes a row; arguments and errors are those of `build`."""
        names = [_ident(column) for column in columns]
        if self.row is None:
            made = namedtuple("Row", names, rename=True)  # type: ignore[misc]  # noqa: PYI024 -- the names are known now.
            return Expression("_sqlx_made(*_sqlx_row)", {"_sqlx_made": made})
        if self.is_value or self.row.form is not Form.ROW:
            return self._value(self.row, names)
        self._compare(self.row, names)
        return self._class(self.row, names)

    def annotations(self, columns: Sequence[str]) -> list[Annotation | None]:
        """Give what each column is taken as; None where nothing says it."""
        if self.row is None:
            return [None] * len(columns)
        if self.is_value or self.row.form is not Form.ROW:
            return [self.row] * len(columns)
        fields = {field.name: field.annotation for field in self.row.fields}
        return [fields.get(_ident(column)) for column in columns]

    def _value(self, row: Annotation, names: Sequence[str]) -> Expression:
        if len(names) != 1:
            raise self._mismatch((), tuple(names), "")
        used: dict[str, object] = {}
        return Expression(self._converted(row, 0, used), used)

    def _compare(self, row: Annotation, names: Sequence[str]) -> None:
        fields = {field.name: field for field in row.fields}
        missing = tuple(
            name for name, f in fields.items() if f.required and name not in names
        )
        extra = tuple(
            name
            for at, name in enumerate(names)
            if name not in fields or name in names[:at]
        )
        if missing or extra:
            raise self._mismatch(missing, extra, row.text)

    def _mismatch(
        self, missing: tuple[str, ...], extra: tuple[str, ...], row: str
    ) -> ColumnMismatch:
        where = self.where
        return ColumnMismatch(where.path, where.line, where.name, missing, extra, row)

    def _class(self, row: Annotation, names: Sequence[str]) -> Expression:
        """Write the call of a row class: by position as far as that goes."""
        used: dict[str, object] = {"_sqlx_made": row.cls}
        texts = {
            field.name: self._converted(field.annotation, names.index(field.name), used)
            for field in row.fields
            if field.name in names
        }
        if _is_typed_dict(row.cls):
            items = ", ".join(f"{name!r}: {text}" for name, text in texts.items())
            return Expression(f"{{{items}}}", used)
        ordered = _positional(row.cls, row.fields)
        if ordered == list(names) and len(used) == 1:
            return Expression("_sqlx_made(*_sqlx_row)", used)
        arguments = []
        for name in ordered:
            if name not in texts:
                break
            arguments.append(texts.pop(name))
        keywords = {_keyword(row.cls, name): text for name, text in texts.items()}
        if all(name.isidentifier() for name in keywords):
            arguments += [f"{name}={text}" for name, text in keywords.items()]
        else:  # An alias of pydantic's can be any text.
            items = ", ".join(f"{name!r}: {text}" for name, text in keywords.items())
            arguments.append(f"**{{{items}}}")
        return Expression(f"_sqlx_made({', '.join(arguments)})", used)

    def _converted(
        self, annotation: Annotation, at: int, used: dict[str, object]
    ) -> str:
        """Write one value; NULL is None whatever the type is."""
        converter = self.convert(annotation)
        if at in self.json:
            converter = _after(self.convert(_of_json(annotation)), converter)
        if converter is None:
            return f"_sqlx_row[{at}]"
        used[f"_sqlx_to_{at}"] = converter
        value = f"(_sqlx_value := _sqlx_row[{at}])"
        return f"(None if {value} is None else _sqlx_to_{at}(_sqlx_value))"


def _after(read: Build | None, make: Build | None) -> Build | None:
    """Read JSON, and make the user's class of it; its `null` is None."""
    if read is None or make is None:
        return read or make

    def both(value: Any) -> Any:  # noqa: ANN401 -- a driver's value.
        found = read(value)
        return None if found is None else make(found)

    return both


def _of_json(annotation: Annotation) -> Annotation:
    """Say that a value, or each in a list, is to be read when it is text."""
    if annotation.form is not Form.ARRAY:
        return replace(annotation, form=Form.MAPPING, cls=dict)
    return replace(annotation, items=tuple(map(_of_json, annotation.items)))


def _ident(column: str) -> str:
    read = parse_column(column)
    return read.ident if isinstance(read, ColumnName) else column


def _is_typed_dict(cls: type) -> bool:
    return hasattr(cls, "__required_keys__")


def _positional(cls: type, fields: Sequence[Field]) -> list[str]:
    """Name the fields that the class takes by position, in its order."""
    known = {field.name for field in fields}
    ordered = []
    for name, parameter in inspect.signature(cls).parameters.items():
        by_position = parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        if not by_position or name not in known:
            break
        ordered.append(name)
    return ordered


def _keyword(cls: Any, name: str) -> str:  # noqa: ANN401 -- the mark says what it is.
    """Name a field as its constructor does: pydantic may want an alias."""
    info = getattr(cls, "__pydantic_fields__", {}).get(name)
    config = getattr(cls, "model_config", {})
    by_name = config.get("populate_by_name") or config.get("validate_by_name")
    if info is None or by_name:
        return name
    alias = info.validation_alias or info.alias
    return alias if isinstance(alias, str) else name
