"""Where the `;` of a statement's body are: what a splitter follows, token by token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Body", "RoutineBody", "Table", "TriggerBody"]


class Body(Protocol):
    """Follows a statement's tokens into the part where `;` does not end it."""

    @property
    def is_open(self) -> bool:
        """True while a `;` belongs to the statement."""

    @property
    def wants_words(self) -> bool:
        """True while the next word decides something."""

    def see(self, sign: str) -> None:
        """Take a sign: a word in upper case, `"` for a quoted name, `;`.

        Of any other it gets the last character, and of parentheses that hide what
        stands in them nothing but `(` and `)`.
        """


# state: (sign: next state, next state for any other sign)
Table: TypeAlias = "Mapping[str, tuple[Mapping[str, str], str]]"

_ROUTINE: Table = {
    "": ({"CREATE": "create"}, "plain"),
    "plain": ({}, "plain"),
    "create": ({"OR": "or", "FUNCTION": "head", "PROCEDURE": "head"}, "plain"),
    "or": ({"REPLACE": "replace"}, "plain"),
    "replace": ({"FUNCTION": "head", "PROCEDURE": "head"}, "plain"),
    "head": ({"BEGIN": "begin"}, "head"),
    "begin": ({"BEGIN": "begin", "ATOMIC": "body"}, "head"),
}


class RoutineBody:
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
        """True while a `;` belongs to the statement."""
        return self.depth > 0

    @property
    def wants_words(self) -> bool:
        """True while the next word decides something."""
        return self.state != "plain"

    def see(self, sign: str) -> None:
        """Take a word in upper case, or another sign."""
        if not self.depth:
            nexts, otherwise = _ROUTINE[self.state]
            self.state = nexts.get(sign, otherwise)
            self.depth = int(self.state == "body")
        elif self.previous not in {"AS", "."}:
            self.depth += {"CASE": 1, "END": -1}.get(sign, 0)
            self.state = "body" if self.depth else "head"
        self.previous = sign


_TRIGGER: Table = {
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


class TriggerBody:
    """SQLite: CREATE [TEMP] TRIGGER … ends with `; END ;`, as complete.c has it."""

    def __init__(self) -> None:
        self.state = "start"

    @property
    def is_open(self) -> bool:
        """True while a `;` belongs to the statement."""
        return self.state in {"trigger", "semicolon"}

    @property
    def wants_words(self) -> bool:
        """True while the next word decides something."""
        return self.state not in {"normal", "trigger"}

    def see(self, sign: str) -> None:
        """Take a word in upper case, or another sign."""
        nexts, otherwise = _TRIGGER[self.state]
        self.state = nexts.get(sign, otherwise)
