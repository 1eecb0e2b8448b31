"""Who may use the service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlx

if TYPE_CHECKING:
    from psycopg import AsyncConnection

__all__ = [
    "User",
    "add",
    "by_email",
    "by_id",
    "change",
    "list_after",
    "lock_active_admins",
    "lock_by_email",
]


@dataclass(frozen=True, slots=True)
class User:
    """A row of users."""

    id: int
    email: str
    role: str
    tier: str
    is_active: bool
    created_at: datetime
    updated_at: datetime


@sqlx.query("""
    SELECT id, email, role, tier, is_active, created_at, updated_at
    FROM users
    WHERE id > $1
    ORDER BY id
    LIMIT $2
""")
async def list_after(connection: AsyncConnection, after: int, limit: int) -> list[User]:
    """List users in the order of their ids, those after one id."""
    raise NotImplementedError


@sqlx.query("""
    SELECT id, email, role, tier, is_active, created_at, updated_at
    FROM users
    WHERE id = $1
""")
async def by_id(connection: AsyncConnection, user_id: int) -> User | None:
    """Find a user."""
    raise NotImplementedError


@sqlx.query("""
    SELECT id, email, role, tier, is_active, created_at, updated_at
    FROM users
    WHERE lower(email) = lower($1)
""")
async def by_email(connection: AsyncConnection, email: str) -> User | None:
    """Find a user by e-mail, in upper or lower case."""
    raise NotImplementedError


# Keys may still be added meanwhile: they only need the row to be there.
@sqlx.query("""
    SELECT id, email, role, tier, is_active, created_at, updated_at
    FROM users
    WHERE lower(email) = lower($1)
    FOR NO KEY UPDATE
""")
async def lock_by_email(connection: AsyncConnection, email: str) -> User:
    """Find a user by e-mail, whom nobody else changes until this transaction ends."""
    raise NotImplementedError


# In order, so that no two transactions wait for each other.
@sqlx.query("""
    SELECT id
    FROM users
    WHERE role = 'admin' AND is_active
    ORDER BY id
    FOR NO KEY UPDATE
""")
async def lock_active_admins(connection: AsyncConnection) -> list[int]:
    """List the ids of active admins, who stay so until this transaction ends."""
    raise NotImplementedError


@sqlx.query("""
    INSERT INTO users (email, tier, role)
    VALUES ($1, $2, $3)
    ON CONFLICT (lower(email)) DO NOTHING
    RETURNING id, email, role, tier, is_active, created_at, updated_at
""")
async def add(
    connection: AsyncConnection, email: str, tier: str, role: str
) -> User | None:
    """Add a user; None when somebody has the e-mail, in upper or lower case."""
    raise NotImplementedError


# The clock's time, not the transaction's: that may have waited for another's change.
@sqlx.query("""
    UPDATE users
    SET
        tier = coalesce($2, tier),
        role = coalesce($3, role),
        is_active = coalesce($4, is_active),
        updated_at = clock_timestamp()
    WHERE id = $1
    RETURNING id, email, role, tier, is_active, created_at, updated_at
""")
async def change(
    connection: AsyncConnection,
    user_id: int,
    tier: str | None,
    role: str | None,
    is_active: bool | None,  # noqa: FBT001 -- a column.
) -> User | None:
    """Change what is given and leave what is None; None when there is no such user."""
    raise NotImplementedError
