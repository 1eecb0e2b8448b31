"""SQLx's guess at a query's types and NULLs, from the program that SQLite would run.

Theory of operation: every path through the program is walked, depth first, with guesses
in place of values; the rows put out on the way are put together at the end. A path ends
at an instruction that it has passed three times, or in a state that was seen before;
all paths together end after 100,000 instructions. It is a guess: no more of the program
is looked at, and an instruction that is not known is passed over. What can be proved is
in `proof`; this is for the bytes of `.sqlx/`, mistakes included.

Source:
    SQLx `sqlx-sqlite/src/connection/explain.rs`, 0.8.6 and 0.9.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlx.databases.sqlite.describing import words
from sqlx.databases.sqlite.describing.bytecode_effects import (
    EFFECTS,
    EFFECTS_SINCE_0_9,
    Roots,
    open_root,
)
from sqlx.databases.sqlite.describing.bytecode_memory import (
    UNKNOWN,
    Guess,
    Memory,
    Record,
)
from sqlx.databases.sqlite.describing.bytecode_turns import TURNS, TURNS_OF_0_8, Path
from sqlx.queries.values import SqlxVersion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlx.databases.sqlite.describing.listing import Instruction, Program

__all__ = ["Guess", "Record", "Roots", "interpret"]

MOST_VISITS = 3
MOST_INSTRUCTIONS = 100_000


def interpret(
    program: Program, roots: Roots, version: SqlxVersion
) -> tuple[Guess, ...]:
    """Guess at the columns of a program's result, as SQLx does.

    Args:
        program: All that `EXPLAIN` lists, the programs of triggers included.
        roots: Columns by number of the database and root page.
        version: The SQLx whose rules are followed.

    Returns:
        A guess a column; none when no path puts out a row.
    """
    walk = _Walk(program, roots, version)
    walk.run()
    return _together(walk.rows)


class _Walk:
    """All paths through one program."""

    def __init__(self, program: Program, roots: Roots, version: SqlxVersion) -> None:
        is_0_8 = version is SqlxVersion.V0_8
        self.rows: list[tuple[Guess | Record, ...]] = []
        self._program, self._roots = program, roots
        self._effects = EFFECTS if is_0_8 else {**EFFECTS, **EFFECTS_SINCE_0_9}
        self._turns = TURNS_OF_0_8 if is_0_8 else TURNS
        self._pending = [Path(program, Memory(), bytearray(len(program)))]
        self._seen: set[Memory] = set()
        self._left = MOST_INSTRUCTIONS

    def run(self) -> None:
        """Walk every path, the newest first."""
        while self._pending:
            path = self._pending.pop()
            self._follow(path._replace(memory=path.memory.copy()))

    def _follow(self, path: Path) -> None:
        memory, program, visits = path.memory, self._program, path.visits
        while memory.pc < len(program):
            if not self._left:
                return
            self._left -= 1
            if visits[memory.pc] == MOST_VISITS:
                return
            visits[memory.pc] += 1
            after = self._carry_out(path, program[memory.pc])
            if after is None:
                return
            memory.pc = after

    def _carry_out(self, path: Path, op: Instruction) -> int | None:
        """Do one instruction; give the next one's address, None where the path ends."""
        turn = self._turns.get(op.opcode)
        if turn is None:
            self._apply(path.memory, op)
            return path.after
        if op.opcode == "ResultRow":
            row = range(op.p1, op.p1 + op.p2)
            self.rows.append(tuple(path.memory.guess(r) for r in row))
        to, forks = turn(path, op)
        for memory in forks:
            self._keep(memory, path.visits)
        return to

    def _apply(self, memory: Memory, op: Instruction) -> None:
        effect = self._effects.get(op.opcode)
        if effect is not None:
            effect(memory, op)
        elif op.opcode in {"OpenRead", "OpenWrite"}:
            open_root(memory, op, self._roots)

    def _keep(self, memory: Memory, visits: bytearray) -> None:
        """Keep a path for later, unless its state was seen."""
        if memory not in self._seen:
            self._seen.add(memory)
            self._pending.append(Path(self._program, memory, visits[:]))


def _together(rows: Sequence[tuple[Guess | Record, ...]]) -> tuple[Guess, ...]:
    """Put rows together: the row found last has the first say about types."""
    found: list[Guess] = []
    for row in reversed(rows):
        for i, value in enumerate(row):
            this = value if isinstance(value, Guess) else UNKNOWN
            if i == len(found):
                found.append(this)
            else:
                found[i] = _joined(found[i], this)
    return tuple(found)


def _joined(one: Guess, other: Guess) -> Guess:
    word = other.word if one.word == words.NULL else one.word
    known = [n for n in (one.nullable, other.nullable) if n is not None]
    return Guess(word, any(known) if known else None)
