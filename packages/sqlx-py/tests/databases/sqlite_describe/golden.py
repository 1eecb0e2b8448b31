"""Golden cases of describing: a text, and what is to be said of it.

A line for each column: `name TYPE`, then `!` for NOT NULL, `?` for nullable or `~` for
unknown, then `<- table.column` where there is one behind it, and `#` with SQLx's number
where that is not the place. `P:` has the number of parameters, `SQLx:` why SQLx itself
refuses.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from databases.cases import MARKS, Case, read_cases

from sqlx.queries.checking.sqlite_names import display
from sqlx.queries.values import Refusal

if TYPE_CHECKING:
    from sqlx.queries.values import Column, Description

__all__ = ["SCHEMA", "Case", "cases", "written"]

HERE = Path(__file__).parent
SCHEMA = (HERE / "schema.sql").read_text("utf-8")


def cases() -> list[Case]:
    """Read all cases."""
    return read_cases(HERE / "cases")


def written(found: Description | Refusal) -> list[str]:
    """Write a description as a case has it."""
    if isinstance(found, Refusal):
        place = "" if found.offset is None else f" at {found.offset}"
        return [f"error {found.sqlstate}{place}: {found.message}"]
    lines = [_column(column) for column in found.columns]
    if found.parameters:
        lines.append(f"P: {found.parameters}")
    return lines + ([f"SQLx: {found.sqlx_refusal}"] if found.sqlx_refusal else [])


def _column(column: Column) -> str:
    origin = column.origin
    behind = f" <- {origin.table}.{origin.column}" if origin else ""
    number = "" if column.ordinal is None else f" #{column.ordinal}"
    mark = MARKS[column.nullable]
    return f"{column.name} {display(column.type_info)}{mark}{behind}{number}"
