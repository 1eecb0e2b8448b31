"""What instructions do to registers and cursors, for the proof: a table of opcodes.

Every opcode that a query's program may have is here or in `proof_turns`; with any
other, nothing is proved. What an instruction writes, and when NULL can come out, was
read in SQLite's `vdbe.c`, 3.51 (the opcode of that name).
"""

from __future__ import annotations

import math
from struct import pack, unpack
from typing import TYPE_CHECKING

from sqlx.databases.sqlite.proving.proof_operators import OPERATORS, Effect
from sqlx.databases.sqlite.proving.proof_state import UNKNOWN
from sqlx.databases.sqlite.proving.proof_values import (
    ANYTHING,
    AS_REAL,
    BLOB,
    FUNCTION,
    INTEGER,
    LITERAL,
    MAY_BE_NULL,
    MAY_BE_ZERO,
    NO_ROW,
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
    from collections.abc import Mapping

    from sqlx.databases.sqlite.describing.listing import Instruction
    from sqlx.databases.sqlite.proving.proof_cursors import Cursors
    from sqlx.databases.sqlite.proving.proof_state import State

__all__ = ["EFFECTS", "INSERTS"]

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
    **OPERATORS,
    **dict.fromkeys(NOTHING, _nothing),
    **dict.fromkeys(("String", "String8"), _gives(TEXT)),
    "Blob": _gives(BLOB),
    **dict.fromkeys(
        ("Count", "Int64", "IsTrue", "OffsetLimit", "Sequence"), _gives(INTEGER)
    ),
    **dict.fromkeys(("GetSubtype", "VInitIn"), _gives(null(FUNCTION))),
    **dict.fromkeys(("Null", "BeginSubrtn"), _null),
    **dict.fromkeys(("SCopy", "IntCopy"), _copy_one),
    **dict.fromkeys(("AddImm", "MemMax"), _adds),
    **dict.fromkeys(("Affinity", "TypeCheck"), _affinity),
    **dict.fromkeys(("Rowid", "IdxRowid"), _rowid),
    **dict.fromkeys(("RowData", "SorterData"), _row),
    **dict.fromkeys(("Delete", "IdxDelete", "ResetSorter"), _delete),
    **dict.fromkeys(("Clear", "VUpdate"), _clear),
    **dict.fromkeys(("OpenRead", "OpenWrite", "ReopenIdx", "OpenPseudo"), _open),
    **dict.fromkeys(("OpenEphemeral", "OpenAutoindex", "SorterOpen"), _open_own),
    **dict.fromkeys(("OpenDup", "VOpen"), _open),
    "Cast": _cast,
    "Column": _column,
    "Copy": _copy,
    "DeferredSeek": _deferred_seek,
    "HaltIfNull": _halt_if_null,
    "Integer": _integer,
    "MakeRecord": _make_record,
    "Move": _move,
    "NewRowid": _new_rowid,
    "NullRow": _null_row,
    "Offset": _gives_p3(null(FUNCTION)),
    "Real": _real,
    "RealAffinity": _real_affinity,
    "SoftNull": _soft_null,
    "Variable": _gives(null(PARAMETER)),
    "VColumn": _gives_p3(null(VIRTUAL)),
}
