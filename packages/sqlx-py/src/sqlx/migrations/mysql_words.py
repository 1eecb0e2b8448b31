"""What the words of MySQL's and MariaDB's statements tell.

Source:
    "Statements That Cause an Implicit Commit" in the manual of MySQL 9, "SQL statements
    that Cause an Implicit Commit" in MariaDB's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.migrations.splitting import Statement, Statements

__all__ = [
    "changes_nothing",
    "commits_implicitly",
    "fails_as_a_whole",
    "is_control",
    "leaves_session",
    "loads_from_client",
    "runs_code",
]


def commits_implicitly(statement: Statement) -> bool:
    """Tell whether a statement commits what stands before it in a transaction.

    What a CALL or an EXECUTE does is not known: it is told to commit nothing.
    """
    words = [word for word in statement.words if word not in {"OR", "REPLACE"}]
    first, second = [*words, "", ""][:2]
    if first in {"CREATE", "DROP"}:
        return second not in {"TEMPORARY", "PREPARE"}
    return first in _COMMIT or (first, second) in _COMMIT_BY_TWO


def fails_as_a_whole(statement: Statement, sql: str) -> bool:
    """Tell whether a statement is DDL that is done as a whole or not at all.

    What is not known to be is not: databases are dropped file by file, users made and
    tables dropped one by one, and what is replaced is dropped first.
    """
    verb, noun = [*statement.words, "", ""][:2]
    if verb not in {"ALTER", "CREATE", "DROP"}:
        return False
    several = verb == "DROP" or noun in _ACCOUNTS
    return noun in _WHOLE | _ACCOUNTS and not (several and "," in sql)


def changes_nothing(statement: Statement, sql: str) -> bool:
    """Tell whether a statement only reads, or sets the session, and calls nothing."""
    if _DOES_MORE.search(sql):
        return False
    first, second = [*statement.words, "", ""][:2]
    sets = first == "SET" and second != "STATEMENT"
    sets = sets and not commits_implicitly(statement)
    return sets or first in {"SELECT", "SHOW", "USE"}


def runs_code(statement: Statement) -> bool:
    """Tell whether a statement runs others, which nobody sees: they may commit."""
    return not _RUNNERS.isdisjoint((statement.words[:1], statement.words[:2]))


def is_control(statement: Statement) -> bool:
    """Tell whether a statement begins or ends a transaction.

    A ROLLBACK to a savepoint is one here, too.
    """
    pair = statement.words[:2]
    return (
        pair[:1] in _CONTROL
        or pair in {("START", "TRANSACTION"), _AUTOCOMMIT}
        or (
            pair[:1] == ("BEGIN",) and pair[1:] != ("NOT",)  # … ATOMIC: a block
        )
    )


def loads_from_client(statement: Statement) -> bool:
    """Tell whether it is a LOAD DATA, or XML, of a file of the client's."""
    words = statement.words[:4]
    return words[:1] == ("LOAD",) and "LOCAL" in words[2:]


def leaves_session(statements: Statements) -> tuple[Statement, ...]:
    """Find the statements that change the session and are not taken back.

    A variable that is set to `@old` or DEFAULT in the end is: so do dumps.
    """
    last: dict[str, tuple[Statement, str]] = {}
    for item in statements.items:
        for name, value in _changes(item, statements.sql(item)):
            last[name] = item, value
    changed = {item.start: item for item, value in last.values() if not _is_old(value)}
    return tuple(changed[start] for start in sorted(changed))


_COMMIT = frozenset(
    {
        *("ALTER", "TRUNCATE", "RENAME", "GRANT", "REVOKE", "LOCK", "UNLOCK", "FLUSH"),
        *("OPTIMIZE", "REPAIR", "RESET", "INSTALL", "UNINSTALL", "CHANGE"),
    }
)
_AUTOCOMMIT = ("SET", "AUTOCOMMIT")
_COMMIT_BY_TWO = frozenset(
    {
        *(("ANALYZE", word) for word in ("TABLE", "LOCAL", "NO_WRITE_TO_BINLOG")),
        *(("START", word) for word in ("TRANSACTION", "SLAVE", "REPLICA", "ALL")),
        *(("STOP", word) for word in ("SLAVE", "REPLICA", "ALL")),
        *(("BEGIN", word) for word in ("", "WORK")),
        *(("SET", word) for word in ("AUTOCOMMIT", "PASSWORD", "DEFAULT")),
        *(("CHECK", "TABLE"), ("CACHE", "INDEX"), ("LOAD", "INDEX")),
        ("IMPORT", "TABLE"),
    }
)
_WHOLE = frozenset(
    {
        *("TABLE", "INDEX", "UNIQUE", "FULLTEXT", "SPATIAL", "VIEW", "TRIGGER"),
        *("PROCEDURE", "FUNCTION", "AGGREGATE", "EVENT", "SEQUENCE"),
        *("DEFINER", "ALGORITHM", "SQL"),  # … of a view, a routine, a trigger
    }
)
_ACCOUNTS = frozenset({"USER", "ROLE"})
_RUNNERS = frozenset(
    {
        *((word,) for word in ("CALL", "EXECUTE", "CASE", "DECLARE", "FOR", "IF")),
        *((word,) for word in ("LOOP", "REPEAT", "WHILE")),
        *(("BEGIN", "NOT"), ("SET", "STATEMENT")),
    }
)
# What is called may write; INTO a file, and what is set for all, outlast the session.
_DOES_MORE = re.compile(r"\(|\bINTO\b|GLOBAL|PERSIST", re.IGNORECASE)
_CONTROL = frozenset({("COMMIT",), ("ROLLBACK",), ("XA",)})

_QUOTED = re.compile(
    r"'(?>(?:[^'\\]|\\.|'')*)'|\"(?>(?:[^\"\\]|\\.|\"\")*)\"", re.DOTALL
)
_ASSIGNMENT = re.compile(
    r"(?:\bSET\s|,)\s*(?:@@)?(?:(?P<scope>SESSION|LOCAL|GLOBAL|PERSIST|PERSIST_ONLY)"
    r"[\s.]\s*)?(?P<name>\w+)\s*:?=\s*(?P<value>[^\s,]*)",
    re.IGNORECASE,
)
_OF_THE_SERVER = frozenset({"GLOBAL", "PERSIST", "PERSIST_ONLY"})
# What has no `=`: the variable that a dump sets back, or a name for it.
_OTHERS = {
    ("SET", "NAMES"): "CHARACTER_SET_CLIENT",
    ("SET", "CHARACTER"): "CHARACTER_SET_CLIENT",
    ("SET", "CHARSET"): "CHARACTER_SET_CLIENT",
    ("SET", "ROLE"): "role",
    ("SET", "SESSION", "TRANSACTION"): "transaction",
    ("SET", "LOCAL", "TRANSACTION"): "transaction",
}


def _changes(statement: Statement, sql: str) -> Iterator[tuple[str, str]]:
    """Name what is changed in the session, and to what."""
    words = statement.words
    other = _OTHERS.get(words[:2]) or _OTHERS.get(words[:3])
    if words[:1] == ("USE",):
        yield "database", ""
    elif other:
        yield other, ""
    elif words[:1] == ("SET",) and words[1:2] not in {("STATEMENT",), ("PASSWORD",)}:
        for found in _ASSIGNMENT.finditer(_QUOTED.sub("''", sql)):
            if (found["scope"] or "").upper() not in _OF_THE_SERVER:
                yield found["name"].upper(), found["value"]


def _is_old(value: str) -> bool:
    return re.fullmatch(r"@\w+|DEFAULT", value, re.IGNORECASE) is not None
