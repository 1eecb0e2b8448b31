"""Where a second statement begins: sqlite3 runs one at a time, and refuses the rest.

SQLite itself describes the first and says nothing of the others.
"""

from __future__ import annotations

import re

__all__ = ["second_statement"]

_TOKENS = re.compile(
    r"""
      (?P<blank>\s+ | --[^\n]* | /\*.*?(?:\*/|\Z))
    | (?P<end>;)
    | '(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\]
    | \w+
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
_TRIGGER = re.compile(r"CREATE\s+(?:TEMP(?:ORARY)?\s+)?TRIGGER\b", re.IGNORECASE)


def second_statement(sql: str) -> int | None:
    """Find the offset of what follows the first statement; None when nothing does.

    A statement that makes a trigger has others inside, and is not looked into.
    """
    begun = ended = False
    for token in _TOKENS.finditer(sql):
        if token["blank"] is not None:
            continue
        if ended:
            return token.start()
        if token["end"] is not None:
            ended = begun
        elif not begun:
            begun = True
            if _TRIGGER.match(sql, token.start()) is not None:
                return None
    return None
