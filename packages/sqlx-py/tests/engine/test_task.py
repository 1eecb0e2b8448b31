"""What the lexer and the marker say of a file decides how it is carried out."""

from __future__ import annotations

import pytest
from support import DIALECT, migration

from sqlx.engine.dialect import Frame, Sending
from sqlx.engine.task import (
    Mode,
    Task,
    batches,
    failure,
    read_task,
    warnings,
    way_out,
)
from sqlx.errors import DatabaseError, SourceError
from sqlx.migrations.migration import Kind, SourceWarning
from sqlx.migrations.statements import Syntax

FRAME = Frame(("BEGIN", "INSERT"), ("UPDATE", "COMMIT"), lock=-1, claim=1)
THREE_LINES = "CREATE TABLE a (id INT);\nCREATE TABLE b (id IMT);\nSELECT 1;\n"


def postgres_task(sql: str, *, no_transaction: bool = False) -> Task:
    """Read a file as PostgreSQL's."""
    file = migration(1, sql, no_transaction=no_transaction)
    return read_task(file, Syntax.POSTGRES)


@pytest.mark.parametrize(
    ("sql", "syntax", "mode", "plain"),
    [
        ("CREATE TABLE t (id INT)", Syntax.POSTGRES, Mode.TRANSACTION, True),
        ("CREATE TABLE t (id INT)", Syntax.SQLITE, Mode.TRANSACTION, True),
        ("INSERT INTO t VALUES (1)", Syntax.POSTGRES, Mode.TRANSACTION, False),
        ("CREATE TABLE t (s TEXT DEFAULT '", Syntax.POSTGRES, Mode.TRANSACTION, False),
        ("", Syntax.POSTGRES, Mode.TRANSACTION, False),
        ("BEGIN; COMMIT;", Syntax.POSTGRES, Mode.OWN_CONTROL, False),
        ("SELECT 1; COMMIT; SELECT 2", Syntax.SQLITE, Mode.OWN_CONTROL, False),
        ("SAVEPOINT a; ROLLBACK TO a", Syntax.POSTGRES, Mode.TRANSACTION, False),
    ],
)
def test_a_file_is_sent_as_its_text_demands(
    sql: str, syntax: Syntax, mode: Mode, *, plain: bool
) -> None:
    """DDL may share a message; transaction control goes as SQLx sends it."""
    task = read_task(migration(1, sql), syntax)
    assert (task.mode, task.plain) == (mode, plain)


def test_a_marked_file_goes_statement_by_statement() -> None:
    """`-- no-transaction` files never share a message, and may end transactions."""
    task = postgres_task("BEGIN; SELECT 1; COMMIT", no_transaction=True)
    assert (task.mode, task.plain) == (Mode.STATEMENTS, False)
    assert postgres_task("CREATE TABLE t ()", no_transaction=True).mode is (
        Mode.STATEMENTS
    )


def test_a_marked_file_that_leaves_a_transaction_open_is_refused() -> None:
    """What would never be committed is refused with its place and the mend."""
    with pytest.raises(SourceError) as caught:
        postgres_task("SELECT 1;\n  BEGIN;\nSELECT 2", no_transaction=True)
    assert str(caught.value) == (
        "while resolving migrations: migrations/1_m.sql:2:3: the file leaves a "
        "transaction open; end it with COMMIT"
    )


@pytest.mark.parametrize("copy", ["COPY t FROM STDIN", "COPY t (a) TO STDOUT"])
def test_copy_through_the_client_is_refused_with_its_line(copy: str) -> None:
    """A migration has no client that carries the data."""
    with pytest.raises(SourceError) as caught:
        postgres_task(f"CREATE TABLE t (a INT);\n{copy};\n1\n\\.\n")
    assert str(caught.value) == (
        "while resolving migrations: migrations/1_m.sql:2:1: COPY with STDIN or STDOUT "
        "needs a client that carries the data, and a migration has none; use INSERT, "
        "or COPY from a file of the server's"
    )


BOTH_WAYS = "CREATE TABLE a (id INT);\n\n{}\nDROP TABLE a;\n"


