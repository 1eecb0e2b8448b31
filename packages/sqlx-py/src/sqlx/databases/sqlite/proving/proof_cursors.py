"""What a program's cursors read, whatever its order: the proof's tables.

The database's own tables hold what their columns allow. The program's own, which sort
and keep rows, hold any of the rows that it ever puts in: the doubts of all of them are
put together, and when a row brings a new doubt, all who read there read again.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from sqlx.databases.sqlite.proving.proof_values import (
    ANYTHING,
    COLUMN,
    INTEGER,
    UNPROVED,
    VIRTUAL,
    Value,
    joined,
    null,
    only_null,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlx.databases.sqlite.describing.listing import Program
    from sqlx.databases.sqlite.describing.stored import Stored
    from sqlx.databases.sqlite.proving.proof_state import State

__all__ = ["Cursors", "Unfilled"]

TREES = frozenset({"OpenRead", "OpenWrite", "ReopenIdx"})
OWN = frozenset({"OpenEphemeral", "OpenAutoindex", "SorterOpen"})
WINDOW_DUPLICATES = 3
ROOT_IN_REGISTER = 0x10  # in p5 of OpenRead


class Unfilled(Exception):
    """No row is known yet of the table that is read: the path waits."""


class _Source(NamedTuple):
    """All that one cursor is ever opened on."""

    trees: frozenset[tuple[int, int]]
    registers: frozenset[int]  # whose row it reads
    group: int | None  # the program's own table
    is_other: bool  # a virtual table, or what is not known

    @property
    def is_pseudo(self) -> bool:
        """Whether it reads a register, and nothing else ever."""
        only = not self.trees and self.group is None and not self.is_other
        return only and bool(self.registers)


class Cursors:
    """What cursors read.

    Args:
        program: The main program.
        stored: What the database's b-trees hold.
    """

    def __init__(self, program: Program, stored: Stored) -> None:
        self._stored = stored
        groups = _groups(program)
        opened = {op.p1 for op in program if op.opcode in TREES or op.p1 in groups}
        opened |= {op.p1 for op in program if op.opcode in {"OpenPseudo", "VOpen"}}
        self._sources = {c: _source(program, c, groups.get(c)) for c in opened}
        self._contents: dict[int, Value] = {}
        self._cleared = set(_cleared(program))
        self._windows = set(_windows(program))

    def insert(self, cursor: int, row: Value) -> int | None:
        """Put a row into a table of the program's own; name it when that is news."""
        found = self._sources.get(cursor)
        if found is None or found.group is None:
            return None
        old = self._contents.get(found.group)
        new = row if old is None else joined(old, row)
        self._contents[found.group] = new
        return None if new == old else found.group

    def fill(self, group: int) -> bool:
        """Take it that a table holds anything; tell whether it was unfilled."""
        if group in self._contents:
            return False
        self._contents[group] = null(UNPROVED)
        return True

    def group(self, cursor: int) -> int | None:
        """Name the program's own table under a cursor."""
        found = self._sources.get(cursor)
        return found.group if found else None

    def bit(self, cursor: int) -> int:
        """Give the bit of the program's own table under a cursor, 0 where none is.

        It has one when it surely holds nothing once it was opened.
        """
        group = self.group(cursor)
        return 1 << group if group in self._cleared and group is not None else 0

    def beside(self, cursor: int) -> Iterable[int]:
        """List the cursors whose row may be gone when one deletes a row."""
        group = self.group(cursor)
        return [c for c in self._sources if self.group(c) == group]

    def of_database(self) -> Iterable[int]:
        """List the cursors whose row may be gone when a trigger has run."""
        return [c for c in self._sources if self.group(c) is None]

    def row(self, state: State, cursor: int) -> Value:
        """Read the row under a cursor.

        Raises:
            Unfilled: No row is known to be there.
        """
        found = self._sources.get(cursor)
        if found is None:
            return null(UNPROVED)
        rows = [self._tree_row(tree) for tree in found.trees]
        rows += [state.value(register) for register in found.registers]
        if found.is_other:
            rows.append(null(VIRTUAL))
        if found.group is not None:
            if found.group not in self._contents:
                raise Unfilled
            rows.append(self._contents[found.group])
        return reduce(joined, rows)

    def column(self, state: State, cursor: int, index: int) -> Value:
        """Read a field of the row under a cursor.

        A cursor that reads a register stands on a row always, whatever NullRow says.
        """
        row = self.row(state, cursor)
        if isinstance(row, int):
            return row | null(state.no_row(cursor) or UNPROVED)
        value = row[index] if index < len(row) else null(COLUMN)
        if self._sources[cursor].is_pseudo or self.group(cursor) in self._windows:
            return value
        return _unless_no_row(state, cursor, value)

    def rowid(self, state: State, cursor: int) -> Value:
        """Read the rowid under a cursor."""
        found = self._sources.get(cursor)
        if found is None or found.is_other or found.registers:
            return null(VIRTUAL)
        return _unless_no_row(state, cursor, INTEGER)

    def _tree_row(self, tree: tuple[int, int]) -> Value:
        fields = self._stored.get(tree, ())
        return tuple(ANYTHING if never else null(COLUMN) for never in fields)


