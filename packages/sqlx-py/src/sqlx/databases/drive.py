"""Carry out the engine's steps, sync and async: the only logic in two colours."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar, cast

from sqlx.engine.news import News
from sqlx.engine.steps import Event, Query, Rows, Script, Step, Steps, Wait

__all__ = ["AsyncConnection", "Connection", "drive", "drive_async"]

T = TypeVar("T")
Listener = Callable[[News], None]


class Connection(Protocol):
    """A driver's connection, for sync callers."""

    def execute(self, step: Query | Script) -> Rows:
        """Carry out one step; raises `DatabaseError` when it is refused."""


class AsyncConnection(Protocol):
    """A driver's connection, for async callers."""

    async def execute(self, step: Query | Script) -> Rows:
        """Carry out one step; raises `DatabaseError` when it is refused."""


def drive(steps: Steps[T], connection: Connection, tell: Listener) -> T:
    """Drive a generator of steps to its end.

    A signal may come between any two lines of its inner loop: the engine is told, and
    cleans up.
    """
    advance: Callable[[], Step] = steps.__next__
    while True:
        try:
            while True:
                reply: Rows = ()
                match advance():
                    case Wait() as step:
                        time.sleep(_jittered(step))
                    case Event() as step:
                        tell(step.news)
                    case step:
                        reply = connection.execute(step)
                advance = partial(steps.send, reply)
        except BaseException as error:
            if getattr(steps, "gi_frame", None) is not None:
                advance = partial(steps.throw, error)
            elif isinstance(error, StopIteration):
                return cast("T", error.value)
            else:
                raise


async def drive_async(
    steps: Steps[T], connection: AsyncConnection, tell: Listener
) -> T:
    """Drive a generator of steps to its end."""
    advance: Callable[[], Step] = steps.__next__
    while True:
        try:
            while True:
                reply: Rows = ()
                match advance():
                    case Wait() as step:
                        import asyncio

                        await asyncio.sleep(_jittered(step))
                    case Event() as step:
                        tell(step.news)
                    case step:
                        reply = await connection.execute(step)
                advance = partial(steps.send, reply)
        except BaseException as error:
            if getattr(steps, "gi_frame", None) is not None:
                advance = partial(steps.throw, error)
            elif isinstance(error, StopIteration):
                return cast("T", error.value)
            else:
                raise


def _jittered(step: Wait) -> float:
    """Spread the waits of those who wait for the same thing."""
    return step.seconds * random.uniform(0.5, 1.5)  # noqa: S311 -- no secret.
