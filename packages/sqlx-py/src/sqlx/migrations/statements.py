"""What can be told from the first words of each statement of a file.

And from the lines between them, by which other tools part a file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlx.migrations.lexing import Syntax
from sqlx.migrations.mysql_words import (
    changes_nothing,
    commits_implicitly,
    fails_as_a_whole,
    is_control,
    leaves_session,
    loads_from_client,
    runs_code,
)
from sqlx.migrations.splitting import (
    MOST_WORDS,
    Statement,
    Statements,
    parts,
    pieces,
    position,
    split,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "Statement",
    "Statements",
    "Syntax",
    "changes_nothing",
    "client_copy",
    "commits_implicitly",
    "ends_transaction",
    "fails_as_a_whole",
    "is_plain_ddl",
    "leaves_settings",
    "parts",
    "pieces",
    "position",
    "runs_code",
    "split",
    "transaction_control",
    "way_back",
]


def transaction_control(
    statements: Statements, syntax: Syntax
) -> tuple[Statement, ...]:
    """Find the statements that begin or end a transaction; savepoints do neither."""
    controls = _CONTROLS[syntax]
    return tuple(
        item
        for item in statements.items
        if controls(item) and not _goes_to_savepoint(item)
    )


def ends_transaction(statement: Statement) -> bool:
    """Tell whether a statement commits or rolls back the transaction it stands in.

    COMMIT PREPARED and ROLLBACK PREPARED end another one.
    """
    if statement.words[:2] in _ENDS_BY_TWO:
        return True
    return (
        not _ENDS.isdisjoint(statement.words[:1])
        and statement.words[1:2] != ("PREPARED",)
        and not _goes_to_savepoint(statement)
    )


def client_copy(statements: Statements) -> Statement | None:
    """Find the first statement whose data comes from the client, or goes there.

    It is a COPY of PostgreSQL's, or a LOAD DATA LOCAL of MySQL's.

    Source:
        gram.y, `copy_file_name`: STDIN and STDOUT mean the same there.
    """
    for item in statements.items:
        pairs = zip(item.words, item.words[1:], strict=False)
        copies = item.words[:1] == ("COPY",) and not _CLIENT_FILES.isdisjoint(pairs)
        if copies or loads_from_client(item):
            return item
    return None


def way_back(statements: Statements) -> re.Match[str] | None:
    """Find the line behind which a file for another tool has its way back.

    dbmate, goose and sql-migrate keep both ways in one file, whose name fits here as
    well. A line that no statement follows, or that stands in one, is a comment; so is
    one within `/* */`.
    """
    if not any(word in statements.text for word in ("migrate", "goose")):
        return None  # Most files, and a hundred times as fast.
    text, items = statements.text, statements.items
    for found in _WAY_BACK.finditer(text):
        at = found.start()
        before = max((item.end for item in items if item.start < at), default=0)
        in_comment = text.rfind("/*", before, at) > text.rfind("*/", before, at)
        if before <= at and not in_comment and any(item.start > at for item in items):
            return found
    return None


def is_plain_ddl(statements: Statements) -> bool:
    """Tell whether a file (PostgreSQL) is DDL through and through, without a doubt.

    Only such files share a message (design.md 3, "Fast").
    """
    return (
        statements.certain
        and bool(statements.items)
        and all(map(_is_plain, statements.items))
    )


def leaves_settings(statements: Statements, syntax: Syntax) -> tuple[Statement, ...]:
    """Find the statements that change a setting beyond the transaction.

    PostgreSQL and SQLite have no such word in common, so both are looked for.
    """
    if syntax is Syntax.MYSQL:
        return leaves_session(statements)
    return tuple(
        item
        for item in statements.items
        if _SETTERS.get("".join(item.words[:1]), _never)(item, statements.sql(item))
    )


def _begins_with(*phrases: tuple[str, ...]) -> Callable[[Statement], bool]:
    known = frozenset(phrases)
    return lambda item: not known.isdisjoint((item.words[:1], item.words[:2]))


_CONTROLS: Mapping[Syntax, Callable[[Statement], bool]] = {
    Syntax.POSTGRES: _begins_with(
        ("BEGIN",),
        ("START", "TRANSACTION"),
        ("COMMIT",),
        ("END",),
        ("ROLLBACK",),
        ("ABORT",),
        ("PREPARE", "TRANSACTION"),
    ),
    Syntax.SQLITE: _begins_with(("BEGIN",), ("COMMIT",), ("END",), ("ROLLBACK",)),
    Syntax.MYSQL: is_control,
}
_WAY_BACK = re.compile(
    r"^--[ \t]*(?:migrate:down|\+(?:goose|migrate)[ \t]+(?i:down))\b", re.MULTILINE
)
_ENDS = frozenset({"COMMIT", "END", "ROLLBACK", "ABORT"})
# To turn autocommit off ends nothing, but its value is no word.
_ENDS_BY_TWO = frozenset(
    {
        ("PREPARE", "TRANSACTION"),
        ("XA", "COMMIT"),
        ("XA", "ROLLBACK"),
        ("SET", "AUTOCOMMIT"),
    }
)


def _goes_to_savepoint(statement: Statement) -> bool:
    """ROLLBACK [WORK | TRANSACTION] TO …: the transaction goes on."""
    return statement.words[:1] == ("ROLLBACK",) and "TO" in statement.words[1:3]


_CLIENT_FILES = frozenset(
    (way, file) for way in ("FROM", "TO") for file in ("STDIN", "STDOUT")
)

_DDL = frozenset({"CREATE", "ALTER", "DROP", "COMMENT", "GRANT", "REVOKE"})
_MODIFIERS = frozenset({"OR", "REPLACE", "GLOBAL", "LOCAL", "UNLOGGED", "UNIQUE"})
_ALONE = frozenset({"CONCURRENTLY", "PG_TEMP"})
# What cannot run in a transaction, stays behind in the session, or writes rows.
_NOT_PLAIN = frozenset(
    {
        ("CREATE", "DATABASE"),
        ("DROP", "DATABASE"),
        ("CREATE", "TABLESPACE"),
        ("DROP", "TABLESPACE"),
        ("CREATE", "SUBSCRIPTION"),
        ("DROP", "SUBSCRIPTION"),
        ("ALTER", "SYSTEM"),
        ("CREATE", "TEMP"),
        ("CREATE", "TEMPORARY"),
        ("CREATE", "MATERIALIZED"),
    }
)


def _is_plain(statement: Statement) -> bool:
    verb, *rest = statement.words or ("",)
    kind = next((word for word in rest if word not in _MODIFIERS), "")
    if verb not in _DDL or (verb, kind) in _NOT_PLAIN:
        return False
    if (verb, kind) == ("CREATE", "TABLE") and _may_write_rows(rest):
        return False
    return _ALONE.isdisjoint(rest)


def _may_write_rows(words: list[str]) -> bool:
    """CREATE TABLE … AS; when AS may stand behind the words that were kept, too."""
    unknown = len(words) + 1 == MOST_WORDS and "PARTITION" not in words
    return "AS" in words or unknown


_FOR_THE_TRANSACTION = frozenset({"LOCAL", "TRANSACTION", "CONSTRAINTS"})
_SET_CONFIG = re.compile(r"\bset_config\s*\(", re.IGNORECASE)
_IS_LOCAL = re.compile(r",\s*true\s*\)", re.IGNORECASE)
_CONNECTION_PRAGMA = re.compile(
    "ANALYSIS_LIMIT|AUTOMATIC_INDEX|BUSY_TIMEOUT|CACHE_SIZE|CACHE_SPILL|"
    "CASE_SENSITIVE_LIKE|CELL_SIZE_CHECK|CHECKPOINT_FULLFSYNC|COUNT_CHANGES|"
    "EMPTY_RESULT_CALLBACKS|FOREIGN_KEYS|FULL_COLUMN_NAMES|FULLFSYNC|HARD_HEAP_LIMIT|"
    "IGNORE_CHECK_CONSTRAINTS|JOURNAL_SIZE_LIMIT|LEGACY_ALTER_TABLE|LOCKING_MODE|"
    "MMAP_SIZE|QUERY_ONLY|READ_UNCOMMITTED|RECURSIVE_TRIGGERS|"
    "REVERSE_UNORDERED_SELECTS|SECURE_DELETE|SHORT_COLUMN_NAMES|SOFT_HEAP_LIMIT|"
    "SYNCHRONOUS|TEMP_STORE|THREADS|TRUSTED_SCHEMA|WAL_AUTOCHECKPOINT|WRITABLE_SCHEMA"
)


def _never(_statement: Statement, _sql: str) -> bool:
    return False


def _always(_statement: Statement, _sql: str) -> bool:
    return True


def _set_stays(statement: Statement, _sql: str) -> bool:
    return _FOR_THE_TRANSACTION.isdisjoint(statement.words[1:2])


def _set_config_stays(statement: Statement, sql: str) -> bool:
    """A call whose last argument is not plainly `true` is taken to last."""
    calls = _SET_CONFIG.findall(sql) if "SET_CONFIG" in statement.words else []
    return len(calls) > len(_IS_LOCAL.findall(sql))


def _pragma_stays(statement: Statement, sql: str) -> bool:
    """PRAGMA [schema.]name reads; with `= value` or `(value)` it sets."""
    known = any(map(_CONNECTION_PRAGMA.fullmatch, statement.words[1:3]))
    return known and ("=" in sql or "(" in sql)


_SETTERS: Mapping[str, Callable[[Statement, str], bool]] = {
    "SET": _set_stays,
    "RESET": _always,
    "DISCARD": _always,
    "SELECT": _set_config_stays,
    "PRAGMA": _pragma_stays,
}
