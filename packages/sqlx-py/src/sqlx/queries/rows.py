"""Row classes: which classes have fields for columns, and what the fields are.

Six libraries make them. None is imported: a class tells what it is by its attributes.
"""

from __future__ import annotations

import dataclasses
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlx.queries.resolving import annotations_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    Reader: TypeAlias = Callable[[Any], Iterator["RawField"]]

__all__ = ["UNWRITTEN", "RawField", "raw_fields"]

UNWRITTEN = inspect.Parameter.empty
"""The annotation of what has none."""


@dataclass(frozen=True, slots=True)
class RawField:
    """A field as its class has it.

    Args:
        name: What its constructor calls it.
        annotation: As it was written, perhaps text.
        owner: The class, perhaps a base, in which it was written.
        required: False when it has a default.
    """

    name: str
    annotation: object
    owner: type
    required: bool = True


def raw_fields(cls: type) -> tuple[RawField, ...] | None:
    """Give what a row class is built from; None for any other class."""
    for mark, fields in _READERS.items():
        if hasattr(cls, mark):
            return tuple(fields(cls))
    return None


def _of_pydantic(cls: Any) -> Iterator[RawField]:  # noqa: ANN401 -- the marks say more.
    """Read a model or a dataclass of pydantic's, by the names, not the aliases."""
    for name, info in cls.__pydantic_fields__.items():
        if info.init is not False:
            owner = _owner(cls, name)
            yield RawField(name, info.annotation, owner, info.is_required())


def _of_attrs(cls: Any) -> Iterator[RawField]:  # noqa: ANN401 -- the marks say more.
    """Read a class of attrs, whose constructor calls `_x` by its alias, `x`."""
    for attribute in cls.__attrs_attrs__:
        if attribute.init:
            written = UNWRITTEN if attribute.type is None else attribute.type
            required = type(attribute.default).__name__ == "_Nothing"
            owner = _owner(cls, attribute.name)
            yield RawField(attribute.alias, written, owner, required)


def _of_struct(cls: Any) -> Iterator[RawField]:  # noqa: ANN401 -- the marks say more.
    """Read a Struct of msgspec, by the names, not as they are encoded."""
    names = cls.__struct_fields__
    defaults = cls.__struct_defaults__
    none = [None] * (len(names) - len(defaults))
    kinds = [*none, *(type(default).__name__ for default in defaults)]
    for name, kind in zip(names, kinds, strict=True):
        owner = _owner(cls, name)
        required = kind in {None, "NoDefaultType"}
        yield RawField(name, annotations_of(owner)[name], owner, required)


def _of_dataclass(cls: Any) -> Iterator[RawField]:  # noqa: ANN401 -- the marks say more.
    """Read a dataclass; an InitVar is an argument of its constructor like others."""
    for field in cls.__dataclass_fields__.values():
        # `fields()` passes over InitVars, and the marks have no public name.
        if field.init and field._field_type.name != "_FIELD_CLASSVAR":  # noqa: SLF001
            defaults = {type(field.default), type(field.default_factory)}
            owner = _owner(cls, field.name)
            required = defaults == {type(dataclasses.MISSING)}
            yield RawField(field.name, field.type, owner, required)


def _of_typed_dict(cls: Any) -> Iterator[RawField]:  # noqa: ANN401 -- the marks say more.
    for name, annotation in annotations_of(cls).items():
        yield RawField(name, annotation, cls, name in cls.__required_keys__)


def _of_named_tuple(cls: Any) -> Iterator[RawField]:  # noqa: ANN401 -- the marks say more.
    for name in cls._fields:
        owner = _owner(cls, name)
        written = annotations_of(owner).get(name, UNWRITTEN)
        yield RawField(name, written, owner, name not in cls._field_defaults)


def _owner(cls: type, name: str) -> type:
    """Find the class in which a field was written: its names are looked up there."""
    return next((base for base in cls.__mro__ if name in annotations_of(base)), cls)


# pydantic before dataclasses: its dataclasses have both marks.
_READERS: dict[str, Reader] = {
    "__pydantic_fields__": _of_pydantic,
    "__attrs_attrs__": _of_attrs,
    "__struct_fields__": _of_struct,
    "__dataclass_fields__": _of_dataclass,
    "__required_keys__": _of_typed_dict,
    "_field_defaults": _of_named_tuple,
}
