"""What is counted, what has been used, and what is decided."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smally.tiers import Tier

__all__ = ["Charge", "Outcome", "Standing", "Verdict"]


@dataclass(frozen=True, slots=True)
class Charge:
    """A request to be counted.

    Args:
        user_id: Whose limits hold.
        key_id: The key it came with.
        tier: The limits.
        request_id: Of one user, counted once however often it comes.
        may_be_retry: Whether the client chose the id, so that it may have come before.
        request_hash: SHA-256 of what is asked for.
        texts: How many.
    """

    user_id: int
    key_id: int
    tier: Tier
    request_id: str
    may_be_retry: bool
    request_hash: bytes
    texts: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What a user has used, as far as this process knows: never more than is true.

    Args:
        requests: In the minute that ends at `minute_ends`.
        minute_ends: In seconds of the monotonic clock.
        texts: On the day that ends at `day_ends`.
        day_ends: In seconds of the monotonic clock.
    """

    requests: int = 0
    minute_ends: float = 0
    texts: int = 0
    day_ends: float = 0

    def at(self, now: float) -> Standing:
        """Forget what belongs to a minute or a day that has ended."""
        if now < self.minute_ends and now < self.day_ends:
            return self
        minute = (self.requests, self.minute_ends) if now < self.minute_ends else (0, 0)
        day = (self.texts, self.day_ends) if now < self.day_ends else (0, 0)
        return Standing(*minute, *day)

    def allows(self, tier: Tier, requests: int, texts: int) -> bool:
        """Say whether so much more fits the limits."""
        return (
            self.requests + requests <= tier.requests_a_minute
            and self.texts + texts <= tier.texts_a_day
        )

    def seconds_left(self, now: float) -> tuple[int, int]:
        """Say how long the minute and the day last, in whole seconds."""
        return (
            max(0, ceil(self.minute_ends - now)),
            max(0, ceil(self.day_ends - now)),
        )

    def wait_seconds(self, tier: Tier, texts: int, now: float) -> int:
        """Say in how many seconds a refused request may fit; at least one."""
        too_many_texts = self.texts + texts > tier.texts_a_day
        end = self.day_ends if too_many_texts else self.minute_ends
        return max(1, ceil(end - now))


class Verdict(Enum):
    """What became of a request."""

    COUNTED = "counted"
    REPLAYED = "the same request was counted before"
    REUSED = "another request has this id"
    REFUSED = "it does not fit the limits"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict, and what the user has used now."""

    verdict: Verdict
    standing: Standing
