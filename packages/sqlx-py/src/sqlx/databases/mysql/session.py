"""What a MySQL or MariaDB session is set to while we migrate, and how it is put back.

`COM_RESET_CONNECTION` would do it in one word, and drop the lock. So the settings that
files are known to change (every dump of mysqldump does) are read with the lock's reply,
and written back one by one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.engine.steps import Query

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlx.engine.steps import Row, Value

__all__ = [
    "CREATE",
    "EVERY_ROW",
    "SPEECH_NOW",
    "Before",
    "autocommits",
    "limits",
    "literal",
    "ours",
    "quoted",
    "settings",
    "speak",
]

CREATE = """CREATE TABLE IF NOT EXISTS {table} (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
)"""
"""SQLx's own text (migrations.md 2.1)."""
SPEECH = (
    "character_set_client",
    "character_set_connection",
    "character_set_results",
    "collation_connection",  # behind what sets it, too
)
SETTINGS = (
    "sql_mode",  # first: how all else is read
    "autocommit",
    *SPEECH,
    "default_storage_engine",
    "foreign_key_checks",
    "group_concat_max_len",
    "innodb_lock_wait_timeout",
    "lock_wait_timeout",
    "sql_notes",
    "sql_quote_show_create",
    "sql_safe_updates",
    "sql_select_limit",
    "time_zone",
    "unique_checks",
)
OF_MARIADB = (
    "check_constraint_checks",
    "max_statement_time",
    "tx_isolation",
    "tx_read_only",
)
OF_MYSQL = ("max_execution_time", "transaction_isolation", "transaction_read_only")
MODES = "PIPES_AS_CONCAT,NO_ENGINE_SUBSTITUTION,IGNORE_SPACE"
"""SQLx's (migrations.md 9.4); it asks for the last by a flag of the connection."""
LONGEST_SECONDS = 31_536_000  # a year: the most that `lock_wait_timeout` takes
LONGEST_ROW_SECONDS = 100_000_000  # what MariaDB's InnoDB takes at most
MOST_ROWS = 18_446_744_073_709_551_615
EVERY_ROW = f"LIMIT {MOST_ROWS}"
"""What a session has as `sql_select_limit` goes for what says no limit itself."""
SPEECH_NOW = Query(f"SELECT {', '.join(f'@@{name}' for name in SPEECH)} LIMIT 1")
NUMBER = re.compile(r"\d+(\.\d+)?")


def literal(value: str) -> str:
    """Write a text so that no setting changes how it is read."""
    return f"CONVERT(x'{value.encode().hex()}' USING utf8mb4)"


def quoted(name: str) -> str:
    """Write a name so that no setting changes how it is read."""
    return "`" + name.replace("`", "``") + "`"


def settings(*, mariadb: bool) -> tuple[str, ...]:
    """Name the settings that are read, and put back."""
    return (*SETTINGS, *(OF_MARIADB if mariadb else OF_MYSQL))


def ours(*, mariadb: bool, time_zone: str, collation: str) -> str:
    """Set what migrations run with.

    Args:
        mariadb: Whether it is MariaDB.
        time_zone: As the URL has it, SQLx's is UTC; empty for the server's.
        collation: The same; empty for the server's.
    """
    longest = "max_statement_time" if mariadb else "max_execution_time"
    known = [
        f"sql_mode = CONCAT(@@sql_mode, ',{MODES}')",
        "autocommit = 1",
        f"sql_select_limit = {MOST_ROWS}",
        f"{longest} = 0",
    ]
    if time_zone:
        known.append(f"time_zone = {literal(time_zone)}")
    collate = f" COLLATE {collation}" if collation else ""
    return f"SET {', '.join(known)}, NAMES utf8mb4{collate}"


def limits(limit_ms: int) -> str:
    """Set how long a statement may wait for a table, or for a row; 0 for ever.

    The servers count whole seconds.
    """
    seconds = -(-limit_ms // 1000)
    return (
        f"SET lock_wait_timeout = {seconds or LONGEST_SECONDS},"
        f" innodb_lock_wait_timeout = {seconds or LONGEST_ROW_SECONDS}"
    )


@dataclass(frozen=True, slots=True)
class Before:
    """How a session was set when it came to us.

    Args:
        database: Which it was in.
        values: Of the settings, by name.
    """

    database: str
    values: tuple[tuple[str, str | None], ...]

    @classmethod
    def read(cls, database: str, row: Row, *, mariadb: bool) -> Before:
        """Read the columns of `settings`."""
        names = settings(mariadb=mariadb)
        texts = (None if value is None else str(value) for value in row)
        return cls(database, tuple(zip(names, texts, strict=True)))

    def restore(self) -> Iterator[str]:
        """The statements that put everything back."""
        yield _put(self.values)
        yield f"USE {quoted(self.database)}"


def autocommits(*, yes: bool) -> Query:
    """Let each statement commit itself, or not."""
    return Query(f"SET autocommit = {yes:d}")


def speak(row: Row) -> Query:
    """Put back what `SPEECH_NOW` told."""
    return Query(_put(zip(SPEECH, row, strict=True)))


def _put(values: Iterable[tuple[str, Value]]) -> str:
    known = (f"{name} = {_written(value)}" for name, value in values)
    return f"SET {', '.join(known)}"


def _written(value: Value) -> str:
    if value is None:
        return "NULL"
    text = str(value)
    return text if NUMBER.fullmatch(text) else literal(text)
