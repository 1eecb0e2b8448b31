"""Where a path goes from an instruction, as SQLx has it: a table of opcodes.

Source:
    SQLx `sqlx-sqlite/src/connection/explain.rs`, 0.8.6 and 0.9.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from sqlx.databases.sqlite.describing import words
from sqlx.databases.sqlite.describing.bytecode_memory import UNKNOWN, Guess, Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlx.databases.sqlite.describing.listing import Instruction, Program

__all__ = ["TURNS", "TURNS_OF_0_8", "Path", "Turn", "Turned"]


class Path(NamedTuple):
    """A path as a turn sees it: the program, the state, the visits of instructions."""

    program: Program
    memory: Memory
    visits: bytearray

    def fork(self, pc: int) -> Memory:
        """Begin another path in a state like this one."""
        twin = self.memory.copy()
        twin.pc = pc
        return twin

    @property
    def after(self) -> int:
        """The address of the instruction below."""
        return self.memory.pc + 1

    def opcode(self, address: int) -> str:
        """Name the instruction at an address; empty when there is none."""
        inside = 0 <= address < len(self.program)
        return self.program[address].opcode if inside else ""


class Turned(NamedTuple):
    """Where a path goes on, None where it ends, and the paths that fork off."""

    to: int | None
    forks: tuple[Memory, ...] = ()


Turn: TypeAlias = "Callable[[Path, Instruction], Turned]"
ENDS = Turned(None)


def _goto(_: Path, op: Instruction) -> Turned:
    return Turned(op.p2)


def _both(path: Path, op: Instruction) -> Turned:
    return Turned(path.after, (path.fork(op.p2),))


def _must_be_int(path: Path, op: Instruction) -> Turned:
    return _both(path, op) if op.p2 else Turned(path.after)


def _jump(path: Path, op: Instruction) -> Turned:
    """Three ways, and SQLx goes the fourth too, straight on."""
    return Turned(path.after, tuple(path.fork(to) for to in (op.p1, op.p2, op.p3)))


def _result_row(path: Path, _: Instruction) -> Turned:
    return Turned(None, (path.fork(path.after),))


def _halt(_: Path, __: Instruction) -> Turned:
    return ENDS


def _gosub(path: Path, op: Instruction) -> Turned:
    path.memory.put(op.p1, path.memory.pc)
    return Turned(op.p2)


def _return(path: Path, op: Instruction) -> Turned:
    caller = path.memory.known(op.p1)
    if caller is None:
        return Turned(path.after) if op.p3 == 1 else ENDS
    path.memory.forget(op.p1)
    return Turned(caller + 1)


def _init_coroutine(path: Path, op: Instruction) -> Turned:
    path.memory.put(op.p1, op.p3)
    return Turned(op.p2 or path.after)


def _yield(path: Path, op: Instruction) -> Turned:
    other = path.memory.known(op.p1)
    if other is None:
        return ENDS
    path.memory.put(op.p1, path.memory.pc)
    return Turned(other + (path.opcode(other) == "Yield"))


def _end_coroutine(path: Path, op: Instruction) -> Turned:
    caller = path.memory.known(op.p1)
    if caller is None or path.opcode(caller) != "Yield":
        return ENDS
    path.memory.forget(op.p1)
    return Turned(path.program[caller].p2)


def _if(path: Path, op: Instruction) -> Turned:
    known = path.memory.known(op.p1)
    forks: tuple[Memory, ...] = ()
    if known != 0:
        fork = path.fork(op.p2)
        if op.p3 == 0:
            fork.put(op.p1, 1)
        forks = (fork,)
    if known:
        return Turned(None, forks)
    if op.p3 == 0:
        path.memory.put(op.p1, 0)
    return Turned(path.after, forks)


def _if_positive(path: Path, op: Instruction) -> Turned:
    """Go both ways once it loops, so that a large OFFSET comes to its end."""
    known = path.memory.known(op.p1)
    loops = path.visits[path.memory.pc] > 1
    forks: tuple[Memory, ...] = ()
    if known is None or known >= 1 or loops:
        fork = path.fork(op.p2)
        if known is not None:
            fork.put(op.p1, known - 1)
        forks = (fork,)
    if known is None or known < 1:
        return Turned(path.after, forks)
    if not loops:
        return Turned(None, forks)
    path.memory.put(op.p1, Guess(words.INTEGER, nullable=False))
    return Turned(path.after, forks)


def _is_null(path: Path, op: Instruction, *, goes_on: bool) -> Turned:
    registers = path.memory.registers
    forks: tuple[Memory, ...] = ()
    if op.p1 in registers and path.memory.nullable(op.p1) is not False:
        fork = path.fork(op.p2)
        fork.put(op.p1, UNKNOWN)
        forks = (fork,)
    if not goes_on:
        return Turned(None, forks)
    path.memory.set_nullable(op.p1, nullable=False)
    return Turned(path.after, forks)


def _is_null_of_0_8(path: Path, op: Instruction) -> Turned:
    """Go on when the type is known."""
    return _is_null(path, op, goes_on=path.memory.word(op.p1) != words.NULL)


def _is_null_since_0_9(path: Path, op: Instruction) -> Turned:
    """Go on only when NULL is possible: what cannot be NULL ends the path (sic)."""
    there = op.p1 in path.memory.registers
    return _is_null(
        path, op, goes_on=there and path.memory.nullable(op.p1) is not False
    )


def _not_null(path: Path, op: Instruction) -> Turned:
    forks: tuple[Memory, ...] = ()
    if path.memory.word(op.p1) != words.NULL:
        fork = path.fork(op.p2)
        fork.set_nullable(op.p1, nullable=False)
        forks = (fork,)
    there = op.p1 in path.memory.registers
    if not there or path.memory.nullable(op.p1) is False:
        return Turned(None, forks)
    path.memory.put(op.p1, UNKNOWN)
    return Turned(path.after, forks)


def _rewind(path: Path, op: Instruction) -> Turned:
    """Jump when the cursor has no row."""
    memory = path.memory
    if op.p2 == 0:
        return Turned(path.after)
    if op.p1 not in memory.cursors:
        return ENDS
    is_empty = memory.emptiness(op.p1)
    forks: tuple[Memory, ...] = ()
    if is_empty is not False:
        fork = path.fork(op.p2)
        fork.mark(memory.cursors[op.p1].at, is_empty=True)
        forks = (fork,)
    return Turned(None if is_empty else path.after, forks)


JUMPS_OR_NOT = (
    "DecrJumpZero", "ElseEq", "Eq", "Filter", "Found", "Ge", "Gt", "IdxGE", "IdxGT",
    "IdxLE", "IdxLT", "IfNoHope", "IfNot", "IfNotOpen", "IfNotZero", "IfNullRow",
    "IfSmaller", "IncrVacuum", "IsNullOrType", "Le", "Lt", "Ne", "Next", "NoConflict",
    "NotExists", "Once", "Prev", "Program", "RowSetRead", "RowSetTest", "SeekGE",
    "SeekGT", "SeekLE", "SeekLT", "SeekRowid", "SeekScan", "SequenceTest", "SorterNext",
    "VFilter", "VNext",
)  # fmt: skip

TURNS: Mapping[str, Turn] = {
    **dict.fromkeys(JUMPS_OR_NOT, _both),
    **dict.fromkeys(("Init", "Goto", "FkIfZero"), _goto),
    **dict.fromkeys(("Rewind", "Last", "Sort", "SorterSort"), _rewind),
    "MustBeInt": _must_be_int,
    "Jump": _jump,
    "ResultRow": _result_row,
    "Halt": _halt,
    "Gosub": _gosub,
    "Return": _return,
    "InitCoroutine": _init_coroutine,
    "Yield": _yield,
    "EndCoroutine": _end_coroutine,
    "If": _if,
    "IfPos": _if_positive,
    "IsNull": _is_null_since_0_9,
    "NotNull": _not_null,
}
TURNS_OF_0_8: Mapping[str, Turn] = {**TURNS, "IsNull": _is_null_of_0_8}
