"""What the engine tells while it works reads as a sentence."""

from __future__ import annotations

from support import migration

from sqlx.engine.news import (
    Change,
    Outcome,
    Retrying,
    Starting,
    WaitingForDatabase,
    WaitingForLock,
)
from sqlx.migrations.migration import Kind, SourceWarning


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


def test_a_change_says_what_became_of_which_migration() -> None:
    """Its version, its description, and how long it took when it ran."""
    up, down = migration(1), migration(1, kind=Kind.DOWN)
    assert str(Change(up, Outcome.APPLIED, 3_400_000)) == "applied 1 m (3 ms)"
    assert str(Change(down, Outcome.APPLIED, 900_000)) == "reverted 1 m (1 ms)"
    assert str(Change(up, Outcome.CAN_APPLY)) == "can apply 1 m"
    assert str(Change(down, Outcome.CAN_APPLY)) == "can revert 1 m"
    assert str(Change(up, Outcome.SKIPPED_ON_REQUEST)) == "skipped on request 1 m"


def test_what_starts_is_named() -> None:
    """One file, or several in a message, up or down."""
    down = migration(2, kind=Kind.DOWN)
    assert str(Starting((migration(1), migration(2)))) == "applying 1 m, 2 m"
    assert str(Starting((down,))) == "reverting 2 m"
