r"""The SQL of string literals, and where each of its characters stands.

Theory of operation: the tree tells where a literal begins and ends, but not what lies
between: it may be several literals side by side, with comments and line ends between
them. They are read once more here, as far as places need it. A run is what stands in
the file as it is sent; an escape ends one and begins the next, and so does the end of a
line that a backslash hides.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, cast

from sqlx.queries.sites import SqlText

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable, Iterator

    from sqlx.queries.collecting.source import Source

__all__ = ["sql_text"]

_OPENING = re.compile(r"([A-Za-z]*)(\"\"\"|'''|\"|')")
# Not `(…)*+`: in Python 3.11.2 such a group takes what its alternatives refuse.
# Nothing follows it, so that it never has to be matched in another way.
_BODIES = {
    '"': re.compile(r'(?:[^\\"]++|\\.)*', re.DOTALL),
    "'": re.compile(r"(?:[^\\']++|\\.)*", re.DOTALL),
    '"""': re.compile(r'(?:[^\\"]++|\\.|"(?!""))*', re.DOTALL),
    "'''": re.compile(r"(?:[^\\']++|\\.|'(?!''))*", re.DOTALL),
}
# What may stand between two literals that Python joins.
_BETWEEN = re.compile(r"(?:[ \t\f\n]|\\\n|#[^\n]*)*")
# An escape that Python does not know stands for itself, backslash and all.
_ESCAPE = re.compile(
    r"\\(?:\n|[\\'\"abfnrtv]|[0-7]{1,3}|x[0-9A-Fa-f]{2}|N\{[^}]*\}"
    r"|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})"
)
_SIMPLE: dict[str, str] = dict(
    zip("\n\\'\"abfnrtv", ("", *"\\'\"\a\b\f\n\r\t\v"), strict=True)
)


def sql_text(source: Source, literals: Iterable[ast.Constant]) -> SqlText:
    """Join literals, each of one or more parts, into the text that is sent."""
    runs = _Runs()
    for literal in literals:
        _read(source, literal, runs)
    return SqlText("".join(runs.pieces), source.path, tuple(runs.starts))


class _Runs:
    """What has been read so far: pieces of the text, and the runs' starts."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.starts: list[tuple[int, int, int]] = []
        self.length = 0

    def begin(self, line: int, column: int) -> None:
        """Begin a run; the one before is dropped when it stayed empty."""
        if self.starts and self.starts[-1][0] == self.length:
            self.starts.pop()
        self.starts.append((self.length, line, column))

    def add(self, piece: str) -> None:
        """Add characters to the run."""
        self.pieces.append(piece)
        self.length += len(piece)


def _read(source: Source, literal: ast.Constant, runs: _Runs) -> None:
    """Read the parts of one literal of the tree."""
    first, last = literal.lineno, literal.end_lineno or literal.lineno
    end = source.column(last, literal.end_col_offset or 0)
    text = "\n".join(
        (*source.lines[first - 1 : last - 1], source.lines[last - 1][:end])
    )
    at = source.column(first, literal.col_offset)
    while opening := _OPENING.match(text, at):
        prefix, quote = opening.groups()
        body = _match(_BODIES[quote], text, opening.end())
        escapes = () if "r" in prefix.lower() else _ESCAPE.finditer(text, *body.span())
        for start, piece in _pieces(text, body, escapes):
            before = text[:start]
            runs.begin(first + before.count("\n"), start - before.rfind("\n"))
            runs.add(piece)
        at = _match(_BETWEEN, text, body.end() + len(quote)).end()


def _match(pattern: re.Pattern[str], text: str, at: int) -> re.Match[str]:
    """Match a pattern that takes the empty text too, and so always matches."""
    return cast("re.Match[str]", pattern.match(text, at))


def _pieces(
    text: str, body: re.Match[str], escapes: Iterable[re.Match[str]]
) -> Iterator[tuple[int, str]]:
    """Split the body of a literal at its escapes: where each piece begins, its text."""
    at = body.start()
    for escape in escapes:
        yield at, text[at : escape.start()]
        yield escape.start(), _meaning(escape[0][1:])
        at = escape.end()
    yield at, text[at : body.end()]


def _meaning(escape: str) -> str:
    """Read an escape, without its backslash."""
    if escape in _SIMPLE:
        return _SIMPLE[escape]
    if escape[0] == "N":
        return unicodedata.lookup(escape[2:-1])
    return chr(int(escape, 8) if escape.isdecimal() else int(escape[1:], 16))
