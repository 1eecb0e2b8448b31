"""Where DDL commits at once, the history tells what a failed file has left."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support import Asked, migration

from sqlx.databases.mysql.dialect import MySqlDialect
from sqlx.engine.apply import Session, apply_alone
from sqlx.engine.dialect import Sending
from sqlx.engine.lock import Lock, Patience
from sqlx.engine.news import Retrying
from sqlx.engine.statements import own_control, statement_by_statement
from sqlx.engine.steps import Rows, Script, Wait
from sqlx.engine.task import Task, check_size, read_task
from sqlx.errors import ConnectionLost, DatabaseError, ExecuteMigration, SourceError
from sqlx.migrations.migration import Kind

TABLE = "`app`._sqlx_migrations"
MYSQL = replace(MySqlDialect(mariadb=True), table=TABLE, database="app", exists=True)
ROLLBACK = Script((MYSQL.rollback,))
BEFORE_THE_FILE = 5  # limits, clock, BEGIN, the look at the history, the claim
WAY_OUT = (
    f"complete it by hand and UPDATE {TABLE} SET success = TRUE WHERE version = 4, or "
    f"undo it by hand and DELETE FROM {TABLE} WHERE version = 4"
)
AT_ONCE = "DDL commits at once here: "
COMMITTED_1 = "line 1 is committed for good"
IN_PART = "the statement that failed may be done in part"
MAYBE_KEPT = (
    "rows of a table that cannot roll back (MyISAM, Aria) may be there for good; "
)
PARTLY = (
    "a part of it may be committed; then migration 4 counts as partially applied, and "
    "the next run says what to decide"
)
ROLLED_BACK = "rolled back, nothing of this migration is applied; mend it and run again"


def read(sql: str, *, alone: bool = False, kind: Kind = Kind.SIMPLE) -> Task:
    """Read a file of version 4."""
    return read_task(migration(4, sql, kind, no_transaction=alone), MYSQL.syntax)


def history(success: str | None) -> Rows:
    """Reply to `look`: the row of version 4 says TRUE or FALSE, or is not there."""
    told = ("617070", "BASE TABLE", "0")
    if success is None:
        return [(*told, None, None, None, None, None, None)]
    return [(*told, "4", "6D", success, "", None, "-1")]


def refused(index: int, code: int = 1050) -> DatabaseError:
    """Refuse a statement of the file, from 0."""
    return DatabaseError("no", code=code, completed=BEFORE_THE_FILE + index, part=1)


def failing(task: Task, error: DatabaseError) -> Asked[int]:
    """Send a file, refuse it, and let the transaction be ended."""
    session = Session(Lock(MYSQL, Patience(300.0), taken=True), 600.0)
    asked = Asked(apply_alone(session, task))
    frame = MYSQL.frame(task.migration, Sending(seen=0, limit_ms=1000))
    assert asked.step == Script((frame.opening, task.migration.body, frame.closing))
    assert asked.refuse(error) == ROLLBACK
    assert asked.reply() == MYSQL.look()
    return asked


def state_of(asked: Asked[int], reply: Rows = ()) -> str:
    """Reply, and give what the error says of what is left."""
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply(reply)
    return caught.value.state


def test_a_claim_that_is_gone_says_that_nothing_is_committed() -> None:
    """The row went with all else."""
    asked = failing(read("INSERT INTO t VALUES (1);\nSELECT z;"), refused(1))
    assert asked.reply(history(None)) == MYSQL.kept()
    assert state_of(asked, [("false",)]) == ROLLED_BACK


def test_rows_that_no_rollback_takes_back_are_recorded() -> None:
    """The claim went, they did not: no run passes the file until somebody looks."""
    task = read("INSERT INTO t VALUES (1);\nSELECT z;")
    asked = failing(task, refused(1))
    assert asked.reply(history(None)) == MYSQL.kept()
    assert asked.reply([("true",)]) == MYSQL.mark_dirty(task.migration)
    assert state_of(asked) == (
        "a table of the file cannot roll back (MyISAM, Aria), so its rows are there "
        f"for good; {WAY_OUT}"
    )


def test_a_warning_may_be_of_a_temporary_table() -> None:
    """One of MyISAM or Aria is warned of as rows that stay, so these may be there."""
    task = read("CREATE TEMPORARY TABLE t (id INT);\nSELECT z;")
    asked = failing(task, refused(1))
    assert asked.reply(history(None)) == MYSQL.kept()
    assert asked.reply([("true",)]) == MYSQL.mark_dirty(task.migration)
    assert state_of(asked) == MAYBE_KEPT + WAY_OUT


@pytest.mark.parametrize("sql", ["CALL p();\nSELECT z;", "CALL p();\nSELECT 'open"])
def test_code_may_have_rolled_the_claim_back_itself(sql: str) -> None:
    """And have committed what it did after that."""
    task = read(sql)
    asked = failing(task, refused(1))
    assert asked.reply(history(None)) == MYSQL.mark_dirty(task.migration)
    assert state_of(asked) == f"a part of the file may be committed; {WAY_OUT}"


def test_code_that_was_not_reached_has_done_nothing() -> None:
    """The statement before it was refused."""
    asked = failing(read("SELECT z;\nCALL p();"), refused(0))
    assert asked.reply(history(None)) == MYSQL.kept()
    assert state_of(asked, [("false",)]) == ROLLED_BACK


def test_a_down_file_s_claim_is_gone_when_the_row_is_true() -> None:
    """The UPDATE went with all else."""
    task = read("DELETE FROM t;\nSELECT z;", kind=Kind.DOWN)
    asked = failing(task, refused(1))
    assert asked.reply(history("1")) == MYSQL.kept()
    assert state_of(asked, [("false",)]) == ROLLED_BACK


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        ("CREATE TABLE a (id INT);", 0),
        ("ALTER TABLE a ADD b INT, ADD c INT;", 0),
        ("DROP TABLE a;", 0),
        ("CREATE UNIQUE INDEX i ON a (b, c);", 0),
        ("CREATE DEFINER = root@localhost VIEW v AS SELECT 1, 2;", 0),
        ("DROP USER a;", 0),
        ("SELECT 1;\nSHOW TABLES;\nCREATE TABLE a (id INT);", 2),
        ("SET foreign_key_checks = 0;\nUSE other;\nCREATE TABLE a (id INT);", 2),
    ],
)
def test_a_first_statement_that_is_whole_leaves_nothing(sql: str, index: int) -> None:
    """Its implicit commit has made the claim durable, so it is taken back."""
    task = read(sql)
    asked = failing(task, refused(index))
    assert asked.reply(history("0")) == MYSQL.unclaim(task.migration)
    assert state_of(asked) == ROLLED_BACK


def test_a_first_statement_that_waits_for_a_table_is_tried_again() -> None:
    """Nothing is done yet; each attempt waits for a second, which the server counts."""
    task = read("ALTER TABLE a ADD b INT;")
    asked = failing(task, refused(0, 1205))
    asked.reply(history("0"))
    assert asked.reply() == Wait(1.0)
    assert asked.news == [Retrying(task.migration, "no", 1, 1000)]
    assert isinstance(asked.reply(), Script)


@pytest.mark.parametrize(
    ("sql", "index", "code", "state"),
    [
        ("CREATE TABLE a (i INT);\nDROP TABLE z;", 1, 1051, "line 1 is committed"),
        ("DROP TABLE a, z;", 0, 1051, IN_PART),
        ("CREATE OR REPLACE TABLE a (i INT);", 0, 1005, IN_PART),
        ("DROP DATABASE legacy;", 0, 1451, IN_PART),
        ("CREATE SCHEMA legacy;", 0, 1451, IN_PART),
        ("CREATE USER one@localhost, two@localhost;", 0, 1396, IN_PART),
        ("GRANT SELECT ON a TO b;", 0, 1396, IN_PART),
        ("SET @a = f();\nDROP TABLE z;", 1, 1051, COMMITTED_1),
        ("SET GLOBAL a = 1;\nDROP TABLE z;", 1, 1051, COMMITTED_1),
        ("SELECT 1 INTO OUTFILE 'a';\nDROP TABLE z;", 1, 1051, COMMITTED_1),
        ("SET STATEMENT a = 1 FOR DELETE FROM b;\nDROP TABLE z;", 1, 1, COMMITTED_1),
        ("RENAME TABLE a TO b, c TO d;", 0, 1146, IN_PART),
        (
            "CREATE TABLE a (\n i INT);\n\nDELETE FROM a;\nDELETE\nFROM b;\nSELECT z;",
            3,
            1054,
            "lines 1 to 6 are committed for good",
        ),
        (
            "DELETE FROM a;\nALTER TABLE z ADD b INT;",
            1,
            1146,
            "line 1 is committed for good",
        ),
        (
            "CREATE TABLE a (i INT);\nDELETE FROM a;\nCREATE TABEL b (i INT);",
            2,
            1064,
            "lines 1 to 2 are committed for good",
        ),
        ("CREATE TABLE a (i INT);\nCALL p();", 1, 1644, f"{COMMITTED_1}; {IN_PART}"),
    ],
)
def test_it_is_said_which_lines_are_committed(
    sql: str, index: int, code: int, state: str
) -> None:
    """The first commit ends the transaction; behind it each statement is its own."""
    found = state_of(failing(read(sql), refused(index, code)), history("0"))
    assert found.startswith(f"{AT_ONCE}{state}")
    assert found.endswith(f"; {WAY_OUT}")


def test_an_end_that_fails_is_behind_all_lines() -> None:
    """The file is through; its row could not be written."""
    task = read("CREATE TABLE a (i INT);\nLOCK TABLES a WRITE;")
    asked = failing(task, DatabaseError("no", code=1100, completed=7, part=2))
    assert state_of(asked, history("0")) == (
        f"{AT_ONCE}lines 1 to 2 are committed for good; {WAY_OUT}"
    )


@pytest.mark.parametrize("sql", ["CALL p();\nSELECT z;", "INSERT INTO m SELECT z;"])
def test_a_commit_that_nobody_sees_is_told(sql: str) -> None:
    """It was in a routine, or a table's engine knows no transaction."""
    found = state_of(failing(read(sql), refused(1)), history("0"))
    assert found == f"a part of the file may be committed; {WAY_OUT}"


