"""What instructions do to registers and tables, as SQLx has it: a table of opcodes.

Its mistakes are kept: the bytes of `.sqlx/` depend on them.

Source:
    SQLx `sqlx-sqlite/src/connection/explain.rs`, 0.8.6 and 0.9.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from sqlx.databases.sqlite.describing import words
from sqlx.databases.sqlite.describing.bytecode_memory import (
    IS_NULL,
    UNKNOWN,
    Cursor,
    Guess,
    Memory,
    Record,
    Table,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlx.databases.sqlite.describing.listing import Instruction

__all__ = ["EFFECTS", "EFFECTS_SINCE_0_9", "Roots", "open_root"]

Roots: TypeAlias = "Mapping[tuple[int, int], Record]"
"""Columns by number of the database (0 main, 1 temp) and root page."""
Effect: TypeAlias = "Callable[[Memory, Instruction], None]"

INTEGER = Guess(words.INTEGER, nullable=False)
FLOAT = Guess(words.FLOAT, nullable=False)
CASTS = {
    ord("A"): words.BLOB,
    ord("B"): words.TEXT,
    ord("C"): words.NUMERIC,
    ord("D"): words.INTEGER,
    ord("E"): words.FLOAT,
}
COUNTS = ("count(", "row_number(", "rank(", "dense_rank(", "ntile(")
SHARES = ("percent_rank(", "cume_dist")
NEIGHBOURS = ("lead(", "lag(")
SUMMED_AS_INTEGER = {words.INTEGER, words.INT4, words.BOOL}
# Never NULL only when no argument is given: then p2 is 0.
DATES = {
    "date(-1)": words.TEXT,
    "time(-1)": words.TEXT,
    "datetime(-1)": words.TEXT,
    "strftime(-1)": words.TEXT,
    "julianday(-1)": words.FLOAT,
    "unixepoch(-1)": words.INTEGER,
}


def open_root(memory: Memory, op: Instruction, roots: Roots) -> None:
    """Open a table or an index; attached databases are not known."""
    columns = roots.get((op.p3, op.p2), Record(()))
    _open(memory, op, columns, is_empty=None)


def _open_empty(memory: Memory, op: Instruction) -> None:
    _open(memory, op, Record((IS_NULL,) * op.p2), is_empty=True)


def _open(
    memory: Memory, op: Instruction, columns: Record, *, is_empty: bool | None
) -> None:
    memory.keep(memory.pc, Table(columns, is_empty))
    memory.open(op.p1, Cursor(memory.pc))


def _open_pseudo(memory: Memory, op: Instruction) -> None:
    memory.open(op.p1, Cursor(op.p2, is_pseudo=True))


def _open_dup(memory: Memory, op: Instruction) -> None:
    if op.p2 in memory.cursors:
        memory.open(op.p1, memory.cursors[op.p2])


def _column(memory: Memory, op: Instruction) -> None:
    found = memory.columns(op.p1)
    inside = found is not None and op.p2 < len(found.columns)
    value = found.columns[op.p2] if found is not None and inside else None
    memory.put(op.p3, UNKNOWN if value is None else value)


def _row(memory: Memory, op: Instruction) -> None:
    memory.put(op.p2, memory.columns(op.p1) or Record(()))


def _make_record(memory: Memory, op: Instruction) -> None:
    values = tuple(memory.guess(r) for r in range(op.p1, op.p1 + op.p2))
    memory.put(op.p3, Record(values))


def _insert(memory: Memory, op: Instruction) -> None:
    """Replace what the table was: the last writer wins."""
    at, value = memory.table(op.p1), memory.registers.get(op.p2)
    if at is None or value is None or isinstance(value, int):
        return
    if isinstance(value, Record):
        memory.keep(at, Table(value, is_empty=False))
    elif value.word == words.NULL:
        memory.mark(at, is_empty=False)


def _delete(memory: Memory, op: Instruction) -> None:
    at = memory.table(op.p1)
    if at is not None and memory.tables[at].is_empty is False:
        memory.mark(at, is_empty=None)


def _null_row(memory: Memory, op: Instruction) -> None:
    columns = memory.columns(op.p1)
    if columns is None:
        return
    nulled = Record(
        tuple(
            Guess(c.word, nullable=True) if isinstance(c, Guess) else c
            for c in columns.columns
        )
    )
    cursor = memory.cursors[op.p1]
    if cursor.is_pseudo:
        memory.put(cursor.at, nulled)
    else:
        memory.keep(cursor.at, Table(nulled, memory.tables[cursor.at].is_empty))


def _function(memory: Memory, op: Instruction) -> None:
    if op.p4 == "last_insert_rowid(0)":
        memory.put(op.p3, INTEGER)
    elif op.p4 in DATES:
        memory.put(op.p3, Guess(DATES[op.p4], nullable=op.p2 != 0))


def _step(memory: Memory, op: Instruction) -> None:
    """Take what an aggregate is stepped with for its result."""
    value = memory.registers.get(op.p2)
    if op.p4.startswith(COUNTS):
        memory.put(op.p3, INTEGER)
    elif op.p4.startswith(SHARES):
        memory.put(op.p3, FLOAT)
    elif value is None:
        return
    elif op.p4.startswith("sum("):
        whole = memory.word(op.p2) in SUMMED_AS_INTEGER
        word = words.INTEGER if whole else words.FLOAT
        memory.put(op.p3, Guess(word, memory.nullable(op.p2)))
    elif op.p4.startswith(NEIGHBOURS):
        memory.put(op.p3, Guess(memory.word(op.p2), nullable=True))
    else:
        memory.put(op.p3, value)


def _final(memory: Memory, op: Instruction) -> None:
    """End an aggregate; but for counts, p2 and p3 are no registers at all."""
    if op.p4.startswith(COUNTS):
        memory.put(op.p1, INTEGER)
    elif op.p4.startswith(SHARES):
        memory.put(op.p3, FLOAT)
    elif op.p4.startswith(NEIGHBOURS) and op.p2 in memory.registers:
        memory.put(op.p3, Guess(memory.word(op.p2), nullable=True))


def _cast(memory: Memory, op: Instruction) -> None:
    if op.p1 in memory.registers:
        word = CASTS.get(op.p2 & 0xFF, words.NULL)
        memory.put(op.p1, Guess(word, memory.nullable(op.p1)))


def _copy_one(memory: Memory, op: Instruction) -> None:
    if op.p1 in memory.registers:
        memory.put(op.p2, memory.registers[op.p1])


def _copy(memory: Memory, op: Instruction) -> None:
    for i in range(op.p3 + 1):
        if op.p1 + i in memory.registers:
            memory.put(op.p2 + i, memory.registers[op.p1 + i])


def _move(memory: Memory, op: Instruction) -> None:
    for i in range(op.p3):
        if op.p1 + i in memory.registers:
            memory.put(op.p2 + i, memory.registers[op.p1 + i])
            memory.put(op.p1 + i, IS_NULL)


def _integer(memory: Memory, op: Instruction) -> None:
    memory.put(op.p2, op.p1)


def _null(memory: Memory, op: Instruction) -> None:
    for register in range(op.p2, max(op.p2, op.p3) + 1):
        memory.put(register, IS_NULL)


def _variable(memory: Memory, op: Instruction) -> None:
    memory.put(op.p2, IS_NULL)


def _halt_if_null(memory: Memory, op: Instruction) -> None:
    memory.set_nullable(op.p3, nullable=False)


def _operator(memory: Memory, op: Instruction) -> None:
    """Take the first operand's type, and NULL from whichever is known to have it."""
    there = [r for r in (op.p1, op.p2) if r in memory.registers]
    known = [memory.nullable(r) for r in there if memory.nullable(r) is not None]
    word = next((w for r in there if (w := memory.word(r)) != words.NULL), words.NULL)
    both = len(there) == 2  # noqa: PLR2004 -- an operator has two operands.
    nullable = any(known) if both and known else None
    memory.put(op.p3, Guess(word, nullable))


