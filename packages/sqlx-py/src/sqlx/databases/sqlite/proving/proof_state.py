"""The state of a program at an instruction, as the proof sees it."""

from __future__ import annotations

from operator import or_
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from sqlx.databases.sqlite.proving.proof_values import (
    NO_ROW,
    Value,
    doubts,
    joined,
    null,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["UNKNOWN", "Known", "State", "Unproved"]

Known: TypeAlias = "int | None"
"""What a register that steers the program holds: an integer, or None for NULL."""
UNKNOWN = 1 << 62
"""It may hold anything; no instruction has this number."""
NULL = -1 << 62
UNSET = null(NO_ROW)
"""A register that was not written; so SQLite begins."""
T = TypeVar("T")


class Unproved(Exception):
    """The program does something that is not known here."""


class State:
    """What is known where a path stands.

    Args:
        steering: The registers whose values steer the program.
        returns: Those of them that hold where to return to, which only calls may write.
    """

    __slots__ = (
        "_behind",
        "_registers",
        "_rows",
        "differs",
        "doubtful",
        "empty",
        "fired",
        "known",
        "returns",
        "skips",
    )

    def __init__(
        self, steering: Iterable[int] = (), returns: frozenset[int] = frozenset()
    ) -> None:
        self.returns = returns
        self.known: dict[int, Known] = dict.fromkeys(steering)
        self.fired = 0  # bits of the `Once` that were passed
        self.doubtful = 0  # and of those of which that was forgotten
        self.empty = 0  # bits of the program's own tables that surely hold nothing
        self.differs = False  # the rows that were just compared surely do
        self.skips = 0  # the register that the step below may set
        self._registers: dict[int, Value] = {}
        self._rows: dict[int, int] = {}
        self._behind: dict[int, frozenset[int]] = {}

    def copy(self) -> State:
        """Copy it for another path."""
        twin = State(returns=self.returns)
        twin.known = self.known.copy()
        twin.fired, twin.doubtful = self.fired, self.doubtful
        twin.empty = self.empty
        twin._registers = self._registers.copy()
        twin._rows = self._rows.copy()
        twin._behind = self._behind.copy()
        return twin

    def value(self, register: int) -> Value:
        """Read a register."""
        return self._registers.get(register, UNSET)

    def doubts(self, register: int) -> int:
        """Read the doubts about what a register holds."""
        return doubts(self._registers.get(register, UNSET))

    def is_null(self, register: int) -> bool:
        """Tell whether a register that steers the program surely holds NULL."""
        return self.known.get(register, UNKNOWN) is None

    def put(self, register: int, value: Value, known: Known = UNKNOWN) -> None:
        """Write a register.

        Raises:
            Unproved: Something that is no address is put where a subroutine returns to.
        """
        self._registers[register] = value
        if register in self.known:
            self.known[register] = known
        if known == UNKNOWN and register in self.returns:
            raise Unproved

    def stand(self, cursor: int, doubt: int = 0) -> State:
        """Note that a cursor was moved: onto a row, or why perhaps onto none."""
        self._rows[cursor] = doubt
        self._behind.pop(cursor, None)
        return self

    def follow(self, cursor: int, index: int) -> None:
        """Note that a table's cursor follows an index's, and may read from there."""
        self._rows[cursor] = self._rows.get(index, NO_ROW)
        self._behind[cursor] = frozenset({index})

    def lose(self, cursors: Iterable[int]) -> None:
        """Note that the row under each of these cursors may be gone."""
        for cursor in cursors:
            self._rows[cursor] = self._rows.get(cursor, NO_ROW) | NO_ROW

    def no_row(self, cursor: int) -> int:
        """Tell why a cursor may read from no row, where all is NULL; 0: it cannot."""
        doubt = self._rows.get(cursor, NO_ROW)
        for index in self._behind.get(cursor, ()):
            doubt |= self._rows.get(index, NO_ROW)
        return doubt

    def forget_but(self, alive: int) -> tuple[int, ...]:
        """Forget what steers nothing from here on; give the rest, for telling apart.

        Args:
            alive: The bits of registers and of `Once` that are kept.
        """
        for register in self.known:
            if not alive >> register & 1:
                self.known[register] = UNKNOWN
        self.doubtful |= self.fired & ~alive
        self.fired &= alive
        known = [NULL if v is None else v for v in self.known.values()]
        return (*known, self.fired, self.empty)

    def absorb(self, other: State) -> bool:
        """Take another state's doubts in; tell whether there were new ones."""
        before = self._registers, self._rows, self._behind, self.doubtful
        self.doubtful |= other.doubtful
        self._registers = _merged(before[0], other._registers, UNSET, joined)
        self._rows = _merged(before[1], other._rows, NO_ROW, or_)
        self._behind = _merged(before[2], other._behind, frozenset(), or_)
        return before != (self._registers, self._rows, self._behind, self.doubtful)


def _merged(
    mine: dict[int, T], others: dict[int, T], unset: T, join: Callable[[T, T], T]
) -> dict[int, T]:
    different = mine.items() ^ others.items()
    if not different:
        return mine
    merged = mine.copy()
    for key, _ in different:
        merged[key] = join(mine.get(key, unset), others.get(key, unset))
    return merged
