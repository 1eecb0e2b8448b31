"""The lock in SQL: SQLx's own name, read as the servers really answer.

`GET_LOCK(name, -1)`, which SQLx sends, takes no lock on MariaDB, so it is polled with
0. The reply is 1 for granted, 0 for not, NULL for an error.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlx.engine.steps import Rows

__all__ = [
    "NO_SESSIONS",
    "OF_SESSION",
    "holder",
    "holder_words",
    "keep",
    "lock_name",
    "sessions",
    "take",
]

SEED = 0x3D32AD9E
OF_SESSION = f"LOWER(HEX({SEED} * CRC32(DATABASE())))"
"""The name of the lock as the server makes it, of the database that it is in."""
VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
FIRST_WITH_LIST = 8, 0, 22
NO_SESSIONS = (
    "(SELECT NULL AS id, NULL AS user, NULL AS host, NULL AS command, NULL AS time)"
)


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
    held = f"IF(IS_USED_LOCK({name}) <=> CONNECTION_ID(), 'true', {again})"
    return f"SELECT {held} LIMIT 1"


def holder(name: str, listed: str) -> str:
    """Ask who else holds the lock; without the right PROCESS only the number is told.

    Args:
        name: The lock's, in SQL.
        listed: The server's list of sessions, or NO_SESSIONS.
    """
    return (
        "SELECT l.id, p.user, p.host, p.command, p.time"
        f" FROM (SELECT IS_USED_LOCK({name}) AS id) l"
        f" LEFT JOIN {listed} p ON p.id = l.id"
        " WHERE l.id <> CONNECTION_ID() LIMIT 1"
    )


def sessions(server: str, *, mariadb: bool) -> str:
    """Name a server's list of sessions, by the version that it says it is.

    MySQL's older one, of `information_schema`, is refused (3854) while anybody's
    statement has bytes that are no text, as SQLx's have.
    """
    if mariadb:
        return "information_schema.processlist"
    version = VERSION.match(server)
    listed = version and tuple(map(int, version.groups())) >= FIRST_WITH_LIST
    return "performance_schema.processlist" if listed else NO_SESSIONS


def holder_words(reply: Rows) -> str:
    """Say who holds the lock."""
    if not reply:
        return ""
    number, user, host, command, seconds = map(str, reply[0])
    words = [f"connection {number}"]
    if user != "None":
        words += [f"user {user}", f"from {host}", f"{command} for {seconds} s"]
    return ", ".join(words)