def _gives(word: str) -> Effect:
    """Make the effect of an instruction that writes a value of a type into p2."""
    value = Guess(word, nullable=False)

    def give(memory: Memory, op: Instruction) -> None:
        memory.put(op.p2, value)

    return give


EFFECTS: Mapping[str, Effect] = {
    "Column": _column,
    "RowData": _row,
    "SorterData": _row,
    "MakeRecord": _make_record,
    "Insert": _insert,
    "IdxInsert": _insert,
    "SorterInsert": _insert,
    "Delete": _delete,
    "OpenPseudo": _open_pseudo,
    "OpenDup": _open_dup,
    "OpenEphemeral": _open_empty,
    "OpenAutoindex": _open_empty,
    "SorterOpen": _open_empty,
    "NullRow": _null_row,
    "Function": _function,
    "AggStep": _step,
    "AggValue": _step,
    "AggFinal": _final,
    "Cast": _cast,
    "Copy": _copy,
    "SCopy": _copy_one,
    "IntCopy": _copy_one,
    "Not": _copy_one,
    "Move": _move,
    "Integer": _integer,
    "Null": _null,
    "Variable": _variable,
    "HaltIfNull": _halt_if_null,
    "Blob": _gives(words.BLOB),
    "Real": _gives(words.FLOAT),
    "String8": _gives(words.TEXT),
    "Count": _gives(words.INTEGER),
    "Rowid": _gives(words.INTEGER),
    "NewRowid": _gives(words.INTEGER),
    "Sequence": _gives(words.INTEGER),
    "OffsetLimit": _gives(words.INTEGER),
    **dict.fromkeys(
        (
            "Add",
            "And",
            "BitAnd",
            "BitOr",
            "Concat",
            "Divide",
            "Multiply",
            "Or",
            "Remainder",
            "ShiftLeft",
            "ShiftRight",
            "Subtract",
        ),
        _operator,
    ),
}
EFFECTS_SINCE_0_9: Mapping[str, Effect] = {"IdxRowid": _gives(words.INTEGER)}
