"""What a file says of itself in the comments in front of its first statement."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.migrations.lexing import BLANKS, nested_comment_end
from sqlx.migrations.migration import BOM
from sqlx.migrations.splitting import position

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["COMPATIBLE", "NO_TRANSACTION", "Markers", "near_miss", "read_markers"]

NO_TRANSACTION = "-- no-transaction"
COMPATIBLE = "-- sqlx: compatible"


@dataclass(frozen=True, slots=True)
class Markers:
    """The lines, from 1, that hold a marker; None where there is none.

    Args:
        no_transaction: Asks for no transaction around the file.
        compatible: Says that releases without the file run all the same.
    """

    no_transaction: int | None = None
    compatible: int | None = None


def read_markers(sql: str) -> Markers:
    """Find the markers: each begins a line comment in front of the first statement.

    What follows the marker's words in its line is a reason, and is not read. SQLx knows
    `-- no-transaction` alone: the text begins with it, whatever follows.
    """
    words = {word: at for word, at in _WORDS.items() if word in sql}
    lines: dict[str, int] = {}
    for word, at in _in_front(sql) if words else ():
        lines.setdefault(words[word], position(sql, at)[0])
    if sql.startswith(NO_TRANSACTION):
        lines["no_transaction"] = 1
    return Markers(**lines)


def near_miss(sql: str) -> int | None:
    """Find the line of a comment that was meant to be `-- sqlx: compatible`."""
    if "compat" not in sql.lower():  # most files, and a hundred times as fast
        return None
    found = _NEARLY.search(sql)
    return None if found is None else position(sql, found.start(1))[0]


_WORDS = {"no-transaction": "no_transaction", "sqlx: compatible": "compatible"}
_COMMENT = re.compile(
    rf"[{BLANKS}]*+(?:--[ \t]*+(?:({'|'.join(_WORDS)})(?![\w-]))?[^\r\n]*+|/\*)"
)
_NEARLY = re.compile(r"(?:--|\*)[ \t*]*+(sqlx[ \t:]*+compat)", re.IGNORECASE)


def _in_front(sql: str) -> Iterator[tuple[str, int]]:
    """Give the marker's words of each comment in front that has some, and where."""
    at: int | None = len(BOM) if sql.startswith(BOM) else 0
    while at is not None and (comment := _COMMENT.match(sql, at)):
        if comment[1]:
            yield comment[1], comment.start(1)
        at = comment.end()
        if comment[0].endswith("/*"):
            at = nested_comment_end(sql, at)
