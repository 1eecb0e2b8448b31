"""Files that fit no transaction run alone, and it is said what is left of them."""

from __future__ import annotations

from asyncio import CancelledError
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support import DIALECT, TABLE, Asked, migration

from sqlx.databases.sqlite.dialect import SqliteDialect
from sqlx.engine.statements import own_control, statement_by_statement
from sqlx.engine.steps import Script
from sqlx.engine.task import Task, read_task
from sqlx.errors import ConnectionLost, DatabaseError, ExecuteMigration
from sqlx.migrations.migration import Kind, Migration

if TYPE_CHECKING:
    from sqlx.engine.dialect import Dialect

POSTGRES = replace(DIALECT, table=TABLE, exists=True)
ROLLBACK = Script(("ROLLBACK",))
WAY_OUT = (
    f"complete it by hand and UPDATE {TABLE} SET success = TRUE WHERE version = 4, or "
    f"undo it by hand and DELETE FROM {TABLE} WHERE version = 4"
)
COMMITTED = (
    "the file ends its own transaction, so what stands before that is committed; "
)
IN_PART = "the statement that failed may be done in part; "
INDEX = ("public.a", "a", "t", "DROP INDEX CONCURRENTLY public.a")
TWO_STATEMENTS = "CREATE INDEX CONCURRENTLY a ON t (id);\nSELECT 1;"


def marked(sql: str, dialect: Dialect = POSTGRES) -> Task:
    """Read a `-- no-transaction` file."""
    return read_task(migration(4, sql, no_transaction=True), dialect.syntax)


def own(sql: str) -> Task:
    """Read a file with transaction control of its own."""
    return read_task(migration(4, sql), POSTGRES.syntax)


def test_each_statement_is_a_message_of_its_own() -> None:
    """As `psql -f` does, and what is broken is looked for before and after."""
    asked = Asked(statement_by_statement(POSTGRES, marked(TWO_STATEMENTS)))
    assert asked.step == POSTGRES.invalid()
    assert asked.reply([]) == Script(("CREATE INDEX CONCURRENTLY a ON t (id);",))
    assert asked.reply() == Script(("SELECT 1;",))
    assert asked.reply() == POSTGRES.invalid()
    assert asked.reply([]) is None


def test_on_sqlite_nothing_is_left_half_built() -> None:
    """No question is asked about broken indexes."""
    sqlite = SqliteDialect()
    asked = Asked(statement_by_statement(sqlite, marked("VACUUM", sqlite)))
    assert asked.step == Script(("VACUUM",))
    assert asked.reply() is None


def test_a_doubtful_file_stays_whole() -> None:
    """Where the lexer doubts, the server judges the text as one message."""
    text = "SELECT 1; SELECT '"
    asked = Asked(statement_by_statement(POSTGRES, marked(text)))
    assert asked.reply([]) == Script((text,))
    assert asked.reply() == POSTGRES.invalid()
    assert asked.reply([]) is None


def test_a_first_statement_that_left_nothing_takes_the_claim_away() -> None:
    """Nothing was done, so the file can be mended and run again."""
    task = marked(TWO_STATEMENTS)
    asked = Asked(statement_by_statement(POSTGRES, task))
    asked.reply([])
    assert asked.refuse(DatabaseError("no", sqlstate="42P01", part=0, offset=34)) == (
        ROLLBACK
    )
    assert asked.reply() == POSTGRES.invalid()
    assert asked.reply([]) == POSTGRES.unclaim(task.migration)
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply()
    assert str(caught.value) == (
        "migrations/4_m.sql:1:35: while executing migration 4: no [42P01]\n"
        "  CREATE INDEX CONCURRENTLY a ON t (id);\n"
        "                                    ^\n"
        "state: the first statement failed and left nothing behind; mend it and run "
        "again"
    )


def test_an_invalid_index_that_a_statement_left_is_named() -> None:
    """The claim stays, and the message says what removes the index."""
    asked = Asked(statement_by_statement(POSTGRES, marked(TWO_STATEMENTS)))
    asked.reply([])
    asked.refuse(DatabaseError("duplicate"))
    asked.reply()
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply([INDEX])
    assert caught.value.state == (
        "public.a is INVALID, remove it with: DROP INDEX CONCURRENTLY public.a; "
        + WAY_OUT
    )


