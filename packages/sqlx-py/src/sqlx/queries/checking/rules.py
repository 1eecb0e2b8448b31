"""What the types of a database are in Python: rules, and an annotation against one.

A rule names classes. An annotation counts as the first class among its own and its
bases that any rule knows: `class Tier(str)` counts as `str`, `bool` as itself although
it is an `int`, and `datetime` as itself although it is a `date`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from sqlx.queries.annotations import Form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlx.queries.annotations import Annotation

__all__ = ["NONE", "ROW_CLASS", "Misfit", "Rule", "Way", "against", "short", "write"]

ROW_CLASS = "a row class"
"""Stands in `Rule.refused` for every class with fields, but for TypedDicts."""

NONE = "builtins.None"
"""The class of None, by the name that annotations have for it."""


class Way(Enum):
    """Which way a value goes."""

    COLUMN = "column"  # from the database
    PARAMETER = "parameter"  # to it


@dataclass(frozen=True, slots=True)
class Rule:
    """What some types of a database are in Python.

    Args:
        types: SQLx's words for the types, and the names that people know.
        columns: Classes that the annotation of a column may be; the first is proposed.
        parameters: The same for parameters; empty where there can be none.
        refused: Classes that one could think of, and why they are not taken.
        proposed: What to write, where it is more than the name of the first class.
        note: What else a person should know.
        anything: Whether `Any` says all that can be said.
        unchecked: Whether the database does not know what comes.
        several: Whether a value is some of many labels, in one text.
    """

    types: Mapping[str, str]
    columns: tuple[str, ...]
    parameters: tuple[str, ...]
    refused: Mapping[str, str] = field(default_factory=dict)
    proposed: str = ""
    note: str = ""
    anything: bool = False
    unchecked: bool = False
    several: bool = False

    def accepted(self, way: Way) -> tuple[str, ...]:
        """Give the classes for one way."""
        return self.columns if way is Way.COLUMN else self.parameters

    def proposal(self, way: Way) -> str:
        """Give what to write."""
        return self.proposed or short(self.accepted(way)[0])


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why an annotation is not that of a type; either part may be empty."""

    reason: str
    mend: str

    def __str__(self) -> str:
        reason = self.reason and f": {self.reason}"
        return reason + (self.mend and f"; {self.mend}")


def against(rule: Rule, annotation: Annotation, way: Way) -> Misfit | None:
    """Compare an annotation with a rule; None when it fits."""
    accepted = rule.accepted(way)
    null = annotation.form is Form.NONE and way is Way.PARAMETER
    if null or rule.unchecked or (rule.anything and annotation.form is Form.ANY):
        return None
    if not accepted:
        return Misfit("", "cast the parameter to another type")
    base = _base(annotation, rule)
    reason = rule.refused.get(base, "")
    if rule.several and annotation.form in {Form.LITERAL, Form.ENUM}:
        return Misfit("several labels come in one text", write(rule.proposal(way)))
    if base in accepted:
        if not _arrives_plain(annotation, base, way):
            return None
        reason = f"what arrives is a plain {short(base)}"
    elif annotation.form is Form.ROW:
        reason = rule.refused.get(ROW_CLASS, "")
    return Misfit(reason, write(rule.proposal(way)))


def write(text: str) -> str:
    """Propose an annotation."""
    return f'write "{text}"'


def short(name: str) -> str:
    """Name a class as a person does who has imported it."""
    return name.rpartition(".")[2]


def _base(annotation: Annotation, rule: Rule) -> str:
    """Find the class that an annotation counts as; empty when no rule knows it."""
    if annotation.form in {Form.LITERAL, Form.ENUM}:
        kinds = {type(value).__name__ for value in annotation.values}
        return f"builtins.{kinds.pop()}" if len(kinds) == 1 else ""
    if annotation.form is Form.NONE:
        return NONE
    known = {*_KNOWN, *rule.columns, *rule.parameters}
    base = next((name for name in annotation.names if name in known), "")
    return base or (ROW_CLASS if annotation.form is Form.ROW else "")


def _arrives_plain(annotation: Annotation, base: str, way: Way) -> bool:
    """Tell whether a column arrives as a base of the class that is written.

    Classes of str, int and kin are called with what arrives; a TypedDict is a dict, and
    a dict is what the abstract classes of mappings ask for.
    """
    if way is Way.PARAMETER or annotation.form not in _OF_ONE_CLASS:
        return False
    if annotation.names[:1] and annotation.names[0].startswith("collections.abc."):
        return False
    is_dict = annotation.form is Form.ROW and base == "builtins.dict"
    return base not in {annotation.names[0], ROW_CLASS, "", *_CALLED} and not is_dict


_OF_ONE_CLASS = {Form.CLASS, Form.GENERIC, Form.MAPPING, Form.ROW}
_CALLED = (
    "builtins.bytes",
    "builtins.float",
    "builtins.int",
    "builtins.str",
    "decimal.Decimal",
)
# Each hides the next from the rules: a datetime is a date to Python, not to a database.
_KNOWN = {
    "builtins.bool",
    "builtins.bytes",
    "builtins.dict",
    "builtins.float",
    "builtins.int",
    "builtins.list",
    "builtins.str",
    "builtins.tuple",
    "datetime.date",
    "datetime.datetime",
    "datetime.time",
    "datetime.timedelta",
    "decimal.Decimal",
    "uuid.UUID",
}
