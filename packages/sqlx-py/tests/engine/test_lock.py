"""The lock is polled, its holder is named, and it is given back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support import DIALECT, Asked, lock_reply

from sqlx.databases.sqlite.dialect import SqliteDialect
from sqlx.engine.dialect import LockKind
from sqlx.engine.lock import Lock, Patience, truth
from sqlx.engine.news import WaitingForLock
from sqlx.engine.steps import Query, Wait
from sqlx.errors import LockTimeout

HOLDER = [("42", "ann", "sqlx-migrate", None, "idle", "2026-01-02 03:04:05 UTC")]
WORDS = "pid 42, user ann, sqlx-migrate, idle since 2026-01-02 03:04:05 UTC"
POOLED = replace(DIALECT, pooled=True)


def one_wait(patience: Patience) -> tuple[Wait, list[object]]:
    """Let time pass once; give the wait, and what was told before it."""
    asked = Asked(patience.wait(DIALECT))
    if asked.step == DIALECT.holder():
        asked.reply(HOLDER)
    assert isinstance(asked.step, Wait)
    wait, news = asked.step, asked.news
    assert asked.reply() is None
    return wait, list(news)


def test_waits_grow_from_a_twentieth_to_a_whole_second() -> None:
    """Each wait is twice the one before, and a second at most."""
    patience = Patience(None)
    waits = [one_wait(patience)[0].seconds for _ in range(7)]
    assert waits == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_a_lock_that_was_got_makes_the_next_waits_short_again() -> None:
    """After `calm`, the first wait is a twentieth of a second."""
    patience = Patience(None)
    one_wait(patience)
    one_wait(patience)
    patience.calm()
    assert one_wait(patience)[0] == Wait(0.05)


def test_who_holds_the_lock_is_told_at_once_and_every_ten_seconds() -> None:
    """The holder is asked for at the first wait, and then after each ten seconds."""
    patience = Patience(None)
    told = []
    while patience.waited_seconds < 21:
        told += one_wait(patience)[1]
    assert [
        news.waited_seconds for news in told if isinstance(news, WaitingForLock)
    ] == [
        0.0,
        pytest.approx(10.55),
        pytest.approx(20.55),
    ]
    assert told[0] == WaitingForLock(WORDS, 0.0)


def test_the_limit_ends_the_wait_and_names_the_holder() -> None:
    """The last wait is cut to what is left, then LockTimeout says who holds it."""
    patience = Patience(0.12)
    assert one_wait(patience)[0] == Wait(0.05)
    assert one_wait(patience)[0].seconds == pytest.approx(0.07)
    asked = Asked(patience.wait(DIALECT))
    assert asked.step == DIALECT.holder()
    with pytest.raises(LockTimeout) as caught:
        asked.reply(HOLDER)
    assert str(caught.value) == (
        f"the migration lock is still held by {WORDS} after 0.12 s; let it finish or "
        "end it, or wait longer with --lock-timeout (lock_timeout_seconds)"
    )


def test_no_patience_tries_once() -> None:
    """With a limit of 0, nothing is waited for."""
    asked = Asked(Patience(0).wait(DIALECT))
    with pytest.raises(LockTimeout) as caught:
        asked.reply([])
    assert str(caught.value) == (
        "the migration lock is still held after 0 s; let it finish or end it, or wait "
        "longer with --lock-timeout (lock_timeout_seconds)"
    )


def test_a_database_without_a_lock_is_not_asked() -> None:
    """On SQLite, to acquire is to ask nothing."""
    lock = Lock(SqliteDialect(), Patience(0))
    assert Asked(lock.acquire()).step is None
    assert lock.taken


def test_a_lock_that_is_free_costs_one_question() -> None:
    """It is taken with one statement, whose reply the dialect learns from."""
    lock = Lock(DIALECT, Patience(0))
    asked = Asked(lock.acquire())
    assert asked.step == DIALECT.try_lock()
    assert asked.reply(lock_reply()) is None
    assert lock.taken
    assert lock.dialect.table == "public._sqlx_migrations"


def test_a_lock_that_is_held_is_asked_for_again() -> None:
    """Question, wait, question: never a wait inside the server."""
    lock = Lock(DIALECT, Patience(1))
    asked = Asked(lock.acquire())
    assert asked.reply(lock_reply("false")) == lock.dialect.holder()
    assert asked.reply(HOLDER) == Wait(0.05)
    assert asked.news == [WaitingForLock(WORDS, 0.0)]
    assert not lock.taken
    assert asked.reply() == lock.dialect.try_lock()
    assert asked.reply(lock_reply()) is None
    assert lock.taken
    assert lock.patience.next_seconds == 0.05  # the next wait is short again


def test_a_pooler_is_found_before_its_session_is_locked() -> None:
    """A foreign backend pid means: ask again, for a lock that ends by itself."""
    lock = Lock(DIALECT, Patience(1))
    asked = Asked(lock.acquire())
    again = asked.reply(lock_reply(None, pid=8))
    assert lock.dialect.lock is LockKind.TRANSACTION
    assert again == lock.dialect.try_lock()
    assert isinstance(again, Query)
    assert "pg_try_advisory_xact_lock" in again.sql
    assert asked.reply(lock_reply(pid=9)) is None


def test_a_session_that_is_locked_makes_sure_of_it() -> None:
    """To acquire again is to see whether the lock is still there."""
    lock = Lock(DIALECT, Patience(1), taken=True)
    asked = Asked(lock.acquire())
    assert asked.step == DIALECT.keep_lock()
    assert asked.reply([("true",)]) is None


def test_a_lock_that_a_file_gave_back_is_taken_again() -> None:
    """Somebody else may have it now: it is waited for."""
    lock = Lock(DIALECT, Patience(1), taken=True)
    asked = Asked(lock.keep())
    assert asked.reply([("false",)]) == DIALECT.holder()
    assert asked.reply([]) == Wait(0.05)
    assert asked.reply() == DIALECT.keep_lock()
    assert asked.reply([("t",)]) is None


def test_behind_a_pooler_nothing_is_kept() -> None:
    """There, each transaction takes the lock itself, and acquiring asks anew."""
    lock = Lock(POOLED, Patience(1), taken=True)
    assert Asked(lock.keep()).step is None
    assert Asked(lock.acquire()).step == POOLED.try_lock()


def test_the_guard_holds_the_lock_in_an_idle_transaction() -> None:
    """On the second connection: BEGIN, the lock, and no limit on being idle."""
    lock = Lock(POOLED, Patience(1), taken=True)
    asked = Asked(lock.guard())
    assert asked.step == Query("BEGIN", guard=True)
    assert asked.reply() == Query(POOLED.try_lock().sql, guard=True)
    assert asked.reply(lock_reply()) == Query(
        "SET LOCAL idle_in_transaction_session_timeout = 0", guard=True
    )
    assert asked.reply() is None


def test_the_guard_waits_outside_a_transaction() -> None:
    """While somebody else has the lock, the guard's transaction is ended."""
    lock = Lock(POOLED, Patience(1), taken=True)
    asked = Asked(lock.guard())
    asked.reply()
    assert asked.reply(lock_reply("false")) == Query("ROLLBACK", guard=True)
    assert asked.reply() == POOLED.holder()
    assert asked.reply([]) == Wait(0.05)
    assert asked.reply() == Query("BEGIN", guard=True)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("true",)], True),
        ([("t",)], True),
        ([(True,)], True),
        ([("false",)], False),
        ([(None,)], False),
        ([], False),
    ],
)
def test_a_truth_is_read_from_words_and_numbers(
    rows: list[tuple[object]], *, expected: bool
) -> None:
    """What is not plainly true is false."""
    assert truth(rows) is expected
