"""SQLx's overrides in column names: `AS "id!"`, `AS "id?"`, `AS "id: UserId"`.

Source:
    SQLx's `ColumnOverride` (queries.md 4.1). The name is split at the first of `:`, `!`
    and `?`; what follows are tokens of Rust, so blanks may stand between them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["BadColumnName", "ColumnName", "parse_column"]


@dataclass(frozen=True, slots=True)
class ColumnName:
    """What a column's name says.

    Args:
        ident: The name of the field that takes it.
        forced: True for `!`, it is never NULL; False for `?`, it may be NULL; None
            where the inferred nullability counts.
        type_text: The type after `:`, as it is written: one of Rust's when the SQL is
            shared. What arrives does not depend on it, so nobody needs to read it.
    """

    ident: str
    forced: bool | None = None
    type_text: str | None = None


@dataclass(frozen=True, slots=True)
class BadColumnName:
    """A column's name that no field can have; the message says why, and the mend."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f'column name "{self.name}" is invalid: {self.reason}'


def parse_column(name: str) -> ColumnName | BadColumnName:
    """Read a column's name with its override."""
    ident = re.split("[:!?]", name, maxsplit=1)[0]
    override = name[len(ident) :]
    if not _is_identifier(ident):
        return BadColumnName(
            name, f'"{ident}" is no identifier; name the column: AS "name"'
        )
    read = _OVERRIDE.fullmatch(override)
    if read is None:
        return BadColumnName(
            name,
            f'"{override}" is no override; write "{ident}!", "{ident}?" or '
            f'"{ident}: type"',
        )
    forced = None if read["force"] is None else read["force"] == "!"
    return ColumnName(ident, forced, read["type"])


_OVERRIDE = re.compile(
    r"(?P<force>[!?])?\s*(?::\s*(?P<type>\S(?:.*\S)?)\s*)?", re.DOTALL
)


def _is_identifier(text: str) -> bool:
    """Tell whether SQLx takes it: words of Rust are fine, for fields can have them."""
    letters = text.replace("_", "a")
    return letters[:1].isalpha() and letters.isalnum()
