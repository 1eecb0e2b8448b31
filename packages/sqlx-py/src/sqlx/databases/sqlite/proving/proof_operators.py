"""What operators, functions and aggregates give, for the proof: a table of opcodes.

Part of the table of `proof_effects`. When NULL can come out was read in SQLite's
`vdbe.c` and `func.c`, 3.51.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from sqlx.databases.sqlite.proving.proof_functions import (
    AGGREGATES,
    COUNTS,
    EXTREMES,
    NEVER_NULL,
    NOW,
    NULL_OF_NULL,
)
from sqlx.databases.sqlite.proving.proof_values import (
    AGGREGATE,
    ANYTHING,
    ARITHMETIC,
    AS_BLOB,
    AS_REAL,
    BLOB,
    CLASSES,
    FUNCTION,
    INTEGER,
    MAY_BE_NULL,
    MAY_BE_ZERO,
    NOT_FINITE,
    NOT_INTEGER,
    NUMBER,
    REAL,
    SURE,
    TEXT,
    null,
    or_null,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlx.databases.sqlite.describing.listing import Instruction
    from sqlx.databases.sqlite.proving.proof_cursors import Cursors
    from sqlx.databases.sqlite.proving.proof_state import State

__all__ = ["OPERATORS", "Effect"]

Effect: TypeAlias = "Callable[[State, Instruction, Cursors], None]"


# Operators


def _not(state: State, op: Instruction, _: Cursors) -> None:
    state.put(op.p2, or_null(state.doubts(op.p1), INTEGER))


def _yields(value: int) -> Effect:
    """Make the effect of an operator that gives NULL only of NULL."""

    def give(state: State, op: Instruction, _: Cursors) -> None:
        state.put(op.p3, or_null(_operands(state, op), value))

    return give


def _zero_or_null(state: State, op: Instruction, _: Cursors) -> None:
    both = state.doubts(op.p1) | state.doubts(op.p3)
    state.put(op.p2, or_null(both, INTEGER))


def _sum(state: State, op: Instruction, _: Cursors) -> None:
    """Add or subtract: infinity less infinity is NULL, integers overflow to reals."""
    left, right = (state.doubts(r) for r in (op.p2, op.p1))
    defined = not (left & right & NOT_FINITE)
    state.put(op.p3, or_null(left | right, _result(left, right, defined=defined)))


def _product(state: State, op: Instruction, _: Cursors) -> None:
    """Multiply: nought times infinity is NULL."""
    left, right = (state.doubts(r) for r in (op.p2, op.p1))
    both = left | right
    bad = NOT_FINITE | MAY_BE_ZERO
    sure = not left & bad or not right & bad  # one factor is neither
    defined = sure or not both & NOT_FINITE or not both & MAY_BE_ZERO
    state.put(op.p3, or_null(both, _result(left, right, defined=defined)))


def _quotient(state: State, op: Instruction, _: Cursors) -> None:
    """Divide: by nought it is NULL, and infinity by infinity."""
    divisor = state.doubts(op.p1)
    defined = not divisor & (NOT_FINITE | MAY_BE_ZERO)
    number = _number(state.doubts(op.p2), divisor)
    result = number if defined else null(ARITHMETIC, number)
    state.put(op.p3, or_null(_operands(state, op), result))


def _remainder(state: State, op: Instruction, _: Cursors) -> None:
    """Take the remainder: the divisor is made an integer, 0.5 is nought."""
    divisor = state.doubts(op.p1)
    number = _number(state.doubts(op.p2), divisor)
    result = null(ARITHMETIC, number) if divisor != SURE else number
    state.put(op.p3, or_null(_operands(state, op), result))


def _operands(state: State, op: Instruction) -> int:
    return state.doubts(op.p1) | state.doubts(op.p2)


def _concat(state: State, op: Instruction, _: Cursors) -> None:
    """Join texts; two blobs make a blob."""
    left, right = (state.doubts(r) for r in (op.p2, op.p1))
    kind = TEXT | BLOB if left & right & AS_BLOB else TEXT
    state.put(op.p3, or_null(left | right, kind))


def _number(left: int, right: int) -> int:
    """Give what arithmetic gives: integers overflow to reals, a real makes a real."""
    is_real = AS_REAL in {left & CLASSES, right & CLASSES}
    return REAL if is_real else NUMBER


def _result(left: int, right: int, *, defined: bool) -> int:
    number = _number(left, right)
    if not defined:
        return null(ARITHMETIC, number)
    whole = not (left | right) & (NOT_FINITE | NOT_INTEGER)
    return number & ~NOT_FINITE if whole else number


def _function(state: State, op: Instruction, _: Cursors) -> None:
    state.put(op.p3, _called(state, op))


def _called(state: State, op: Instruction) -> int:
    if op.p4 in NEVER_NULL:
        return NEVER_NULL[op.p4]
    if op.p4 in NOW and op.p2 == 0:
        return NOW[op.p4]
    if op.p4 not in NULL_OF_NULL:
        return null(FUNCTION, NOW.get(op.p4, ANYTHING))
    count = int(op.p4[:-1].partition("(")[2])
    given = 0
    for register in range(op.p2, op.p2 + count):
        given |= state.doubts(register)
    return or_null(given, NULL_OF_NULL[op.p4])


# Aggregates


def _compare(state: State, op: Instruction, _: Cursors) -> None:
    """Compare two rows for the jump below: NULL is not what is not NULL.

    Where p5 says so, it is other fields that are compared.
    """
    state.differs = not op.p5 and any(
        state.is_null(op.p1 + i) and not state.doubts(op.p2 + i) & MAY_BE_NULL
        for i in range(op.p3)
    )


def _collation(state: State, op: Instruction, _: Cursors) -> None:
    """Begin a step of min() or max(): p1 is set to 0, and by the step perhaps to 1.

    It says that the row is not the one, so that no other column is read from it.
    """
    if op.p1:
        state.put(op.p1, INTEGER)
        state.skips = op.p1


def _step(state: State, op: Instruction, _: Cursors) -> None:
    """Step an aggregate; the first row after its beginning is always the one."""
    if op.p4 in EXTREMES and state.skips and state.is_null(op.p3):
        state.put(state.skips, INTEGER, known=0)
    state.skips = 0
    value = state.doubts(op.p2) if op.p5 else ANYTHING
    if op.p4 not in EXTREMES:
        state.put(op.p3, null(AGGREGATE))
    elif not value & MAY_BE_NULL:
        state.put(op.p3, ANYTHING)


def _inverse(state: State, op: Instruction, _: Cursors) -> None:
    state.put(op.p3, null(AGGREGATE))


def _final(state: State, op: Instruction, _: Cursors) -> None:
    state.put(op.p1, _aggregated(state, op))


def _value(state: State, op: Instruction, _: Cursors) -> None:
    state.put(op.p3, _aggregated(state, op))


def _aggregated(state: State, op: Instruction) -> int:
    if op.p4 in COUNTS:
        return COUNTS[op.p4]
    kept = state.doubts(op.p1)
    known = op.p4 in EXTREMES and not kept & MAY_BE_NULL
    kind = AGGREGATES.get(op.p4, ANYTHING)
    return ANYTHING if known else null(AGGREGATE, kind)


OPERATORS: Mapping[str, Effect] = {
    **dict.fromkeys(("And", "Or", "BitAnd", "BitOr"), _yields(INTEGER)),
    **dict.fromkeys(("ShiftLeft", "ShiftRight"), _yields(INTEGER)),
    **dict.fromkeys(("Add", "Subtract"), _sum),
    **dict.fromkeys(("Not", "BitNot"), _not),
    **dict.fromkeys(("Function", "PureFunc"), _function),
    "AggFinal": _final,
    "AggInverse": _inverse,
    "AggStep": _step,
    "AggValue": _value,
    "CollSeq": _collation,
    "Compare": _compare,
    "Concat": _concat,
    "Divide": _quotient,
    "Multiply": _product,
    "Remainder": _remainder,
    "ZeroOrNull": _zero_or_null,
}