def _unless_no_row(state: State, cursor: int, value: Value) -> Value:
    doubt = state.no_row(cursor)
    return joined(value, only_null(doubt)) if doubt else value


def _groups(program: Program) -> dict[int, int]:
    """Number the program's own tables, by cursor: duplicates share one."""
    found = {op.p1: op.p1 for op in program if op.opcode in OWN}
    pairs = [(op.p1, op.p2) for op in program if op.opcode == "OpenDup"]
    for pair in pairs:
        found |= {c: found.get(c, c) for c in pair}
    for one, other in pairs:
        low, high = sorted((found[one], found[other]))
        found = {c: low if g == high else g for c, g in found.items()}
    return found


def _cleared(program: Program) -> Iterable[int]:
    """List the tables that nobody can see as they were before they were opened again.

    Others have a duplicate somewhere that is not renewed there and then.
    """
    groups = _groups(program)
    for number in set(groups.values()):
        opens = [
            i
            for i, op in enumerate(program)
            if op.opcode in {*OWN, "OpenDup"} and groups.get(op.p1) == number
        ]
        if len(opens) == opens[-1] - opens[0] + 1:
            yield number


def _windows(program: Program) -> Iterable[int]:
    """List the tables that window functions are computed in.

    They are opened with three more cursors (`sqlite3WindowCodeInit`). SQLite's code for
    frames reads from them only where there is a row, for reasons that are beyond what
    is followed here. None stands on the missing row of an outer join.
    """
    groups = _groups(program)
    nulled = {groups.get(op.p1) for op in program if op.opcode == "NullRow"}
    for i, op in enumerate(program):
        behind = program[i + 1 : i + 1 + WINDOW_DUPLICATES]
        if op.opcode == "OpenEphemeral" and groups[op.p1] not in nulled:
            same = [o for o in behind if o.opcode == "OpenDup" and o.p2 == op.p1]
            if len(same) == WINDOW_DUPLICATES:
                yield groups[op.p1]


def _source(program: Program, cursor: int, group: int | None) -> _Source:
    opens = [op for op in program if op.p1 == cursor]
    trees = [op for op in opens if op.opcode in TREES]
    pseudo = [op for op in opens if op.opcode == "OpenPseudo"]
    odd = any(op.p5 & ROOT_IN_REGISTER for op in trees if op.opcode != "ReopenIdx")
    odd = odd or any(op.p2 <= 0 for op in pseudo)
    odd = odd or any(op.opcode == "VOpen" for op in opens)
    return _Source(
        frozenset((op.p3, op.p2) for op in trees),
        frozenset(op.p2 for op in pseudo if op.p2 > 0),
        group,
        odd,
    )
