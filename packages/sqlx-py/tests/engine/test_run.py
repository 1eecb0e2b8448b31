"""A run from its first look to the lock's release, driven by hand."""

from __future__ import annotations

from asyncio import CancelledError
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import pytest
from support import (
    DIALECT,
    TABLE,
    Asked,
    history_reply,
    lock_reply,
    migration,
    source,
)

from sqlx.databases.sqlite.dialect import SqliteDialect
from sqlx.engine.dialect import Sending
from sqlx.engine.news import (
    Change,
    Info,
    InfoRow,
    Outcome,
    Report,
    Starting,
    State,
    WaitingForLock,
)
from sqlx.engine.run import Options, info, revert, run, skip
from sqlx.engine.steps import Query, Script, Step, Wait
from sqlx.errors import (
    ConnectionLost,
    DatabaseError,
    Dirty,
    ExecuteMigration,
    LockTimeout,
    NotWritable,
    SourceError,
    VersionMismatch,
    VersionMissing,
)
from sqlx.migrations.migration import Kind, Migration, Source, SourceWarning

if TYPE_CHECKING:
    from sqlx.databases.postgres.dialect import PostgresDialect
    from sqlx.engine.dialect import Dialect

T = TypeVar("T")
KNOWN = replace(DIALECT, table=TABLE, exists=True, pooled=False)
ROLLBACK = Script(("ROLLBACK",))
NO_TABLE = DatabaseError("relation does not exist", sqlstate="42P01")
ONE = migration(1, "INSERT INTO t VALUES (1)")
TWO = migration(2, "INSERT INTO t VALUES (2)")
DDL = [migration(version) for version in (1, 2, 3)]
UPS = [migration(version, kind=Kind.UP) for version in (1, 2, 3)]
DOWNS = [migration(version, "DROP TABLE t", Kind.DOWN) for version in (1, 2, 3)]
PAIRS = source(*[m for pair in zip(UPS, DOWNS, strict=True) for m in pair])
MARKED = migration(4, "VACUUM t", no_transaction=True)
COMPATIBLE = migration(5, compatible=True)
MARKS = KNOWN.with_marks()
GOING_ON = SourceWarning(
    "compatible",
    "migrations",
    "migration 2 (m) is applied and has no file here; it is marked compatible, so a "
    "run goes on",
)


def sent(found: Migration, seen: int, *, tidy: bool = False) -> Script:
    """Expect the message of one file."""
    frame = KNOWN.frame(found, Sending(seen, 100, tidy=tidy))
    return Script((frame.opening, found.body, frame.closing))


def together(seen: int, *files: Migration) -> Script:
    """Expect the message of several files."""
    parts: list[str] = []
    for place, file in enumerate(files):
        last = place == len(files) - 1
        frame = KNOWN.frame(file, Sending(seen + place, 100, durable=last))
        parts += [frame.opening, file.body, frame.closing + ";\n"]
    return Script(tuple(parts))


def recorded(found: Migration, dialect: PostgresDialect = KNOWN) -> Script:
    """Expect the message that records a file as applied."""
    frame = dialect.record(found)
    return Script((frame.opening, frame.closing))


def applied(found: Migration, elapsed_ns: int = 0) -> Change:
    """Expect a migration to have been applied."""
    return Change(found, Outcome.APPLIED, elapsed_ns)


def locked(asked: Asked[T], *done: Migration, dirty: Migration | None = None) -> None:
    """Reply to the first look, to the lock, and to the look under the lock."""
    asked.reply(history_reply(*done, dirty=dirty))
    assert asked.step == replace(KNOWN, pooled=False).try_lock()
    asked.reply(lock_reply())
    assert asked.step == KNOWN.prepare()
    asked.reply(history_reply(*done, dirty=dirty))


def begin(files: Source, *done: Migration, **options: object) -> Asked[Report]:
    """Bring a run to its first message."""
    asked = Asked(run(files, DIALECT, Options(**options)))  # type: ignore[arg-type]  # as the test names them.
    locked(asked, *done)
    return asked


def test_a_look_is_enough_when_nothing_is_pending() -> None:
    """One statement, no lock, and the report counts what is there."""
    asked = Asked(run(source(ONE, TWO), DIALECT, Options()))
    assert asked.step == DIALECT.look()
    assert asked.reply(history_reply(ONE, TWO)) is None
    assert asked.result == [Report(already_applied=2)]
    assert asked.news == []


