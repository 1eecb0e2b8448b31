"""The places where queries are called, each with what is compiled for it.

Theory of operation: a call of `query_as` makes a new object each time it is executed.
What belongs to the place is found by the code object and the instruction of the call,
which is fast. A place that makes its SQL by itself has several texts; each has its
site, in a second table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlx.databases.calling import Caller
from sqlx.queries.reading import read
from sqlx.queries.running.compiling import INLINE, Call, Where
from sqlx.queries.running.query_files import read_query_file

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from sqlx.queries.annotations import Shape

__all__ = ["Site", "site_of"]

MOST = 4096  # sites that are kept


class Site:
    """A query as it stands in code.

    Args:
        code: The function, or the module, around it.
        at: The instruction of the call.
        word: Which function of ours is called.
        text: The SQL; for `query_file`, the name of the file.
        row: The class that is given; None for the query alone.
    """

    __slots__ = ("_at", "_callers", "_code", "row", "text", "word")

    def __init__(
        self, code: CodeType, at: int, word: str, text: str, row: object
    ) -> None:
        self._code, self._at = code, at
        self.word, self.text, self.row = word, text, row
        self._callers: dict[str, Caller] = {}

    def caller(self, shape: Shape) -> Caller:
        """Give what calls the query for so many rows."""
        caller = self._callers.get(shape._value_)
        if caller is None:
            caller = Caller(self.where, lambda: self._call(shape))
            self._callers[shape._value_] = caller
        return caller

    @property
    def where(self) -> Where:
        """Where it is, for errors."""
        name = self.word
        if self.row is not None:
            name += f"({read(self.row).text})"
        return Where(self._code.co_filename, self._line(), name)

    def sql(self) -> str:
        """Give the SQL; a file is read now."""
        if self.word == "query_file":
            return read_query_file(self.text, self._code.co_filename)
        return self.text

    def _call(self, shape: Shape) -> Call:
        row = None if self.row is None else read(self.row)
        is_value = self.word == "query_scalar"
        return Call(self.sql(), shape, row, is_value, INLINE, None, self.where)

    def _line(self) -> int:
        lines = self._code.co_lines()
        here = (line for start, end, line in lines if start <= self._at < end)
        return next(here, None) or self._code.co_firstlineno


def site_of(frame: FrameType, word: str, text: str, row: object = None) -> Site:
    """Find the site of a call that is under way.

    Args:
        frame: The frame that calls.
        word: Which function of ours is called.
        text: The SQL, or the name of the file.
        row: The class that is given.
    """
    code, at = frame.f_code, frame.f_lasti
    key = id(code), at
    site = _BY_PLACE.get(key)
    if site is None:
        _make_room(_BY_PLACE)
        # The site holds the code, so that nothing else gets its identity.
        site = _BY_PLACE[key] = Site(code, at, word, text, row)
    if site.text == text and (site.row is row or site.row == row):
        return site
    return _varying(code, at, word, text, row)


def _varying(code: CodeType, at: int, word: str, text: str, row: object) -> Site:
    """Find the site of one of several texts, or classes, of one place."""
    key = (id(code), at, text, row)
    site = _BY_TEXT.get(key)
    if site is None:
        _make_room(_BY_TEXT)
        site = _BY_TEXT[key] = Site(code, at, word, text, row)
    return site


def _make_room(sites: dict[Any, Site]) -> None:
    """Forget all when there are too many: what is called again is compiled again."""
    if len(sites) >= MOST:
        sites.clear()


_BY_PLACE: dict[tuple[int, int], Site] = {}
_BY_TEXT: dict[tuple[int, int, str, object], Site] = {}
