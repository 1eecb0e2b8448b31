"""What a file may change of an SQLite connection, and how it is put back."""

from __future__ import annotations

import sqlite3

from sqlx.errors import ConnectionFailed

__all__ = ["settings_of"]

# All that a connection can be asked for and be told again. Left out are what the whole
# process shares (heap limits), what cannot be read (case_sensitive_like), what reads
# otherwise than it is written (cache_spill), and what is deprecated.
SETTINGS = (
    "analysis_limit",
    "automatic_index",
    "busy_timeout",
    "cache_size",
    "cell_size_check",
    "checkpoint_fullfsync",
    "foreign_keys",
    "fullfsync",
    "ignore_check_constraints",
    "journal_size_limit",
    "legacy_alter_table",
    "locking_mode",
    "mmap_size",
    "query_only",
    "read_uncommitted",
    "recursive_triggers",
    "reverse_unordered_selects",
    "secure_delete",
    "synchronous",
    "temp_store",
    "threads",
    "trusted_schema",
    "wal_autocheckpoint",
    "writable_schema",
)


def settings_of(connection: sqlite3.Connection, place: str) -> tuple[str, ...]:
    """List the statements that make a connection again what it is now.

    Args:
        connection: Open, outside a transaction.
        place: What it is, for the message.

    Raises:
        ConnectionFailed: It cannot be asked: locked, or no database.
    """
    try:
        found = [
            (name, connection.execute(f"PRAGMA {name}").fetchone()) for name in SETTINGS
        ]
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        raise ConnectionFailed(f"{error}: {place}", code=code) from None
    return tuple(f"PRAGMA {name} = {row[0]}" for name, row in found if row)
