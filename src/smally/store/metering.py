"""Count requests and hold the limits, in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlx

if TYPE_CHECKING:
    from psycopg import AsyncConnection

__all__ = ["Row", "count", "give_back"]


@dataclass(frozen=True, slots=True)
class Row:
    """What became of a request, and what its user has used by now."""

    user_id: int
    request_id: str
    texts: int
    is_metered: bool  # It was among those whose sum the meter has taken.
    is_counted: bool
    known_hash: bytes | None  # Of the request that has this id already.
    minute_requests: int
    minute_left_seconds: float
    day_texts: int
    day_left_seconds: float


# All requests of a user are counted, or none of them: the meter's row decides for their
# sum. Its lock is held for this statement alone. Users go in order, so that no two
# processes wait for each other. A meter that has fallen behind begins anew.
@sqlx.query("""
    WITH asked AS (
        SELECT *
        FROM unnest(
            $1::bigint[], $2::bigint[], $3::text[], $4::bytea[], $5::integer[],
            $6::integer[], $7::bigint[]
        ) AS a (
            user_id, key_id, request_id, request_hash, texts,
            requests_limit, texts_limit
        )
    ), known AS (
        SELECT user_id, request_id, usage.request_hash
        FROM asked JOIN usage USING (user_id, request_id)
    ), fresh AS (
        SELECT asked.*
        FROM asked LEFT JOIN known USING (user_id, request_id)
        WHERE known.request_id IS NULL
    ), wanted AS (
        SELECT
            user_id, count(*)::integer AS requests, sum(texts)::bigint AS texts,
            max(requests_limit) AS requests_limit, max(texts_limit) AS texts_limit
        FROM fresh
        GROUP BY user_id
    ), metered AS (
        INSERT INTO meters AS m (
            user_id, minute_started_at, minute_requests, day, day_texts
        )
        SELECT user_id, now(), requests, (now() AT TIME ZONE 'UTC')::date, texts
        FROM wanted
        WHERE requests <= requests_limit AND texts <= texts_limit
        ORDER BY user_id
        ON CONFLICT (user_id) DO UPDATE SET
            minute_started_at = CASE
                WHEN m.minute_started_at > now() - interval '1 minute'
                THEN m.minute_started_at ELSE excluded.minute_started_at END,
            minute_requests = excluded.minute_requests + CASE
                WHEN m.minute_started_at > now() - interval '1 minute'
                THEN m.minute_requests ELSE 0 END,
            day = greatest(m.day, excluded.day),
            day_texts = excluded.day_texts + CASE
                WHEN m.day >= excluded.day THEN m.day_texts ELSE 0 END
        WHERE excluded.minute_requests + CASE
                WHEN m.minute_started_at > now() - interval '1 minute'
                THEN m.minute_requests ELSE 0 END
                <= (SELECT w.requests_limit FROM wanted w WHERE w.user_id = m.user_id)
            AND excluded.day_texts + CASE
                WHEN m.day >= excluded.day THEN m.day_texts ELSE 0 END
                <= (SELECT w.texts_limit FROM wanted w WHERE w.user_id = m.user_id)
        RETURNING *
    ), counted AS (
        INSERT INTO usage (user_id, key_id, request_id, request_hash, texts)
        SELECT user_id, key_id, request_id, request_hash, texts
        FROM fresh JOIN metered USING (user_id)
        ORDER BY user_id, request_id
        ON CONFLICT DO NOTHING
        RETURNING user_id, request_id
    ), standing AS (
        SELECT * FROM metered
        UNION ALL
        SELECT meters.*
        FROM meters
        WHERE user_id IN (SELECT user_id FROM asked)
            AND user_id NOT IN (SELECT user_id FROM metered)
    )
    SELECT
        asked.user_id AS "user_id!",
        asked.request_id AS "request_id!",
        asked.texts AS "texts!",
        known.request_id IS NULL AND metered.user_id IS NOT NULL AS "is_metered!",
        counted.request_id IS NOT NULL AS "is_counted!",
        known.request_hash AS "known_hash?",
        coalesce(standing.minute_requests, 0) AS "minute_requests!",
        coalesce(extract(
            epoch FROM standing.minute_started_at + interval '1 minute' - now()
        ), 0)::float8 AS "minute_left_seconds!",
        CASE
            WHEN standing.day >= (now() AT TIME ZONE 'UTC')::date
            THEN standing.day_texts ELSE 0
        END AS "day_texts!",
        extract(
            epoch FROM date_trunc('day', now(), 'UTC') + interval '1 day' - now()
        )::float8 AS "day_left_seconds!"
    FROM asked
    LEFT JOIN known USING (user_id, request_id)
    LEFT JOIN counted USING (user_id, request_id)
    LEFT JOIN metered USING (user_id)
    LEFT JOIN standing USING (user_id)
""")
async def count(  # noqa: PLR0913, PLR0917 -- a column each.
    connection: AsyncConnection,
    user_ids: list[int],
    key_ids: list[int],
    request_ids: list[str],
    request_hashes: list[bytes],
    texts: list[int],
    requests_limits: list[int],
    texts_limits: list[int],
) -> list[Row]:
    """Count the requests of each user for whom all of them fit the limits.

    Args:
        connection: In autocommit: what is counted is committed when this returns.
        user_ids: Whose requests, an item a request, as in the lists that follow.
        key_ids: The key of each.
        request_ids: No two of a user are the same.
        request_hashes: SHA-256 of what is asked for.
        texts: How many texts each has.
        requests_limits: The user's requests a minute.
        texts_limits: The user's texts a day.
    """
    raise NotImplementedError


@sqlx.query("""
    UPDATE meters
    SET minute_requests = greatest(0, minute_requests - 1),
        day_texts = greatest(0, day_texts - $2)
    WHERE user_id = $1
""")
async def give_back(connection: AsyncConnection, user_id: int, texts: int) -> None:
    """Take one request from a meter: two processes metered it, and one counted it."""
    raise NotImplementedError
