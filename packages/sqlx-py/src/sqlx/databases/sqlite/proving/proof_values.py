"""What the proof knows of a value: the doubts that are left.

A value is a set of doubts, bits in an integer: what it may be, and why it may be NULL.
Where two paths meet, both sets are put together, so that a doubt is never lost; no
doubt at all is best. A value that is a row is a tuple of values, one a field.
"""

from __future__ import annotations

from typing import TypeAlias, Union

from sqlx.databases.sqlite.describing import words
from sqlx.queries.values import Nullability

__all__ = [
    "Value",
    "doubts",
    "joined",
    "null",
    "nullability",
    "only_null",
    "or_null",
    "storage",
]

Value: TypeAlias = Union[int, "tuple[Value, ...]"]

MAY_BE_NULL, NOT_FINITE, NOT_INTEGER, MAY_BE_ZERO = 1, 2, 4, 8
"""NOT_FINITE stands for all but a finite number: a text may read as infinity."""
OUTER_JOIN, COLUMN, PARAMETER, AGGREGATE, ARITHMETIC = 16, 32, 64, 128, 256
FUNCTION, VIRTUAL, NO_ROW, LITERAL, UNPROVED = 512, 1024, 2048, 4096, 8192
AS_INTEGER, AS_REAL, AS_TEXT, AS_BLOB = 1 << 14, 1 << 15, 1 << 16, 1 << 17
"""The storage classes that are possible; of NULL, none is."""

REASONS = (
    (OUTER_JOIN, "outer join"),
    (COLUMN, "the column allows NULL"),
    (PARAMETER, "a parameter may be NULL"),
    (AGGREGATE, "an aggregate may be NULL"),
    (ARITHMETIC, "arithmetic may have no result"),
    (FUNCTION, "a function may give NULL"),
    (VIRTUAL, "a virtual table may give NULL"),
    (NO_ROW, "there may be no row"),
    (LITERAL, "an expression may be NULL"),
    (UNPROVED, "it could not be proved"),
)
"""The first that applies is told."""

CLASSES = AS_INTEGER | AS_REAL | AS_TEXT | AS_BLOB
_OF_ANY_CLASS = NOT_FINITE | NOT_INTEGER | MAY_BE_ZERO
ANYTHING = _OF_ANY_CLASS | CLASSES
"""Of a value no more is known than that it is not NULL."""
SURE = AS_INTEGER
"""An integer that is not 0."""
INTEGER = MAY_BE_ZERO | AS_INTEGER
REAL, TEXT, BLOB = (_OF_ANY_CLASS | kind for kind in (AS_REAL, AS_TEXT, AS_BLOB))
NUMBER = INTEGER | REAL
STORAGE = {
    AS_INTEGER: words.INTEGER,
    AS_REAL: words.FLOAT,
    AS_TEXT: words.TEXT,
    AS_BLOB: words.BLOB,
}
DEEPEST = 3
"""Rows within rows: more than SQLite's programs have."""


def null(reason: int, kind: int = ANYTHING) -> int:
    """Give a value that may be NULL, else is of a kind."""
    return MAY_BE_NULL | _OF_ANY_CLASS | kind | reason


def only_null(reason: int) -> int:
    """Give NULL."""
    return null(reason, 0)


def or_null(operands: int, result: int) -> int:
    """Give what an operator gives that makes NULL of NULL."""
    if not operands & MAY_BE_NULL:
        return result
    return operands & ~CLASSES | _OF_ANY_CLASS | result


def doubts(value: Value) -> int:
    """Give the doubts about a value; a row is a blob."""
    return value if isinstance(value, int) else BLOB


def joined(one: Value, other: Value, depth: int = 0) -> Value:
    """Put the doubts of two values together; fields that only one row has are lost."""
    if isinstance(one, int) and isinstance(other, int):
        return one | other
    if isinstance(one, int) or isinstance(other, int) or depth == DEEPEST:
        return doubts(one) | doubts(other)
    return tuple(joined(a, b, depth + 1) for a, b in zip(one, other, strict=False))


def nullability(value: Value) -> Nullability:
    """Say what was proved of a value."""
    found = doubts(value)
    if not found & MAY_BE_NULL:
        return Nullability(may_be_null=False)
    reason = next((text for bit, text in REASONS if found & bit), REASONS[-1][1])
    return Nullability(may_be_null=True, reason=reason)


def storage(value: Value) -> str:
    """Name the one storage class that a value can have, in SQLx's word; else Null."""
    return STORAGE.get(doubts(value) & CLASSES, words.NULL)
