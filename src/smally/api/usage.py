"""What was used, by day and key, and what is left."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import msgspec
from litestar import Controller, get
from litestar.params import Parameter

from smally.api.problems import problem, refusals
from smally.api.schema import BEARER
from smally.auth.authenticator import Caller
from smally.auth.faults import LAST_ID
from smally.auth.guard import require_admin
from smally.database import Database
from smally.store import usage as store
from smally.store.usage import DayOfKey
from smally.tiers import TIERS

__all__ = ["UsageController"]

DEFAULT_DAYS = 30
MOST_DAYS = 366

From = Annotated[date | None, Parameter(query="from", description="The first day.")]
To = Annotated[date | None, Parameter(description="The last day.")]
UserId = Annotated[
    int | None,
    Parameter(ge=1, le=LAST_ID, description="Of another user: for admins."),
]


class Limits(msgspec.Struct):
    """What the tier allows."""

    requests_per_minute: int
    texts_per_day: int


class Used(msgspec.Struct):
    """What is used of it, in the minute and on the day of UTC that run now."""

    requests_this_minute: int
    texts_today: int


class UsageAnswer(msgspec.Struct):
    """The limits, what is used of them, and a row for each day and key."""

    user_id: int
    email: str
    tier: str
    limits: Limits
    used: Used
    days: list[DayOfKey]


class UsageController(Controller):
    """What was counted."""

    path = "/v1/usage"
    tags = ("usage",)

    @get(
        description=f"Days of UTC, at most {MOST_DAYS}; the last {DEFAULT_DAYS}.",
        summary="Limits and usage",
        responses=refusals(400, 401, 403, 404),
        security=BEARER,
    )
    async def usage(
        self,
        caller: Caller,
        database: Database,
        from_: From = None,
        to: To = None,
        user_id: UserId = None,
    ) -> UsageAnswer:
        """List usage by day and key, with the limits that hold now."""
        if user_id not in {None, caller.user_id}:
            require_admin(caller)
        chosen = caller.user_id if user_id is None else user_id
        first_day, last_day = days_of(from_, to)
        async with database.connection() as connection:
            used = await store.used(connection, chosen)
            if used is None:
                raise problem(404, f"there is no user {chosen}")
            days = await store.by_day_and_key(connection, chosen, first_day, last_day)
        tier = TIERS[used.tier]
        return UsageAnswer(
            chosen,
            used.email,
            used.tier,
            Limits(tier.requests_a_minute, tier.texts_a_day),
            Used(used.requests_this_minute, used.texts_today),
            days,
        )


def days_of(first: date | None, last: date | None) -> tuple[date, date]:
    """Choose the days: what is left out ends today, or begins 30 days before."""
    last_day = last or datetime.now(UTC).date()
    try:
        first_day = first or last_day - timedelta(days=DEFAULT_DAYS - 1)
    except OverflowError:
        raise problem(400, "to is too early") from None
    if not 0 <= (last_day - first_day).days < MOST_DAYS:
        raise problem(400, f"from and to are at most {MOST_DAYS} days, in order")
    return first_day, last_day
