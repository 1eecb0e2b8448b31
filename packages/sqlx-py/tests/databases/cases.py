"""Golden cases of describing: a text, and what is to be said of it, for each SQLx.

A file holds cases with `===` between them. In a case, `---` ends the text, and lines of
what is said follow; where versions of SQLx differ, `--- 0.8` and `--- 0.9` each begin
their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.queries.values import SqlxVersion

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MARKS", "Case", "read_cases"]

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


def read_cases(folder: Path) -> list[Case]:
    """Read all cases of a folder, in the order of their names."""
    return [
        _case(f"{path.stem}-{number}", text)
        for path in sorted(folder.glob("*.case"))
        for number, text in enumerate(path.read_text("utf-8").split("===\n"), 1)
    ]


def _case(name: str, text: str) -> Case:
    sql, _, rest = text.partition("\n---")
    parts = [part.splitlines() for part in rest.split("\n---")]
    told = {first.strip(): lines for first, *lines in parts}
    return Case(
        name, sql, {v: told.get(v.value, told.get("", [])) for v in SqlxVersion}
    )
