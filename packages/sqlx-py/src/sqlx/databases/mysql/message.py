"""Steps made into messages, and what comes back made into rows or an error.

Theory of operation: a message holds several statements. An empty one among them is an
error (1065), and a file may have `DELIMITER` lines, which only clients know; so a
message is composed of the statements that the splitter finds. What the splitter doubts
goes in a message of its own, as it is written. Each statement replies with rows or with
an OK; a CALL with the rows of each statement in it and an OK. Counted so, the replies
tell which statement an error belongs to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlx.engine.steps import Query, Row, Script, Value
from sqlx.errors import ConnectionLost, DatabaseError
from sqlx.migrations.statements import Syntax, parts, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["Message", "Reading", "messages"]

REPLY = ("sqlx_version", "sqlx_execution_time")
ENDS_WITH_OK = {
    *((word,) for word in ("CALL", "CASE", "DECLARE", "FOR", "IF", "LOOP", "REPEAT")),
    ("WHILE",),
    ("BEGIN", "NOT"),
}
EVERYWHERE = re.compile(r"/\*!(?:[34]\d{4}|50[0-6]\d\d)?(?!\d|\s*\*/)")
"""A conditional comment in which MySQL 8 and MariaDB 10.6 find SQL, all versions."""
SYNTAX_ERROR = 1064
ALONE = "; begin the file with -- no-transaction"
MENDS = {
    1046: "; name one in the URL: mysql://user@host/app",  # no database selected
    **dict.fromkeys((1568, 1679, 1694, 1766), ALONE),  # what no transaction bears
    1100: "; end the file with UNLOCK TABLES",  # not locked, where others are
}
NEAR = re.compile(r" near '(?P<near>.*)' at line (?P<line>\d+)$", re.DOTALL)
END = re.compile(";")
LOST = {
    0,  # PyMySQL's, of a closed connection
    1053,  # the server shuts down
    1927,  # killed (MariaDB)
    2006,  # gone away
    2013,  # lost during the query
    2014,  # out of step
    2055,  # lost
    3169,  # killed (MySQL)
    4031,  # idle for too long
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A statement of a message, and where it stands in the step.

    Args:
        sql: Its text, without what ends it.
        part: Which part of the script has it.
        start: Where in that part, in characters.
        words: How it begins.
        sure: Whether it is one statement, without a doubt.
        last: Whether nothing may follow it in its message.
    """

    sql: str
    part: int
    start: int
    words: tuple[str, ...]
    sure: bool = True
    last: bool = False

    @property
    def ends_with_ok(self) -> bool:
        """Whether rows may come before it ends: of a CALL, or of a block."""
        return not ENDS_WITH_OK.isdisjoint((self.words[:1], self.words[:2]))


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent at once.

    Args:
        pieces: Its statements, or one piece that the splitter doubts.
    """

    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """What is sent."""
        return ";\n".join(piece.sql for piece in self.pieces)

    @property
    def sure(self) -> bool:
        """Whether each reply can be told to be of which statement."""
        return self.pieces[0].sure


def messages(step: Query | Script, *, together: bool) -> Iterator[Message]:
    """Compose the messages of a step.

    Args:
        step: What is to be sent.
        together: Whether the connection takes several statements at once.
    """
    group: list[Piece] = []
    for piece in _pieces(step):
        if group and not piece.sure:
            yield Message(tuple(group))
            group = []
        group.append(piece)
        if piece.last or not (piece.sure and together):
            yield Message(tuple(group))
            group = []
    if group:
        yield Message(tuple(group))


def _pieces(step: Query | Script) -> Iterator[Piece]:
    """Cut a step into what can be sent by itself."""
    texts = (step.sql,) if isinstance(step, Query) else step.parts
    for part, text in enumerate(texts):
        statements = split(text, Syntax.MYSQL)
        sure = statements.certain
        for item in statements.items if sure else parts(statements):
            sql = statements.sql(item)
            # Where the server skips it, nothing but an empty statement is left.
            last = item.conditional and not EVERYWHERE.match(sql)
            yield Piece(sql, part, item.start, item.words, sure, last)


@dataclass
class Reading:
    """What has come back of a step so far.

    Args:
        step: What was sent.
        completed: How many statements are complete.
        rows: What the engine is given.
    """

    step: Query | Script
    completed: int = 0
    rows: list[Row] = field(default_factory=list)
    message: Message = Message(())
    index: int = 0

    def begin(self, message: Message) -> None:
        """Read the replies to the next message from now on."""
        self.message, self.index = message, 0

    def take(self, columns: Sequence[str], found: Iterable[tuple[object, ...]]) -> None:
        """Take one result; no columns are an OK."""
        if isinstance(self.step, Query):
            self.rows = []
        if isinstance(self.step, Query) or tuple(columns[:2]) == REPLY:
            self.rows += [tuple(map(_plain, row)) for row in found]
        if not columns or not self._piece().ends_with_ok:
            self.index += 1
            self.completed += 1

    def refused(self, code: int, message: str, sqlstate: str | None) -> DatabaseError:
        """Say which statement was refused, and where in it."""
        mend = MENDS.get(code, "")
        message = message.removesuffix("." if mend else "") + mend
        if code in LOST:
            return ConnectionLost(
                message or "the connection is closed", code=code or None
            )
        piece = self._piece()
        known = self.message.sure or not self.index
        offset = piece.start if known else None
        if code == SYNTAX_ERROR and known:
            at, message = _near(message, piece.sql)
            offset = piece.start + at
        return DatabaseError(
            message,
            code=code,
            sqlstate=sqlstate,
            part=piece.part,
            offset=offset,
            completed=self.completed,
        )

    def _piece(self) -> Piece:
        """Give the statement that is replied to, or the last one there is."""
        pieces = self.message.pieces
        return pieces[min(self.index, len(pieces) - 1)]


def _near(message: str, sql: str) -> tuple[int, str]:
    """Find the place that the server names, and cut what is behind the statement.

    It quotes what it has not read yet, also of the statements that follow, and counts
    lines up to the token behind the one that it names.
    """
    found = NEAR.search(message)
    if found is None:
        return 0, message
    near = found["near"].removesuffix("...")
    begin = _begin_of_line(sql, int(found["line"]) - 1)
    at = sql.find(near, begin) if near else len(sql)
    if at >= 0:
        return at, message
    cut = _begin_of_rest(sql, near)
    if cut is None:
        return 0, message
    shown = message[: found.start("near")] + sql[cut:] + message[found.end("near") :]
    return cut, shown


def _begin_of_line(sql: str, line: int) -> int:
    at = 0
    for _ in range(line - 1):
        at = sql.find("\n", at) + 1 or len(sql)
    return at


def _begin_of_rest(sql: str, near: str) -> int | None:
    """Find the end of a statement with which a text begins that goes on behind it."""
    ends = (found.start() for found in END.finditer(near))
    return next((len(sql) - end for end in ends if sql.endswith(near[:end])), None)


def _plain(value: object) -> Value:
    """Make a driver's value a text: what it gives depends on the user's converters."""
    if value is None:
        return None
    return value.decode() if isinstance(value, bytes) else str(value)
