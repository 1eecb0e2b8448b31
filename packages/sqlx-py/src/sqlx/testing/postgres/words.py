"""The locks of the plugin's own on PostgreSQL, and names and texts as it reads them.

A session's advisory lock is on its number. Whoever clones a template holds a lock on
its name, shared, and whoever makes it another one alone.
"""

from __future__ import annotations

import zlib

__all__ = ["MAKING", "SESSIONS", "TEMPLATES", "literal", "lock_key", "quoted"]

# The first numbers of our advisory locks: "sqlt", "sqlu" and "sqlv".
SESSIONS, TEMPLATES, MAKING = 0x73716C74, 0x73716C75, 0x73716C76


def lock_key(name: str) -> int:
    """Give the second number of a template's locks: 32 bits, with a sign."""
    return zlib.crc32(name.encode()) - (1 << 31)


def quoted(name: str) -> str:
    """Write a name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Write a text as PostgreSQL reads it, however backslashes are read."""
    escaped = text.replace("'", "''").replace("\\", "\\\\")
    return f" E'{escaped}'" if "\\" in text else f"'{escaped}'"
