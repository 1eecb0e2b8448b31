"""A query as the syntax tree shows it, before any type is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.queries.sites import Finding, Severity

if TYPE_CHECKING:
    from sqlx.queries.annotations import Shape
    from sqlx.queries.collecting.evidence import Evidence
    from sqlx.queries.sites import Ignore, Place, SqlText

__all__ = ["Argument", "Draft", "error_at"]


@dataclass(frozen=True, slots=True)
class Argument:
    """What a placeholder gets.

    Args:
        name: The parameter, or the argument as it is written.
        place: Where it stands.
        evidence: What shows its type; None when it is not evident.
        checked: False when the user answers for it himself, with `typing.cast`.
    """

    name: str
    place: Place
    evidence: Evidence | None
    checked: bool = True


@dataclass(frozen=True, slots=True)
class Draft:
    """A query as it stands in source.

    Args:
        name: Of the function with its class, or of the call.
        place: Of the function's name, or of the call.
        lines: The first and the last line on which a comment belongs to it.
        text: The SQL; None when it cannot be read, which a finding tells.
        returns: What shows the type that comes back, or of one row.
        returns_place: Where that is written.
        shape: How many rows, when the call says it; None when `returns` does.
        is_async: Whether it is an `async def`.
        arguments: What the placeholders get; None when that cannot be seen.
        connection: What shows the type of the connection.
        is_declared: Whether it is a function, and not a call.
        findings: What is wrong with it already.
        ignores: The comments that belong to it.
    """

    name: str
    place: Place
    lines: tuple[int, int]
    text: SqlText | None
    returns: Evidence | None
    returns_place: Place
    shape: Shape | None = None
    is_async: bool = False
    arguments: tuple[Argument, ...] | None = None
    connection: Evidence | None = None
    is_declared: bool = False
    findings: tuple[Finding, ...] = ()
    ignores: tuple[Ignore, ...] = ()


def error_at(place: Place, code: str, message: str) -> Finding:
    """Say what is wrong at a place."""
    return Finding(place.path, Severity.ERROR, code, message, place.line, place.column)