def test_a_look_tells_what_stays_beyond_the_target() -> None:
    """With nothing to do up to the target, the skipped ones are told."""
    asked = Asked(run(source(ONE, TWO), DIALECT, Options(target=1)))
    assert asked.reply(history_reply(ONE)) is None
    skipped = Change(TWO, Outcome.SKIPPED)
    assert asked.news == [skipped]
    assert asked.result == [Report((skipped,), already_applied=1)]


def test_a_database_without_a_table_is_fresh() -> None:
    """The first look may fail for want of a table; it is made under the lock."""
    asked = Asked(run(source(ONE), DIALECT, Options()))
    assert asked.refuse(NO_TABLE) == DIALECT.try_lock()
    asked.reply([("true", "7", "test", None, "off", "on", None)])
    assert isinstance(asked.step, Query)
    assert "CREATE TABLE IF NOT EXISTS _sqlx_migrations (" in asked.step.sql
    assert asked.reply(history_reply()) == sent(ONE, 0)


@pytest.mark.parametrize(
    "error",
    [
        DatabaseError("permission denied", sqlstate="42501"),
        ConnectionLost("closed", sqlstate="42P01"),
        CancelledError(),
    ],
)
def test_any_other_error_of_the_look_is_raised(error: BaseException) -> None:
    """What is no missing table is told as it is, and nothing is to clean up."""
    asked = Asked(run(source(ONE), DIALECT, Options()))
    with pytest.raises(type(error)) as caught:
        asked.refuse(error)
    assert caught.value is error


def test_pending_files_are_sent_oldest_first_and_the_lock_is_given_back() -> None:
    """Look, lock, look, a message a file, release; each end is told."""
    asked = begin(source(ONE, TWO))
    assert asked.step == sent(ONE, 0)
    assert asked.reply([("1", "11")]) == sent(TWO, 1, tidy=True)
    assert asked.reply([("2", "22")]) == KNOWN.release()
    assert asked.reply() is None
    done = (applied(ONE, 11), applied(TWO, 22))
    assert asked.news == [Starting((ONE,)), done[0], Starting((TWO,)), done[1]]
    assert asked.result == [Report(done)]


def test_what_is_beyond_the_target_is_told_at_the_end() -> None:
    """Applied first, then skipped, as SQLx prints them."""
    asked = begin(source(ONE, TWO), target=1)
    asked.reply([("1", "11")])
    asked.reply()
    changes = (applied(ONE, 11), Change(TWO, Outcome.SKIPPED))
    assert asked.result == [Report(changes)]
    assert asked.news[-1] == changes[1]


def test_a_dry_run_looks_and_says_what_it_would_do() -> None:
    """One read-only statement; a file's warnings are in the report."""
    own = migration(2, "SELECT 1;\nCOMMIT")
    asked = Asked(run(source(ONE, own), DIALECT, Options(dry_run=True)))
    assert asked.step == DIALECT.look()
    assert asked.reply(history_reply()) is None
    (report,) = asked.result
    assert report.changes == (
        Change(ONE, Outcome.CAN_APPLY),
        Change(own, Outcome.CAN_APPLY),
    )
    assert [(w.code, w.path, w.line) for w in report.warnings] == [
        ("transaction-control", "migrations/2_m.sql", 2)
    ]


def test_a_dry_run_refuses_what_a_run_would_refuse() -> None:
    """A file that cannot run is found without a lock."""
    copy = migration(1, "COPY t FROM STDIN")
    asked = Asked(run(source(copy), DIALECT, Options(dry_run=True)))
    with pytest.raises(SourceError):
        asked.reply(history_reply())
    asked = Asked(run(source(), DIALECT, Options(dry_run=True)))
    with pytest.raises(VersionMissing):
        asked.reply(history_reply(ONE))


def test_a_changed_file_is_judged_under_the_lock() -> None:
    """The look without the lock concludes one thing only: nothing is to do."""
    changed = migration(1, "INSERT INTO t VALUES (7)")
    asked = Asked(run(source(changed, TWO), DIALECT, Options()))
    asked.reply(history_reply(ONE))
    asked.reply(lock_reply())
    assert asked.reply(history_reply(ONE)) == KNOWN.release()
    with pytest.raises(VersionMismatch):
        asked.reply()


