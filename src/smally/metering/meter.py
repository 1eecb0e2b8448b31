"""Count each request before it is answered, and hold the limits.

Theory of operation. Requests that arrive while a statement is under way wait and are
counted by the next one, all together: one round trip, one commit and one lock of a
user's meter for however many there are, and no timer. PostgreSQL decides, so the limits
hold over all processes; a process remembers what a user had used when it last heard.
What has been used only grows until the minute or the day ends, so that what did not fit
then does not fit now: it is refused without asking.

A lost connection leaves open whether a statement was committed. It is sent again: what
has been counted under its request id is not counted twice.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from smally.database import DatabaseUnavailable, StatementRefused
from smally.metering.values import Charge, Outcome, Standing, Verdict
from smally.store import metering as store

if TYPE_CHECKING:
    from smally.database import Database

__all__ = ["Meter"]

BATCH = 500
# More would not be answered in time; what arrives then is told so at once.
MOST_WAITING = 5_000
# A request that was not sent is given up after the one, one that may have been counted
# after both.
PATIENCE_SECONDS = 2.5
MORE_PATIENCE_SECONDS = 2.5
PAUSE_SECONDS = 0.05
USERS_REMEMBERED = 10_000


@dataclass(slots=True)
class Waiting:
    """A request that waits to be counted."""

    charge: Charge
    outcome: asyncio.Future[Outcome]
    is_sent: bool = False


class Meter:
    """The counter of one process.

    Args:
        database: Where it counts.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._standings: OrderedDict[int, Standing] = OrderedDict()
        self._waiting: list[Waiting] = []
        self._counting: asyncio.Task[None] | None = None

    async def count(self, charge: Charge) -> Outcome:
        """Count a request, committed when this returns, or say why it is not.

        Raises:
            DatabaseUnavailable: It cannot be counted now.
        """
        if refusal := self._refusal(charge):
            return refusal
        if len(self._waiting) >= MOST_WAITING:
            raise DatabaseUnavailable("too many requests wait for the database")
        waiting = Waiting(charge, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._counting is None or self._counting.done():
            self._counting = asyncio.create_task(self._count_all())
        return await outcome_of(waiting)

    def _refusal(self, charge: Charge) -> Outcome | None:
        """Refuse, without asking, a new request that does not fit by itself."""
        standing = self._standing(charge.user_id)
        if charge.may_be_retry or standing.allows(charge.tier, 1, charge.texts):
            return None
        return Outcome(Verdict.REFUSED, standing)

    def _standing(self, user_id: int) -> Standing:
        return self._standings.get(user_id, Standing()).at(monotonic())

    async def _count_all(self) -> None:
        """Count until nobody waits."""
        while batch := self._take():
            try:
                rows = await self._send(batch)
                self._settle(batch, rows)
                await self._give_back(rows)
            except DatabaseUnavailable as error:
                self._keep(batch, error)
                await asyncio.sleep(PAUSE_SECONDS)
            except Exception as error:  # noqa: BLE001 - whoever waits raises it.
                for waiting in batch:
                    fail(waiting, error)

    def _take(self) -> list[Waiting]:
        """Choose what the next statement counts: of each user what fits together."""
        batch: dict[tuple[int, str], Waiting] = {}
        sums: dict[int, tuple[int, int]] = {}
        left: list[Waiting] = []
        for waiting in self._waiting:
            if waiting.outcome.done():  # Given up by whoever asked.
                continue
            charge = waiting.charge
            if not waiting.is_sent and (refusal := self._refusal(charge)):
                waiting.outcome.set_result(refusal)
                continue
            standing = self._standing(charge.user_id)
            requests, texts = sums.get(charge.user_id, (0, 0))
            total = (requests + 1, texts + charge.texts)
            name = (charge.user_id, charge.request_id)
            fits = not requests or standing.allows(charge.tier, *total)
            if fits and name not in batch and len(batch) < BATCH:
                batch[name] = waiting
                sums[charge.user_id] = total
            else:
                left.append(waiting)
        self._waiting = left
        return list(batch.values())

    async def _send(self, batch: list[Waiting]) -> list[store.Row]:
        charges = [waiting.charge for waiting in batch]
        async with self._database.connection() as connection:
            for waiting in batch:
                waiting.is_sent = True
            return await store.count(
                connection,
                [charge.user_id for charge in charges],
                [charge.key_id for charge in charges],
                [charge.request_id for charge in charges],
                [charge.request_hash for charge in charges],
                [charge.texts for charge in charges],
                [charge.tier.requests_a_minute for charge in charges],
                [charge.tier.texts_a_day for charge in charges],
            )

    async def _give_back(self, rows: list[store.Row]) -> None:
        """Take from the meters what another process has counted in the same moment."""
        for row in rows:
            if row.is_metered and not row.is_counted and row.known_hash is None:
                async with self._database.connection() as connection:
                    await store.give_back(connection, row.user_id, row.texts)

    def _keep(self, batch: list[Waiting], error: DatabaseUnavailable) -> None:
        """Send again what may have been counted; give up the rest."""
        for waiting in batch:
            if waiting.is_sent and not isinstance(error, StatementRefused):
                self._waiting.append(waiting)
            else:
                fail(waiting, error)

    def _settle(self, batch: list[Waiting], rows: list[store.Row]) -> None:
        """Tell each what became of it."""
        found = {(row.user_id, row.request_id): row for row in rows}
        now = monotonic()
        again: list[Waiting] = []
        for waiting in batch:
            charge = waiting.charge
            row = found[charge.user_id, charge.request_id]
            standing = self._remember(row, now)
            verdict = verdict_of(row, charge, standing)
            if verdict is None:
                waiting.is_sent = False
                again.append(waiting)
            elif not waiting.outcome.done():
                waiting.outcome.set_result(Outcome(verdict, standing))
        self._waiting[:0] = again

    def _remember(self, row: store.Row, now: float) -> Standing:
        standing = Standing(
            row.minute_requests,
            now + row.minute_left_seconds,
            row.day_texts,
            now + row.day_left_seconds,
        ).at(now)
        self._standings[row.user_id] = standing
        self._standings.move_to_end(row.user_id)
        if len(self._standings) > USERS_REMEMBERED:
            self._standings.popitem(last=False)
        return standing


async def outcome_of(waiting: Waiting) -> Outcome:
    """Wait for the outcome, with an end: a later one for what may have been counted."""
    loop = asyncio.get_running_loop()
    last = PATIENCE_SECONDS + MORE_PATIENCE_SECONDS
    first_end = loop.call_later(PATIENCE_SECONDS, give_up_unsent, waiting)
    last_end = loop.call_later(last, give_up, waiting)
    try:
        return await waiting.outcome
    finally:
        first_end.cancel()
        last_end.cancel()


def give_up_unsent(waiting: Waiting) -> None:
    """Let a request go that the database has not seen."""
    if not waiting.is_sent:
        give_up(waiting)


def give_up(waiting: Waiting) -> None:
    """Let a request go."""
    fail(waiting, DatabaseUnavailable("the database does not answer"))


def verdict_of(row: store.Row, charge: Charge, standing: Standing) -> Verdict | None:
    """Read the verdict; None where the request alone may fit, so that it goes again."""
    if row.is_counted:
        return Verdict.COUNTED
    if row.known_hash is not None:
        same = row.known_hash == charge.request_hash
        return Verdict.REPLAYED if same else Verdict.REUSED
    if standing.allows(charge.tier, 1, charge.texts):
        return None
    return Verdict.REFUSED


def fail(waiting: Waiting, error: Exception) -> None:
    """Pass an error to whoever waits."""
    if not waiting.outcome.done():
        waiting.outcome.set_exception(error)
