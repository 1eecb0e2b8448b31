"""The number of rows that a statement has touched."""

from __future__ import annotations

__all__ = ["RowsAffected"]


class RowsAffected(int):
    """How many rows a statement has inserted, changed, deleted or found.

    It is an int in every way; as a return annotation it asks for this number.
    """

    __slots__ = ()
    __module__ = "sqlx.checked"  # Where users have it from, and what errors show.

    def __repr__(self) -> str:
        return f"RowsAffected({int(self)})"
