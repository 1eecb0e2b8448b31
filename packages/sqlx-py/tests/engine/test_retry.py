"""A migration that waits for a table gives up soon, and tries again, ever longer."""

from __future__ import annotations

from support import Asked

from sqlx.engine.retry import Retry
from sqlx.engine.steps import Wait


def course(retry: Retry) -> list[tuple[int, float]]:
    """Fail until the budget is used up: each attempt's limit, and the pause after."""
    found: list[tuple[int, float]] = []
    while True:
        limit_ms = retry.limit_ms
        asked = Asked(retry.pause())
        if not isinstance(asked.step, Wait):
            assert asked.result == [False]
            return found
        found.append((limit_ms, asked.step.seconds))
        asked.reply()
        assert asked.result == [True]


def test_the_limit_doubles_every_six_attempts_up_to_a_second() -> None:
    """100 ms six times, then 200, 400, 800, and 1000 for good."""
    limits = [limit for limit, _ in course(Retry(120.0))]
    assert limits[:25] == [100] * 6 + [200] * 6 + [400] * 6 + [800] * 6 + [1000]
    assert set(limits[25:]) == {1000}


def test_pauses_leave_readers_three_times_the_limit() -> None:
    """The pause is at least three limits, grows, and is a second at most."""
    pauses = [seconds for _, seconds in course(Retry(20.0))]
    assert pauses[:6] == [
        0.3000000000000000444,
        0.30000000000000004,
        0.4,
        0.8,
        1.0,
        1.0,
    ]
    assert max(pauses) == 1.0


def test_after_a_minute_the_pauses_are_long() -> None:
    """Whoever is in the way for a minute is left alone for ten seconds at a time."""
    spent, pauses = 0.0, []
    for limit_ms, seconds in course(Retry(600.0)):
        spent += limit_ms / 1000
        pauses.append((spent >= 60.0, seconds))
        spent += seconds
    assert {seconds for late, seconds in pauses if late} == {10.0}
    assert max(seconds for late, seconds in pauses if not late) == 1.0


def test_the_budget_is_never_exceeded_by_an_attempt_that_begins() -> None:
    """No attempt begins after the budget is spent."""
    spent = sum(limit / 1000 + pause for limit, pause in course(Retry(600.0)))
    assert 580.0 < spent < 610.0


def test_without_a_budget_there_is_one_attempt_and_no_limit() -> None:
    """0 waits for the table as SQLx does: lock_timeout 0, and no second attempt."""
    retry = Retry(0.0)
    assert retry.limit_ms == 0
    assert course(retry) == []
