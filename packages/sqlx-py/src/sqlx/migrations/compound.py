"""MySQL and MariaDB: the `;` of compound statements, BEGIN … END and its kin.

Theory of operation: the server finds the end of a statement by parsing it. Here the
words are followed that open and close blocks, and only where a statement of a block can
begin: BEGIN, END, IF and the like are names elsewhere (`IF(a, b)`, a column `end`). An
END further on closes an expression CASE, unless an operand has to stand there.

What parentheses hold is not seen. When the thread is lost (an END that nothing has
opened, the AS of Oracle's mode), the body stays open: the text becomes uncertain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlx.migrations.bodies import Table

__all__ = ["CompoundBody"]

_NAME = '"'
_BLOCKS = ("IF", "CASE", "LOOP", "WHILE", "REPEAT", "FOR")
_EXPRESSION = "CASE … END"

# From a statement's first word to its body. "begin" lets the same token begin a
# statement, "start" the next one; "plain" has no body, and "lost" no end.
_STRAY = (
    *("END", "ELSE", "ELSEIF", "UNTIL", "WHEN", "DECLARE", "RETURN", "LEAVE"),
    *("ITERATE", "FETCH", "CLOSE"),
)
_PROGRAMS = {
    "PROCEDURE": "procedure",
    "FUNCTION": "function",
    "TRIGGER": "trigger",
    "EVENT": "event",
    "PACKAGE": "lost",
}
_CHARACTERISTICS = (
    *("LANGUAGE", "SQL", "NOT", "DETERMINISTIC", "CONTAINS"),
    *("NO", "READS", "MODIFIES", "DATA", "SECURITY", "DEFINER", "INVOKER"),
)
_HEAD: Table = {
    "": (
        {"CREATE": "create", "ALTER": "alter", "BEGIN": "transaction"}
        | dict.fromkeys(_BLOCKS, "begin")
        | dict.fromkeys(_STRAY, "lost"),
        "plain",
    ),
    "transaction": ({"NOT": "not"}, "plain"),
    "not": ({"ATOMIC": "atomic"}, "plain"),
    "create": (
        {"OR": "or", "DEFINER": "definer", "AGGREGATE": "create", **_PROGRAMS},
        "plain",
    ),
    "or": ({"REPLACE": "create"}, "plain"),
    "alter": ({"EVENT": "event", "DEFINER": "definer"}, "plain"),
    "definer": ({"VIEW": "plain", **_PROGRAMS}, "definer"),
    "procedure": ({")": "characteristics", "AS": "lost", "IS": "lost"}, "procedure"),
    "characteristics": (
        dict.fromkeys(_CHARACTERISTICS, "characteristics")
        | {"COMMENT": "comment", "AS": "lost", "IS": "lost"},
        "begin",
    ),
    "comment": ({}, "characteristics"),
    "function": ({"RETURNS": "returns", "RETURN": "lost"}, "function"),
    "returns": (
        dict.fromkeys(("BEGIN", "RETURN", *_BLOCKS), "begin")
        | {"AS": "lost", "IS": "lost"},
        "returns",
    ),
    "trigger": ({"FOR": "for"}, "trigger"),
    "for": ({"EACH": "each"}, "trigger"),
    "each": ({"ROW": "start"}, "trigger"),
    "follows": ({}, "start"),
    "event": ({"DO": "start"}, "event"),
    # DECLARE … HANDLER FOR condition [, condition] … and then a statement.
    "declare": (
        dict.fromkeys(("CONTINUE", "EXIT", "UNDO"), "declare") | {"HANDLER": "handler"},
        "inside",
    ),
    "handler": ({"FOR": "condition"}, "inside"),
    "condition": ({"SQLSTATE": "sqlstate", "NOT": "condition"}, "conditioned"),
    "sqlstate": ({"VALUE": "sqlstate"}, "conditioned"),
    "conditioned": ({",": "condition"}, "begin"),
}
# How a statement of a block goes on, by its first word; "first" may be a label.
_STARTS: Mapping[str, str] = {
    ";": "start",
    "BEGIN": "start",
    "LOOP": "start",
    "REPEAT": "start",
    "ELSE": "start",
    "END": "ended",
    "DECLARE": "declare",
    "UNTIL": "until",
    "FOLLOWS": "follows",
    "PRECEDES": "follows",
}
# What ends a header: a statement begins behind it.
_HEADERS = {"THEN": ("IF", "CASE"), "DO": ("WHILE", "FOR")}
_OPERAND_FOLLOWS = frozenset(
    (
        *("CASE", "WHEN", "THEN", "ELSE", "UNTIL", "AND", "OR", "XOR", "NOT", "LIKE"),
        *("RLIKE", "REGEXP", "IN", "IS", "BETWEEN", "DIV", "MOD", "INTERVAL", "BINARY"),
        *"=<>+-*/%,!&|^~",
    )
)


class CompoundBody:
    """Follows a statement of MySQL or MariaDB through its blocks."""

    def __init__(self) -> None:
        self.state = ""
        self.blocks: list[str] = []
        self.previous = ""

    @property
    def is_open(self) -> bool:
        """True while a `;` belongs to the statement."""
        return bool(self.blocks) or self.state == "lost"

    @property
    def wants_words(self) -> bool:
        """True while the next word decides something."""
        return self.state not in {"plain", "lost"}

    def see(self, sign: str) -> None:
        """Take a word in upper case, or another sign."""
        before, self.previous = self.previous, sign
        if before in {".", "@"}:
            sign = _NAME  # NEW.end, @case
        if self.state in _HEAD:
            nexts, otherwise = _HEAD[self.state]
            self.state = nexts.get(sign, otherwise)
            if self.state == "begin":
                self.begin(sign)
            elif self.state == "atomic":
                self.begin("BEGIN")
        elif self.state == "start":
            self.begin(sign)
        elif self.state == "first" and sign == ":":
            self.state = "start"
        elif self.blocks:
            self.go_on(sign, before)
        elif self.state == "first":
            self.state = "plain"

    def begin(self, sign: str) -> None:
        """Take the first token of a statement of the body."""
        if sign == "BEGIN" or sign in _BLOCKS:
            self.blocks.append(sign)
        elif sign == "END" and self.blocks:
            self.blocks.pop()
        self.state = _STARTS.get(sign, "first")

    def go_on(self, sign: str, before: str) -> None:
        """Take any other token of a statement in a block."""
        block = self.blocks[-1]
        if sign == ";" or block in _HEADERS.get(sign, ()):
            self.state = "start"
        elif sign == "CASE" and self.state != "ended":
            self.blocks.append(_EXPRESSION)
        elif sign == "END" and before not in _OPERAND_FOLLOWS:
            self.end(block)

    def end(self, block: str) -> None:
        """Take an END at which no statement begins."""
        if block == _EXPRESSION or (block == "REPEAT" and self.state == "until"):
            self.blocks.pop()
