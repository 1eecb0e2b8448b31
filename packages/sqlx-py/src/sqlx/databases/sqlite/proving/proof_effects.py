"""What instructions do to registers and cursors, for the proof: a table of opcodes.

Every opcode that a query's program may have is here or in `proof_turns`; with any
other, nothing is proved. What an instruction writes, and when NULL can come out, was
read in SQLite's `vdbe.c`, 3.51 (the opcode of that name).
"""

from __future__ import annotations

import math
from struct import pack, unpack
from typing import TYPE_CHECKING, TypeAlias

from sqlx.databases.sqlite.proving.proof_functions import (
    AGGREGATES,
    COUNTS,
    EXTREMES,
    NEVER_NULL,
    NOW,
    NULL_OF_NULL,
)
from sqlx.databases.sqlite.proving.proof_state import UNKNOWN
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
    LITERAL,
    MAY_BE_NULL,
    MAY_BE_ZERO,
    NO_ROW,
    NOT_FINITE,
    NOT_INTEGER,
    NUMBER,
    OUTER_JOIN,
    PARAMETER,
    REAL,
    SURE,
    TEXT,
    VIRTUAL,
    null,
    only_null,
    or_null,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlx.databases.sqlite.describing.listing import Instruction
    from sqlx.databases.sqlite.proving.proof_cursors import Cursors
    from sqlx.databases.sqlite.proving.proof_state import State

__all__ = ["EFFECTS", "INSERTS"]

Effect: TypeAlias = "Callable[[State, Instruction, Cursors], None]"

# By the letter of the affinity that CAST is compiled to.
CASTS = {"A": BLOB, "B": TEXT, "C": NUMBER, "D": INTEGER, "E": REAL}
INSERTS = frozenset({"Insert", "IdxInsert", "SorterInsert"})


def _nothing(_: State, __: Instruction, ___: Cursors) -> None:
    """Write no register and move no cursor."""


# Constants


def _integer(state: State, op: Instruction, _: Cursors) -> None:
    state.put(op.p2, SURE if op.p1 else INTEGER, known=op.p1)


def _real(state: State, op: Instruction, _: Cursors) -> None:
    """Give a real number: in p4, since SQLite 3.54 its bits in p1 and p3."""
    value = float(op.p4) if op.p4 else _unpacked(op.p1, op.p3)
    zero = 0 if value else MAY_BE_ZERO
    finite = NOT_INTEGER | AS_REAL | zero
    state.put(op.p2, finite if math.isfinite(value) else REAL)


def _unpacked(low: int, high: int) -> float:
    bits = pack("<II", low & 0xFFFF_FFFF, high & 0xFFFF_FFFF)
    return float(unpack("<d", bits)[0])


def _null(state: State, op: Instruction, _: Cursors) -> None:
    for register in range(op.p2, max(op.p2, op.p3) + 1):
        state.put(register, only_null(LITERAL), known=None)


def _soft_null(state: State, op: Instruction, _: Cursors) -> None:
    state.put(op.p1, only_null(LITERAL), known=None)


def _gives(value: int) -> Effect:
    """Make the effect of an instruction that writes a value into p2."""

    def give(state: State, op: Instruction, _: Cursors) -> None:
        state.put(op.p2, value)

    return give


def _gives_p3(value: int) -> Effect:
    def give(state: State, op: Instruction, _: Cursors) -> None:
        state.put(op.p3, value)

    return give


def _new_rowid(state: State, op: Instruction, cursors: Cursors) -> None:
    """Choose a rowid: in an empty table it is 1."""
    is_first = state.empty & cursors.bit(op.p1)
    state.put(op.p2, INTEGER, known=1 if is_first else UNKNOWN)
    if op.p3:
        state.put(op.p3, INTEGER)


# Registers


def _copy(state: State, op: Instruction, _: Cursors) -> None:
    for i in range(op.p3 + 1):
        _copied(state, op.p1 + i, op.p2 + i)


def _copy_one(state: State, op: Instruction, _: Cursors) -> None:
    _copied(state, op.p1, op.p2)


def _copied(state: State, source: int, target: int) -> None:
    state.put(target, state.value(source))


def _move(state: State, op: Instruction, _: Cursors) -> None:
    for i in range(op.p3):
        _copied(state, op.p1 + i, op.p2 + i)
        state.put(op.p1 + i, only_null(LITERAL), known=None)


def _adds(state: State, op: Instruction, _: Cursors) -> None:
    """Change an integer in p1."""
    state.put(op.p1, INTEGER)


def _cast(state: State, op: Instruction, _: Cursors) -> None:
    kind = CASTS.get(chr(op.p2 & 0xFF), ANYTHING)
    state.put(op.p1, or_null(state.doubts(op.p1), kind))


def _affinity(state: State, op: Instruction, _: Cursors) -> None:
    for register in range(op.p1, op.p1 + op.p2):
        state.put(register, state.doubts(register) | ANYTHING)


def _real_affinity(state: State, op: Instruction, _: Cursors) -> None:
    state.put(op.p1, state.doubts(op.p1) | ANYTHING)


