"""The table of marks in PostgreSQL's SQL: no setting changes how it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlx.databases.postgres.session import EQ, P

if TYPE_CHECKING:
    from sqlx.migrations.migration import Migration

__all__ = ["add", "listing", "make", "remove"]


def make(marks: str) -> str:
    """Make the table; where it is there, this is not sent: it needs a right."""
    return (
        f"CREATE TABLE IF NOT EXISTS {marks} (version {P}.int8, checksum {P}.bytea,"
        " PRIMARY KEY (version, checksum))"
    )


def add(marks: str, migration: Migration) -> str:
    """Record that a migration is compatible, once."""
    return (
        f"INSERT INTO {marks} (version, checksum) VALUES ({migration.version},"
        f" {P}.decode('{migration.checksum.hex()}', 'hex')) ON CONFLICT DO NOTHING"
    )


def remove(marks: str, table: str, version: int) -> str:
    """Delete the mark of what the history still has."""
    return (
        f"DELETE FROM {marks} m WHERE m.version {EQ} {version} AND EXISTS"
        f" (SELECT FROM {table} h WHERE {_OF_THE_ROW})"
    )


def listing(marks: str, table: str) -> str:
    """List the versions that are applied and marked."""
    return f"SELECT m.version::{P}.text FROM {marks} m JOIN {table} h ON {_OF_THE_ROW}"


_OF_THE_ROW = f"h.version {EQ} m.version AND h.checksum {EQ} m.checksum"
