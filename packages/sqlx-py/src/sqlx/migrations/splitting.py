"""SQL text cut into statements.

The splitter never judges SQL: what it doubts makes the result uncertain, and then the
text goes to the server alone and as a whole.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.migrations.bodies import RoutineBody, TriggerBody
from sqlx.migrations.compound import CompoundBody
from sqlx.migrations.lexing import BLANKS, LEXICONS, Syntax
from sqlx.migrations.mysql_lexing import mysql_lexicon

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlx.migrations.bodies import Body
    from sqlx.migrations.lexing import Lexicon

__all__ = [
    "MOST_WORDS",
    "Statement",
    "Statements",
    "parts",
    "pieces",
    "position",
    "split",
]

MOST_WORDS = 12


@dataclass(frozen=True, slots=True)
class Statement:
    """Where a statement stands, and how it begins.

    Args:
        start: Offset of its first token.
        end: Offset after the `;` that ends it, or after its last token; in MySQL always
            after its last token.
        words: Its first words outside of parentheses, upper-cased, at most 12; a
            quoted name is a `"`.
        conditional: True when all of it stands in `/*! … */`: a server of another
            version takes it for a comment.
    """

    start: int
    end: int
    words: tuple[str, ...]
    conditional: bool = False


@dataclass(frozen=True, slots=True)
class Statements:
    """A text and its statements.

    Args:
        text: The whole text.
        items: Its statements in order; what holds no token is none.
        certain: True when nothing was open at the end and nothing doubtful was met.
        cuts: Where the file is written to the mysql client alone: its DELIMITER
            commands and the delimiters that these have set, as (start, end).
    """

    text: str
    items: tuple[Statement, ...]
    certain: bool
    cuts: tuple[tuple[int, int], ...] = ()

    def sql(self, item: Statement) -> str:
        """Cut out the text of one statement, or of another range."""
        return self.text[item.start : item.end]


def split(text: str, syntax: Syntax) -> Statements:
    """Cut a text into statements.

    Args:
        text: The SQL to execute, without a byte order mark.
        syntax: Whose rules hold.

    Source:
        PostgreSQL's scan.l and psql's psqlscan.l, with standard_conforming_strings on;
        SQLite's tokenize.c and complete.c; the manuals of MySQL and MariaDB.
    """
    if syntax is Syntax.MYSQL:
        return _ClientSplitter(text).run()
    return _Splitter(text, syntax, LEXICONS[syntax]).run()


def parts(statements: Statements) -> tuple[Statement, ...]:
    """List what is sent as it is when the splitter doubts: the text, cut by its cuts.

    A part reaches from its first statement, whose words it has, to the next cut.
    """
    ends = [start for start, _ in statements.cuts] + [len(statements.text)]
    found: dict[int, Statement] = {}
    for item in statements.items:
        end = ends[bisect_left(ends, item.end)]
        found.setdefault(end, Statement(item.start, end, item.words, item.conditional))
    return tuple(found.values())


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

    def __init__(self, text: str, syntax: Syntax, lexicon: Lexicon) -> None:
        self.text = text
        self.lexicon = lexicon
        self.new_body = _BODIES[syntax]
        # In PostgreSQL a `;` in parentheses ends nothing: CREATE RULE … DO (a; b).
        self.parentheses_hide = syntax is Syntax.POSTGRES
        self.parentheses_hide_words = syntax is not Syntax.SQLITE
        self.items: list[Statement] = []
        self.cuts: list[tuple[int, int]] = []
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
        self.conditional = False

    def run(self) -> Statements:
        """Cut the whole text."""
        text, handlers = self.text, self.handlers()
        while (token := self.read()) is not None:
            kind, start, end = token
            handlers.get(kind, self.other)(start, end)
            self.at = end
        self.comment(len(text), len(text))
        self.certain = self.certain and not self.body.is_open
        self.finish(self.end)
        return Statements(text, tuple(self.items), self.certain, tuple(self.cuts))

    def handlers(self) -> dict[str, Callable[[int, int], None]]:
        """List who takes which kind of token; `other` takes the rest."""
        return {
            "line": self.comment,
            "block": self.comment,
            "semicolon": self.semicolon,
            "word": self.word,
            "name": self.name,
            "open": self.open,
            "close": self.close,
            "doubt": self.doubt,
        }

    def read(self) -> tuple[str, int, int] | None:
        """Read the next token."""
        return self.lexicon.read(self.text, self.at, every=self.wants_words)

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
        """Take any other token."""
        self.follow(self.text[end - 1])
        self.reach(start, end)

    def keep(self, word: str) -> None:
        """Keep a word, and let the body see it."""
        if self.has_room():
            self.words.append(word)
        self.follow(word)

    def follow(self, token: str) -> None:
        """Let the body see a token, if it looks."""
        if self.body.wants_words and not (self.depth and self.parentheses_hide_words):
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
            words = tuple(self.words)
            self.items.append(Statement(self.start, end, words, self.conditional))
        self.begin()


class _ClientSplitter(_Splitter):
    """Reads MySQL's SQL, and the DELIMITER of its client."""

    def __init__(self, text: str) -> None:
        self.delimiter = ";"
        super().__init__(text, Syntax.MYSQL, mysql_lexicon())

    def begin(self) -> None:
        """Begin a statement outside of `/*! … */`."""
        super().begin()
        self.outside = True
        self.conditional = True
        self.lexicon = mysql_lexicon(self.delimiter)

    def handlers(self) -> dict[str, Callable[[int, int], None]]:
        """Know the client's delimiter and `/*! … */`, too."""
        return super().handlers() | {
            "delimiter": self.cut,
            "conditional": self.enter,
            "closing": self.leave,
        }

    def read(self) -> tuple[str, int, int] | None:
        """Obey DELIMITER where it stands: between statements, in a line of its own."""
        while self.start is None and (found := _DELIMITER.match(self.text, self.at)):
            start, end = found.span("line")
            line = self.text.rfind("\n", 0, start) + 1
            if self.text[line:start].strip(BLANKS):
                break
            self.delimiter = found["quoted"] or found["plain"]
            self.cuts.append((start, end))
            self.at = end
            self.begin()
        return super().read()

    def semicolon(self, start: int, end: int) -> None:
        """End the statement before the `;`, unless that stands within a block."""
        self.certain = self.certain and self.depth == 0
        self.body.see(";")
        if self.body.is_open:
            self.reach(start, end)
        else:
            self.stop(start)

    def cut(self, start: int, end: int) -> None:
        """End the statement, whatever it is: the client sends it as it is."""
        self.certain = self.certain and not self.body.is_open
        self.cuts.append((start, end))
        self.stop(start)

    def stop(self, at: int) -> None:
        """End the statement with its last token."""
        self.comment(at, at)
        self.finish(self.end)

    def enter(self, start: int, end: int) -> None:
        """Go into `/*! … */`."""
        self.outside = False
        self.lexicon = mysql_lexicon(self.delimiter, conditional=True)
        self.reach(start, end)

    def leave(self, start: int, end: int) -> None:
        """Come out of it."""
        self.reach(start, end)
        self.outside = True
        self.lexicon = mysql_lexicon(self.delimiter)

    def reach(self, start: int, end: int) -> None:
        """Note whether there is anything outside of `/*! … */`."""
        super().reach(start, end)
        self.conditional = self.conditional and not self.outside

    def finish(self, end: int) -> None:
        """End the statement.

        An open `/*! … */` makes it doubtful, and a `--` which is a comment only where
        nothing follows it.
        """
        if self.start is not None and self.text.endswith("--", self.start, end):
            self.certain = False
        self.certain = self.certain and self.outside
        super().finish(end)


_DELIMITER = re.compile(
    rf"""[{BLANKS}]*+(?P<line>delimiter[ \t]++(?:
    (?P<quote>['"`])(?P<quoted>[^'"`\\\n]+)(?P=quote) | (?P<plain>[^\s'"`\\][^\s\\]*+)
    )(?!\S)[^\n]*+)""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
_BODIES: Mapping[Syntax, Callable[[], Body]] = {
    Syntax.POSTGRES: RoutineBody,
    Syntax.SQLITE: TriggerBody,
    Syntax.MYSQL: CompoundBody,
}
