"""Python's annotations as values: what a query's function takes and returns.

The same reading serves the check, which runs in another process than the user's modules
and sees names alone, and the running program, which needs the classes themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

__all__ = ["Annotation", "Field", "Form", "Returns", "Shape"]


class Form(Enum):
    """What sort of annotation it is."""

    ANY = "any"  # Any, object
    CLASS = "class"  # an ordinary class; `names` has it and its bases
    LITERAL = "literal"  # `values` has what it allows
    ENUM = "enum"  # `values` has the members' values
    ARRAY = "array"  # list[T], tuple[T, ...], Sequence[T] and kin; `items` has T
    TUPLE = "tuple"  # tuple[A, B]; `items` has each
    MAPPING = "mapping"  # dict[K, V] and kin
    GENERIC = "generic"  # another generic class, e.g. Range[int]
    UNION = "union"  # A | B, None apart; `items` has each
    ROW = "row"  # a class whose fields are columns
    NONE = "none"  # None
    UNRESOLVED = "unresolved"  # a name that does not exist; `text` has it


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a row class; `required` is False when it has a default."""

    name: str
    annotation: Annotation
    required: bool = True


@dataclass(frozen=True, slots=True)
class Annotation:
    """A type as Python writes it.

    `Annotated`, `NewType` and aliases are taken off; `X | None` is X that is optional.

    Args:
        text: As a person writes it, for messages: `list[int]`, `UserId`.
        form: What sort it is.
        names: Qualified names of the class and its bases, nearest first, without
            `builtins.object`: ("app.Tier", "enum.StrEnum", "builtins.str", …).
        optional: Whether None is allowed.
        items: What a generic is made of.
        values: What a Literal or an enum allows.
        fields: Of a row class, in their order.
        cls: The class itself; None once the value has left its process.
    """

    text: str
    form: Form
    names: tuple[str, ...] = ()
    optional: bool = False
    items: tuple[Annotation, ...] = ()
    values: tuple[object, ...] = ()
    fields: tuple[Field, ...] = ()
    cls: Any = field(default=None, compare=False, repr=False)


class Shape(Enum):
    """How many rows a query's caller gets."""

    ONE = "one"  # T
    OPTIONAL = "optional"  # T | None
    ALL = "all"  # list[T]
    STREAM = "stream"  # Iterator[T], AsyncIterator[T]
    EXECUTE = "execute"  # None
    AFFECTED = "affected"  # sqlx.RowsAffected


@dataclass(frozen=True, slots=True)
class Returns:
    """A return annotation: how many rows, and what a row is.

    Args:
        shape: How many rows.
        row: What one row is; None when none is returned.
    """

    shape: Shape
    row: Annotation | None = None
