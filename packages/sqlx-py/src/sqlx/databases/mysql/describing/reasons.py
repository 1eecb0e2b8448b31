"""Why a column may be NULL that its table does not let be so, as a text shows it.

The servers tell that it may, and not why. Two are too careful (tried on MariaDB 10.11
and MySQL 9.7). MariaDB takes a window function for an aggregate without GROUP BY, whose
only row is one of NULL where there are none; MySQL takes an aggregate in a subquery for
one, if that reads a column of the query around it.
"""

from __future__ import annotations

import re

from sqlx.queries.checking.mysql_placeholders import NO_CODE

__all__ = ["reason"]

_AGGREGATE = (
    r"\b(?:AVG|BIT_\w+|COUNT|\w+AGG|GROUP_CONCAT|MAX|MIN|STD\w*|SUM|VAR_?\w*)\s*\("
)
_EVERYWHERE = {
    "outer join": r"\b(?:LEFT|RIGHT)\s+(?:OUTER\s+)?JOIN\b",
    "ROLLUP": r"\bROLLUP\b",
}
_OF_MARIADB = {
    "MariaDB cannot tell beside a window function": r"\bOVER\b",
    "an aggregate without GROUP BY, where there are no rows": (
        rf"\A(?!.*\b(?:OVER|GROUP\s+BY)\b).*{_AGGREGATE}"
    ),
}
_OF_MYSQL = {
    "MySQL cannot tell beside an aggregate in a subquery": (
        rf"(?:\bSELECT|[,(])\s*\(\s*SELECT\b.*{_AGGREGATE}"
    ),
}
_NO_CODE = re.compile(NO_CODE, re.VERBOSE | re.DOTALL)


def reason(sql: str, *, is_mariadb: bool) -> str:
    """Name what a text has that lets a column be NULL; empty where nothing is seen."""
    code = _NO_CODE.sub(" ", sql)
    causes = _EVERYWHERE | (_OF_MARIADB if is_mariadb else _OF_MYSQL)
    flags = re.DOTALL | re.IGNORECASE
    return ", or ".join(
        words for words, told in causes.items() if re.search(told, code, flags)
    )
