"""What RETURNING gives: MariaDB does not tell before it runs, and of a SELECT it does.

INSERT, REPLACE and DELETE return columns of the one table that they are about, so these
are selected from it instead.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlx.databases.mysql.describing.prepared import Statement, prepare
from sqlx.queries.checking.mysql_placeholders import NO_CODE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlx.databases.mysql.connect import Connection

__all__ = ["select_of", "select_returned"]

_TOKENS = re.compile(
    rf"{NO_CODE} | (?P<open>\() | (?P<close>\)) | (?P<word>[\w$]+)",
    re.VERBOSE | re.DOTALL,
)
_NAME = r"(?:`(?:[^`]|``)+`|[\w$]+)"
_TABLE = re.compile(
    rf"""
    \s*(?:
        (?:INSERT|REPLACE)(?:\s+(?:LOW_PRIORITY|DELAYED|HIGH_PRIORITY|IGNORE))*
        (?:\s+INTO)?
      | DELETE(?:\s+(?:LOW_PRIORITY|QUICK|IGNORE))*\s+FROM
    )\s+(?P<table>{_NAME}(?:\s*\.\s*{_NAME})?)
    """,
    re.VERBOSE | re.IGNORECASE,
)


def select_returned(
    connection: Connection, statements: Sequence[Statement], at_once: int
) -> dict[str, Statement]:
    """Prepare a SELECT for each statement that returns columns, by its text."""
    texts = {one.sql: select_of(one.sql) for one in statements if not one.fields}
    found = {sql: select for sql, select in texts.items() if select is not None}
    answers = prepare(connection, [*found.values()], at_once)
    return {
        sql: one
        for sql, one in zip(found, answers, strict=True)
        if isinstance(one, Statement)
    }


def select_of(sql: str) -> str | None:
    """Write the SELECT that gives what a statement returns; None where it returns none.

    Args:
        sql: One statement, which the server takes.
    """
    table = _TABLE.match(sql)
    if table is None:
        return None
    depth, begin = 0, 0
    for token in _TOKENS.finditer(sql, table.end()):
        depth += (token["open"] is not None) - (token["close"] is not None)
        if depth == 0 and (token["word"] or "").upper() == "RETURNING":
            begin = token.end()
    if not begin:
        return None
    columns = sql[begin:].rstrip().removesuffix(";")
    return f"SELECT {columns}\nFROM {table['table']}"
