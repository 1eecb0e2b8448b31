"""SQL text cut into statements.

The splitter never judges SQL: what it doubts makes the result uncertain, and then the
text goes to the server alone and as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from sqlx.migrations.lexing import BLANKS, LEXICONS, Syntax

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["MOST_WORDS", "Statement", "Statements", "pieces", "position", "split"]

MOST_WORDS = 12


@dataclass(frozen=True, slots=True)
class Statement:
    """Where a statement stands, and how it begins.

    Args:
        start: Offset of its first token.
        end: Offset after the `;` that ends it, or after its last token.
        words: Its first words outside of parentheses, upper-cased, at most 12; a
            quoted name is a `"`.
    """

    start: int
    end: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statements:
    """A text and its statements.

    Args:
        text: The whole text.
        items: Its statements in order; what holds no token is none.
        certain: True when nothing was open at the end and nothing doubtful was met.
    """

    text: str
    items: tuple[Statement, ...]
    certain: bool

    def sql(self, item: Statement) -> str:
        """Cut out the text of one statement, with the `;` that ends it."""
        return self.text[item.start : item.end]


def split(text: str, syntax: Syntax) -> Statements:
    """Cut a text into statements.

    Args:
        text: The SQL to execute, without a byte order mark.
        syntax: Whose rules hold.

    Source:
        PostgreSQL's scan.l and psql's psqlscan.l, with standard_conforming_strings on;
        SQLite's tokenize.c and complete.c.
    """
    return _Splitter(text, syntax).run()


def pieces(statements: Statements) -> tuple[str, ...]:
    """Cut the text where statements begin and end; the pieces join to the text."""
    found: list[str] = []
    at = 0
    for item in statements.items:
        found += [statements.text[at : item.start], statements.sql(item)]
        at = item.end
    found.append(statements.text[at:])
    return tuple(filter(None, found))


def position(text: str, offset: int) -> tuple[int, int, str]:
    """Find line and column (in characters, from 1) of an offset, and that line's text.

    Lines end with LF or CRLF. An offset behind the end means the end.
    """
    at = min(offset, len(text))
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    line = text[start : len(text) if end < 0 else end].removesuffix("\r")
    return text.count("\n", 0, at) + 1, at - start + 1, line


class _Splitter:
    """Reads a text once, from token to token."""

    def __init__(self, text: str, syntax: Syntax) -> None:
        self.text = text
        self.lexicon = LEXICONS[syntax]
        self.new_body = _BODIES[syntax]
        # In PostgreSQL a `;` in parentheses ends nothing: CREATE RULE … DO (a; b).
        self.parentheses_hide = syntax is Syntax.POSTGRES
        self.items: list[Statement] = []
        self.certain = True
        self.at = 0
        self.begin()

    def begin(self) -> None:
        """Begin a statement, if there is one more."""
        self.start: int | None = None
        self.end = self.at
        self.words: list[str] = []
        self.depth = 0
        self.body = self.new_body()
        self.wants_words = True

    def run(self) -> Statements:
        """Cut the whole text."""
        text, read = self.text, self.lexicon.read
        handlers: Mapping[str, Callable[[int, int], None]] = {
            "line": self.comment,
            "block": self.comment,
            "semicolon": self.semicolon,
            "word": self.word,
            "name": self.name,
            "open": self.open,
            "close": self.close,
            "doubt": self.doubt,
        }
        while (token := read(text, self.at, every=self.wants_words)) is not None:
            kind, start, end = token
            handlers.get(kind, self.other)(start, end)
            self.at = end
        self.comment(len(text), len(text))
        self.certain = self.certain and not self.body.is_open
        self.finish(self.end)
        return Statements(text, tuple(self.items), self.certain)

    def comment(self, start: int, _end: int) -> None:
        """Reach as far as the tokens before it, if `marks` jumped over some."""
        jumped = self.text[self.at : start].rstrip(BLANKS)
        if jumped:
            self.end = self.at + len(jumped)

    def semicolon(self, start: int, end: int) -> None:
        """End the statement, unless the `;` stands within one."""
        self.body.see(";")
        if self.body.is_open or (self.depth and self.parentheses_hide):
            self.reach(start, end)
        else:
            self.finish(end)

    def word(self, start: int, end: int) -> None:
        """Keep a word, if it stands in front."""
        word = self.text[start:end]
        # Databases fold ASCII alone: the long s (U+017F) is no other way to write S.
        self.keep(word.upper() if word.isascii() else word)
        self.reach(start, end)

    def name(self, start: int, end: int) -> None:
        """Keep the place of a quoted name."""
        self.keep('"')
        self.reach(start, end)

    def open(self, start: int, end: int) -> None:
        """Go into parentheses."""
        self.other(start, end)
        self.depth += 1
        self.reach(start, end)

    def close(self, start: int, end: int) -> None:
        """Come out of parentheses."""
        if self.depth:
            self.depth -= 1
        else:
            self.certain = False
        self.other(start, end)

    def doubt(self, start: int, end: int) -> None:
        """Go on, without certainty."""
        self.certain = False
        self.other(start, end)

    def other(self, start: int, end: int) -> None:
        """Take any other token: only a dot can mean something to the body."""
        self.follow("." if self.text[end - 1] == "." else "")
        self.reach(start, end)

    def keep(self, word: str) -> None:
        """Keep a word, and let the body see it."""
        if self.has_room():
            self.words.append(word)
        self.follow(word)

    def follow(self, token: str) -> None:
        """Let the body see a token, if it looks."""
        if self.body.wants_words and not (self.depth and self.parentheses_hide):
            self.body.see(token)

    def reach(self, start: int, end: int) -> None:
        """Let the statement reach to the end of a token, and choose how to read on."""
        if self.start is None:
            self.start = start
        self.end = end
        self.wants_words = self.body.wants_words or self.has_room()

    def has_room(self) -> bool:
        """Tell whether a word that stood here would be kept."""
        return not self.depth and len(self.words) < MOST_WORDS

    def finish(self, end: int) -> None:
        """End the statement; an open parenthesis makes it doubtful."""
        self.certain = self.certain and self.depth == 0
        if self.start is not None:
            self.items.append(Statement(self.start, end, tuple(self.words)))
        self.begin()


class _Body(Protocol):
    """Follows a statement's tokens into the part where `;` does not end it."""

    @property
    def is_open(self) -> bool:
        """True while a `;` belongs to the statement."""

    @property
    def wants_words(self) -> bool:
        """True while the next word decides something."""

    def see(self, token: str) -> None:
        """Take a token: a word in upper case, `;`, `.`, or nothing for all else."""


