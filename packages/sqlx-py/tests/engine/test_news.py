"""What the engine tells while it works reads as a sentence."""

from __future__ import annotations

from support import migration

from sqlx.engine.news import Retrying, WaitingForDatabase, WaitingForLock
from sqlx.migrations.migration import SourceWarning


def test_a_wait_for_the_lock_names_the_holder() -> None:
    """Who is in the way, and for how long already."""
    assert str(WaitingForLock("pid 42, user ann", 10.4)) == (
        "waiting for the migration lock held by pid 42, user ann (10 s so far)"
    )


def test_a_wait_for_a_lock_that_nobody_seems_to_hold() -> None:
    """Nobody can be seen: nobody is named."""
    assert str(WaitingForLock("", 0.0)) == (
        "waiting for the migration lock (0 s so far)"
    )


def test_a_retry_says_why_and_with_which_limit() -> None:
    """The file, the server's words, the limit, the attempt."""
    assert str(Retrying(migration(1), "canceling statement due to", 3, 200)) == (
        "migrations/1_m.sql: canceling statement due to (lock_timeout 200 ms); rolled "
        "back, trying again after attempt 3"
    )


def test_a_wait_for_the_database_says_what_the_last_attempt_met() -> None:
    """The reason is the driver's."""
    assert str(WaitingForDatabase("connection refused", 1.5)) == (
        "waiting for the database: connection refused"
    )


def test_a_warning_begins_with_its_place() -> None:
    """The file, and the line when there is one."""
    assert str(SourceWarning("empty", "m/1_a.sql", "is empty")) == (
        "m/1_a.sql: is empty"
    )
    assert str(SourceWarning("x", "m/1_a.sql", "is odd", 3)) == "m/1_a.sql:3: is odd"