def _halt_if_null(state: State, op: Instruction, _: Cursors) -> None:
    if state.doubts(op.p3) & MAY_BE_NULL:
        state.put(op.p3, state.doubts(op.p3) & ANYTHING)


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


# Cursors


def _column(state: State, op: Instruction, cursors: Cursors) -> None:
    state.put(op.p3, cursors.column(state, op.p1, op.p2))


def _rowid(state: State, op: Instruction, cursors: Cursors) -> None:
    state.put(op.p2, cursors.rowid(state, op.p1))


def _row(state: State, op: Instruction, cursors: Cursors) -> None:
    state.put(op.p2, cursors.row(state, op.p1))


def _make_record(state: State, op: Instruction, _: Cursors) -> None:
    """Make a row; affinities in p4 are applied to the registers themselves."""
    if op.p4:
        _affinity(state, op, _)
    state.put(op.p3, tuple(map(state.value, range(op.p1, op.p1 + op.p2))))


def _open(state: State, op: Instruction, _: Cursors) -> None:
    state.stand(op.p1, NO_ROW)


def _open_own(state: State, op: Instruction, cursors: Cursors) -> None:
    """Open a table of the program's own: it is empty, also when it was open before."""
    state.stand(op.p1, NO_ROW)
    state.empty |= cursors.bit(op.p1)


def _null_row(state: State, op: Instruction, _: Cursors) -> None:
    state.stand(op.p1, OUTER_JOIN)


def _deferred_seek(state: State, op: Instruction, _: Cursors) -> None:
    """Let a table's cursor follow an index's, which may be read in its place."""
    state.follow(op.p3, op.p1)


def _delete(state: State, op: Instruction, cursors: Cursors) -> None:
    state.lose(cursors.beside(op.p1))


def _clear(state: State, _: Instruction, cursors: Cursors) -> None:
    state.lose(cursors.of_database())


# What writes nothing that a query could read.
NOTHING = (
    "Abortable", "Close", "ClrSubtype", "ColumnsUsed", "CursorHint",
    "CursorLock", "CursorUnlock", "Expire", "Explain", "FilterAdd", "FinishSeek",
    "FkCheck", "FkCounter", "Noop", "Permutation", "ReleaseReg", "ResetCount",
    "RowCell", "RowSetAdd", "SeekEnd", "SeekHit", "SetSubtype", "TableLock", "Trace",
    "Transaction", "VBegin",
)  # fmt: skip

EFFECTS: Mapping[str, Effect] = {
    **dict.fromkeys(NOTHING, _nothing),
    **dict.fromkeys(("String", "String8"), _gives(TEXT)),
    "Blob": _gives(BLOB),
    **dict.fromkeys(
        ("Count", "Int64", "IsTrue", "OffsetLimit", "Sequence"), _gives(INTEGER)
    ),
    **dict.fromkeys(("GetSubtype", "VInitIn"), _gives(null(FUNCTION))),
    **dict.fromkeys(("And", "Or", "BitAnd", "BitOr"), _yields(INTEGER)),
    **dict.fromkeys(("ShiftLeft", "ShiftRight"), _yields(INTEGER)),
    **dict.fromkeys(("Add", "Subtract"), _sum),
    **dict.fromkeys(("Not", "BitNot"), _not),
    **dict.fromkeys(("Null", "BeginSubrtn"), _null),
    **dict.fromkeys(("SCopy", "IntCopy"), _copy_one),
    **dict.fromkeys(("AddImm", "MemMax"), _adds),
    **dict.fromkeys(("Affinity", "TypeCheck"), _affinity),
    **dict.fromkeys(("Function", "PureFunc"), _function),
    **dict.fromkeys(("Rowid", "IdxRowid"), _rowid),
    **dict.fromkeys(("RowData", "SorterData"), _row),
    **dict.fromkeys(("Delete", "IdxDelete", "ResetSorter"), _delete),
    **dict.fromkeys(("Clear", "VUpdate"), _clear),
    **dict.fromkeys(("OpenRead", "OpenWrite", "ReopenIdx", "OpenPseudo"), _open),
    **dict.fromkeys(("OpenEphemeral", "OpenAutoindex", "SorterOpen"), _open_own),
    **dict.fromkeys(("OpenDup", "VOpen"), _open),
    "AggFinal": _final,
    "AggInverse": _inverse,
    "AggStep": _step,
    "AggValue": _value,
    "Cast": _cast,
    "Column": _column,
    "CollSeq": _collation,
    "Compare": _compare,
    "Concat": _concat,
    "Copy": _copy,
    "DeferredSeek": _deferred_seek,
    "Divide": _quotient,
    "HaltIfNull": _halt_if_null,
    "Integer": _integer,
    "MakeRecord": _make_record,
    "Move": _move,
    "Multiply": _product,
    "NewRowid": _new_rowid,
    "NullRow": _null_row,
    "Offset": _gives_p3(null(FUNCTION)),
    "Real": _real,
    "RealAffinity": _real_affinity,
    "Remainder": _remainder,
    "SoftNull": _soft_null,
    "Variable": _gives(null(PARAMETER)),
    "VColumn": _gives_p3(null(VIRTUAL)),
    "ZeroOrNull": _zero_or_null,
}