def test_an_index_that_was_invalid_before_is_not_the_files() -> None:
    """What was broken already does not make the file dirty."""
    task = marked(TWO_STATEMENTS)
    asked = Asked(statement_by_statement(POSTGRES, task))
    asked.reply([INDEX])
    asked.refuse(DatabaseError("exists"))
    asked.reply()
    assert asked.reply([INDEX]) == POSTGRES.unclaim(task.migration)


def test_a_later_statement_leaves_the_claim_and_says_what_stands() -> None:
    """The second statement's line, and that the first is committed."""
    asked = Asked(statement_by_statement(POSTGRES, marked(TWO_STATEMENTS)))
    asked.reply([])
    asked.reply()
    asked.refuse(DatabaseError("no", sqlstate="22012"))
    asked.reply()
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply([])
    assert (caught.value.line, caught.value.column) == (2, 1)
    assert caught.value.state == (f"the statements before it are committed; {WAY_OUT}")


def test_a_doubtful_file_that_fails_may_have_done_anything() -> None:
    """Its claim stays though it was the first message, and no place is made up."""
    asked = Asked(statement_by_statement(POSTGRES, marked("SELECT 1; SELECT '")))
    asked.reply([])
    asked.refuse(DatabaseError("no"))
    asked.reply()
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply([])
    assert caught.value.state == IN_PART + WAY_OUT
    assert caught.value.line is None


@pytest.mark.parametrize("sql", ["CALL p()", "DO $$ BEGIN COMMIT; END $$"])
def test_code_that_fails_may_have_committed(sql: str) -> None:
    """A procedure and a block may COMMIT on their way, outside of a transaction."""
    asked = Asked(statement_by_statement(POSTGRES, marked(sql)))
    asked.reply([])
    asked.refuse(DatabaseError("no"))
    asked.reply()
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply([])
    assert caught.value.state == IN_PART + WAY_OUT


def test_a_doubtful_file_fails_where_the_server_says() -> None:
    """Sent as a whole, its offset is the file's."""
    asked = Asked(statement_by_statement(POSTGRES, marked("SELECT 1;\nSELECT '")))
    asked.reply([])
    asked.refuse(DatabaseError("unterminated", part=0, offset=17))
    asked.reply()
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply([])
    assert (caught.value.line, caught.value.column) == (2, 8)


def test_a_lost_connection_leaves_a_statement_running() -> None:
    """A killed client does not stop its statement."""
    asked = Asked(statement_by_statement(POSTGRES, marked(TWO_STATEMENTS)))
    asked.reply([])
    with pytest.raises(ExecuteMigration) as caught:
        asked.refuse(ConnectionLost("closed"))
    assert caught.value.state == (
        f"the connection was lost, and the statement may still be running; {WAY_OUT}"
    )


def test_an_interrupted_statement_ends_the_transaction_of_the_file() -> None:
    """The file may stand inside its own BEGIN: nothing is left open behind us."""
    asked = Asked(statement_by_statement(POSTGRES, marked("BEGIN; SELECT 1; COMMIT")))
    asked.reply([])
    asked.reply()
    assert asked.refuse(CancelledError()) == ROLLBACK
    with pytest.raises(CancelledError):
        asked.reply()


def test_success_is_refused_while_an_index_is_invalid() -> None:
    """IF NOT EXISTS says nothing of an index that is there and INVALID."""
    task = marked("CREATE INDEX CONCURRENTLY IF NOT EXISTS a ON t (id)")
    asked = Asked(statement_by_statement(POSTGRES, task))
    asked.reply([INDEX])
    asked.reply()
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply([INDEX])
    assert str(caught.value) == (
        "migrations/4_m.sql: while executing migration 4: public.a is INVALID\n"
        "state: public.a is INVALID, remove it with: DROP INDEX CONCURRENTLY public.a; "
        + WAY_OUT
    )