def test_of_a_doubtful_file_no_lines_are_told() -> None:
    """Nobody knows what the server has read."""
    asked = failing(read("CREATE TABLE a (i INT); SELECT 'open"), refused(0, 1064))
    assert state_of(asked, history("0")) == (
        f"{AT_ONCE}a part of the file may be committed; {WAY_OUT}"
    )


def test_a_question_that_fails_too_leaves_it_unknown() -> None:
    """The file has ended its own session, say; the first error is the one raised."""
    error = refused(1, 1317)
    asked = failing(read("DROP TABLE t;\nKILL CONNECTION_ID();"), error)
    with pytest.raises(ExecuteMigration) as caught:
        asked.refuse(ConnectionLost("gone"))
    assert caught.value.cause is error
    assert caught.value.state.endswith(
        "run again, and what is then still unknown is said"
    )
    assert error.__notes__ == ["asking what is left failed too: gone"]


@pytest.mark.parametrize(
    ("sql", "known"),
    [
        ("DROP TABLE t;\nSELECT z;", f"{AT_ONCE}{COMMITTED_1}; "),
        ("ALTER TABLE t ADD a INT;", ""),
        ("DELETE FROM t;\nSELECT z;", "a part of the file may be committed; "),
    ],
    ids=["ddl", "whole", "rows"],
)
def test_a_question_that_is_refused_is_no_lost_connection(sql: str, known: str) -> None:
    """What is committed is said as far as it is known, and the way out."""
    task = read(sql)
    error = refused(len(task.statements.items) - 1)
    asked = failing(task, error)
    with pytest.raises(ExecuteMigration) as caught:
        asked.refuse(DatabaseError("denied"))
    assert caught.value.cause is error
    assert caught.value.state == f"what is left could not be asked; {known}{WAY_OUT}"
    assert error.__notes__ == ["asking what is left failed too: denied"]


