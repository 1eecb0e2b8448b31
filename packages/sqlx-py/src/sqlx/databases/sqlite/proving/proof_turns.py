"""Where a program may go from an instruction, for the proof: a table of opcodes.

A way that cannot be taken is left out only when that is certain. A cursor that looks
for a row stands on it one way and on none the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from sqlx.databases.sqlite.proving.proof_state import UNKNOWN, Known, State, Unproved
from sqlx.databases.sqlite.proving.proof_values import (
    ANYTHING,
    AS_TEXT,
    INTEGER,
    MAY_BE_NULL,
    NO_ROW,
    null,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlx.databases.sqlite.describing.listing import Instruction, Program
    from sqlx.databases.sqlite.proving.proof_cursors import Cursors

__all__ = ["TURNS", "Place", "Ways"]


class Place(NamedTuple):
    """An instruction's surroundings.

    Args:
        pc: Its address.
        program: The main program.
        cursors: What is read.
        once: The bit of a `Once`; 0 where they are not told apart.
        ways: Where it may lead from here, when nothing is known.
    """

    pc: int
    program: Program
    cursors: Cursors
    once: int
    ways: tuple[int, ...]


Ways: TypeAlias = "Sequence[tuple[int, State]]"
Turn: TypeAlias = "Callable[[State, Instruction, Place], Ways]"


def _goto(state: State, op: Instruction, _: Place) -> Ways:
    return ((op.p2, state),)


def _halt(_: State, __: Instruction, ___: Place) -> Ways:
    return ()


def _both(state: State, op: Instruction, at: Place) -> Ways:
    return ((op.p2, state.copy()), (at.pc + 1, state))


def _jump(state: State, op: Instruction, _: Place) -> Ways:
    """Go three ways: less, equal, greater."""
    unequal = ((op.p1, state.copy()), (op.p3, state.copy()))
    return unequal if state.differs else (*unequal, (op.p2, state))


# Cursors


def _rewind(state: State, op: Instruction, at: Place) -> Ways:
    """Go to the first row, if there is one."""
    if op.p2 and state.empty & at.cursors.bit(op.p1):
        return ((op.p2, state.stand(op.p1, NO_ROW)),)
    return _seek_surely(state, op, at)


def _seek_surely(state: State, op: Instruction, at: Place) -> Ways:
    """Jump when there is no row; with no place to jump to, SQLite is sure of one."""
    return _seek(state, op, at) if op.p2 else ((at.pc + 1, state.stand(op.p1)),)


def _seek_near(state: State, op: Instruction, at: Place) -> Ways:
    """Seek by a key in p3, which may be made a number: a text may be none any more."""
    value = state.value(op.p3)
    if isinstance(value, int) and value & AS_TEXT:
        state.put(op.p3, value | ANYTHING)
    return _seek(state, op, at)


def _seek(state: State, op: Instruction, at: Place) -> Ways:
    """Jump when there is no such row; with no place to jump to, go on without one."""
    if op.p2 == 0:
        return ((at.pc + 1, state.stand(op.p1, NO_ROW)),)
    missed = state.copy().stand(op.p1, NO_ROW)
    return ((op.p2, missed), (at.pc + 1, state.stand(op.p1)))


def _find(state: State, op: Instruction, at: Place) -> Ways:
    """Jump when there is such a row."""
    found = state.copy().stand(op.p1)
    return ((op.p2, found), (at.pc + 1, state.stand(op.p1, NO_ROW)))


def _no_hope(state: State, op: Instruction, at: Place) -> Ways:
    missed = state.copy().stand(op.p1, NO_ROW)
    return ((op.p2, missed), (at.pc + 1, state))


def _seek_scan(state: State, op: Instruction, at: Place) -> Ways:
    """Find the row nearby, see that there is none, or leave it to the SeekGE below."""
    seek = at.program[at.pc + 1]
    found = state.copy().stand(seek.p1)
    missed = state.copy().stand(seek.p1, NO_ROW)
    return ((op.p2, found), (seek.p2, missed), (at.pc + 1, state))


def _if_null_row(state: State, op: Instruction, at: Place) -> Ways:
    doubt = state.no_row(op.p1)
    if not doubt:
        return ((at.pc + 1, state),)
    without = state.copy()
    without.put(op.p3, null(doubt), known=None)
    return ((op.p2, without), (at.pc + 1, state))


def _read_row_set(state: State, op: Instruction, at: Place) -> Ways:
    ended = state.copy()
    state.put(op.p3, INTEGER)
    return ((op.p2, ended), (at.pc + 1, state))


# Values


def _is_null(state: State, op: Instruction, at: Place) -> Ways:
    null_way, other_way = _by_null(state, op)
    ways = [(op.p2, s) for s in null_way]
    return [*ways, *((at.pc + 1, s) for s in other_way)]


def _not_null(state: State, op: Instruction, at: Place) -> Ways:
    null_way, other_way = _by_null(state, op)
    ways = [(op.p2, s) for s in other_way]
    return [*ways, *((at.pc + 1, s) for s in null_way)]


def _by_null(state: State, op: Instruction) -> tuple[list[State], list[State]]:
    """Part a state in two: where p1 is NULL, and where it is not."""
    if not state.doubts(op.p1) & MAY_BE_NULL:
        return [], [state]
    if _known(state, op) is None:
        return [state], []
    other = state.copy()
    other.put(op.p1, state.doubts(op.p1) & ANYTHING)
    return [state], [other]


def _not_equal(state: State, op: Instruction, at: Place) -> Ways:
    """Jump when two registers differ; two that are known to be 1 do not."""
    one, other = (state.known.get(r, UNKNOWN) for r in (op.p1, op.p3))
    if one == other == 1:
        return ((at.pc + 1, state),)
    return _both(state, op, at)


def _must_be_int(state: State, op: Instruction, at: Place) -> Ways:
    ways = [(op.p2, state.copy())] if op.p2 else []
    state.put(op.p1, INTEGER)
    return [*ways, (at.pc + 1, state)]


def _if(state: State, op: Instruction, at: Place) -> Ways:
    """Jump when p1 is true; NULL jumps when p3 is set."""
    known = _known(state, op)
    if known == UNKNOWN:
        return _both(state, op, at)
    jumps = op.p3 if known is None else known
    return ((op.p2 if jumps else at.pc + 1, state),)


def _if_not(state: State, op: Instruction, at: Place) -> Ways:
    known = _known(state, op)
    if known == UNKNOWN:
        return _both(state, op, at)
    jumps = op.p3 if known is None else not known
    return ((op.p2 if jumps else at.pc + 1, state),)


def _if_positive(state: State, op: Instruction, at: Place) -> Ways:
    """Jump, and take p3 off, when p1 is positive."""
    return _counts(state, op, at, jumps=lambda n: n > 0, changes=op.p3 != 0)


def _if_not_zero(state: State, op: Instruction, at: Place) -> Ways:
    """Jump, and count down, when p1 is not 0."""
    return _counts(state, op, at, jumps=lambda n: n != 0, changes=True)


def _count_down(state: State, op: Instruction, at: Place) -> Ways:
    """Count down, and jump at 0: that is certain from 1 alone."""
    known = _known(state, op)
    state.put(op.p1, INTEGER)
    return ((op.p2, state),) if known == 1 else _both(state, op, at)


def _counts(
    state: State,
    op: Instruction,
    at: Place,
    *,
    jumps: Callable[[int], bool],
    changes: bool,
) -> Ways:
    known = _known(state, op)
    certain = known is not None and known != UNKNOWN
    if certain and not jumps(known or 0):
        return ((at.pc + 1, state),)
    below = () if certain else ((at.pc + 1, state.copy()),)
    if changes:
        state.put(op.p1, INTEGER)
    return ((op.p2, state), *below)


def _known(state: State, op: Instruction) -> Known:
    return state.known.get(op.p1, UNKNOWN)


# Subroutines and coroutines: they return to who called, or to all who call


def _once(state: State, op: Instruction, at: Place) -> Ways:
    """Jump but for the first time."""
    if not at.once or state.doubtful & at.once:
        return _both(state, op, at)
    if state.fired & at.once:
        return ((op.p2, state),)
    state.fired |= at.once
    return ((at.pc + 1, state),)


def _gosub(state: State, op: Instruction, at: Place) -> Ways:
    state.put(op.p1, INTEGER, known=at.pc)
    return ((op.p2, state),)


def _return(state: State, op: Instruction, at: Place) -> Ways:
    """Go behind the caller; without a caller, and with p3, straight on."""
    caller = _known(state, op)
    if caller == UNKNOWN:
        return _all_ways(state, at)
    if caller is None and not op.p3:
        raise Unproved
    return ((at.pc + 1 if caller is None else caller + 1, state),)


def _init_coroutine(state: State, op: Instruction, at: Place) -> Ways:
    state.put(op.p1, INTEGER, known=op.p3 - 1)
    return ((op.p2 or at.pc + 1, state),)


def _yield(state: State, op: Instruction, at: Place) -> Ways:
    other = _known(state, op)
    state.put(op.p1, INTEGER, known=at.pc)
    if other == UNKNOWN:
        return _all_ways(state, at)
    if other is None:
        raise Unproved
    return ((other + 1, state),)


def _end_coroutine(state: State, op: Instruction, at: Place) -> Ways:
    caller = _known(state, op)
    state.put(op.p1, INTEGER, known=at.pc - 1)
    if caller == UNKNOWN:
        return _all_ways(state, at)
    if caller is None:
        raise Unproved
    return ((at.program[caller].p2, state),)


def _all_ways(state: State, at: Place) -> Ways:
    return [(to, state.copy()) for to in at.ways]


def _trigger(state: State, op: Instruction, at: Place) -> Ways:
    """Run a trigger: it has registers of its own, but may delete the row under us."""
    state.lose(at.cursors.of_database())
    state.put(op.p3, ANYTHING)
    return _both(state, op, at) if op.p2 else ((at.pc + 1, state),)


JUMPS_OR_NOT = (
    "ElseEq", "Eq", "Filter", "FkIfZero", "Ge", "Gt", "IdxGE", "IdxGT", "IdxLE",
    "IdxLT", "IfEmpty", "IfNotOpen", "IfSizeBetween", "IsType", "Le", "Lt",
    "RowSetTest", "SequenceTest", "SorterCompare", "VFilter", "VNext",
)  # fmt: skip

TURNS: Mapping[str, Turn] = {
    **dict.fromkeys(JUMPS_OR_NOT, _both),
    **dict.fromkeys(("Init", "Goto"), _goto),
    **dict.fromkeys(("SeekGE", "SeekGT", "SeekLE", "SeekLT"), _seek_near),
    **dict.fromkeys(("Rewind", "Sort", "SorterSort"), _rewind),
    **dict.fromkeys(("SeekRowid", "NotExists"), _seek_surely),
    **dict.fromkeys(("Last", "NotFound", "NoConflict"), _seek),
    **dict.fromkeys(("Next", "Prev", "SorterNext", "Found"), _find),
    "DecrJumpZero": _count_down,
    "EndCoroutine": _end_coroutine,
    "Gosub": _gosub,
    "Halt": _halt,
    "If": _if,
    "IfNoHope": _no_hope,
    "IfNot": _if_not,
    "IfNotZero": _if_not_zero,
    "IfNullRow": _if_null_row,
    "IfPos": _if_positive,
    "InitCoroutine": _init_coroutine,
    "IsNull": _is_null,
    "Jump": _jump,
    "MustBeInt": _must_be_int,
    "Ne": _not_equal,
    "NotNull": _not_null,
    "Once": _once,
    "Program": _trigger,
    "Return": _return,
    "RowSetRead": _read_row_set,
    "SeekScan": _seek_scan,
    "Yield": _yield,
}