def test_a_refused_migration_still_unlocks() -> None:
    """The lock is given back when the database refuses a migration's SQL."""
    asked = begin(source(ONE))
    assert asked.refuse(DatabaseError("no", completed=4)) == ROLLBACK
    assert asked.reply() == KNOWN.release()
    with pytest.raises(ExecuteMigration):
        asked.reply()


def test_a_release_that_fails_is_noted_on_the_first_error() -> None:
    """The migration's error is the one that is raised."""
    asked = begin(source(ONE))
    asked.refuse(DatabaseError("no", completed=4))
    asked.reply()
    with pytest.raises(ExecuteMigration) as caught:
        asked.refuse(DatabaseError("too late"))
    assert caught.value.__notes__ == ["cleaning up failed too: too late"]


def test_a_cancelled_run_unlocks() -> None:
    """Rollback, release, and then the interruption goes on."""
    asked = begin(source(ONE))
    assert asked.refuse(CancelledError()) == ROLLBACK
    assert asked.reply() == KNOWN.release()
    with pytest.raises(CancelledError):
        asked.reply()


def test_a_release_that_is_interrupted_is_sent_again() -> None:
    """The signal may have come before it went out, on a connection that stays open."""
    asked = begin(source(ONE))
    assert asked.reply([("1", "7")]) == KNOWN.release()
    assert asked.refuse(CancelledError()) == KNOWN.release()
    with pytest.raises(CancelledError):
        asked.reply()


def test_a_release_that_is_refused_is_not_sent_again() -> None:
    """What the server says is told; a lock that the user has besides is not taken."""
    asked = begin(source(ONE))
    assert asked.reply([("1", "7")]) == KNOWN.release()
    with pytest.raises(DatabaseError, match="permission denied"):
        asked.refuse(DatabaseError("permission denied"))


def test_an_interruption_while_the_lock_is_asked_for_unlocks() -> None:
    """The server may have granted it before the answer was awaited."""
    asked = Asked(run(source(ONE), DIALECT, Options()))
    asked.reply(history_reply())
    assert asked.refuse(CancelledError()) == KNOWN.release()
    with pytest.raises(CancelledError):
        asked.reply()


def test_a_lock_that_was_never_had_is_not_given_back() -> None:
    """After LockTimeout, nothing is released."""
    asked = Asked(run(source(ONE), DIALECT, Options(lock_wait_seconds=0)))
    asked.reply(history_reply())
    assert asked.reply(lock_reply("false")) == KNOWN.holder()
    with pytest.raises(LockTimeout):
        asked.reply([])


def test_neighbours_of_ddl_travel_in_one_message() -> None:
    """Three files of DDL: one message, three times, one release."""
    asked = begin(source(*DDL))
    assert asked.step == together(0, *DDL)
    assert asked.reply([("1", "1"), ("2", "2"), ("3", None)]) == KNOWN.release()
    asked.reply()
    done = (applied(DDL[0], 1), applied(DDL[1], 2), applied(DDL[2], 0))
    assert asked.news == [Starting(tuple(DDL)), *done]
    assert asked.result == [Report(done)]


def test_a_server_that_reads_literals_otherwise_gets_one_file_a_message() -> None:
    """With standard_conforming_strings off, our lexer proves nothing."""
    asked = Asked(run(source(*DDL), DIALECT, Options()))
    asked.reply(history_reply())
    asked.reply(lock_reply(standard="off"))
    odd = replace(KNOWN, literals_standard=False)
    frame = odd.frame(DDL[0], Sending(0, 100))
    message = Script((frame.opening, DDL[0].body, frame.closing))
    assert asked.reply(history_reply()) == message


