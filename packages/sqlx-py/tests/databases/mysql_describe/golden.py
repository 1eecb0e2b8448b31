"""Golden cases of describing: a text, and what is to be said of it.

A line for each column: `name TYPE`, then `!` for NOT NULL or `?` for nullable, as SQLx
says, then `<- table.column` where there is one behind it. `P:` has the number of
parameters; `proved ?` follows where we know better than the server. What SQLx knows
nothing of begins with `returns`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from databases.cases import MARKS, Case, read_cases

from sqlx.queries.checking.fitting import type_name
from sqlx.queries.values import Database, Refusal

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
        return [f"error{place}: {found.message}"]
    lines = [_column(column) for column in found.columns]
    lines += [f"returns {_column(column)}" for column in found.returned]
    return [*lines, f"P: {found.parameters}"] if found.parameters else lines


def _column(column: Column) -> str:
    origin, proof = column.origin, column.proof
    behind = f" <- {origin.table}.{origin.column}" if origin else ""
    known = type_name(column.sure_type, Database.MYSQL)
    mark = MARKS[column.nullable]
    better = ""
    if column.nullable is None:
        mark = MARKS[proof is None or proof.may_be_null]
    elif proof is not None and proof.may_be_null is not column.nullable:
        better = f", proved {MARKS[proof.may_be_null]} {proof.reason}"
    return f"{column.name} {known}{mark}{behind}{better}"
