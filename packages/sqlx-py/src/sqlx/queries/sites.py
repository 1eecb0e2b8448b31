"""The places in source where queries stand, and what is found wrong at them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlx.queries.annotations import Annotation, Returns
    from sqlx.queries.values import Database

__all__ = ["Finding", "Ignore", "Parameter", "Place", "Severity", "Site", "SqlText"]


class Severity(Enum):
    """How bad it is; the value is GitHub's word for it."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file; line and column count characters from 1."""

    path: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a person should know.

    Args:
        path: The file, or the directory when it is about no single file.
        severity: Whether it is wrong, doubtful, or only so.
        code: A short stable word.
        message: What, and the mend; without the path.
        line: From 1; None when it is about the whole file.
        column: From 1; None when it is about the whole line.
        excerpt: The line of SQL that it is about, and a caret under the place;
            empty when there is none.
    """

    path: str
    severity: Severity
    code: str
    message: str
    line: int | None = None
    column: int | None = None
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class SqlText:
    """The SQL of a query, and where each of its lines stands.

    Args:
        sql: The text, exactly as it is sent.
        path: The file that has it.
        starts: For each run of characters that stands as it is in the file: offset into
            `sql`, line and column of its first character. Sorted by offset; the first
            has offset 0. Escapes and joined literals begin a new run.
    """

    sql: str
    path: str
    starts: tuple[tuple[int, int, int], ...]

    def place(self, offset: int) -> Place:
        """Find where a character of the SQL stands in its file."""
        at, line, column = max(s for s in self.starts if s[0] <= offset)
        before = self.sql[at:offset]
        newlines = before.count("\n")
        if newlines:
            return Place(self.path, line + newlines, len(before) - before.rfind("\n"))
        return Place(self.path, line, column + len(before))


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a query is given for one of its placeholders.

    Args:
        name: The parameter's name, or the argument as it is written.
        annotation: Its type; None where it is not evident.
        place: Where it stands.
        checked: False for what the user takes on himself: `typing.cast`, `Any`.
    """

    name: str
    annotation: Annotation | None
    place: Place
    checked: bool = True


@dataclass(frozen=True, slots=True)
class Ignore:
    """A comment `sqlx: ignore[code]`, which silences one code on one query.

    Args:
        code: The code.
        place: Where it stands.
        used: Whether it has silenced something already, or nobody can tell: it is not
            to be reported as one that silences nothing.
    """

    code: str
    place: Place
    used: bool = False


@dataclass(frozen=True, slots=True)
class Site:
    """A query as it stands in source.

    Args:
        name: Of the function with its class, or the call: `query_as(User)`.
        text: The SQL and where it stands.
        place: Of the function's name, or of the call.
        returns: How many rows of what; None when it is unknown or unchecked, e.g. for
            `sqlx.query(sql)` inline, whose rows are tuples.
        returns_place: Where the return annotation, or the class, stands.
        parameters: What its placeholders get, in their order; None when that cannot be
            seen (`*args`).
        database: The kind that the connection's annotation names; None if it does not.
        ignores: The comments that belong to it.
        driver: The package that the connection's class is of; empty when it is not
            known, or is one of several.
    """

    name: str
    text: SqlText
    place: Place
    returns: Returns | None
    returns_place: Place
    parameters: tuple[Parameter, ...] | None
    database: Database | None = None
    ignores: tuple[Ignore, ...] = ()
    driver: str = ""
