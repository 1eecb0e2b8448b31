r"""The tokens of SQL, as far as finding the end of a statement needs them.

Theory of operation: two regular expressions read a text. `every` knows all tokens and
reads the beginning of a statement, where words matter. `marks` jumps to the next
character that can open a quote, a comment or a parenthesis, or end a statement, as fast
as the regular expression engine can. What opens is closed by `str.find`, which crosses
a literal of 20 MB in milliseconds.

A token is (kind, start, end). Its kind is the name of a group, or `DOUBT`: what is
never closed, a NUL, a backslash outside of quotes (psql's commands). There, only the
server can judge.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "BLANKS",
    "FIRST",
    "INNER",
    "LEXICONS",
    "Lexicon",
    "Syntax",
    "ascii_but",
    "lf_line",
    "nested_comment_end",
    "past",
    "quoted",
]

BLANKS = " \t\r\n\f\v"  # SQLite takes \v behind another blank
DOUBT = "doubt"


class Syntax(Enum):
    """Whose SQL a text is."""

    POSTGRES = "postgres"
    SQLITE = "sqlite"
    MYSQL = "mysql"


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The tokens of one syntax.

    Args:
        every: Matches the next token, and the blanks before it.
        marks: Finds the next token that a splitter must not overlook.
        ends: By kind, finds the end of what was opened, or None when it is never
            closed; it is given the text, the opening, and where the search began.
    """

    every: re.Pattern[str]
    marks: re.Pattern[str]
    ends: Mapping[str, Callable[[str, re.Match[str], int], int | None]]

    def read(self, text: str, at: int, *, every: bool) -> tuple[str, int, int] | None:
        """Read the next token (or mark) from an offset on; None at the end."""
        opening = self.every.match(text, at) if every else self.marks.search(text, at)
        if opening is None or opening.lastgroup is None:
            return None
        kind = opening.lastgroup
        start, end = opening.span(kind)
        if kind not in self.ends:
            return kind, start, end
        closed = self.ends[kind](text, opening, at)
        return (DOUBT, start, len(text)) if closed is None else (kind, start, closed)


def nested_comment_end(text: str, after: int) -> int | None:
    """Find the end of a block comment that may hold others.

    Args:
        text: The whole text.
        after: Where the first `/*` ends.
    """
    depth = 1
    for mark in _NESTED.finditer(text, after):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return None


# In every syntax all that is not ASCII belongs to names, U+FEFF and U+00A0 too. So
# names are told by the ASCII that they do not hold: a class that goes on to U+10FFFF
# takes the compiler of regular expressions ten times as long, at every import.
_OUTER = r"\x00-#%-/:-@\[-^`{-\x7f"
FIRST = rf"[^$0-9{_OUTER}]"
INNER = rf"[^{_OUTER}]"
_PAST_NAME = re.compile(rf"[{_OUTER}]")
_ONE_INNER = re.compile(INNER)
_NUMBER = rf"\$?[0-9]++(?:{FIRST}{INNER}*+)?"  # $1 is read like one
_RUN = re.compile(rf"{_NUMBER}|{FIRST}{INNER}*+|\$")
_NESTED = re.compile(r"/\*|\*/")
_LINE_END = re.compile(r"[\r\n]")
_LF_LINE_END = re.compile(r"\n")
_ESCAPED = re.compile(r"\\.|''|'", re.DOTALL)
_CONTINUED = re.compile(  # `quotecontinue` of PostgreSQL's scan.l
    rf"(?:[ \t\f\v]|--[^\r\n]*+)*[\r\n](?:[{BLANKS}]|--[^\r\n]*+[\r\n])*'"
)


def _until(stop: re.Pattern[str], text: str, at: int) -> int:
    match = stop.search(text, at)
    return len(text) if match is None else match.start()


def past(mark: str, text: str, at: int) -> int | None:
    """Find the end of the next such mark."""
    found = text.find(mark, at)
    return None if found < 0 else found + len(mark)


def quoted(text: str, opening: re.Match[str], _at: int) -> int | None:
    """Look for the same quote; one that is doubled opens the next token at once."""
    quote = text[opening.end() - 1]
    return past("]" if quote == "[" else quote, text, opening.end())


