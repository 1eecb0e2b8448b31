"""What a command prints: a table for a person, JSON for a program."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from smally.store.keys import Key
    from smally.store.users import User

__all__ = ["as_json", "as_table", "write"]


def as_json(rows: Iterable[User | Key]) -> str:
    """Write rows as the API does: an array of objects, times in RFC 3339."""
    return json.dumps([asdict(row) for row in rows], indent=2, default=moment)


def as_table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write rows under their heads, in columns as wide as they need to be."""
    lines = [list(heads), *([cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def write(text: str) -> None:
    """Write a text and a line end to stdout.

    Raises:
        OSError: It cannot be written: a full disk, or a reader who has left.
    """
    try:
        print(text, flush=True)  # noqa: T201
    except OSError:
        # The interpreter would try once more at its end, and say so.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def cell(value: object) -> str:
    """Write a value for a person; what would move the cursor is escaped."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    text = str(value)
    return text if text.isprintable() else ascii(text)[1:-1]


def moment(value: object) -> str:
    """Write a time of day in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    raise TypeError(f"no JSON for {type(value).__name__}")
