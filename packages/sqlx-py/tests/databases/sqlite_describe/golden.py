"""Golden cases of describing: a text, and what is to be said of it.

A file holds cases with `===` between them. In a case, `---` ends the text, and a line
for each column follows: `name TYPE`, then `!` for NOT NULL, `?` for nullable or `~` for
unknown, then `<- table.column` where there is one behind it, and `#` with SQLx's number
where that is not the place. `P:` has the number of parameters, `SQLx:` why SQLx itself
refuses. Where versions of SQLx differ, `--- 0.8` and `--- 0.9` each begin their lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlx.queries.sqlite_names import display
from sqlx.queries.values import Refusal, SqlxVersion

if TYPE_CHECKING:
    from sqlx.queries.values import Column, Description

__all__ = ["SCHEMA", "Case", "cases", "written"]

HERE = Path(__file__).parent
SCHEMA = (HERE / "schema.sql").read_text("utf-8")
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
