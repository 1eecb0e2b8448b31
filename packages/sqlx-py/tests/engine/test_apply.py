"""A message is sent, and what an error in it means is judged, with no database."""

from __future__ import annotations

from asyncio import CancelledError
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support import DIALECT, TABLE, Asked, lock_reply, migration

from sqlx.databases.sqlite.dialect import SqliteDialect
from sqlx.engine.apply import (
    Moved,
    Session,
    apply_alone,
    apply_together,
)
from sqlx.engine.attempt import attempt, quietly
from sqlx.engine.dialect import Dialect, Sending
from sqlx.engine.lock import Lock, Patience
from sqlx.engine.news import Retrying, WaitingForLock
from sqlx.engine.steps import Query, Rows, Script, Step, Wait
from sqlx.engine.task import Task, read_task
from sqlx.errors import (
    ConnectionLost,
    DatabaseError,
    ExecuteMigration,
    LockTimeout,
    NotWritable,
)
from sqlx.migrations.migration import Kind

if TYPE_CHECKING:
    from sqlx.migrations.migration import Migration

POSTGRES = replace(DIALECT, table=TABLE, exists=True)
POOLED = replace(POSTGRES, pooled=True)
ROLLBACK = Script(("ROLLBACK",))
DDL = migration(1)
ROWS = migration(2, "INSERT INTO t VALUES (1)")
DOWN = migration(1, "DROP TABLE t", Kind.DOWN)
OWN = migration(3, "SELECT 1; COMMIT; SELECT 2")
MARKED = migration(4, "CREATE INDEX a ON t (id); SELECT 2", no_transaction=True)
COMPATIBLE = migration(5, compatible=True)
DONE: Rows = [("1", "1500")]
BEFORE_THE_FILE = 4  # BEGIN, lock_timeout, the lock, the claim


def session(
    dialect: Dialect = POSTGRES,
    *,
    retry_seconds: float = 600.0,
    lock_wait_seconds: float | None = 300.0,
) -> Session:
    """Make a session that holds its lock."""
    lock = Lock(dialect, Patience(lock_wait_seconds), taken=True)
    return Session(lock, retry_seconds)


def read(found: Migration, dialect: Dialect = POSTGRES) -> Task:
    """Read a task."""
    return read_task(found, dialect.syntax)


def sent(found: Migration, sending: Sending, dialect: Dialect = POSTGRES) -> Script:
    """Expect the message of one file in a transaction."""
    frame = dialect.frame(found, sending)
    return Script((frame.opening, found.body, frame.closing))


def claimed(found: Migration, sending: Sending, dialect: Dialect = POSTGRES) -> Script:
    """Expect the message that claims a version."""
    frame = dialect.claim(found, sending)
    return Script((frame.opening, frame.closing))


def in_file(sqlstate: str = "42601") -> DatabaseError:
    """Refuse the first statement of a file."""
    return DatabaseError("no", sqlstate=sqlstate, completed=BEFORE_THE_FILE)


def at_claim(sqlstate: str, script: Step | None = None) -> DatabaseError:
    """Refuse the claim, the last statement in front of the file."""
    claim = BEFORE_THE_FILE - 1
    if isinstance(script, Script):
        claim = script.parts[0].count(";\n") - 1
    return DatabaseError("no", sqlstate=sqlstate, completed=claim)


def test_a_file_and_its_row_are_one_message() -> None:
    """BEGIN, claim, file, success, COMMIT: one step, whose reply is the time."""
    run = session()
    asked = Asked(apply_alone(run, read(ROWS)))
    assert asked.step == sent(ROWS, Sending(seen=0, limit_ms=100))
    assert asked.reply(DONE) is None
    assert asked.result == [1500]
    assert (run.seen, run.untidy) == (1, True)


