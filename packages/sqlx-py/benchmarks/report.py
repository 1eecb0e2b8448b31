"""Figures that were measured, as a table and as JSON."""

from __future__ import annotations

import platform
from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Figures", "as_json", "as_markdown"]

Pair: TypeAlias = tuple[float, float]
"""The seconds of a tool, and of the limit right before it."""


@dataclass
class Figures:
    """What was measured on one server, by tool.

    Args:
        server: Its name.
        limit: The name of the tool that ratios are to.
    """

    server: str
    limit: str
    pairs: dict[tuple[str, str], dict[str, list[Pair]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    counts: dict[str, dict[tuple[str, str], float]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    load: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def time(
        self, where: str, name: str, tool: str, seconds: float, limit: float
    ) -> None:
        """Note one pair."""
        self.pairs[where, name][tool].append((seconds, limit))

    def count(self, tool: str, act: str, what: str, number: float) -> None:
        """Note what was counted."""
        self.counts[tool][act, what] = number


def as_markdown(figures: Figures) -> str:
    """Write the tables."""
    load = ", ".join(f"{value:.1f}" for value in figures.load)
    python = platform.python_version()
    lines = [f"{figures.server}, Python {python}; load at the end {load}.", ""]
    for where, title in (("local", "Local socket"), ("link", "Link of 20 ms")):
        acts = [name for place, name in figures.pairs if place == where]
        if acts:
            lines += [f"{title}: seconds, and the ratio to {figures.limit}", ""]
            lines += table(["tool", *acts], time_rows(figures, where, acts))
    lines += ["Counted with 50 migrations", ""]
    return "\n".join([*lines, *table(COLUMNS, count_rows(figures))])


COLUMNS = [
    "tool",
    *(
        f"{what}, {act}"
        for what in ("round trips", "flushes", "memory MB")
        for act in ("fresh", "no-op", "info")
    ),
]


def table(head: list[str], rows: Iterable[list[str]]) -> list[str]:
    """Write a table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines] + [""]


def time_rows(figures: Figures, where: str, acts: list[str]) -> Iterable[list[str]]:
    """A row for the limit, and one for each tool."""
    found = [figures.pairs[where, act] for act in acts]
    limits = [
        [limit for pairs in each.values() for _, limit in pairs] for each in found
    ]
    yield [figures.limit, *(f"{shown(median(limit))} (1.00)" for limit in limits)]
    for tool in dict.fromkeys(tool for each in found for tool in each):
        yield [tool, *(cell(each.get(tool, [])) for each in found)]


def cell(pairs: list[Pair]) -> str:
    """Show the median time and the median ratio, with the spread of the ratio."""
    if not pairs:
        return "-"
    ratios = sorted(seconds / limit for seconds, limit in pairs)
    spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
    seconds = shown(median(seconds for seconds, _ in pairs))
    return f"{seconds} (**{median(ratios):.2f}**, {spread})"


def shown(seconds: float) -> str:
    """Show a time."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def count_rows(figures: Figures) -> Iterable[list[str]]:
    """A row for each tool."""
    for tool, counts in figures.counts.items():
        row = [tool]
        for what in ("round trips", "flushes", "memory"):
            for act in ("fresh", "no-op", "info"):
                number = counts.get((act, what))
                row.append("-" if number is None else f"{number:g}")
        yield row


def as_json(figures: Figures) -> dict[str, object]:
    """Give all that was measured, for machines."""
    return {
        "server": figures.server,
        "python": platform.python_version(),
        "load": figures.load,
        "seconds": [
            {"where": where, "what": name, "tool": tool, "pairs": pairs}
            for (where, name), tools in figures.pairs.items()
            for tool, pairs in tools.items()
        ],
        "counts": [
            {"tool": tool, "act": act, "what": what, "number": number}
            for tool, counts in figures.counts.items()
            for (act, what), number in counts.items()
        ],
    }
