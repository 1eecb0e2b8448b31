"""API keys, of which only the SHA-256 is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlx

if TYPE_CHECKING:
    from psycopg import AsyncConnection

__all__ = [
    "ActiveKey",
    "Key",
    "active_by_hash",
    "add",
    "exist_for",
    "list_of_user",
    "revoke",
    "touch",
]


@dataclass(frozen=True, slots=True)
class Key:
    """A row of api_keys, but for the hash."""

    id: int
    user_id: int
    name: str
    prefix: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    is_active: bool


@dataclass(frozen=True, slots=True)
class ActiveKey:
    """A key that opens the door, and whose it is."""

    key_id: int
    key_name: str
    key_hash: bytes
    user_id: int
    email: str
    role: str
    tier: str


@sqlx.query("""
    SELECT
        k.id AS key_id, k.name AS key_name, k.key_hash,
        u.id AS user_id, u.email, u.role, u.tier
    FROM api_keys k JOIN users u ON u.id = k.user_id
    WHERE k.key_hash = $1 AND k.is_active AND u.is_active
""")
async def active_by_hash(
    connection: AsyncConnection, key_hash: bytes
) -> ActiveKey | None:
    """Find a key that is not revoked, of a user who is not switched off."""
    raise NotImplementedError


@sqlx.query("""
    SELECT
        id, user_id, name, prefix, created_at, last_used_at, revoked_at, is_active
    FROM api_keys
    WHERE user_id = $1 AND id > $2
    ORDER BY id
    LIMIT $3
""")
async def list_of_user(
    connection: AsyncConnection, user_id: int, after: int, limit: int
) -> list[Key]:
    """List a user's keys in the order of their ids, those after one id."""
    raise NotImplementedError


@sqlx.query("""
    SELECT EXISTS (SELECT FROM api_keys WHERE user_id = $1) AS "exist!"
""")
async def exist_for(connection: AsyncConnection, user_id: int) -> bool:
    """Say whether a user has or had a key."""
    raise NotImplementedError


@sqlx.query("""
    INSERT INTO api_keys (user_id, name, key_hash, prefix)
    SELECT id, $2, $3, $4
    FROM users
    WHERE id = $1
    RETURNING
        id, user_id, name, prefix, created_at, last_used_at, revoked_at, is_active
""")
async def add(
    connection: AsyncConnection, user_id: int, name: str, key_hash: bytes, prefix: str
) -> Key | None:
    """Store a new key; None when there is no such user."""
    raise NotImplementedError


@sqlx.query("""
    UPDATE api_keys
    SET revoked_at = coalesce(revoked_at, clock_timestamp())
    WHERE id = $1 AND user_id = coalesce($2, user_id)
    RETURNING
        id, user_id, name, prefix, created_at, last_used_at, revoked_at, is_active
""")
async def revoke(
    connection: AsyncConnection, key_id: int, owner_id: int | None
) -> Key | None:
    """Revoke a key of this owner, or of anybody's for None; None when there is none."""
    raise NotImplementedError


# The rows are locked in order before they are changed, so that no two processes wait
# for each other; a key that another process saw later keeps that time.
@sqlx.query("""
    WITH used AS MATERIALIZED (
        SELECT k.id, t.at
        FROM api_keys k
        JOIN unnest($1::bigint[], $2::timestamptz[]) AS t (id, at) ON t.id = k.id
        ORDER BY k.id
        FOR NO KEY UPDATE OF k
    )
    UPDATE api_keys k
    SET last_used_at = greatest(k.last_used_at, used.at)
    FROM used
    WHERE k.id = used.id
""")
async def touch(
    connection: AsyncConnection, key_ids: list[int], times: list[datetime]
) -> None:
    """Note when keys were last used, an item a key in both lists."""
    raise NotImplementedError
