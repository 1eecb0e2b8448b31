"""For `make run`: a user with a key, and a request that works, for whoever is new."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from smally.auth.keys import display_prefix, hash_key, is_well_formed, new_key
from smally.store import keys, users

if TYPE_CHECKING:
    from smally.database import Database

__all__ = ["introduce"]

EMAIL = "you@localhost"
# Beside the embedded database, in the working directory; git ignores both.
KEY_FILE = Path(".demo-key")


async def introduce(database: Database, url: str) -> str:
    """Give a key, the same at every start, and the command that embeds a text with it.

    Args:
        database: Open and migrated.
        url: Where the service listens.
    """
    key = await demo_key(database)
    return (
        f"\nYour API key: {key}\n"
        f"curl {url}/v1/embed -H 'Authorization: Bearer {key}'"
        """ --json '{"input": "hello, world"}'"""
    )


async def demo_key(database: Database) -> str:
    """Take the key of the last start while it opens the door, or make one."""
    async with database.connection() as connection:
        key = read_key()
        if key and await keys.active_by_hash(connection, hash_key(key)):
            return key
        key = new_key()
        user = await users.by_email(connection, EMAIL)
        if user is None:
            user = await users.add(connection, EMAIL, "free", "user")
        if user is not None:
            stored = (hash_key(key), display_prefix(key))
            await keys.add(connection, user.id, "make run", *stored)
    write_key(key)
    return key


def read_key() -> str:
    """Read the key of the last start; empty when there is none of use."""
    try:
        key = KEY_FILE.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return key if is_well_formed(key) else ""


def write_key(key: str) -> None:
    """Keep the key for the next start."""
    with KEY_FILE.open("w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(f"{key}\n")
