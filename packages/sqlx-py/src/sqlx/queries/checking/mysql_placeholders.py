"""What stands in a text for MySQL outside of literals and comments: `?`, and `||`."""

from __future__ import annotations

import re

__all__ = ["NO_CODE", "around_placeholders", "first_pipes"]

NO_CODE = r"""
      '(?:[^'\\]|\\.|'')*'? | "(?:[^"\\]|\\.|"")*"? | `(?:[^`]|``)*`?
    | \#[^\n]* | --(?=[\s\0]|\Z)[^\n]* | /\*(?!M?!).*?(?:\*/|\Z)
"""
"""Literals, names in quotes and comments, for verbose expressions where `.` is all.

`/*!…*/` and `/*M!…*/` hold code that the server runs; `--` needs a blank after it.
"""

_TOKENS = re.compile(rf"{NO_CODE} | (?P<placeholder>\?)", re.VERBOSE | re.DOTALL)
_PIPES = re.compile(rf"{NO_CODE} | (?P<pipes>\|\|)", re.VERBOSE | re.DOTALL)


def around_placeholders(sql: str) -> list[str]:
    """Split a text at its placeholders: there is one part more than there are of them.

    A backslash escapes in a string, as long as NO_BACKSLASH_ESCAPES is not set.
    """
    parts, begin = [], 0
    for token in _TOKENS.finditer(sql):
        if token["placeholder"] is not None:
            parts.append(sql[begin : token.start()])
            begin = token.end()
    return [*parts, sql[begin:]]


def first_pipes(sql: str) -> int | None:
    """Find `||`, which joins texts or is OR, as the session's `sql_mode` says."""
    found = (t.start() for t in _PIPES.finditer(sql) if t["pipes"] is not None)
    return next(found, None)