@pytest.mark.parametrize(
    "line",
    [
        "-- migrate:down",
        "--\tmigrate:down transaction:false",
        "-- +goose Down",
        "--+migrate  DOWN",
    ],
)
@pytest.mark.parametrize("kind", [Kind.SIMPLE, Kind.UP])
def test_a_file_with_both_ways_is_refused(line: str, kind: Kind) -> None:
    """Another tool runs one half of it; here both would run, one behind the other."""
    with pytest.raises(SourceError) as caught:
        read_task(migration(1, BOTH_WAYS.format(line), kind), Syntax.SQLITE)
    shown = line.removesuffix(" transaction:false")
    assert str(caught.value) == (
        f"while resolving migrations: migrations/1_m{kind.value}:3:1: {shown} parts a "
        "file for another tool, and here all of it runs, forward and back; keep what "
        "is before it as migrations/1_m.up.sql, and what follows as "
        "migrations/1_m.down.sql"
    )


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        (BOTH_WAYS.format("-- migrate:down"), Kind.DOWN),
        (BOTH_WAYS.format("-- migrates: down"), Kind.SIMPLE),
        ("CREATE TABLE a (id INT);\n-- +migrate Down\n-- DROP TABLE a", Kind.SIMPLE),
        ("SELECT '\n-- +goose Down\n';\nSELECT 1;", Kind.SIMPLE),
        ("SELECT 1; /*\n-- +goose Down\nSELECT 2; */ SELECT 3;", Kind.SIMPLE),
    ],
)
def test_a_comment_may_name_another_tool(sql: str, kind: Kind) -> None:
    """Where nothing follows it, and within a statement; a down file goes back."""
    assert read_task(migration(1, sql, kind), Syntax.SQLITE).mode is Mode.TRANSACTION


def test_a_byte_order_mark_is_no_part_of_the_sql() -> None:
    """Positions and statements are those of the text that is sent."""
    task = postgres_task("\ufeffCREATE TABLE t ()")
    assert task.statements.text == "CREATE TABLE t ()"
    assert task.plain


def test_a_task_goes_down_as_its_file_does() -> None:
    """Down is what a down file is."""
    down = read_task(migration(1, "DROP TABLE t", Kind.DOWN), Syntax.POSTGRES)
    assert down.down
    assert not postgres_task("SELECT 1").down


def test_transaction_control_is_warned_of() -> None:
    """The first such statement is named, with its line and two ways out."""
    task = postgres_task("SELECT 1;\nCOMMIT;\nBEGIN;")
    assert list(warnings(task, Syntax.POSTGRES)) == [
        SourceWarning(
            "transaction-control",
            "migrations/1_m.sql",
            "COMMIT ends or begins a transaction, so the migration and its history row "
            "are not one unit; remove it (a migration runs in a transaction), or begin "
            "the file with -- no-transaction",
            2,
        )
    ]


def test_a_setting_that_stays_is_warned_of() -> None:
    """Run after run, SQLx would treat such a file differently."""
    task = postgres_task("SELECT 1;\n\nSET search_path = app;\nSET role = low;")
    assert list(warnings(task, Syntax.POSTGRES)) == [
        SourceWarning(
            "session-settings",
            "migrations/1_m.sql",
            "changes a setting of the session; it is reset after the file, while SQLx "
            "keeps it for the files that follow in the same run; use SET LOCAL",
            3,
        )
    ]


def test_a_plain_file_is_warned_of_nothing() -> None:
    """SET LOCAL is as it should be."""
    task = postgres_task("SET LOCAL search_path = app; CREATE TABLE t ()")
    assert list(warnings(task, Syntax.POSTGRES)) == []


def numbers(tasks: list[Task], *, sharing: bool = True) -> list[list[int]]:
    """Group tasks; give their places."""
    found = batches(tasks, sharing=sharing)
    places = {id(task): place for place, task in enumerate(tasks)}
    return [[places[id(task)] for task in batch] for batch in found]


DDL = "CREATE TABLE t (id INT)"
ROWS = "INSERT INTO t VALUES (1)"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], []),
        ([DDL], [[0]]),
        ([ROWS], [[0]]),
        ([DDL, DDL, DDL], [[0, 1, 2]]),
        ([ROWS, ROWS], [[0], [1]]),
        ([DDL, ROWS, DDL, DDL], [[0], [1], [2, 3]]),
        ([DDL, DDL, ROWS], [[0, 1], [2]]),
        ([ROWS, DDL, DDL, ROWS], [[0], [1, 2], [3]]),
    ],
)
def test_neighbours_that_may_share_a_message_do(
    texts: list[str], expected: list[list[int]]
) -> None:
    """DDL travels together; what writes rows goes alone, and the order stays."""
    assert numbers([postgres_task(text) for text in texts]) == expected


def test_nothing_shares_a_message_when_the_session_may_not() -> None:
    """After a message that failed, files go one by one."""
    tasks = [postgres_task(DDL) for _ in range(3)]
    assert numbers(tasks, sharing=False) == [[0], [1], [2]]


def test_a_message_holds_32_files_at_most() -> None:
    """The thirty-third file begins the next message."""
    tasks = [postgres_task(DDL) for _ in range(65)]
    assert [len(batch) for batch in batches(tasks, sharing=True)] == [32, 32, 1]


