"""Golden cases of describing: a text, and what is to be said of it.

A line for each column: `name TYPE`, then `!` for NOT NULL, `?` for nullable or `~` for
unknown, then `<- table.column` where there is one behind it. `P:` has the parameters,
a line with `=` tells what a type is made of, `SQLx:` why SQLx itself refuses.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from databases.cases import MARKS, Case, read_cases

from sqlx.queries.checking.postgres_names import display
from sqlx.queries.values import Kind, Refusal, TypeInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.queries.values import Column, Description

__all__ = ["Case", "cases", "written"]

HERE = Path(__file__).parent


def cases() -> list[Case]:
    """Read all cases."""
    return read_cases(HERE / "cases")


def written(found: Description | Refusal) -> list[str]:
    """Write a description as a case has it."""
    if isinstance(found, Refusal):
        return list(_refusal(found))
    parameters = found.parameters
    assert isinstance(parameters, tuple)
    types = [column.type_info for column in found.columns] + list(parameters)
    lines = [_column(column) for column in found.columns]
    if parameters:
        lines.append(f"P: {', '.join(map(display, parameters))}")
    lines += dict.fromkeys(line for one in types for line in _made_of(one))
    return lines + ([f"SQLx: {found.sqlx_refusal}"] if found.sqlx_refusal else [])


def _column(column: Column) -> str:
    origin = column.origin
    behind = f" <- {origin.table}.{origin.column}" if origin else ""
    mark = MARKS[column.nullable]
    return f"{column.name} {display(column.type_info)}{mark}{behind}"


def _made_of(one: TypeInfo) -> Iterator[str]:
    """Tell what a type is made of, and then what that is made of."""
    if one.kind is Kind.BUILTIN:
        return
    inside = [display(one.of)] if one.of else []
    inside += one.labels
    inside += [f"{name} {display(of)}" for name, of in one.fields]
    yield f"{one.name} = {one.kind.value} {', '.join(inside)}".rstrip()
    for part in [one.of] if one.of else [of for _name, of in one.fields]:
        yield from _made_of(part)


def _refusal(found: Refusal) -> Iterator[str]:
    at = "" if found.offset is None else f" at {found.offset}"
    yield f"error {found.sqlstate}{at}: {found.message}"
    if found.hint:
        yield f"hint: {found.hint}"
    if found.detail:
        yield f"detail: {found.detail}"
