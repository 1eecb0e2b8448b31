"""What PostgreSQL's types are called in messages and in `sqlx.toml`: SQLx's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlx.queries.values import Kind

if TYPE_CHECKING:
    from sqlx.queries.values import TypeInfo

__all__ = ["display"]

ARRAY = "Array"
# PostgreSQL's `char` is `bpchar` inside; the type named "char" is another one.
EXCEPTIONS = {"Bpchar": "CHAR", "Char": '"CHAR"'}


def display(type_info: TypeInfo) -> str:
    """Name a type as SQLx shows it: `INT4`, `TIMESTAMPTZ[]`, `status`.

    Args:
        type_info: A type of PostgreSQL.

    Source:
        SQLx's `PgType::display_name`.
    """
    if type_info.kind is not Kind.BUILTIN:
        return type_info.name
    element = type_info.name.removesuffix(ARRAY)
    shown = EXCEPTIONS.get(element, element.upper())
    return f"{shown}[]" if element != type_info.name else shown