def test_a_message_holds_a_million_characters_at_most() -> None:
    """A big file goes alone, and those around it stay together."""
    small = [postgres_task(DDL) for _ in range(4)]
    big = postgres_task(f"-- {'x' * 1_000_000}\n{DDL}")
    tasks = [*small[:2], big, *small[2:]]
    assert numbers(tasks) == [[0, 1], [2], [3, 4]]
    half = postgres_task(f"-- {'x' * 499_000}\n{DDL}")
    halves = [half, postgres_task(half.statements.text), small[0]]
    assert numbers(halves) == [[0, 1, 2]]
    assert numbers([*halves, postgres_task(half.statements.text)]) == [[0, 1, 2], [3]]


def test_a_failure_points_at_the_token_that_the_server_names() -> None:
    """Part 1 is the file, so its offset is the file's."""
    error = DatabaseError("no IMT", sqlstate="42704", part=1, offset=42, completed=3)
    told = failure(postgres_task(THREE_LINES), error, FRAME, "rolled back")
    assert str(told) == (
        "migrations/1_m.sql:2:18: while executing migration 1: no IMT [42704]\n"
        "  CREATE TABLE b (id IMT);\n"
        "                   ^\n"
        "state: rolled back"
    )


def test_a_failure_without_a_place_points_at_the_statement() -> None:
    """The count of complete statements, less ours in front, says which it is."""
    error = DatabaseError("duplicate", sqlstate="23505", completed=3)
    told = failure(postgres_task(THREE_LINES), error, FRAME, "")
    assert (told.line, told.column) == (2, 1)
    assert told.source_line == "CREATE TABLE b (id IMT);"


@pytest.mark.parametrize("completed", [0, 1, 5, 6])
def test_a_failure_of_ours_points_nowhere_in_the_file(completed: int) -> None:
    """What stands before or after the file has no line of it."""
    told = failure(
        postgres_task(THREE_LINES), DatabaseError("x", completed=completed), FRAME, ""
    )
    assert (told.line, told.column, told.source_line) == (None, None, "")
    assert str(told) == "migrations/1_m.sql: while executing migration 1: x"


def test_a_place_in_our_opening_is_none_of_the_file() -> None:
    """Part 0 is ours."""
    error = DatabaseError("x", part=0, offset=5, completed=1)
    assert failure(postgres_task(THREE_LINES), error, FRAME, "").line is None


def test_a_place_in_our_closing_is_the_end_of_the_file() -> None:
    """The server stumbles over our text when the file ends too early."""
    error = DatabaseError("syntax error", part=2, offset=5)
    told = failure(postgres_task("CREATE TABLE t (\n  id INT\n\n"), error, FRAME, "")
    assert (told.line, told.column, told.source_line) == (2, 9, "  id INT")


def test_a_doubtful_file_has_no_statement_to_point_at() -> None:
    """Where the lexer doubts, a count means nothing."""
    task = postgres_task("SELECT 1; SELECT '")
    told = failure(task, DatabaseError("x", completed=2), FRAME, "")
    assert told.line is None


def test_our_own_text_is_cut_out_of_the_message() -> None:
    """A server that quotes an unterminated literal quotes all behind it."""
    closing = FRAME.closing
    error = DatabaseError(f'unterminated quoted string at or near "\'a{closing}"')
    failure(postgres_task("SELECT 'a"), error, FRAME, "")
    assert error.message == 'unterminated quoted string at or near "\'a"'
    assert str(error) == error.message


def test_a_message_without_our_text_stays_as_it_is() -> None:
    """Where nothing is framed, nothing is cut."""
    error = DatabaseError("as it is")
    failure(postgres_task("SELECT 1"), error, Frame((), (), -1, -1), "")
    assert error.args == ("as it is",)


def test_a_message_as_long_as_the_file_is_cut() -> None:
    """A server that quotes megabytes does not get to print them."""
    error = DatabaseError("x" * 5000)
    failure(postgres_task("SELECT 1"), error, FRAME, "")
    assert error.message == "x" * 500 + " …"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            Kind.UP,
            (
                "complete it by hand and UPDATE h SET success = TRUE WHERE version = 4,"
                " or undo it by hand and DELETE FROM h WHERE version = 4"
            ),
        ),
        (
            Kind.DOWN,
            (
                "complete it by hand and DELETE FROM h WHERE version = 4, or undo what "
                "it did by hand and UPDATE h SET success = TRUE WHERE version = 4"
            ),
        ),
    ],
)
def test_the_way_out_is_sql_that_a_person_can_run(kind: Kind, expected: str) -> None:
    """Both ways end with the history telling the truth."""
    assert way_out("h", migration(4, kind=kind)) == expected


def test_a_frame_encloses_a_text_that_ends_in_a_comment() -> None:
    """Our closing begins on a line of its own, after a `;`."""
    frame = DIALECT.frame(migration(1), Sending(seen=0))
    assert frame.opening.endswith(";\n")
    assert frame.closing.startswith("\n;\n")
    assert frame.closing.endswith(";\nCOMMIT")
