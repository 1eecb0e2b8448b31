"""Wait until somebody else has migrated: for workers that must not do it themselves.

Each look borrows a connection and gives it back, so that a pool of one stays usable,
and a server that restarts meanwhile is only one more thing to wait for.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlx.databases.kinds import comes_back
from sqlx.engine.news import News, WaitingForMigrations
from sqlx.errors import ConnectionFailed, ConnectionLost, DatabaseError, StillPending

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlx.engine.news import Report
    from sqlx.engine.standing import Standing

__all__ = ["Patience", "wait", "wait_async"]

FIRST_PAUSE_SECONDS = 0.05
LAST_PAUSE_SECONDS = 1.0
TELL_EVERY_SECONDS = 10.0
DIRTY_GRACE_SECONDS = 5.0


@dataclass
class Patience:
    """How long has been waited, and what was seen.

    Args:
        database: What is waited for.
        budget_seconds: In all; 0 for one look.
        tell: Hears of it, once it lasts.
    """

    database: object
    budget_seconds: float
    tell: Callable[[News], None]
    begun: float = field(default_factory=time.monotonic)
    next_seconds: float = FIRST_PAUSE_SECONDS
    told_at_seconds: float = -TELL_EVERY_SECONDS
    dirty_since_seconds: float | None = None

    @property
    def waited_seconds(self) -> float:
        """How long it has lasted."""
        return time.monotonic() - self.begun

    @property
    def left_seconds(self) -> float:
        """How long it may still last."""
        return self.budget_seconds - self.waited_seconds

    @property
    def is_over(self) -> bool:
        """Whether there is no time for another look."""
        return self.next_seconds > self.left_seconds

    def after_look(self, standing: Standing) -> float:
        """Tell how long to wait before the next look.

        Raises:
            Dirty: A migration never ended.
            StillPending: The time is up.
        """
        self._check_dirty(standing)
        if self.is_over:
            raise standing.dirty or _still_pending(standing, self.budget_seconds)
        if self.waited_seconds >= self.told_at_seconds + TELL_EVERY_SECONDS:
            self.told_at_seconds = self.waited_seconds
            self.tell(
                WaitingForMigrations(
                    standing.pending, standing.holder, self.waited_seconds
                )
            )
        return self._pause()

    def after_error(self, error: DatabaseError) -> float:
        """Tell how long to wait for a database that could not be asked, or raise."""
        match error:
            case ConnectionFailed():
                may_come = error.missing or not error.final
            case ConnectionLost():
                may_come = comes_back(self.database)
            case _:
                may_come = False
        if self.is_over or not may_come:
            raise error
        return self._pause()

    def _check_dirty(self, standing: Standing) -> None:
        """Raise when a row says FALSE and nobody has been at it for a while."""
        alive = standing.holder or not standing.sees_holders
        if standing.dirty is None or alive:
            self.dirty_since_seconds = None
            return
        now = self.waited_seconds
        if self.dirty_since_seconds is None:
            self.dirty_since_seconds = now
        if now - self.dirty_since_seconds >= DIRTY_GRACE_SECONDS:
            raise standing.dirty

    def _pause(self) -> float:
        pause = self.next_seconds
        self.next_seconds = min(pause * 2, LAST_PAUSE_SECONDS)
        return pause * random.uniform(0.5, 1.5)  # noqa: S311 -- no secret.


def wait(look: Callable[[], Standing], patience: Patience) -> Report:
    """Look until everything is applied."""
    while True:
        try:
            standing = look()
        except DatabaseError as error:
            pause = patience.after_error(error)
        else:
            if standing.report is not None:
                return standing.report
            pause = patience.after_look(standing)
        time.sleep(pause)


async def wait_async(
    look: Callable[[], Awaitable[Standing]], patience: Patience
) -> Report:
    """Look until everything is applied."""
    while True:
        try:
            standing = await look()
        except DatabaseError as error:
            pause = patience.after_error(error)
        else:
            if standing.report is not None:
                return standing.report
            pause = patience.after_look(standing)
        import asyncio

        await asyncio.sleep(pause)


def _still_pending(standing: Standing, waited_seconds: float) -> StillPending:
    return StillPending(
        tuple(migration.version for migration in standing.pending),
        tuple(migration.description for migration in standing.pending),
        waited_seconds,
        standing.newest,
        standing.holder,
    )
