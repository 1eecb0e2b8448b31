"""What a PostgreSQL session is set to while we migrate, and how it is put back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.engine.steps import Query

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CREATE",
    "EQ",
    "QUALIFIED",
    "SNAPSHOT",
    "TIDY_UP",
    "UTF8",
    "Before",
    "P",
    "literal",
    "ours",
    "speak",
]

P = "pg_catalog"
UTF8 = "UTF8"
Q = "$sqlx$"
EQ = f"OPERATOR({P}.=)"
NE = f"OPERATOR({P}.<>)"
QUALIFIED = f"{P}.concat({P}.quote_ident(n.nspname), '.', {P}.quote_ident(c.relname))"
CREATE = """CREATE TABLE IF NOT EXISTS {table} (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMPTZ NOT NULL DEFAULT now(),
    success BOOLEAN NOT NULL,
    checksum BYTEA NOT NULL,
    execution_time BIGINT NOT NULL
)"""
"""SQLx's own text (migrations.md 2.1)."""

# A file may set what it likes; this is what differs from the session's defaults.
SNAPSHOT = (
    f"(SELECT {P}.json_build_object('role', {P}.current_setting('role'),"
    f" 'user', session_user, 'settings', (SELECT"
    f" {P}.json_object_agg(s.name, s.setting) FROM {P}.pg_settings s"
    f" WHERE NOT COALESCE(s.setting {EQ} s.reset_val, false)"
    f" AND (s.context {EQ} 'user' OR s.context {EQ} 'superuser')))::{P}.text)"
)
OF_A_TRANSACTION = (
    "'transaction_isolation', 'transaction_read_only', 'transaction_deferrable'"
)
POSTGRES_14, POSTGRES_17 = 140000, 170000
TIDY_UP = (
    "CLOSE ALL",
    "RESET SESSION AUTHORIZATION",
    "RESET ROLE",
    "RESET ALL",
    "DEALLOCATE ALL",
    "UNLISTEN *",
    "DISCARD TEMP",
)


def literal(value: str) -> str:
    """Write a text so that no setting changes how it is read.

    Without a single quote: one that a file leaves open must not end in text of ours,
    for then the server would name another place, and quote what is ours.
    """
    given = f"{P}.decode({Q}{value.encode().hex()}{Q}, {Q}hex{Q})"
    return f"{P}.convert_from({given}, {Q}UTF8{Q})"


def speak(encoding: str | None) -> Query:
    """Choose what texts are sent and read in; a migration's is UTF-8."""
    return Query(f"SET client_encoding = '{encoding}'")


def ours(server_version: int, scope: str = "") -> tuple[str, ...]:
    """List the settings that migrations run with.

    Args:
        server_version: As libpq gives it, e.g. 150018.
        scope: `LOCAL` for the transaction alone.
    Source:
        The first three are SQLx's on every connection (migrations.md 9.4); the others
        free the lock when we are dead, frozen or cut off (reliability.md L7 to L10).
    """
    settings = {
        "TimeZone": "'UTC'",
        "DateStyle": "'ISO, MDY'",
        "extra_float_digits": "2",
        "statement_timeout": "0",
        "idle_in_transaction_session_timeout": "'60s'",
    }
    if server_version >= POSTGRES_17:
        settings["transaction_timeout"] = "0"
    if not scope:
        settings |= {
            "lock_timeout": "0",
            "tcp_keepalives_idle": "30",
            "tcp_keepalives_interval": "10",
            "tcp_keepalives_count": "3",
        }
    if server_version >= POSTGRES_14 and not scope:
        settings["idle_session_timeout"] = "'60s'"
    texts = [f"SET {scope} {name} = {value}" for name, value in settings.items()]
    if server_version >= POSTGRES_14 and not scope:
        # Only Linux servers can tell that a client is gone while they work for it.
        texts.append(
            f"SELECT {P}.set_config('client_connection_check_interval', '5s', false)"
            f" WHERE {P}.strpos({P}.version(), 'linux') OPERATOR({P}.>) 0"
        )
    return tuple(texts)


@dataclass(frozen=True, slots=True)
class Before:
    """How a connection of the user's was set when it was given to us.

    Args:
        role: `SET ROLE`, or "none".
        user: The session's user.
        settings: What differed from the session's defaults, by name.
    """

    role: str
    user: str
    settings: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, snapshot: str) -> Before:
        """Read the reply to `SNAPSHOT`."""
        found = json.loads(snapshot)
        settings = tuple((found["settings"] or {}).items())
        return cls(found["role"], found["user"], settings)

    def identity(self) -> Iterator[str]:
        """The statements that put user and role back."""
        yield (
            f"SELECT {P}.set_config({Q}session_authorization{Q}, {literal(self.user)},"
            f" false) WHERE session_user {NE} {literal(self.user)}::{P}.name"
        )
        yield (
            f"SELECT {P}.set_config({Q}role{Q}, {literal(self.role)}, false)"
            f" WHERE {P}.current_setting({Q}role{Q}) {NE} {literal(self.role)}"
        )

    def restore(self) -> Iterator[str]:
        """The statements that put everything back, and touch only what differs."""
        yield from self.identity()
        known = ", ".join(
            f"({literal(name)}, {literal(value)})" for name, value in self.settings
        )
        yield (
            f"SELECT {P}.count({P}.set_config(s.name, b.value, false))"
            f" FROM {P}.pg_settings s LEFT JOIN (VALUES (NULL, NULL)"
            f"{known and ', '}{known}) b(name, value) ON s.name {EQ} b.name"
            f" WHERE (s.context {EQ} 'user' OR s.context {EQ} 'superuser')"
            f" AND s.name {NE} ALL (ARRAY[{OF_A_TRANSACTION}])"
            f" AND NOT COALESCE(s.setting {EQ} COALESCE(b.value, s.reset_val), false)"
        )
