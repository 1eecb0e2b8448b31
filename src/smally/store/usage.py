"""What was counted, by day and key, and what is used of the limits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import sqlx

if TYPE_CHECKING:
    from psycopg import AsyncConnection

__all__ = ["DayOfKey", "Used", "by_day_and_key", "used"]


@dataclass(frozen=True, slots=True)
class DayOfKey:
    """What a key has used on a day of UTC."""

    day: date
    key_id: int
    key_name: str
    prefix: str
    requests: int
    texts: int


@dataclass(frozen=True, slots=True)
class Used:
    """What a user has used of the limits, now."""

    email: str
    tier: str
    requests_this_minute: int
    texts_today: int


@sqlx.query("""
    SELECT
        days.day AS "day!", days.key_id, k.name AS key_name, k.prefix,
        days.requests AS "requests!", days.texts AS "texts!"
    FROM (
        SELECT
            (counted_at AT TIME ZONE 'UTC')::date AS day, key_id,
            count(*) AS requests, sum(texts)::bigint AS texts
        FROM usage
        WHERE user_id = $1
            AND counted_at >= $2::date::timestamp AT TIME ZONE 'UTC'
            AND counted_at < ($3::date + 1)::timestamp AT TIME ZONE 'UTC'
        GROUP BY 1, 2
    ) days
    JOIN api_keys k ON k.id = days.key_id
    ORDER BY days.day, days.key_id
""")
async def by_day_and_key(
    connection: AsyncConnection, user_id: int, first_day: date, last_day: date
) -> list[DayOfKey]:
    """List what a user's keys have used, a row a day and key that has any."""
    raise NotImplementedError


@sqlx.query("""
    SELECT
        u.email, u.tier,
        CASE WHEN m.minute_started_at > now() - interval '1 minute'
            THEN m.minute_requests ELSE 0 END AS "requests_this_minute!",
        CASE WHEN m.day >= (now() AT TIME ZONE 'UTC')::date
            THEN m.day_texts ELSE 0 END AS "texts_today!"
    FROM users u LEFT JOIN meters m ON m.user_id = u.id
    WHERE u.id = $1
""")
async def used(connection: AsyncConnection, user_id: int) -> Used | None:
    """Tell what a user has used of the limits; None when there is no such user."""
    raise NotImplementedError
