"""Prove that a query's columns are never NULL, from the program that SQLite would run.

Theory of operation: a data-flow analysis that is sound. For every instruction it keeps
the doubts about every register there, on whatever path; where paths meet, doubts are
put together; this is repeated until there is nothing new. What registers hold that
steer the program (the flags of a GROUP BY, where a subroutine returns to, which `Once`
were passed) is kept apart: there each combination has a state of its own. A column is
not NULL when no doubt has come to any row that is put out.

The program was made for a scratch database, and the planner may choose another one when
there is data. That does not matter: both give the same rows for the same data, and what
is proved here holds for this one on any data.

What is not known is not proved: an opcode, a function, a virtual table, a program that
branches too much. Left out is what SQLite calls undefined: rows deleted by the caller
while a query reads them, and a schema or file that was tampered with.
"""

from __future__ import annotations

import re
from enum import Enum
from heapq import heappop, heappush
from typing import TYPE_CHECKING, TypeAlias

from sqlx.databases.sqlite.proving.proof_cursors import Cursors, Unfilled
from sqlx.databases.sqlite.proving.proof_effects import EFFECTS, INSERTS
from sqlx.databases.sqlite.proving.proof_state import State, Unproved
from sqlx.databases.sqlite.proving.proof_steering import (
    RETURNS,
    alive,
    meetings,
    tested,
    ways,
)
from sqlx.databases.sqlite.proving.proof_turns import TURNS, Place
from sqlx.databases.sqlite.proving.proof_values import (
    UNPROVED,
    Value,
    joined,
    null,
    nullability,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlx.databases.sqlite.describing.listing import Instruction, Program
    from sqlx.databases.sqlite.describing.stored import Stored
    from sqlx.queries.values import Nullability

__all__ = ["prove", "values_of"]

READS_DATA = re.compile(
    r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*"
    r"(?:SELECT|WITH|VALUES|INSERT|REPLACE|UPDATE|DELETE)\b",
    re.IGNORECASE | re.DOTALL,
)
"""A PRAGMA's rows, and EXPLAIN's, stand in its program as they are today."""


def prove(
    sql: str, program: Program, stored: Stored, columns: int
) -> tuple[Nullability, ...]:
    """Say which columns of a result may be NULL, on any data; see `values_of`."""
    return tuple(map(nullability, values_of(sql, program, stored, columns)))


def values_of(
    sql: str, program: Program, stored: Stored, columns: int
) -> tuple[Value, ...]:
    """Say what the columns of a result can be, on any data.

    Args:
        sql: One statement.
        program: All that `EXPLAIN` lists of it.
        stored: What the database's b-trees hold.
        columns: How many the result has.
    """
    unproved = (null(UNPROVED),) * columns
    if not program or READS_DATA.match(sql) is None:
        return unproved
    main = _main(program)
    for effort in _Effort:
        try:
            row = _Flow(main, stored, effort).row()
        except _TooMany:
            continue
        except Unproved:
            break
        return row or unproved
    return unproved


_Key: TypeAlias = tuple[int, tuple[int, ...]]
"""An address, and what the registers hold that steer the program from there."""


class _Effort(Enum):
    """What is told apart, tried in this order until it is not too much."""

    ALL = "flags, `Once`, and where subroutines return to"
    NONE = "nothing: a subroutine returns to all who call it"


MOST_FOLLOWED = {_Effort.ALL: 4_000, _Effort.NONE: 20_000}
"""Stretches of program that are followed, each until paths part or meet."""


class _TooMany(Exception):
    """There are more states than it is worth."""


def _main(program: Program) -> Program:
    """Take the main program; those of triggers begin at 0 again."""
    ends = (i for i, op in enumerate(program) if i and op.address == 0)
    return program[: next(ends, len(program))]


class _Flow:
    """The states of one program.

    Args:
        program: The main program.
        stored: What the database's b-trees hold.
        effort: What is told apart.
    """

    def __init__(self, program: Program, stored: Stored, effort: _Effort) -> None:
        self._program, self._effort = program, effort
        self._returns = frozenset(op.p1 for op in program if op.opcode in RETURNS)
        steering = frozenset[int]() if effort is _Effort.NONE else tested(program)
        if effort is _Effort.ALL:
            steering |= self._returns
        self._steering = tuple(sorted(steering))
        self._ways = ways(program)
        self._once = {} if effort is _Effort.NONE else _once(program, self._steering)
        self._alive = alive(program, self._steering, self._once, self._ways)
        self._meetings = meetings(program)
        self._cursors = Cursors(program, stored)
        self._states: dict[_Key, State] = {}
        self._pending: list[_Key] = []
        self._waiting: set[_Key] = set()
        self._readers: dict[int, set[_Key]] = {}
        self._row: tuple[Value, ...] = ()

    def row(self) -> tuple[Value, ...]:
        """Give the doubts about each column; nothing when no row is ever put out.

        Raises:
            Unproved: There is something that is not known.
            _TooMany: It branches too much.
        """
        self._arrive(0, State(self._steering, self._returns))
        while self._pending:
            for _ in range(MOST_FOLLOWED[self._effort]):
                key = heappop(self._pending)
                self._waiting.discard(key)
                self._follow(key, self._states[key].copy())
                if not self._pending:
                    break
            else:
                raise _TooMany
            self._fill()
        return self._row

    def _arrive(self, pc: int, state: State) -> None:
        """Bring a state to an instruction; what is news there will be followed."""
        key = (pc, state.forget_but(self._alive[pc]))
        found = self._states.get(key)
        if found is None:
            self._states[key] = state
            self._wait(key)
        elif found.absorb(state):
            self._wait(key)

    def _wait(self, key: _Key) -> None:
        if key not in self._waiting:
            self._waiting.add(key)
            heappush(self._pending, key)

    def _follow(self, key: _Key, state: State) -> None:
        """Carry instructions out up to the next place where paths part or meet."""
        pc = key[0]
        while pc < len(self._program):
            op = self._program[pc]
            turn = TURNS.get(op.opcode)
            if turn is not None:
                place = Place(
                    pc,
                    self._program,
                    self._cursors,
                    self._once.get(pc, 0),
                    self._ways[pc],
                )
                for to, other in turn(state, op, place):
                    self._arrive(to, other)
                return
            try:
                self._apply(key, state, op)
            except Unfilled:
                return
            pc += 1
            if pc in self._meetings:
                self._arrive(pc, state)
                return

    def _apply(self, key: _Key, state: State, op: Instruction) -> None:
        """Carry one instruction out.

        Raises:
            Unfilled: It reads what nothing was put into yet.
            Unproved: It is not known.
        """
        if op.opcode == "ResultRow":
            self._put_out(state, op)
        elif op.opcode in INSERTS:
            news = self._cursors.insert(op.p1, state.value(op.p2))
            state.empty &= ~self._cursors.bit(op.p1)
            for reader in self._readers.get(-1 if news is None else news, ()):
                self._wait(reader)
        elif op.opcode in EFFECTS:
            self._note_reader(key, op)
            EFFECTS[op.opcode](state, op, self._cursors)
        else:
            raise Unproved(op.opcode)

    def _note_reader(self, key: _Key, op: Instruction) -> None:
        if op.opcode in {"Column", "RowData", "SorterData"}:
            group = self._cursors.group(op.p1)
            if group is not None:
                self._readers.setdefault(group, set()).add(key)

    def _put_out(self, state: State, op: Instruction) -> None:
        row = tuple(map(state.value, range(op.p1, op.p1 + op.p2)))
        known = self._row or row
        self._row = tuple(map(joined, known, row))

    def _fill(self) -> None:
        """Doubt all in a table that is read and never filled: an insert was missed."""
        for group, readers in self._readers.items():
            if self._cursors.fill(group):
                for reader in readers:
                    self._wait(reader)


def _once(program: Program, steering: Sequence[int]) -> dict[int, int]:
    """Give each `Once` a bit, above those of the registers."""
    found = (pc for pc, op in enumerate(program) if op.opcode == "Once")
    return {pc: 2 << max(steering, default=0) + i for i, pc in enumerate(found)}