def test_ddl_leaves_nothing_to_tidy_up() -> None:
    """After a plain file, the next message tidies nothing up."""
    run = session()
    run.untidy = True
    asked = Asked(apply_alone(run, read(DDL)))
    assert asked.step == sent(DDL, Sending(seen=0, limit_ms=100, tidy=True))
    asked.reply([("1", None)])
    assert asked.result == [0]
    assert not run.untidy


def test_a_down_file_makes_the_history_shorter() -> None:
    """What is reverted is a row less."""
    run = session()
    run.seen = 3
    Asked(apply_alone(run, read(DOWN))).reply(DONE)
    assert run.seen == 2


def test_a_refused_file_is_rolled_back_and_says_so() -> None:
    """The error's place, and that nothing of the migration is applied."""
    asked = Asked(apply_alone(session(), read(ROWS)))
    assert asked.refuse(in_file()) == ROLLBACK
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply()
    assert str(caught.value) == (
        "migrations/2_m.sql:1:1: while executing migration 2: no [42601]\n"
        "  INSERT INTO t VALUES (1)\n"
        "  ^\n"
        "state: rolled back, nothing of this migration is applied; mend it and run "
        "again"
    )


def test_an_interruption_ends_the_transaction_first() -> None:
    """A cancelled task goes on after the rollback."""
    asked = Asked(apply_alone(session(), read(ROWS)))
    assert asked.refuse(CancelledError()) == ROLLBACK
    with pytest.raises(CancelledError):
        asked.reply()


def test_a_rollback_that_fails_is_noted_on_the_first_error() -> None:
    """The first error is the one that is raised."""
    asked = Asked(apply_alone(session(), read(ROWS)))
    asked.refuse(CancelledError())
    with pytest.raises(CancelledError) as caught:
        asked.refuse(DatabaseError("gone away"))
    assert caught.value.__notes__ == ["cleaning up failed too: gone away"]


def test_a_lost_connection_is_not_asked_for_anything() -> None:
    """No rollback is sent where nobody listens, and the outcome is told as unknown."""
    asked = Asked(apply_alone(session(), read(ROWS)))
    with pytest.raises(ExecuteMigration) as caught:
        asked.refuse(ConnectionLost("closed", completed=BEFORE_THE_FILE))
    assert caught.value.state == (
        "the connection was lost, so its outcome is not known here; it is applied as a "
        "whole or not at all: run again"
    )
    assert Asked(quietly(ROLLBACK, ConnectionLost("closed"))).step is None


def test_an_engine_that_is_dropped_asks_for_nothing_more() -> None:
    """A generator that is closed may not yield: nobody would reply."""
    steps = attempt(POSTGRES, Script(("SELECT 1",)))
    assert next(steps) == Script(("SELECT 1",))
    steps.close()


@pytest.mark.parametrize("sqlstate", ["55P03", "40P01", "40001"])
def test_a_busy_table_is_tried_again_with_a_pause(sqlstate: str) -> None:
    """Rolled back, told, waited for, and sent as before: the limit is the same."""
    asked = Asked(apply_alone(session(), read(ROWS)))
    assert asked.refuse(in_file(sqlstate)) == ROLLBACK
    assert isinstance(asked.reply(), Wait)
    assert asked.news == [Retrying(ROWS, "no", 1, 100)]
    assert asked.reply() == sent(ROWS, Sending(seen=0, limit_ms=100))
    for number in range(2, 7):
        asked.refuse(in_file(sqlstate))
        asked.reply()
        assert asked.news[-1] == Retrying(ROWS, "no", number, 100)
        asked.reply()
    assert asked.step == sent(ROWS, Sending(seen=0, limit_ms=200))


def test_a_table_that_stays_busy_ends_the_run() -> None:
    """Without a budget there is one attempt, and no lock_timeout."""
    asked = Asked(apply_alone(session(retry_seconds=0), read(ROWS)))
    assert asked.step == sent(ROWS, Sending(seen=0, limit_ms=0))
    asked.refuse(in_file("40P01"))
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply()
    assert caught.value.state == (
        "rolled back; whoever holds the lock on the table must end, then run again"
    )


