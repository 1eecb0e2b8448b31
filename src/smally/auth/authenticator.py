"""From a header to who asks, mostly without the database.

Theory of operation. What the database said of a key holds for three seconds, counted
from before it was asked: a key that is revoked, in whatever process, opens nothing
three seconds later. What changes through this process holds at once, see `forget_key`.
Requests with a key that is being looked up wait for that look-up, so that a busy key
costs a statement every three seconds. Only keys that open the door are remembered: what
anybody can send takes no room.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from smally.auth.keys import hash_key, is_well_formed
from smally.store import keys

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from psycopg import AsyncConnection

__all__ = ["Authenticator", "Caller", "ConnectionSource", "KeyRefused"]

HOLDS_SECONDS = 3.0
REMEMBERED = 10_000
BATCH = 1_000


class KeyRefused(Exception):
    """The key is missing, malformed, unknown or revoked; which, nobody is told."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and with which key."""

    user_id: int
    key_id: int
    email: str
    role: str
    tier: str
    key_name: str

    @property
    def is_admin(self) -> bool:
        """Whether users, tiers and anybody's keys are theirs to manage."""
        return self.role == "admin"


class ConnectionSource(Protocol):
    """What lends connections, in autocommit: `smally.database.Database`."""

    def connection(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Lend a connection for a short piece of work."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A caller, and until when the monotonic clock says that they may be let in."""

    caller: Caller
    until: float


class Authenticator:
    """What one process knows of the keys in use.

    Args:
        clock: Gives seconds that only grow.
        now: Gives the time of day, for `last_used_at`.
        capacity: How many keys are remembered, those used last.
    """

    def __init__(
        self,
        clock: Callable[[], float] = monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        capacity: int = REMEMBERED,
    ) -> None:
        self._clock = clock
        self._now = now
        self._capacity = capacity
        self._remembered: OrderedDict[bytes, Remembered] = OrderedDict()
        self._looking: dict[bytes, asyncio.Task[Caller]] = {}
        # The loop holds its tasks weakly, and those that were forgotten run on.
        self._tasks: set[asyncio.Task[Caller]] = set()
        self._touched: dict[int, datetime] = {}

    async def authenticate(
        self, source: ConnectionSource, header: str | None
    ) -> Caller:
        """Say who asks.

        Args:
            source: Lends the connection, should the database have to be asked.
            header: The value of Authorization, None when there is none.

        Raises:
            KeyRefused: It names no key that opens the door.
            DatabaseUnavailable: The database had to be asked and did not answer.
        """
        scheme, _, key = (header or "").partition(" ")
        key = key.strip(" ")
        if scheme.lower() != "bearer" or not is_well_formed(key):
            raise KeyRefused
        key_hash = hash_key(key)
        caller = self._recall(key_hash) or await self._look_up(source, key_hash)
        self._touched[caller.key_id] = self._now()
        return caller

    def forget_key(self, key_id: int) -> None:
        """Ask the database anew about a key, because it was just changed."""
        self._forget(lambda caller: caller.key_id == key_id)

    def forget_user(self, user_id: int) -> None:
        """Ask the database anew about a user's keys, because the user was changed."""
        self._forget(lambda caller: caller.user_id == user_id)

    async def flush(self, connection: AsyncConnection) -> None:
        """Write when keys were last used, many in a statement.

        What cannot be written is kept for the next time.

        Args:
            connection: In autocommit.
        """
        touched, self._touched = self._touched, {}
        key_ids = sorted(touched)
        try:
            for start in range(0, len(key_ids), BATCH):
                batch = key_ids[start : start + BATCH]
                await keys.touch(connection, batch, [touched[i] for i in batch])
        except BaseException:
            self._touched = touched | self._touched
            raise

    def _recall(self, key_hash: bytes) -> Caller | None:
        remembered = self._remembered.get(key_hash)
        if remembered is None:
            return None
        if self._clock() >= remembered.until:
            del self._remembered[key_hash]
            return None
        self._remembered.move_to_end(key_hash)
        return remembered.caller

    async def _look_up(self, source: ConnectionSource, key_hash: bytes) -> Caller:
        """Wait for the one look-up of this key, which goes on when a waiter leaves."""
        task = self._looking.get(key_hash)
        if task is None:
            task = asyncio.create_task(self._ask(source, key_hash))
            self._looking[key_hash] = task
            self._tasks.add(task)
            task.add_done_callback(self._end)
        return await asyncio.shield(task)

    async def _ask(self, source: ConnectionSource, key_hash: bytes) -> Caller:
        asked_at = self._clock()
        this = asyncio.current_task()
        try:
            async with source.connection() as connection:
                found = await keys.active_by_hash(connection, key_hash)
            if found is None or not compare_digest(found.key_hash, key_hash):
                raise KeyRefused
            caller = caller_of(found)
            # One that was forgotten meanwhile may have seen what no longer holds.
            if self._looking.get(key_hash) is this:
                self._remember(key_hash, Remembered(caller, asked_at + HOLDS_SECONDS))
            return caller
        finally:
            if self._looking.get(key_hash) is this:
                del self._looking[key_hash]

    def _end(self, task: asyncio.Task[Caller]) -> None:
        """Let a look-up go; its error is not news when all who waited have left."""
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()

    def _remember(self, key_hash: bytes, remembered: Remembered) -> None:
        self._remembered[key_hash] = remembered
        self._remembered.move_to_end(key_hash)
        if len(self._remembered) > self._capacity:
            self._remembered.popitem(last=False)

    def _forget(self, is_changed: Callable[[Caller], bool]) -> None:
        # Whose keys are being looked up is not known yet: all begin anew.
        self._looking.clear()
        changed = [h for h, r in self._remembered.items() if is_changed(r.caller)]
        for key_hash in changed:
            del self._remembered[key_hash]


def caller_of(found: keys.ActiveKey) -> Caller:
    """Take what the database knows of a key, without its hash."""
    return Caller(
        user_id=found.user_id,
        key_id=found.key_id,
        email=found.email,
        role=found.role,
        tier=found.tier,
        key_name=found.key_name,
    )