def test_what_stops_before_the_file_asks_nothing() -> None:
    """The claim was not written, so nothing can be left of it."""
    session = Session(Lock(MYSQL, Patience(300.0), taken=True), 600.0)
    asked = Asked(apply_alone(session, read("DROP TABLE t")))
    asked.refuse(DatabaseError("denied", code=1142, completed=4, part=0))
    assert state_of(asked) == ROLLED_BACK


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("DELETE FROM t;", "it is applied as a whole or not at all: run again"),
        ("CALL p();", "run again, and what is then still unknown is said"),
        ("DROP TABLE t;", "run again, and what is then still unknown is said"),
        ("SELECT 'open", "run again, and what is then still unknown is said"),
    ],
)
def test_a_lost_connection_says_what_it_may_mean(sql: str, words: str) -> None:
    """The server runs the rest of the message, and commits DDL as it goes."""
    session = Session(Lock(MYSQL, Patience(300.0), taken=True), 600.0)
    asked = Asked(apply_alone(session, read(sql)))
    with pytest.raises(ExecuteMigration) as caught:
        asked.refuse(ConnectionLost("gone"))
    assert caught.value.state.startswith("the connection was lost, ")
    assert caught.value.state.endswith(words)


@pytest.mark.parametrize(
    ("sql", "notes"),
    [
        ("DELETE FROM t", []),
        (
            "DROP TABLE t",
            [f"migrations/4_m.sql: {AT_ONCE}{PARTLY}"],
        ),
    ],
    ids=["rows", "ddl"],
)
def test_an_interruption_says_what_it_may_leave(sql: str, notes: list[str]) -> None:
    """The transaction is ended, which undoes no DDL."""
    session = Session(Lock(MYSQL, Patience(300.0), taken=True), 600.0)
    asked = Asked(apply_alone(session, read(sql)))
    assert asked.refuse(KeyboardInterrupt()) == ROLLBACK
    with pytest.raises(KeyboardInterrupt) as caught:
        asked.reply()
    assert getattr(caught.value, "__notes__", []) == notes