# state: (token: next state, next state for any other token)
_Table: TypeAlias = "Mapping[str, tuple[Mapping[str, str], str]]"

_ROUTINE: _Table = {
    "": ({"CREATE": "create"}, "plain"),
    "plain": ({}, "plain"),
    "create": ({"OR": "or", "FUNCTION": "head", "PROCEDURE": "head"}, "plain"),
    "or": ({"REPLACE": "replace"}, "plain"),
    "replace": ({"FUNCTION": "head", "PROCEDURE": "head"}, "plain"),
    "head": ({"BEGIN": "begin"}, "head"),
    "begin": ({"BEGIN": "begin", "ATOMIC": "body"}, "head"),
}


class _RoutineBody:
    """PostgreSQL: CREATE [OR REPLACE] FUNCTION or PROCEDURE … BEGIN ATOMIC … END.

    psql takes any BEGIN for the beginning of the body; here ATOMIC must follow, and
    after AS or a dot, END and CASE are names, as they are for the server.
    """

    def __init__(self) -> None:
        self.state = ""
        self.depth = 0
        self.previous = ""

    @property
    def is_open(self) -> bool:
        return self.depth > 0

    @property
    def wants_words(self) -> bool:
        return self.state != "plain"

    def see(self, token: str) -> None:
        if not self.depth:
            nexts, otherwise = _ROUTINE[self.state]
            self.state = nexts.get(token, otherwise)
            self.depth = int(self.state == "body")
        elif self.previous not in {"AS", "."}:
            self.depth += {"CASE": 1, "END": -1}.get(token, 0)
            self.state = "body" if self.depth else "head"
        self.previous = token


_TRIGGER: _Table = {
    "start": ({";": "start", "EXPLAIN": "explain", "CREATE": "create"}, "normal"),
    "normal": ({";": "start"}, "normal"),
    "explain": (
        dict.fromkeys(("EXPLAIN", "TEMP", "TEMPORARY", "TRIGGER", "END"), "normal")
        | {";": "start", "CREATE": "create"},
        "explain",
    ),
    "create": (
        {";": "start", "TEMP": "create", "TEMPORARY": "create", "TRIGGER": "trigger"},
        "normal",
    ),
    "trigger": ({";": "semicolon"}, "trigger"),
    "semicolon": ({";": "semicolon", "END": "end"}, "trigger"),
    "end": ({";": "start"}, "trigger"),
}


class _TriggerBody:
    """SQLite: CREATE [TEMP] TRIGGER … ends with `; END ;`, as complete.c has it."""

    def __init__(self) -> None:
        self.state = "start"

    @property
    def is_open(self) -> bool:
        return self.state in {"trigger", "semicolon"}

    @property
    def wants_words(self) -> bool:
        return self.state not in {"normal", "trigger"}

    def see(self, token: str) -> None:
        nexts, otherwise = _TRIGGER[self.state]
        self.state = nexts.get(token, otherwise)


_BODIES: Mapping[Syntax, Callable[[], _Body]] = {
    Syntax.POSTGRES: _RoutineBody,
    Syntax.SQLITE: _TriggerBody,
}