@pytest.mark.parametrize("sqlstate", ["23505", "2201E"])
def test_a_claim_that_hits_another_row_means_look_again(sqlstate: str) -> None:
    """Somebody was faster: nothing of the file has run."""
    asked = Asked(apply_alone(session(), read(ROWS)))
    asked.refuse(at_claim(sqlstate))
    with pytest.raises(Moved) as caught:
        asked.reply()
    assert not caught.value.waited


def test_the_same_code_in_the_file_is_the_files() -> None:
    """A duplicate key of the file's own is no race."""
    asked = Asked(apply_alone(session(), read(ROWS)))
    asked.refuse(in_file("23505"))
    with pytest.raises(ExecuteMigration):
        asked.reply()


def test_a_lock_that_somebody_holds_is_waited_for() -> None:
    """The lock's statement raised: wait, then look again."""
    asked = Asked(apply_alone(session(), read(ROWS)))
    asked.refuse(DatabaseError("no", sqlstate="2201E", completed=2))
    assert asked.reply() == POSTGRES.holder()
    assert asked.reply([]) == Wait(0.05)
    assert asked.news == [WaitingForLock("", 0.0)]
    with pytest.raises(Moved) as caught:
        asked.reply()
    assert caught.value.waited


def test_a_claim_that_waits_for_somebody_counts_against_the_lock() -> None:
    """55P03 on the claim is a migrator that holds no lock: the lock's wait pays."""
    run = session(lock_wait_seconds=0)
    asked = Asked(apply_alone(run, read(ROWS)))
    asked.refuse(at_claim("55P03"))
    assert asked.reply() == POSTGRES.holder()
    with pytest.raises(LockTimeout):
        asked.reply([])


def test_a_read_only_database_is_named_as_such() -> None:
    """25006, wherever it comes from, is no error of the file's."""
    asked = Asked(apply_alone(session(), read(ROWS)))
    asked.refuse(DatabaseError("cannot execute INSERT", sqlstate="25006", completed=3))
    with pytest.raises(NotWritable) as caught:
        asked.reply()
    assert str(caught.value) == (
        "migrations are pending and the database is read-only (cannot execute INSERT); "
        "connect to the primary, or as a role that may write"
    )


def test_a_claim_that_the_file_took_away_leaves_a_false_row() -> None:
    """What such a file committed nobody knows, so both tools must stop at it."""
    asked = Asked(apply_alone(session(), read(ROWS)))
    asked.refuse(DatabaseError("log", sqlstate="2201E", completed=7))
    assert asked.reply() == POSTGRES.mark_dirty(ROWS)
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply()
    assert caught.value.state == (
        "what the file committed is done, and not recorded as a whole; complete it by "
        f"hand and UPDATE {TABLE} SET success = TRUE WHERE version = 2, or undo it by "
        f"hand and DELETE FROM {TABLE} WHERE version = 2"
    )


def test_sqlite_has_waited_itself_when_it_says_busy() -> None:
    """Its busy timeout is the lock's wait: nothing is tried again."""
    sqlite = SqliteDialect()
    run = session(sqlite, lock_wait_seconds=2.5)
    asked = Asked(apply_alone(run, read(ROWS, sqlite)))
    assert asked.step == sent(ROWS, Sending(seen=0, limit_ms=100), sqlite)
    assert asked.refuse(DatabaseError("database is locked", code=5, part=0)) == (
        Script((sqlite.rollback,))
    )
    with pytest.raises(LockTimeout) as caught:
        asked.reply()
    assert str(caught.value) == (
        "the migration lock is still held after 2.5 s; let it finish or end it, or "
        "wait longer with --lock-timeout (lock_timeout_seconds)"
    )


