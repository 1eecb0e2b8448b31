"""Documents as the tests read them: fenced blocks, what is typed, what is printed.

In a `console` block, a command stands behind `$ `, or `$? ` when it must fail; lines
behind `> ` continue it. Below it stands what it prints. There, `<name>` is one of
PLACEHOLDERS, `…` alone on a line stands for any lines, and inside a line for any text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from textwrap import dedent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PLACEHOLDERS", "Block", "Entry", "blocks_of", "entries_of", "pattern_of"]

# What differs from run to run.
PLACEHOLDERS = {
    "version": r"20\d{12}",
    "time": r"\d[\d.]*(?:ns|µs|ms|s)",
    "release": r"\d+\.\d+\.\d+(?:\+\d+\.g[0-9a-f]{7})?",
    "name": r"\w+",
    "number": r"\d+",
    "sqlstate": "[0-9A-Z]{5}",
    "key": "smk_[0-9A-Za-z_-]{49}",
    "backup": r"smally-[\w.:+-]+",
    "here": r"/[^\s:]*",
}
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<kind>\S*) *(?P<path>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
LEFT_OUT = re.compile(r"(?m:^…\n)|…|<(\w+)>")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Args:
        kind: The first word after the fence.
        path: The rest of that line: a file's path, or where one types.
        text: What stands inside, without the fence's indentation.
        line: Where it begins, from 1.
    """

    kind: str
    path: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A command of a console block.

    Args:
        command: What is typed; several lines when some are continued.
        expected: What it prints, as it stands there.
        fails: Whether its exit code must not be 0.
    """

    command: str
    expected: str
    fails: bool


def blocks_of(text: str) -> list[Block]:
    """Find the fenced blocks of a document."""
    found = [
        Block(
            match["kind"],
            match["path"],
            dedent(match["text"]),
            text.count("\n", 0, match.start()) + 1,
        )
        for match in FENCE.finditer(text)
    ]
    fences = len(re.findall(r"^ *```", text, re.MULTILINE))
    assert fences == 2 * len(found), "a fence is not closed, or not understood"
    return found


def entries_of(text: str) -> list[Entry]:
    """Take a console block apart; it begins with a command."""
    before, *parts = re.split(r"^\$(\??) ", text, flags=re.MULTILINE)
    assert not before, "a console block begins with a command"
    entries = []
    for fails, part in zip(parts[::2], parts[1::2], strict=True):
        typed = re.match(r"[^\n]*(?:\n> [^\n]*)*", part)
        assert typed is not None
        command = typed[0].replace("\n> ", "\n")
        expected = part[typed.end() :].removeprefix("\n")
        entries.append(Entry(command, expected, fails=bool(fails)))
    return entries


def pattern_of(
    expected: str, placeholders: Mapping[str, str] = PLACEHOLDERS
) -> re.Pattern[str]:
    """Say what an output may look like: match it as a whole, with `fullmatch`.

    Args:
        expected: The output as it stands in the document.
        placeholders: What each name stands for; others stand for themselves.
    """
    at = 0
    parts = []
    for found in LEFT_OUT.finditer(expected):
        parts.append(re.escape(expected[at : found.start()]))
        at = found.end()
        if found[1]:
            parts.append(placeholders.get(found[1], re.escape(found[0])))
        else:
            parts.append(r"(?:[^\n]*\n)*?" if found[0].endswith("\n") else r"[^\n]*")
    return re.compile("".join(parts) + re.escape(expected[at:]))
