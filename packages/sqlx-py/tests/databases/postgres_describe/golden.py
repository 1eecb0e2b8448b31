"""Golden cases of describing: a text, and what is to be said of it.

A file holds cases with `===` between them. In a case, `---` ends the text, and a line
for each column follows: `name TYPE`, then `!` for NOT NULL, `?` for nullable or `~` for
unknown, then `<- table.column` where there is one behind it. `P:` has the parameters,
a line with `=` tells what a type is made of, `SQLx:` why SQLx itself refuses. Where
versions of SQLx differ, `--- 0.8` and `--- 0.9` each begin their own lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlx.queries.postgres_names import display
from sqlx.queries.values import Kind, Refusal, SqlxVersion, TypeInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.queries.values import Column, Description

__all__ = ["Case", "cases", "written"]

HERE = Path(__file__).parent
MARKS = {False: "!", True: "?", None: "~"}


@dataclass(frozen=True, slots=True)
class Case:
    """A text and what is expected of it.

    Args:
        name: Of its file, and its number in it.
        sql: The text.
        expected: Lines, by version.
    """

    name: str
    sql: str
    expected: dict[SqlxVersion, list[str]]


def cases() -> list[Case]:
    """Read all cases, in the order of their names."""
    return [
        _case(f"{path.stem}-{number}", text)
        for path in sorted((HERE / "cases").glob("*.case"))
        for number, text in enumerate(path.read_text("utf-8").split("===\n"), 1)
    ]


def _case(name: str, text: str) -> Case:
    sql, _, rest = text.partition("\n---")
    parts = [part.splitlines() for part in rest.split("\n---")]
    told = {first.strip(): lines for first, *lines in parts}
    return Case(
        name, sql, {v: told.get(v.value, told.get("", [])) for v in SqlxVersion}
    )


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
