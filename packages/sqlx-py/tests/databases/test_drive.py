"""Steps are carried out, sync and async, and every error goes back to the engine."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

import pytest
from databases.interrupting import ctrl_c
from support import migration

from sqlx.databases.drive import drive, drive_async
from sqlx.engine.news import News, Starting
from sqlx.engine.steps import Event, Query, Rows, Script, Steps, Wait
from sqlx.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable

NEWS = Starting((migration(1),))


class Recording:
    """A connection that replies with the step's text, or refuses."""

    def __init__(self, refuse: BaseException | None = None) -> None:
        self.refuse = refuse
        self.steps: list[Query | Script] = []

    def execute(self, step: Query | Script) -> Rows:
        """Carry out a step."""
        self.steps.append(step)
        if self.refuse:
            raise self.refuse
        return [(step.sql if isinstance(step, Query) else "".join(step.parts),)]


class AsyncRecording(Recording):
    """The same for `asyncio`."""

    async def execute(self, step: Query | Script) -> Rows:  # type: ignore[override]  # the other colour.
        """Carry out a step."""
        return super().execute(step)


def by_drive(
    steps: Steps[object], told: list[News], refuse: BaseException | None
) -> object:
    """Drive with a sync connection."""
    return drive(steps, Recording(refuse), told.append)


def by_drive_async(
    steps: Steps[object], told: list[News], refuse: BaseException | None
) -> object:
    """Drive with an async connection."""
    return asyncio.run(drive_async(steps, AsyncRecording(refuse), told.append))


@pytest.fixture(params=[by_drive, by_drive_async])
def driven(request: pytest.FixtureRequest) -> object:
    """Both colours in turn."""
    return request.param


def test_replies_go_back_and_the_end_is_the_result(
    driven: Callable[[Steps[object], list[News], BaseException | None], object],
) -> None:
    """A query, a script, a wait and an event, in order."""

    def steps() -> Steps[object]:
        first = yield Query("one")
        second = yield Script(("two", "three"))
        third = yield Wait(0.001)
        fourth = yield Event(NEWS)
        return [first, second, third, fourth]

    told: list[News] = []
    assert driven(steps(), told, None) == [[("one",)], [("twothree",)], (), ()]
    assert told == [NEWS]


def test_an_error_goes_to_the_engine_which_cleans_up(
    driven: Callable[[Steps[object], list[News], BaseException | None], object],
) -> None:
    """What the engine catches is no error; what it raises comes out."""
    refused = DatabaseError("no")

    def caught() -> Steps[object]:
        try:
            yield Query("one")
        except DatabaseError as error:
            return error
        return None

    def raised() -> Steps[object]:
        yield Query("one")
        return None

    assert driven(caught(), [], refused) is refused
    with pytest.raises(DatabaseError) as out:
        driven(raised(), [], refused)
    assert out.value is refused


def test_an_error_of_the_listener_goes_to_the_engine_too(
    driven: Callable[[Steps[object], list[News], BaseException | None], object],
) -> None:
    """So that the lock is given back when a caller's function fails."""

    class Deaf(list[News]):
        def append(self, _news: News) -> None:
            raise LookupError

    def steps() -> Steps[object]:
        try:
            yield Event(NEWS)
        except LookupError:
            return "cleaned up"
        return None

    assert driven(steps(), Deaf(), None) == "cleaned up"


def test_a_signal_between_two_lines_goes_to_the_engine(
    driven: Callable[[Steps[object], list[News], BaseException | None], object],
) -> None:
    """Whatever line it comes at: what has begun is told, and can clean up."""
    known: list[str]

    def steps() -> Steps[object]:
        known.append("begun")
        try:
            yield Query("one")
            yield Event(NEWS)
        except KeyboardInterrupt:
            known.append("told")
            raise
        known.append("ended")
        return None

    for number in count(1):
        known = []
        with (
            suppress(KeyboardInterrupt),
            ctrl_c(drive.__code__.co_filename, number) as lines,
        ):
            driven(steps(), [], None)
        assert known in ([], ["begun", "told"], ["begun", "ended"])
        if len(lines) < number:
            break
    assert number > 10


def test_an_engine_without_steps_ends_at_once(
    driven: Callable[[Steps[object], list[News], BaseException | None], object],
) -> None:
    """Nothing is asked of the connection."""

    def steps() -> Steps[object]:
        yield from ()
        return 7

    assert driven(steps(), [], None) == 7


def test_waits_are_spread(
    driven: Callable[[Steps[object], list[News], BaseException | None], object],
) -> None:
    """Each lasts half its length at least; who waits for the same spreads out."""

    def steps() -> Steps[object]:
        begun = time.monotonic()
        yield Wait(0.02)
        return time.monotonic() - begun

    lengths = [driven(steps(), [], None) for _ in range(3)]
    assert all(isinstance(seconds, float) and seconds > 0.009 for seconds in lengths)
    assert len(set(lengths)) == 3
