"""The advisory lock in SQL: SQLx's key, who holds it, and whether we still do."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from sqlx.databases.postgres.session import EQ, NE, P

if TYPE_CHECKING:
    from sqlx.engine.steps import Rows

__all__ = ["holder", "holder_words", "keep", "lock_key", "take"]

SEED = 0x3D32AD9E


def lock_key(database: str) -> int:
    """Compute the key of the advisory lock: SQLx's, from the database's name."""
    return SEED * zlib.crc32(database.encode())


def take(key: int) -> str:
    """Take the transaction's lock or raise; a session may hold both."""
    granted = f"{P}.pg_try_advisory_xact_lock({key})"
    return f"SELECT {P}.ln({granted}::{P}.int4)"


def keep(key: int) -> str:
    """Tell whether the session holds the lock, or may take it again."""
    return (
        f"SELECT (CASE WHEN EXISTS (SELECT FROM {P}.pg_locks l"
        f" WHERE l.pid {EQ} {P}.pg_backend_pid() AND {_is_held(key)})"
        f" THEN true ELSE {P}.pg_try_advisory_lock({key}) END)::{P}.text"
    )


def holder(key: int) -> str:
    """Ask who else holds the lock."""
    return (
        f"SELECT a.pid::{P}.text, a.usename::{P}.text, a.application_name,"
        f" a.client_addr::{P}.text, a.state,"
        f" {P}.to_char(a.state_change, 'YYYY-MM-DD HH24:MI:SS TZ')"
        f" FROM {P}.pg_locks l JOIN {P}.pg_stat_activity a ON a.pid {EQ} l.pid"
        f" WHERE a.pid {NE} {P}.pg_backend_pid() AND {_is_held(key)} LIMIT 1"
    )


def holder_words(reply: Rows) -> str:
    """Say who holds the lock."""
    if not reply:
        return ""
    pid, user, application, address, state, since = map(str, reply[0])
    words = [f"pid {pid}", f"user {user}"]
    words += [application] if application else []
    words += [f"from {address}"] if address != "None" else []
    words += [f"{state} since {since}"] if state != "None" else []
    return ", ".join(words)


def _is_held(key: int) -> str:
    high, low = divmod(key, 1 << 32)
    return (
        f"l.locktype {EQ} 'advisory' AND l.granted AND l.objsubid {EQ} 1"
        f" AND l.classid {EQ} {high}::{P}.oid AND l.objid {EQ} {low}::{P}.oid"
    )
