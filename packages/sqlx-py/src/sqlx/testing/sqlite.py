"""SQLite: what migrations have made is a file, and a test's database a copy of it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from sqlx.migrator import Migrator

__all__ = ["Files", "file_url", "open_file"]


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
            try:
                with closing(open_file(new)) as connection:
                    migrator.run(connection)
                _replace(new, path)
            finally:
                self.drop(new)  # What has failed is not to be met by the next.
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
            # Nobody writes to it, and so its neighbours `-wal` and `-shm` are not made.
            uri = f"file:{quote(template)}?immutable=1"
            with closing(sqlite3.connect(uri, uri=True)) as source:
                source.backup(connection)
        return connection

    def drop(self, path: str) -> None:
        """Remove a copy."""
        for suffix in ("", "-wal", "-shm", "-journal"):
            with suppress(OSError):
                os.unlink(path + suffix)


def file_url(path: str) -> str:
    """Write the URL of a file, which is made if it is not there."""
    return f"sqlite://{quote(path)}?mode=rwc"


def _replace(new: str, path: str) -> None:
    """Let a template appear at once; another process may be faster: it is equal."""
    try:
        os.replace(new, path)
    except OSError:  # Windows has no room for a file that is being copied.
        if not os.path.exists(path):
            raise


def open_file(path: str) -> sqlite3.Connection:
    """Connect as SQLx does: each statement by itself, foreign keys checked.

    What is written need not outlive the machine, so nothing waits for a disk.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = OFF")
    return connection