def test_after_a_message_that_failed_files_go_one_by_one() -> None:
    """What was done is told, what failed is sent alone, and its error is exact."""
    asked = begin(source(*DDL))
    first = KNOWN.frame(DDL[0], Sending(0, 100, durable=False))
    done = len(first.before) + 1 + len(first.after)
    assert asked.refuse(DatabaseError("no", completed=done + 5)) == ROLLBACK
    assert asked.reply() == KNOWN.keep_lock()
    assert asked.reply([("true",)]) == KNOWN.prepare()
    assert asked.reply(history_reply(DDL[0])) == sent(DDL[1], 1)
    assert asked.news == [
        Starting(tuple(DDL)),
        applied(DDL[0], 5),
        Starting((DDL[1],)),
    ]
    assert asked.refuse(DatabaseError("no", completed=4)) == ROLLBACK
    assert asked.reply() == KNOWN.release()
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply()
    assert caught.value.path == "migrations/2_m.sql"


def test_what_somebody_else_applied_is_not_told_as_ours() -> None:
    """A message that stopped at its first claim has done nothing."""
    asked = begin(source(*DDL))
    asked.refuse(DatabaseError("duplicate", sqlstate="23505", completed=4))
    asked.reply()
    asked.reply([("true",)])
    assert asked.reply(history_reply(*DDL)) == KNOWN.release()
    assert asked.reply() is None
    assert asked.news == [Starting(tuple(DDL))]
    assert asked.result == [Report()]


def test_what_a_message_reverted_before_it_failed_is_told() -> None:
    """The same for down files: done is what is gone from the history."""
    asked = Asked(revert(PAIRS, DIALECT, Options(target=0)))
    locked(asked, *UPS)
    newest_first = DOWNS[::-1]
    assert asked.step == together(3, *newest_first)
    first = KNOWN.frame(newest_first[0], Sending(3, 100, durable=False))
    done = len(first.before) + 1 + len(first.after)
    assert asked.refuse(DatabaseError("no", completed=done)) == ROLLBACK
    asked.reply()
    asked.reply([("true",)])
    assert asked.reply(history_reply(*UPS[:2])) == sent(newest_first[1], 2)
    assert asked.news == [
        Starting(tuple(newest_first)),
        applied(newest_first[0]),
        Starting((newest_first[1],)),
    ]


def test_a_lost_connection_ends_the_run_without_another_word() -> None:
    """Nothing is asked of a connection that is gone."""
    asked = begin(source(*DDL))
    with pytest.raises(ConnectionLost):
        asked.refuse(ConnectionLost("closed"))


def test_a_history_that_moved_is_read_again() -> None:
    """Somebody without a lock was faster: the plan is made anew, and nothing fails."""
    asked = begin(source(ONE, TWO))
    asked.refuse(DatabaseError("duplicate", sqlstate="23505", completed=3))
    assert asked.reply() == KNOWN.keep_lock()
    assert asked.reply([("true",)]) == KNOWN.prepare()
    assert asked.reply(history_reply(ONE)) == sent(TWO, 1)


def test_a_history_that_always_says_the_same_ends_the_run() -> None:
    """A claim that is refused again and again is an error of its own."""
    asked = begin(source(ONE))
    error = DatabaseError("duplicate", sqlstate="23505", completed=3)
    looks = 0
    while asked.refuse(error) == ROLLBACK and asked.reply() == KNOWN.keep_lock():
        asked.reply([("true",)])
        asked.reply(history_reply())
        looks += 1
    assert looks == 4
    assert asked.step == KNOWN.release()
    with pytest.raises(DatabaseError) as caught:
        asked.reply()
    assert caught.value is error


def test_waiting_for_somebody_is_no_standstill() -> None:
    """As long as time is let pass, the same history may come again and again."""
    asked = begin(source(ONE))
    for _ in range(9):
        asked.refuse(DatabaseError("held", sqlstate="2201E", completed=2))
        if asked.reply() == KNOWN.holder():
            asked.reply([])
        assert isinstance(asked.step, Wait)
        assert asked.reply() == KNOWN.keep_lock()
        asked.reply([("true",)])
        assert asked.reply(history_reply()) == sent(ONE, 0)


def test_two_who_make_the_table_at_once_both_go_on() -> None:
    """`CREATE TABLE IF NOT EXISTS` races in PostgreSQL: wait, look, prepare again."""
    asked = Asked(run(source(ONE), DIALECT, Options()))
    asked.refuse(NO_TABLE)
    asked.reply(lock_reply())
    prepare = asked.step
    assert asked.refuse(DatabaseError("pg_type", sqlstate="23505")) == KNOWN.holder()
    assert asked.reply([]) == Wait(0.05)
    assert asked.news == [WaitingForLock("", 0.0)]
    assert asked.reply() == KNOWN.keep_lock()
    assert asked.reply([("true",)]) == prepare
    assert asked.reply(history_reply()) == sent(ONE, 0)


