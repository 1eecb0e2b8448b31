"""The table of marks in MySQL's SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlx.databases.mysql.session import EVERY_ROW

if TYPE_CHECKING:
    from sqlx.migrations.migration import Migration

__all__ = ["add", "listing", "make", "remove"]

OF_THE_ROW = "h.version = m.version AND h.checksum = m.checksum"


def make(marks: str) -> str:
    """Make the table; where it is there, this is not sent: it needs a right."""
    return (
        f"CREATE TABLE IF NOT EXISTS {marks} (version BIGINT, checksum VARBINARY(48),"
        " PRIMARY KEY (version, checksum))"
    )


def add(marks: str, migration: Migration) -> str:
    """Record that a migration is compatible, once."""
    return (
        f"INSERT INTO {marks} (version, checksum) VALUES ({migration.version},"
        f" x'{migration.checksum.hex()}') ON DUPLICATE KEY UPDATE version = version"
    )


def remove(marks: str, table: str, version: int) -> str:
    """Delete the mark of what the history still has."""
    row = f"SELECT checksum FROM {table} WHERE version = {version}"
    return f"DELETE FROM {marks} WHERE version = {version} AND checksum = ({row})"


def listing(marks: str, table: str) -> str:
    """List the versions that are applied and marked."""
    joined = f"{marks} m JOIN {table} h ON {OF_THE_ROW}"
    return f"SELECT m.version FROM {joined} {EVERY_ROW}"