@pytest.mark.parametrize("alone", [True, False], ids=["no-transaction", "own control"])
def test_an_interruption_of_what_is_no_transaction(*, alone: bool) -> None:
    """Its row may stay behind, and say FALSE."""
    session = Session(Lock(MYSQL, Patience(300.0), taken=True), 600.0)
    asked = Asked(
        apply_alone(session, read("BEGIN; DROP TABLE t; COMMIT", alone=alone))
    )
    asked.reply([("true",)])  # the lock is held
    asked.reply()  # claimed
    assert asked.refuse(KeyboardInterrupt()) == ROLLBACK
    with pytest.raises(KeyboardInterrupt) as caught:
        asked.reply()
    (note,) = caught.value.__notes__
    assert note == (
        "migrations/4_m.sql is not one transaction: what it has committed stays; sqlx "
        "migrate info tells whether 4 counts as partially applied, and how to mend it"
    )


@pytest.mark.parametrize(
    ("sql", "unclaimed"),
    [
        ("DROP TABLE a", True),
        ("SET a = 1", True),
        ("BEGIN; DELETE FROM a; COMMIT", True),
        ("SELECT z", True),
        ("SELECT f()", False),
        ("INSERT INTO a SELECT z", False),
        ("CALL p()", False),
        ("BEGIN NOT ATOMIC DELETE FROM a; END", False),
        ("DROP TABLE a, b", False),
        ("SELECT 'open", False),
    ],
)
def test_a_first_statement_alone_may_be_done_in_part(
    sql: str, *, unclaimed: bool
) -> None:
    """Then the claim stays, and a person looks."""
    task = read(sql, alone=True)
    asked = Asked(statement_by_statement(MYSQL, task))
    assert asked.refuse(DatabaseError("no")) == ROLLBACK
    if unclaimed:
        assert asked.reply() == MYSQL.unclaim(task.migration)
        return
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply()
    assert caught.value.state == f"{IN_PART}; {WAY_OUT}"


