"""Which registers steer a program, and where it still matters what they hold.

A register is told apart by what it holds only where some way leads to an instruction
that reads it before it is written again: elsewhere states would differ in vain. Nothing
that is proved depends on this being right: what is forgotten is taken to be anything.

Sets of registers are bits in an integer here; the `Once` of an address is a bit, too.
"""

from __future__ import annotations

from functools import reduce
from itertools import pairwise
from operator import or_
from typing import TYPE_CHECKING

from sqlx.databases.sqlite.proving.proof_turns import TURNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlx.databases.sqlite.describing.listing import Instruction, Program

__all__ = ["RETURNS", "alive", "meetings", "tested", "ways"]

RETURNS = frozenset({"EndCoroutine", "Gosub", "InitCoroutine", "Return", "Yield"})
NULL_TESTS = frozenset({"IsNull", "NotNull"})
TESTS = frozenset({"DecrJumpZero", "If", "IfNot", "IfNotZero", "IfPos"})
READS_P1 = NULL_TESTS | TESTS | {"EndCoroutine", "Return", "Yield"}
WRITES_P1 = frozenset({"Gosub", "InitCoroutine"})
WRITES_P2 = frozenset(
    {"BeginSubrtn", "Copy", "Integer", "Rowid", "SCopy", "String8", "Variable"}
)
WRITES_P3 = frozenset({"Column", "Function"})
NO_WAY_ON = frozenset(
    {"EndCoroutine", "Goto", "Gosub", "Halt", "Init", "InitCoroutine", "Jump", "Yield"}
)


def tested(program: Program) -> frozenset[int]:
    """List the registers that are tested and set to what is known: flags, NULL."""
    numbers = {op.p2 for op in program if op.opcode == "Integer"}
    nulls = {r for op in program if op.opcode == "Null" for r in _nulled(op)}
    found = {op.p1 for op in program if op.opcode in TESTS} & numbers
    rowids = {op.p2 for op in program if op.opcode == "Rowid"}
    found |= {op.p1 for op in program if op.opcode in NULL_TESTS} & nulls & rowids
    for op in program:
        if op.opcode == "Compare":
            found |= nulls & {*_compared(op)}
    numbered = {op.p2 for op in program if op.opcode == "NewRowid"}
    for op in program:
        if op.opcode == "Ne" and op.p1 in numbers and op.p3 in numbered:
            found |= {op.p1, op.p3}
    for before, op in pairwise(program):
        if op.opcode == "AggStep" and before.opcode == "CollSeq" and before.p1:
            found |= {op.p3, before.p1}
    return frozenset(found)


def meetings(program: Program) -> frozenset[int]:
    """List the addresses that are jumped to: states are put together there."""
    turns = [op for op in program if op.opcode in TURNS]
    jumps = [op for op in turns if op.opcode == "Jump"]
    return frozenset(op.p2 for op in turns).union(*((op.p1, op.p3) for op in jumps))


def ways(program: Program) -> list[tuple[int, ...]]:
    """List where each instruction may lead: subroutines, wherever they were called."""
    callers = {
        name: [(pc, op) for pc, op in enumerate(program) if op.opcode == name]
        for name in ("Gosub", "Yield", "InitCoroutine")
    }
    found = (_ways(program, pc, callers) for pc in range(len(program)))
    return [tuple({to for to in each if to < len(program)}) for each in found]


def alive(
    program: Program,
    registers: Iterable[int],
    once: Mapping[int, int],
    after: Sequence[tuple[int, ...]],
) -> list[int]:
    """List for each address what may be read before it is written.

    Args:
        program: The main program.
        registers: Which are asked for.
        once: The bits of the `Once`, by address.
        after: What `ways` gives.
    """
    wanted = _bits(registers)
    read = [_bits(_read(op)) & wanted | once.get(i, 0) for i, op in enumerate(program)]
    kept = [~_bits(_written(op)) for op in program]
    before = [0] * len(program)
    changed = True
    while changed:
        changed = False
        for pc in reversed(range(len(program))):
            found = reduce(or_, (before[to] for to in after[pc]), 0)
            found = found & kept[pc] | read[pc]
            changed = changed or found != before[pc]
            before[pc] = found
    return before


def _ways(
    program: Program, pc: int, callers: dict[str, list[tuple[int, Instruction]]]
) -> set[int]:
    op = program[pc]
    same = {
        name: [(at, call) for at, call in calls if call.p1 == op.p1]
        for name, calls in callers.items()
    }
    behind = {at + 1 for at, _ in same["Yield"]} | {
        c.p3 for _, c in same["InitCoroutine"]
    }
    if op.opcode == "Return":
        on = {pc + 1} if op.p3 else set()
        return on | {at + 1 for at, _ in same["Gosub"]}
    if op.opcode == "EndCoroutine":
        return {call.p2 for _, call in same["Yield"]}
    if op.opcode == "Yield":
        return behind
    if op.opcode == "Jump":
        return {op.p1, op.p2, op.p3}
    if op.opcode == "InitCoroutine":
        return {op.p2 or pc + 1}
    jump = {op.p2} if op.opcode in TURNS and op.p2 else set()
    scan = {program[pc + 1].p2} if op.opcode == "SeekScan" else set()
    return jump | scan | (set() if op.opcode in NO_WAY_ON else {pc + 1})


def _bits(registers: Iterable[int]) -> int:
    return reduce(or_, (1 << r for r in registers), 0)


def _compared(op: Instruction) -> range:
    """List what a group's rows are compared with: NULL before the first."""
    return range(op.p1, op.p1 + op.p3)


def _nulled(op: Instruction) -> range:
    return range(op.p2, max(op.p2, op.p3) + 1)


def _read(op: Instruction) -> Iterable[int]:
    if op.opcode in READS_P1:
        return (op.p1,)
    if op.opcode == "Compare":
        return _compared(op)
    if op.opcode == "Ne":
        return (op.p1, op.p3)
    return (op.p3,) if op.opcode == "AggStep" else ()


def _written(op: Instruction) -> Iterable[int]:
    """List what is surely written; less than all does no harm."""
    if op.opcode == "Null":
        return _nulled(op)
    if op.opcode in WRITES_P1:
        return (op.p1,)
    if op.opcode in WRITES_P2:
        return (op.p2,)
    return (op.p3,) if op.opcode in WRITES_P3 else ()