def test_several_files_travel_in_one_message() -> None:
    """Each in its transaction; the last commit alone waits for the disk."""
    run = session()
    run.untidy, run.seen = True, 4
    two = migration(2)
    tasks = (read(DDL), read(two))
    asked = Asked(apply_together(run, tasks))
    first = POSTGRES.frame(DDL, Sending(4, 100, durable=False, tidy=True))
    second = POSTGRES.frame(two, Sending(5, 100))
    assert asked.step == Script(
        (
            first.opening,
            DDL.body,
            first.closing + ";\n",
            second.opening,
            two.body,
            second.closing + ";\n",
        )
    )
    assert asked.reply([("1", "10"), ("2", "20")]) is None
    assert asked.result == [[("1", "10"), ("2", "20")]]
    assert (run.seen, run.untidy) == (6, False)


def test_several_down_files_shorten_the_history() -> None:
    """Each file of a message that reverts is a row less; no limit when told so."""
    run = session(retry_seconds=0)
    run.seen = 2
    downs = (read(migration(2, "DROP TABLE u", Kind.DOWN)), read(DOWN))
    asked = Asked(apply_together(run, downs))
    assert isinstance(asked.step, Script)
    assert "lock_timeout = 0;" in asked.step.parts[0]
    asked.reply([("2", "0"), ("1", "0")])
    assert run.seen == 0


@pytest.mark.parametrize(
    ("completed", "done"),
    [
        (0, 0),
        (BEFORE_THE_FILE, 0),
        (11, 0),  # the first file's COMMIT
        (12, 1),
        (20, 1),
    ],
)
def test_a_message_that_fails_says_how_many_files_are_done(
    completed: int, done: int
) -> None:
    """A file is done when the statement that ends it is complete."""
    frame = POSTGRES.frame(DDL, Sending(0, 100, durable=False))
    assert len(frame.before) + 1 + len(frame.after) == 12
    asked = Asked(apply_together(session(), (read(DDL), read(migration(2)))))
    assert asked.refuse(DatabaseError("no", completed=completed)) == ROLLBACK
    with pytest.raises(Moved) as caught:
        asked.reply()
    assert caught.value.done == done
    assert str(caught.value.__cause__) == "no"


def test_a_message_that_was_cancelled_is_rolled_back_and_goes_no_further() -> None:
    """What is not the server's word on a statement is raised as it is."""
    asked = Asked(apply_together(session(), (read(DDL), read(migration(2)))))
    assert asked.refuse(CancelledError()) == ROLLBACK
    with pytest.raises(CancelledError):
        asked.reply()


def test_a_message_that_was_lost_goes_no_further() -> None:
    """How many files are done nobody can say, and a new run finds out."""
    asked = Asked(apply_together(session(), (read(DDL), read(migration(2)))))
    with pytest.raises(ConnectionLost) as caught:
        asked.refuse(ConnectionLost("server closed the connection"))
    assert str(caught.value) == (
        "server closed the connection; which of the migrations sent are applied is not "
        "known here; each is applied as a whole or not at all: run again"
    )


