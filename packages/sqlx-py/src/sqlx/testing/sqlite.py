"""SQLite: what migrations have made is a file, and a test's database a copy of it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlx.migrator import Migrator

__all__ = ["Files"]


class Files:
    """The databases of one process.

    Args:
        shared: A folder that all processes of the session have.
        own: A folder of this process.
    """

    def __init__(self, shared: str, own: str) -> None:
        self._shared, self._own = shared, own
        self._count = 0

    def template(self, migrator: Migrator | None) -> str:
        """Find the file that some migrations make, or make it; empty without any.

        Raises:
            MigrationError: A migration fails.
            DatabaseError: SQLite refuses.
        """
        if migrator is None:
            return ""
        path = os.path.join(self._shared, f"sqlx-{migrator.digest[:16]}.sqlite")
        if not os.path.exists(path):
            new = os.path.join(self._own, "new.sqlite")
            migrator.run(f"sqlite://{new}?mode=rwc")
            os.replace(new, path)  # Another process may have been faster: it is equal.
        return path

    def take(self, template: str) -> str:
        """Copy a template, and give the copy's path."""
        self._count += 1
        path = os.path.join(self._own, f"{self._count}.sqlite")
        if template:
            shutil.copyfile(template, path)
        return path

    def in_memory(self, template: str) -> sqlite3.Connection:
        """Copy a template into memory, where it ends with its only connection."""
        connection = open_file(":memory:")
        if template:
            with closing(sqlite3.connect(template)) as source:
                source.backup(connection)
        return connection

    def drop(self, path: str) -> None:
        """Remove a copy."""
        for suffix in ("", "-wal", "-shm", "-journal"):
            with suppress(OSError):
                os.unlink(path + suffix)


def open_file(path: str) -> sqlite3.Connection:
    """Connect as SQLx does: each statement by itself, foreign keys checked."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    return connection