@pytest.mark.parametrize(
    ("sql", "completed", "unclaimed"),
    [
        ("DELETE FROM t; SELECT z; COMMIT", 2, True),
        ("BEGIN; DELETE FROM z; COMMIT", 2, True),
        ("DROP TABLE z; COMMIT", 1, True),
        ("BEGIN; DROP TABLE z; COMMIT", 2, True),
        ("DROP TABLE z, t; COMMIT", 1, False),
        ("BEGIN; CALL p(); COMMIT", 2, False),
        ("BEGIN; BEGIN NOT ATOMIC SELECT 1; END; SELECT z; COMMIT", 3, False),
        ("DELETE FROM t; BEGIN; SELECT z; COMMIT", 3, False),
        ("DELETE FROM t; DROP TABLE z; COMMIT", 2, False),
        ("DROP TABLE t; SELECT z; COMMIT", 2, False),
        ("DELETE FROM t; COMMIT; SELECT z", 3, False),
    ],
)
def test_a_file_with_its_own_control_may_commit_by_ddl(
    sql: str, completed: int, *, unclaimed: bool
) -> None:
    """Before its COMMIT is reached, or after a BEGIN that ends what was before."""
    task = read(sql)
    asked = Asked(own_control(MYSQL, task))
    assert asked.refuse(DatabaseError("no", completed=completed)) == ROLLBACK
    if unclaimed:
        assert asked.reply() == MYSQL.kept()
        assert asked.reply([("false",)]) == MYSQL.unclaim(task.migration)
        return
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply()
    assert caught.value.state.endswith(WAY_OUT)


def test_rows_of_a_file_with_its_own_control_may_stay() -> None:
    """The rollback has warned of them, so the claim stands."""
    asked = Asked(own_control(MYSQL, read("BEGIN; DELETE FROM t; SELECT z; COMMIT")))
    assert asked.refuse(DatabaseError("no", completed=3)) == ROLLBACK
    assert asked.reply() == MYSQL.kept()
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply([("true",)])
    assert caught.value.state == (
        "a table of the file cannot roll back (MyISAM, Aria), so its rows are there "
        f"for good; {WAY_OUT}"
    )


def test_a_file_that_the_server_would_not_take_is_refused() -> None:
    """With both sizes and the mend, before anything is applied."""
    task = read("SELECT 'é';")
    check_size(task, 0)
    check_size(task, 12 + 8192)
    with pytest.raises(SourceError) as caught:
        check_size(task, 11 + 8192)
    assert str(caught.value) == (
        "while resolving migrations: migrations/4_m.sql: it has 12 bytes, and the "
        "server takes messages of 8203 (8192 of them are ours); raise "
        "max_allowed_packet on the server, or split the file"
    )


def test_of_a_file_that_runs_alone_each_statement_must_fit() -> None:
    """The longest is meant; where the splitter doubts, the whole file."""
    task = read("SELECT 1;\nSELECT 100;", alone=True)
    check_size(task, 10 + 8192)
    with pytest.raises(SourceError, match="a statement of it has 10 bytes"):
        check_size(task, 9 + 8192)
    with pytest.raises(SourceError, match=r"4_m.sql: it has 22 bytes"):
        check_size(read("SELECT 1;\nSELECT 'open", alone=True), 9 + 8192)
    check_size(read("-- nothing", alone=True), 8192)
