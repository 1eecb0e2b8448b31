"""A call by hand and ours, measured in turns.

A round calls one of the two many times; the ratio is that of two rounds right after
each other, and the median over all pairs is told.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias

__all__ = ["PEOPLE", "Duel", "User", "duel", "duel_async"]

PEOPLE = 1000

Call: TypeAlias = Callable[[int], object]
AsyncCall: TypeAlias = Callable[[int], Awaitable[object]]
Seconds: TypeAlias = tuple[float, float]
"""Of the clock, and of this process's processor."""


@dataclass(frozen=True, slots=True)
class User:
    """A row."""

    id: int
    email: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Duel:
    """What was measured: seconds of one call, by hand and checked, round by round."""

    name: str
    hand: list[Seconds]
    ours: list[Seconds]

    def line(self) -> str:
        """Write a row of the table."""
        cells = [self.name]
        for at in (0, 1):
            pairs = [(h[at], o[at]) for h, o in zip(self.hand, self.ours, strict=True)]
            ratio = median(ours / hand for hand, ours in pairs)
            hand, ours = (median(pair[side] for pair in pairs) * 1e6 for side in (0, 1))
            cells.append(f"{hand:.2f} | {ours:.2f} | **{ratio:.3f}**")
        return f"| {' | '.join(cells)} |"


def duel(name: str, hand: Call, ours: Call, rounds: int, calls: int) -> Duel:
    """Measure both, round by round, and who begins takes turns."""

    def measured(call: Call) -> Seconds:
        clock, cpu = time.perf_counter(), time.process_time()
        for key in range(calls):
            call(key % PEOPLE)
        spent = time.perf_counter() - clock, time.process_time() - cpu
        return spent[0] / calls, spent[1] / calls

    found = Duel(name, [], [])
    sides = [(hand, found.hand), (ours, found.ours)]
    for number in range(rounds + 1):
        for call, times in sides if number % 2 else sides[::-1]:
            times.append(measured(call))
    return Duel(name, found.hand[1:], found.ours[1:])  # The first round compiles.


async def duel_async(
    name: str, hand: AsyncCall, ours: AsyncCall, rounds: int, calls: int
) -> Duel:
    """Measure both, round by round, and who begins takes turns."""

    async def measured(call: AsyncCall) -> Seconds:
        clock, cpu = time.perf_counter(), time.process_time()
        for key in range(calls):
            await call(key % PEOPLE)
        spent = time.perf_counter() - clock, time.process_time() - cpu
        return spent[0] / calls, spent[1] / calls

    found = Duel(name, [], [])
    sides = [(hand, found.hand), (ours, found.ours)]
    for number in range(rounds + 1):
        for call, times in sides if number % 2 else sides[::-1]:
            times.append(await measured(call))
    return Duel(name, found.hand[1:], found.ours[1:])