def test_a_race_for_the_table_may_be_lost_again_and_again() -> None:
    """Time is let pass for it, so it is no standstill, however often it comes."""
    asked = Asked(run(source(ONE), DIALECT, Options()))
    asked.reply(history_reply(TWO))
    asked.reply(lock_reply())
    for _ in range(9):
        assert asked.step == KNOWN.prepare()
        if asked.refuse(DatabaseError("pg_type", sqlstate="23505")) == KNOWN.holder():
            asked.reply([])
        assert isinstance(asked.step, Wait)
        asked.reply()
        asked.reply([("true",)])
    assert asked.reply(history_reply()) == sent(ONE, 0)


def test_any_other_error_while_preparing_ends_the_run() -> None:
    """The lock is given back, and the error is the server's."""
    asked = Asked(run(source(ONE), DIALECT, Options()))
    asked.reply(history_reply())
    asked.reply(lock_reply())
    error = DatabaseError("permission denied for schema public", sqlstate="42501")
    assert asked.refuse(error) == KNOWN.release()
    with pytest.raises(DatabaseError) as caught:
        asked.reply()
    assert caught.value is error


def test_a_read_only_database_is_refused_before_the_lock() -> None:
    """Pending files on a standby are an error at once."""
    asked = Asked(run(source(ONE), DIALECT, Options()))
    with pytest.raises(NotWritable) as caught:
        asked.reply(history_reply(read_only="on"))
    assert caught.value.reason == "transaction_read_only is on"


def test_a_read_only_database_without_a_table_is_refused_too() -> None:
    """There the lock's reply tells, and the lock is given back."""
    asked = Asked(run(source(ONE), DIALECT, Options()))
    asked.refuse(NO_TABLE)
    assert isinstance(asked.reply(lock_reply(read_only="on")), Query)
    with pytest.raises(NotWritable):
        asked.reply()


def test_a_read_only_database_may_be_up_to_date() -> None:
    """Nothing is pending, so nothing need be written."""
    asked = Asked(run(source(ONE), DIALECT, Options()))
    assert asked.reply(history_reply(ONE, read_only="on")) is None


def test_a_false_row_is_dirty_only_under_the_lock() -> None:
    """Seen without the lock it may be somebody at work: lock, look again."""
    asked = Asked(run(source(ONE, TWO), DIALECT, Options()))
    locked(asked, ONE, dirty=TWO)
    assert asked.step == KNOWN.invalid()
    assert asked.reply([]) == KNOWN.release()
    with pytest.raises(Dirty) as caught:
        asked.reply()
    assert str(caught.value) == (
        "migration 2 is partially applied (how much of migrations/2_m.sql was "
        "committed is not recorded); fix and remove row from "
        f"`{TABLE}` table: complete it by hand and UPDATE {TABLE} SET success = TRUE "
        f"WHERE version = 2, or undo it by hand and DELETE FROM {TABLE} WHERE version "
        "= 2"
    )


def test_a_dirty_version_names_the_index_that_it_left() -> None:
    """What is INVALID on a table of the file's is part of the message."""
    asked = Asked(run(source(TWO), DIALECT, Options()))
    locked(asked, dirty=TWO)
    asked.reply([("public.i", "i", "t", "DROP INDEX CONCURRENTLY public.i")])
    with pytest.raises(Dirty) as caught:
        asked.reply()
    assert caught.value.committed == (
        "how much of migrations/2_m.sql was committed is not recorded; public.i is "
        "INVALID, remove it with: DROP INDEX CONCURRENTLY public.i"
    )


def test_a_dirty_version_without_a_file_is_told_without_one() -> None:
    """Dirty goes before missing, and nothing is known of its file."""
    asked = Asked(run(source(ONE), DIALECT, Options()))
    locked(asked, dirty=TWO)
    assert asked.step == KNOWN.release()
    with pytest.raises(Dirty) as caught:
        asked.reply()
    assert caught.value.committed == ""


