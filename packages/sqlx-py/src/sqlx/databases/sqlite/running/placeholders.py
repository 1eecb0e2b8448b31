"""The placeholders of a statement, as SQLite reads them and as SQLx numbers them."""

from __future__ import annotations

import re

__all__ = ["placeholder_names"]

# Names come before `$`, which may stand within them.
_TOKENS = re.compile(
    r"""
      '(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\]
    | --[^\n]* | /\*.*?(?:\*/|\Z)
    | [^\W\d][\w$]*
    | \d[\w.]*
    | (?P<placeholder>\?\d* | [:@$][\w$]+(?:::[\w$]+)*(?:\([^)\s]*\))?)
    """,
    re.VERBOSE | re.DOTALL,
)


def placeholder_names(sql: str, count: int | None = None) -> dict[str, int] | None:
    """Name the placeholders, each with the index of its value.

    `$2` takes the second value, as in SQLx; other names take one after the other, in
    the order in which they are first written.

    Args:
        sql: One statement.
        count: How many values there are; None when it is not known.

    Returns:
        None when all are `?`, and a sequence is bound. To sqlite3 `?2` is a name, too.

    Raises:
        ValueError: There are more or fewer values than the placeholders take.
    """
    texts = [found["placeholder"] for found in _TOKENS.finditer(sql)]
    used = dict.fromkeys(text for text in texts if text is not None)
    if not used.keys() - {"?"}:
        return None
    names: dict[str, int] = {}
    for text in used:
        number = text[1:]
        names[number] = int(number) - 1 if number.isdecimal() else len(names)
    highest = max(names.values()) + 1
    if count is not None and highest != count:
        raise ValueError(f"the query takes {highest} values, not {count}")
    return names
