"""What the server says of a text that it does not take, and where it stopped.

No answer has a place. A syntax error quotes what follows, of a long text its beginning
and three dots; others name the table, the column or the function.
"""

from __future__ import annotations

import re
from string import whitespace

from sqlx.queries.values import Refusal

__all__ = ["refusal"]

NEAR = re.compile(r"near '(.*)' at line (\d+)\Z", re.DOTALL)
NAMED = re.compile(r"'(?:[^']*\.)?([^'.]+)'|(?:FUNCTION|PROCEDURE) (?:\S+\.)?(\w+) ")
STATE = slice(4, 9)


def refusal(sql: str, packet: bytes) -> Refusal:
    """Read an error; it is told in SQLx's words, `1146 (42S02): Table …`.

    Args:
        sql: The text that was refused.
        packet: The first of the answer.
    """
    code = int.from_bytes(packet[1:3], "little")
    state, message = (
        packet[STATE].decode(),
        packet[STATE.stop :].decode(errors="replace"),
    )
    return Refusal(sql, f"{code} ({state}): {message}", _place(sql, message))


def _place(sql: str, message: str) -> int | None:
    """Find the characters before what the message is about."""
    near = NEAR.search(message)
    if near is not None:
        return _place_of_rest(sql, near[1], int(near[2]))
    named = NAMED.search(message)
    if named is None:
        return None
    name = re.escape(named[1] or named[2])
    found = re.search(rf"(?<!\w){name}(?!\w)", sql, re.IGNORECASE)
    return None if found is None else found.start()


def _place_of_rest(sql: str, rest: str, line: int) -> int | None:
    """Find what a syntax error quotes: all that is left, or the beginning of it.

    Blanks around the text, and semicolons behind it, are no part of it to the server.
    """
    text = sql.rstrip(f"{whitespace};")
    if text.endswith(rest):
        return len(text) - len(rest)
    begin = len(sql) - len(sql.lstrip())
    for _ in range(line - 1):
        begin = sql.find("\n", begin) + 1
    found = sql.find(rest.removesuffix("..."), begin)
    return None if found < 0 else found