def test_behind_a_pooler_a_false_row_is_looked_at_twice() -> None:
    """The lock is not held through the look, so a moment is let pass."""
    asked = Asked(run(source(TWO), replace(DIALECT, pooled=True), Options()))
    asked.reply(history_reply(dirty=TWO))
    asked.reply(lock_reply())
    assert asked.reply(history_reply(dirty=TWO)) == Wait(0.1)
    asked.reply()
    asked.reply(lock_reply())
    assert asked.reply(history_reply(TWO)) == replace(KNOWN, pooled=True).release()


def test_on_sqlite_a_false_row_has_five_seconds() -> None:
    """A `-- no-transaction` file holds no lock there; each new version starts anew."""
    sqlite = replace(SqliteDialect(), exists=True)

    def false_row(version: int) -> list[tuple[int, str, int, str, None, int, int]]:
        return [(version, "m", 0, "00", None, -1, 0)]

    asked = Asked(run(source(ONE, TWO), SqliteDialect(), Options()))
    asked.reply(false_row(1))
    waits = 0
    while asked.step == sqlite.prepare() and isinstance(
        asked.reply(false_row(2 if waits > 30 else 1)), Wait
    ):
        waits += 1
        asked.reply()
    assert waits == 31 + 51  # fifty tenths are not quite five
    assert asked.step == sqlite.release()
    with pytest.raises(Dirty) as caught:
        asked.reply()
    assert caught.value.version == 2


def test_a_revert_undoes_the_newest() -> None:
    """Look, lock, look, the down file, release."""
    asked = Asked(revert(PAIRS, DIALECT, Options()))
    locked(asked, *UPS[:2])
    assert asked.step == sent(DOWNS[1], 2)
    assert asked.reply([("2", "9")]) == KNOWN.release()
    asked.reply()
    assert asked.result == [Report((applied(DOWNS[1], 9),))]


def test_a_revert_without_a_way_back_takes_no_lock() -> None:
    """It is certain without it that nothing is to do, and it is said why."""
    asked = Asked(revert(source(ONE), DIALECT, Options()))
    assert asked.reply(history_reply(ONE)) is None
    (report,) = asked.result
    assert report.changes == ()
    assert report.blocked_by.startswith("migrations/1_m.sql: migration 1 has no down")


def test_a_skip_records_without_running() -> None:
    """One message a migration, by SQLx's columns, and no Starting is told."""
    asked = Asked(skip(source(ONE, TWO), DIALECT, Options(target=1)))
    locked(asked)
    assert asked.step == recorded(ONE)
    assert asked.reply() == KNOWN.release()
    asked.reply()
    changes = (Change(ONE, Outcome.SKIPPED_ON_REQUEST), Change(TWO, Outcome.SKIPPED))
    assert asked.news == list(changes)
    assert asked.result == [Report(changes)]


def test_a_skip_that_somebody_else_did_is_looked_at_again() -> None:
    """A duplicate key means that it is recorded already."""
    asked = Asked(skip(source(ONE), DIALECT, Options()))
    locked(asked)
    duplicate = DatabaseError("duplicate", sqlstate="23505", completed=1)
    assert asked.refuse(duplicate) == ROLLBACK
    assert asked.reply() == KNOWN.keep_lock()
    asked.reply([("true",)])
    assert asked.reply(history_reply(ONE)) == KNOWN.release()
    asked.reply()
    assert asked.result == [Report()]


def test_a_skip_that_is_refused_raises_what_the_server_said() -> None:
    """Nothing is made of it, and the lock is given back."""
    asked = Asked(skip(source(ONE), DIALECT, Options()))
    locked(asked)
    error = DatabaseError("permission denied", sqlstate="42501", completed=1)
    assert asked.refuse(error) == ROLLBACK
    assert asked.reply() == KNOWN.release()
    with pytest.raises(DatabaseError) as caught:
        asked.reply()
    assert caught.value is error
    assert str(error) == "permission denied [42501]"


