"""Whether the database answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlx

if TYPE_CHECKING:
    from psycopg import AsyncConnection

__all__ = ["ping"]


@sqlx.query("SELECT 1")
async def ping(connection: AsyncConnection) -> int:
    """Ask for a sign of life."""
    raise NotImplementedError