def test_marked_files_of_one_message_make_their_table_once() -> None:
    """The first makes it; afterwards it is known to be there."""
    run = session()
    one, two = (migration(version, compatible=True) for version in (1, 2))
    asked = Asked(apply_together(run, (read(one), read(DDL), read(two))))
    assert isinstance(asked.step, Script)
    made = [part.count("CREATE TABLE IF NOT EXISTS") for part in asked.step.parts]
    added = [part.count("INSERT INTO public._sqlx_com") for part in asked.step.parts]
    assert made == [1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert added == [1, 0, 0, 0, 0, 0, 1, 0, 0]
    asked.reply([("1", "1"), ("1", "1"), ("2", "1")])
    assert run.dialect == POSTGRES.with_marks()


def test_a_message_that_failed_has_made_no_table() -> None:
    """The next one makes it, should it be needed still."""
    run = session()
    marked = migration(1, compatible=True)
    asked = Asked(apply_together(run, (read(marked), read(ROWS))))
    asked.refuse(DatabaseError("no"))
    with pytest.raises(Moved):
        asked.reply()
    assert run.dialect == POSTGRES


def test_a_marked_file_makes_the_table_for_the_next() -> None:
    """Alone, in a transaction of its own."""
    run = session()
    Asked(apply_alone(run, read(COMPATIBLE))).reply(DONE)
    assert run.dialect == POSTGRES.with_marks()
    asked = Asked(apply_alone(run, read(COMPATIBLE)))
    known = POSTGRES.with_marks()
    assert asked.step == sent(COMPATIBLE, Sending(1, 100), known)


def test_a_down_file_makes_no_table() -> None:
    """Whatever is said of it in code."""
    run = session()
    down = replace(DOWN, compatible=True)
    Asked(apply_alone(run, read(down))).reply(DONE)
    assert run.dialect == POSTGRES
    Asked(apply_together(run, (read(down), read(down)))).reply([("1", "1"), ("1", "1")])
    assert run.dialect == POSTGRES


@pytest.mark.parametrize("no_transaction", [False, True])
def test_a_mark_that_cannot_be_written_is_told(*, no_transaction: bool) -> None:
    """A role that may not make tables hears which one, and that nothing has begun."""
    marked = replace(COMPATIBLE, no_transaction=no_transaction)
    asked = Asked(apply_alone(session(), read(marked)))
    if no_transaction:
        asked.reply([("true",)])
    asked.refuse(
        DatabaseError(
            "permission denied for schema public",
            sqlstate="42501",
            completed=BEFORE_THE_FILE - 1,
        )
    )
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply()
    assert str(caught.value) == (
        "migrations/5_m.sql: while executing migration 5: permission denied for schema "
        "public [42501]\n"
        "state: rolled back, nothing of this migration is applied: "
        "public._sqlx_compatible records that it is compatible; let the role make and "
        "write that table, and run again"
    )


def test_a_marked_file_that_did_nothing_takes_its_mark_back() -> None:
    """The table is known since the claim."""
    run = session()
    marked = replace(MARKED, compatible=True)
    asked = Asked(apply_alone(run, read(marked)))
    asked.reply([("true",)])
    assert asked.step == claimed(marked, Sending(seen=0))
    asked.reply()
    asked.reply([])
    asked.refuse(DatabaseError("no"))
    asked.reply()
    assert asked.reply([]) == POSTGRES.with_marks().unclaim(marked)


def test_a_file_with_its_own_control_is_claimed_first() -> None:
    """Claim, then the file as SQLx sends it, then its end is recorded."""
    run = session()
    asked = Asked(apply_alone(run, read(OWN)))
    assert asked.step == POSTGRES.keep_lock()
    assert asked.reply([("true",)]) == claimed(OWN, Sending(seen=0))
    frame = POSTGRES.own_transaction()
    assert asked.reply() == Script((frame.opening, OWN.body, frame.closing))
    assert asked.reply() == POSTGRES.finish(OWN)
    assert asked.reply(DONE) is None
    assert asked.result == [1500]
    assert (run.seen, run.untidy) == (1, True)


def test_a_marked_file_is_claimed_first() -> None:
    """Claim, look for what is broken, statement by statement, look, record."""
    asked = Asked(apply_alone(session(), read(MARKED)))
    asked.reply([("true",)])
    assert asked.reply() == POSTGRES.invalid()
    assert asked.reply([]) == Script(("CREATE INDEX a ON t (id);",))
    assert asked.reply() == Script(("SELECT 2",))
    assert asked.reply() == POSTGRES.invalid()
    assert asked.reply([]) == POSTGRES.finish(MARKED)
    assert asked.reply(DONE) is None
    assert asked.result == [1500]


def test_a_claim_that_is_refused_is_judged_as_a_claim() -> None:
    """Somebody was faster: the file is not touched."""
    asked = Asked(apply_alone(session(), read(OWN)))
    asked.reply([("true",)])
    assert asked.refuse(at_claim("23505")) == ROLLBACK
    with pytest.raises(Moved):
        asked.reply()


def test_a_row_that_vanished_while_the_file_ran_is_told() -> None:
    """Nothing is recorded as a success that was not there to be recorded."""
    asked = Asked(apply_alone(session(), read(OWN)))
    asked.reply([("true",)])
    asked.reply()
    asked.reply()
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply([])
    assert str(caught.value) == (
        "migrations/3_m.sql: while executing migration 3: the history's row of this "
        "migration vanished while it ran\n"
        "state: what the file committed is done, and not recorded as a whole; complete "
        f"it by hand and UPDATE {TABLE} SET success = TRUE WHERE version = 3, or undo "
        f"it by hand and DELETE FROM {TABLE} WHERE version = 3"
    )


@pytest.mark.parametrize(
    ("kind", "undo"),
    [
        (Kind.SIMPLE, f"DELETE FROM {TABLE} WHERE version = 4"),
        (Kind.DOWN, f"UPDATE {TABLE} SET success = TRUE WHERE version = 4"),
    ],
)
def test_a_connection_that_was_lost_at_the_claim_did_not_begin_the_file(
    kind: Kind, undo: str
) -> None:
    """The row may stand there all the same, and it is said how to take it back."""
    found = migration(4, "SELECT 1; SELECT 2", kind, no_transaction=True)
    asked = Asked(apply_alone(session(), read(found)))
    asked.reply([("true",)])
    with pytest.raises(ExecuteMigration) as caught:
        asked.refuse(ConnectionLost("closed"))
    assert caught.value.state == (
        "the connection was lost before the file began; run again, and should its row "
        f"have been left behind, take it back: {undo}"
    )


def guarded(run: Session, found: Migration) -> Asked[int]:
    """Bring a file behind a pooler to its first message."""
    asked = Asked(apply_alone(run, read(found)))
    assert asked.step == Query("BEGIN", guard=True)
    asked.reply()
    asked.reply(lock_reply())
    assert asked.reply() == claimed(found, Sending(seen=0, guarded=True), POOLED)
    return asked


def test_behind_a_pooler_a_second_connection_keeps_others_away() -> None:
    """The guard holds the lock until the end is recorded."""
    asked = guarded(session(POOLED), OWN)
    asked.reply()
    assert asked.reply() == POOLED.finish(OWN)
    assert asked.reply(DONE) == Query("ROLLBACK", guard=True)
    assert asked.reply() is None
    assert asked.result == [1500]


def test_behind_a_pooler_the_guard_ends_after_an_error_too() -> None:
    """Its transaction is ended, and the error goes on."""
    asked = guarded(session(POOLED), OWN)
    assert asked.refuse(at_claim("23505", asked.step)) == ROLLBACK
    assert asked.reply() == Query("ROLLBACK", guard=True)
    with pytest.raises(Moved):
        asked.reply()


def test_a_pool_with_one_connection_is_too_narrow_for_a_guard() -> None:
    """A claim whose connection is lost says what such a file needs behind a pooler."""
    asked = guarded(session(POOLED), OWN)
    assert asked.refuse(ConnectionLost("query_wait_timeout")) == Query(
        "ROLLBACK", guard=True
    )
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply()
    assert caught.value.state == (
        "the connection was lost before the file began; behind a pooler such a file "
        "needs two connections to the server, one of them to hold the lock: let the "
        "pool have them, or connect to the server itself, and run again"
    )


def test_behind_a_pooler_with_one_connection_the_mend_is_told() -> None:
    """The guard has it, and the pooler ends the claim's wait for another."""
    asked = guarded(session(POOLED), OWN)
    assert asked.refuse(ConnectionLost("query_wait_timeout")) == (
        Query("ROLLBACK", guard=True)
    )
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply()
    assert caught.value.state == (
        "the connection was lost before the file began; behind a pooler such a file "
        "needs two connections to the server, one of them to hold the lock: let the "
        "pool have them, or connect to the server itself, and run again"
    )