def test_a_skip_says_when_it_is_the_mark_that_is_refused() -> None:
    """Which table it is, and that nothing is recorded."""
    asked = Asked(skip(source(COMPATIBLE), DIALECT, Options()))
    locked(asked)
    assert asked.step == recorded(COMPATIBLE)
    asked.refuse(DatabaseError("permission denied", sqlstate="42501", completed=1))
    asked.reply()
    with pytest.raises(DatabaseError) as caught:
        asked.reply()
    assert str(caught.value) == (
        "permission denied; nothing of this migration is applied: "
        "public._sqlx_compatible records that it is compatible; let the role make and "
        "write that table, and run again [42501]"
    )


def test_a_skip_makes_the_table_of_marks_once() -> None:
    """The second marked file finds it."""
    other = migration(6, compatible=True)
    asked = Asked(skip(source(COMPATIBLE, other), DIALECT, Options()))
    locked(asked)
    known = KNOWN.with_marks()
    assert asked.reply() == recorded(other, known)
    assert asked.reply() == known.release()


def test_a_version_without_a_file_is_asked_about_once_more() -> None:
    """Marked compatible, it is no hindrance: two questions, no lock, and it is said."""
    asked = Asked(run(source(ONE), DIALECT, Options()))
    assert asked.reply(history_reply(ONE, TWO, marks="true")) == MARKS.marked()
    assert asked.reply([("2",)]) is None
    assert asked.news == [GOING_ON]
    assert asked.result == [Report(already_applied=1, warnings=(GOING_ON,))]


@pytest.mark.parametrize("marks", ["true", "false"])
def test_what_is_not_asked_about_costs_nothing(marks: str) -> None:
    """Every version has a file, or what has none is let pass anyway."""
    asked = Asked(run(source(ONE, TWO), DIALECT, Options()))
    assert asked.reply(history_reply(ONE, TWO, marks=marks)) is None
    asked = Asked(run(source(ONE), DIALECT, Options(ignore_missing=True)))
    assert asked.reply(history_reply(ONE, TWO, marks=marks)) is None
    assert asked.news == []


def test_a_version_that_is_not_marked_stops_the_run() -> None:
    """It is judged under the lock, and alone is named."""
    asked = Asked(run(source(ONE), DIALECT, Options()))
    asked.reply(history_reply(ONE, TWO, DDL[2], marks="true"))
    asked.reply([("2",)])
    asked.reply(lock_reply())
    assert asked.reply(history_reply(ONE, TWO, DDL[2], marks="true")) == MARKS.marked()
    assert asked.reply([("2",)]) == KNOWN.release()
    with pytest.raises(VersionMissing) as caught:
        asked.reply()
    assert caught.value.versions == (3,)


def test_without_a_table_of_marks_nothing_is_asked() -> None:
    """Then no version is marked."""
    asked = Asked(run(source(ONE), DIALECT, Options()))
    assert asked.reply(history_reply(TWO)) == KNOWN.try_lock()
    asked.reply(lock_reply())
    assert asked.reply(history_reply(TWO)) == KNOWN.release()
    with pytest.raises(VersionMissing):
        asked.reply()


def test_a_release_without_a_marked_file_applies_its_own() -> None:
    """Out of order, as ever; what it runs with is told before."""
    asked = Asked(run(source(ONE), DIALECT, Options()))
    asked.reply(history_reply(TWO, marks="true"))
    asked.reply([("2",)])
    asked.reply(lock_reply())
    asked.reply(history_reply(TWO, marks="true"))
    assert asked.reply([("2",)]) == sent(ONE, 1)
    assert asked.news == [GOING_ON, Starting((ONE,))]


def test_a_mark_does_not_clean_what_is_dirty() -> None:
    """A version that is FALSE stops everything, marked or not."""
    asked = Asked(run(source(ONE), DIALECT, Options()))
    asked.reply(history_reply(ONE, dirty=TWO, marks="true"))
    asked.reply([("2",)])
    asked.reply(lock_reply())
    asked.reply(history_reply(ONE, dirty=TWO, marks="true"))
    assert asked.reply([("2",)]) == KNOWN.release()
    with pytest.raises(Dirty):
        asked.reply()


def test_marks_that_may_not_be_read_are_named() -> None:
    """A role with too few rights hears which table it is."""
    asked = Asked(run(source(ONE), DIALECT, Options()))
    asked.reply(history_reply(TWO, marks="true"))
    refused = DatabaseError("permission denied", sqlstate="42501")
    with pytest.raises(DatabaseError) as caught:
        asked.refuse(refused)
    assert str(caught.value) == (
        "permission denied; public._sqlx_compatible records which migrations are "
        "compatible; let the role read it [42501]"
    )


