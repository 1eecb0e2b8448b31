"""The lock in SQL: SQLx's own name, read as the servers really answer.

`GET_LOCK(name, -1)`, which SQLx sends, takes no lock on MariaDB, so it is polled with
0. The reply is 1 for granted, 0 for not, NULL for an error.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlx.engine.steps import Rows

__all__ = ["OF_SESSION", "holder", "holder_words", "keep", "lock_name", "take"]

SEED = 0x3D32AD9E
OF_SESSION = f"LOWER(HEX({SEED} * CRC32(DATABASE())))"
"""The name of the lock as the server makes it, of the database that it is in."""


def lock_name(database: str) -> str:
    """Write the name of the lock: SQLx's, from the database's name."""
    return f"'{SEED * zlib.crc32(database.encode()):x}'"


def take(name: str) -> str:
    """Take the lock, or do not wait for it."""
    return f"GET_LOCK({name}, 0)"


def keep(name: str) -> str:
    """Tell whether the session holds the lock, or may take it again.

    Who holds it already would get it twice, and give it back once.
    """
    again = f"IF({take(name)} = 1, 'true', 'false')"
    return f"SELECT IF(IS_USED_LOCK({name}) <=> CONNECTION_ID(), 'true', {again})"


def holder(name: str, *, mariadb: bool) -> str:
    """Ask who holds the lock; without the right PROCESS only the number is told.

    MySQL's older list of sessions is refused (3854) while anybody's statement has bytes
    that are no text, as SQLx's have.
    """
    schema = "information_schema" if mariadb else "performance_schema"
    return (
        "SELECT l.id, p.user, p.host, p.command, p.time"
        f" FROM (SELECT IS_USED_LOCK({name}) AS id) l"
        f" LEFT JOIN {schema}.processlist p ON p.id = l.id"
        " WHERE l.id IS NOT NULL"
    )


def holder_words(reply: Rows) -> str:
    """Say who holds the lock."""
    if not reply:
        return ""
    number, user, host, command, seconds = map(str, reply[0])
    words = [f"connection {number}"]
    if user != "None":
        words += [f"user {user}", f"from {host}", f"{command} for {seconds} s"]
    return ", ".join(words)