@pytest.mark.parametrize(
    ("index", "refused"),
    [
        (INDEX, True),
        (("s.x", "x", "t", "DROP"), True),
        (("s.A", "A", "other", "DROP"), True),
        (("s.x", "x", "other", "DROP"), False),
    ],
)
def test_only_an_index_that_the_file_speaks_of_counts(
    index: tuple[str, str, str, str], *, refused: bool
) -> None:
    """By its own name or by its table's, in any case of letters."""
    task = marked("REINDEX INDEX CONCURRENTLY a; ANALYZE t")
    asked = Asked(statement_by_statement(POSTGRES, task))
    asked.reply([])
    asked.reply()
    asked.reply()
    if refused:
        with pytest.raises(ExecuteMigration):
            asked.reply([index])
    else:
        assert asked.reply([index]) is None


def test_a_files_own_control_is_sent_in_one_message() -> None:
    """After a BEGIN and before a COMMIT, as SQLx does."""
    task = own("SELECT 1; COMMIT; SELECT 2")
    asked = Asked(own_control(POSTGRES, task))
    frame = POSTGRES.own_transaction()
    assert asked.step == Script((frame.opening, task.migration.body, frame.closing))
    assert asked.reply() is None


def own_failure(sql: str, error: DatabaseError) -> tuple[Asked[None], Migration]:
    """Let a file with its own control fail, and roll it back."""
    task = own(sql)
    asked = Asked(own_control(POSTGRES, task))
    assert asked.refuse(error) == ROLLBACK
    return asked, task.migration


@pytest.mark.parametrize(
    ("sql", "completed"),
    [
        ("SELECT 1; COMMIT; SELECT 1/0", 3),
        ("BEGIN; COMMIT; SELECT 1/0", 3),
        ("SELECT 1; ROLLBACK; SELECT 1/0", 3),
        ("SELECT 1; COMMIT; SELECT '", 0),
    ],
)
def test_a_failure_after_the_files_own_commit_leaves_it_dirty(
    sql: str, completed: int
) -> None:
    """What stands before the end of the transaction is committed, or nobody knows."""
    asked, _ = own_failure(sql, DatabaseError("no", completed=completed))
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply()
    assert caught.value.state == COMMITTED + WAY_OUT


@pytest.mark.parametrize(
    ("sql", "completed"),
    [
        ("SELECT 1/0; COMMIT; SELECT 2", 1),
        ("SELECT 1; COMMIT; SELECT 2", 2),
        ("BEGIN; SELECT 1/0; COMMIT", 2),
        ("BEGIN; SELECT 1/0", 2),
    ],
)
def test_a_failure_before_the_files_own_commit_takes_the_claim_away(
    sql: str, completed: int
) -> None:
    """It provably committed nothing: the COMMIT itself failed, or was not reached."""
    asked, found = own_failure(sql, DatabaseError("no", completed=completed))
    assert asked.reply() == POSTGRES.unclaim(found)
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply()
    assert caught.value.state == (
        "rolled back, the file's own end of the transaction was not reached; mend it "
        "and run again"
    )


def test_a_lost_connection_in_a_files_own_control_leaves_it_dirty() -> None:
    """Nobody is asked to roll back, and the claim stays."""
    asked = Asked(own_control(POSTGRES, own("BEGIN; SELECT 1; COMMIT")))
    with pytest.raises(ExecuteMigration) as caught:
        asked.refuse(ConnectionLost("closed"))
    assert caught.value.state == COMMITTED + WAY_OUT


def test_an_interrupted_file_with_its_own_control_is_rolled_back() -> None:
    """No transaction of the file's is left open behind us."""
    asked = Asked(own_control(POSTGRES, own("BEGIN; SELECT 1; COMMIT")))
    assert asked.refuse(CancelledError()) == ROLLBACK
    with pytest.raises(CancelledError):
        asked.reply()


def test_a_way_out_of_a_down_file_is_the_other_way_round() -> None:
    """Completed means the row goes; undone means it is TRUE again."""
    down = migration(4, "DROP INDEX a; SELECT 1", Kind.DOWN, no_transaction=True)
    task = read_task(down, POSTGRES.syntax)
    asked = Asked(statement_by_statement(POSTGRES, task))
    asked.reply([])
    asked.reply()
    asked.refuse(DatabaseError("no"))
    asked.reply()
    with pytest.raises(ExecuteMigration) as caught:
        asked.reply([])
    assert caught.value.state == (
        "the statements before it are committed; complete it by hand and DELETE FROM "
        f"{TABLE} WHERE version = 4, or undo what it did by hand and UPDATE {TABLE} "
        "SET success = TRUE WHERE version = 4"
    )