def test_a_connection_that_is_lost_while_asking_says_just_that() -> None:
    """It has nothing to do with rights."""
    asked = Asked(run(source(ONE), DIALECT, Options()))
    asked.reply(history_reply(TWO, marks="true"))
    with pytest.raises(ConnectionLost) as caught:
        asked.refuse(ConnectionLost("closed"))
    assert str(caught.value) == "closed"


def test_a_warning_is_told_once_and_before_its_file_runs() -> None:
    """Of the source's warnings, those of pending files; each of a file's own."""
    about_one = SourceWarning("empty", ONE.path, "is empty")
    setting = migration(2, "SET search_path = a")
    files = replace(source(ONE, setting), warnings=(about_one, about_one))
    asked = Asked(run(files, DIALECT, Options()))
    locked(asked, ONE)
    session_settings = asked.news[0]
    assert isinstance(session_settings, SourceWarning)
    assert session_settings.code == "session-settings"
    assert asked.news == [session_settings, Starting((setting,))]
    asked = Asked(run(files, DIALECT, Options()))
    locked(asked)
    asked.reply([("1", "1")])
    asked.refuse(DatabaseError("duplicate", sqlstate="23505", completed=99))
    assert asked.news == [
        about_one,
        Starting((ONE,)),
        applied(ONE, 1),
        session_settings,
        Starting((setting,)),
    ]


def test_the_report_has_every_warning() -> None:
    """What was told is in the report, also when the look was enough."""
    crlf = migration(1, "SELECT 1;\r\n")
    stored = migration(1, "SELECT 1;\n")
    asked = Asked(run(source(crlf), DIALECT, Options()))
    asked.reply(history_reply(stored))
    (report,) = asked.result
    assert [warning.code for warning in report.warnings] == ["line-endings"]
    assert asked.news == list(report.warnings)


def test_info_asks_for_details_in_one_statement() -> None:
    """No lock, no table made, and the table's name as the server writes it."""
    asked = Asked(info(source(ONE), DIALECT, Options()))
    assert asked.step == DIALECT.look(details=True)
    assert asked.reply(history_reply(ONE)) is None
    (told,) = asked.result
    assert [(row.version, row.state) for row in told.rows] == [(1, State.INSTALLED)]
    assert told.table == TABLE


def test_info_of_a_fresh_database_lists_all_as_pending() -> None:
    """There is no table, so its name is the configured one."""
    asked = Asked(info(source(ONE), DIALECT, Options()))
    assert asked.refuse(NO_TABLE) is None
    row = InfoRow(1, "m", State.PENDING, "migrations/1_m.sql", ONE.checksum)
    assert asked.result == [Info((row,), "_sqlx_migrations")]


def steps_of_a_marked_file(dialect: Dialect) -> list[Step | None]:
    """Run a `-- no-transaction` file to its end; give the steps."""
    asked = Asked(run(source(MARKED), dialect, Options()))
    steps = []
    replies: list[object] = [
        history_reply(),
        lock_reply(),
        history_reply(),
        [("true",)],
        [],
        [],
        [],
        [],
        [("4", "8")],
        [],
    ]
    for reply in replies:
        steps.append(asked.step)
        asked.reply(reply)  # type: ignore[arg-type]  # rows of any kind.
    assert asked.result == [Report((applied(MARKED, 8),))]
    return steps


def test_a_marked_file_from_its_look_to_its_release() -> None:
    """Look, lock, prepare, lock kept, claim, broken?, file, broken?, end, release."""
    claim = KNOWN.claim(MARKED, Sending(0))
    assert steps_of_a_marked_file(DIALECT) == [
        DIALECT.look(),
        KNOWN.try_lock(),
        KNOWN.prepare(),
        KNOWN.keep_lock(),
        Script((claim.opening, claim.closing)),
        KNOWN.invalid(),
        Script(("VACUUM t",)),
        KNOWN.invalid(),
        KNOWN.finish(MARKED),
        KNOWN.release(),
    ]
