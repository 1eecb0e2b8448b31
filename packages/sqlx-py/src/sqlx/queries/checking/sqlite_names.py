"""What SQLite's types are called in messages and in `sqlx.toml`: SQLx's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlx.queries.values import TypeInfo

__all__ = ["display"]

EXCEPTIONS = {"Bool": "BOOLEAN", "Float": "REAL", "Int4": "INTEGER"}


def display(type_info: TypeInfo) -> str:
    """Name a type as SQLx shows it: `INTEGER`, `BOOLEAN`, `DATETIME`.

    Args:
        type_info: A type of SQLite.

    Source:
        SQLx's `SqliteTypeInfo::name`.
    """
    return EXCEPTIONS.get(type_info.name, type_info.name.upper())