def _postgres_string(text: str, opening: re.Match[str], at: int) -> int | None:
    """In E'…', and in what continues it on the next line, backslashes escape."""
    after = opening.end()
    if _name_before(text, at, after - 1) not in {"e", "E"}:
        return past("'", text, after)
    while (end := _escaped_end(text, after)) is not None:
        continued = _CONTINUED.match(text, end)
        if continued is None:
            return end
        after = continued.end()
    return None


def _escaped_end(text: str, after: int) -> int | None:
    marks = _ESCAPED.finditer(text, after)
    return next((mark.end() for mark in marks if mark[0] == "'"), None)


def _dollar_quoted(text: str, opening: re.Match[str], at: int) -> int | None:
    """Look for the same tag; `$` inside of a name (a$b$c) opens nothing."""
    name = _name_before(text, at, opening.start("dollar"))
    if name.lstrip("$0123456789"):
        return _until(_PAST_NAME, text, opening.end())
    return past(opening["dollar"], text, opening.end())


def _name_before(text: str, at: int, end: int) -> str:
    """Cut out the name or the number that ends at an offset; empty for none."""
    start = end
    while start > at and _ONE_INNER.match(text, start - 1):
        start -= 1
    return "".join(_RUN.findall(text, start, end)[-1:])


def _nested_comment(text: str, opening: re.Match[str], _at: int) -> int | None:
    return nested_comment_end(text, opening.end())


def _flat_comment(text: str, opening: re.Match[str], _at: int) -> int:
    """SQLite takes a comment that is never closed: it reaches to the end."""
    return past("*/", text, opening.end()) or len(text)


def _line(text: str, opening: re.Match[str], _at: int) -> int:
    return _until(_LINE_END, text, opening.end())


def lf_line(text: str, opening: re.Match[str], _at: int) -> int:
    """In SQLite and MySQL a lone CR does not end a comment."""
    return _until(_LF_LINE_END, text, opening.end())


def ascii_but(openings: str) -> str:
    """Write the class of what no name holds and no token of more begins with."""
    chars = "".join(map(chr, range(128)))
    others = re.sub(rf"[{BLANKS}A-Za-z0-9_$'\";()\\/\0-]", "", chars)
    return f"[{re.escape(''.join(c for c in others if c not in openings))}]"


_FLAT = r"(?P<flat>\([^()'\"`\[$;\\/\0-]*+\))"  # f(a, b): one token, as most are
_COMMON = (
    rf"(?P<line>--)|{_FLAT}|(?P<open>\()|(?P<close>\))|(?P<semicolon>;)"
    r"|(?P<doubt>[\\\0])"
)
_POSTGRES = rf"(?P<dollar>\$(?:{FIRST}[^${_OUTER}]*+)?\$)|(?P<block>/\*)|{_COMMON}"
_SQLITE = rf"(?P<name>[\"`\[])|(?P<block>/\*(?=[\s\S]))|{_COMMON}"

LEXICONS: Mapping[Syntax, Lexicon] = {
    Syntax.POSTGRES: Lexicon(
        every=re.compile(
            f"[{BLANKS}]*+(?:"
            "(?P<string>'|[bBeExXnN]'|[uU]&')"
            r"|(?P<name>\"|[uU]&\")"
            f"|(?P<word>{FIRST}{INNER}*+)"
            rf"|(?P<number>{_NUMBER})|{_POSTGRES}"
            rf"|(?P<other>{ascii_but('')}++|[$/-])"
            ")"
        ),
        marks=re.compile(rf"(?P<string>')|(?P<name>\")|{_POSTGRES}"),
        ends={
            "string": _postgres_string,
            "name": quoted,
            "dollar": _dollar_quoted,
            "line": _line,
            "block": _nested_comment,
        },
    ),
    Syntax.SQLITE: Lexicon(
        every=re.compile(
            f"[{BLANKS}]*+(?:"
            "(?P<string>'|[xX]')"
            f"|(?P<word>{FIRST}{INNER}*+)"
            f"|(?P<number>[$0-9]{INNER}*+)|{_SQLITE}"
            rf"|(?P<other>{ascii_but('`[')}++|[/-])"
            ")"
        ),
        marks=re.compile(rf"(?P<string>')|{_SQLITE}"),
        ends={
            "string": quoted,
            "name": quoted,
            "line": lf_line,
            "block": _flat_comment,
        },
    ),
}
