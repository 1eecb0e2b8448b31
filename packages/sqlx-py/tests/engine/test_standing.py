"""Whoever waits looks, and asks who migrates only while something is left to do."""

from __future__ import annotations

import pytest
from support import DIALECT, Asked, history_reply, migration, source

from sqlx.engine.run import Options
from sqlx.engine.standing import Standing, stand
from sqlx.engine.steps import Query
from sqlx.errors import DatabaseError, Dirty, VersionMismatch

ONE, TWO = migration(1), migration(2)
BOTH = source(ONE, TWO)
LOOK = DIALECT.look(details=True)
HOLDER = [("42", "ann", "sqlx-migrate", None, "active", "2026-11-30 08:00:00 UTC")]
IN_WORDS = "pid 42, user ann, sqlx-migrate, active since 2026-11-30 08:00:00 UTC"


def asked() -> Asked[Standing]:
    """Begin to look."""
    looking = Asked(stand(BOTH, DIALECT, Options()))
    assert looking.step == LOOK
    return looking


def test_one_look_is_enough_when_all_is_applied() -> None:
    """And gives the report of a run with nothing to do."""
    looking = asked()
    assert looking.reply(history_reply(ONE, TWO)) is None
    (standing,) = looking.result
    assert standing.report is not None
    assert (standing.report.changes, standing.report.already_applied) == ((), 2)


def test_what_is_pending_comes_with_who_holds_the_lock() -> None:
    """And with what is applied already."""
    looking = asked()
    assert looking.reply(history_reply(ONE)) == DIALECT.holder()
    assert looking.reply(HOLDER) is None
    assert looking.result == [Standing(None, (TWO,), None, "1 (m), ", IN_WORDS)]


def test_without_a_table_everything_is_pending() -> None:
    """The migrator makes it."""
    looking = asked()
    error = DatabaseError('relation "_sqlx_migrations" does not exist')
    error.sqlstate = "42P01"
    assert isinstance(looking.refuse(error), Query)
    assert looking.reply(()) is None
    assert looking.result == [Standing(None, (ONE, TWO))]


def test_a_row_that_says_false_is_not_an_error_yet() -> None:
    """Where locks cannot be seen, that is said."""
    looking = asked()
    looking.reply(history_reply(ONE, dirty=TWO, read_only="on"))
    assert looking.reply(()) is None
    (standing,) = looking.result
    assert isinstance(standing.dirty, Dirty)
    assert standing.dirty.version == 2
    assert not standing.sees_holders
    assert standing.report is None


def test_what_no_wait_mends_is_raised() -> None:
    """Nobody is asked anything more."""
    looking = asked()
    with pytest.raises(VersionMismatch):
        looking.reply(history_reply(migration(1, "SELECT 'another'")))
