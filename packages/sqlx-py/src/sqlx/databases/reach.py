"""Reach a database that is not there yet: how long to wait, and what is final."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlx.engine.news import News, WaitingForDatabase

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlx.errors import ConnectionFailed

__all__ = ["MAKE_IT", "Reach"]

FIRST_PAUSE_SECONDS = 0.05
LAST_PAUSE_SECONDS = 2.0
TELL_AFTER_SECONDS = 1.0
MAKE_IT = "; make it with `sqlx database create`"
"""The mend of a database that does not exist."""


@dataclass
class Reach:
    """The attempts to connect, with one budget of time.

    Args:
        budget_seconds: In all; 0 for one attempt.
        tell: Hears of the wait, once it lasts.
    """

    budget_seconds: float
    tell: Callable[[News], None]
    begun: float = field(default_factory=time.monotonic)
    next_seconds: float = FIRST_PAUSE_SECONDS
    told_at_seconds: float = 0.0

    @property
    def left_seconds(self) -> float:
        """What is left of the budget."""
        return self.budget_seconds - (time.monotonic() - self.begun)

    def pause(self, error: ConnectionFailed, *, final: bool) -> float:
        """Tell how long to wait before the next attempt; raise when there is none."""
        seconds = self.next_seconds * random.uniform(0.5, 1.5)  # noqa: S311 -- no secret.
        if final or seconds > self.left_seconds:
            raise error
        waited = self.budget_seconds - self.left_seconds
        if waited >= self.told_at_seconds + TELL_AFTER_SECONDS:
            self.told_at_seconds = waited * 2
            self.tell(WaitingForDatabase(error.message, waited))
        self.next_seconds = min(self.next_seconds * 2, LAST_PAUSE_SECONDS)
        return seconds
