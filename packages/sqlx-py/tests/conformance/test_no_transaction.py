"""Files that fit no transaction: run alone, and never passed over half done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sqlx import ExecuteMigration

if TYPE_CHECKING:
    from pathlib import Path

    from support import Database, Door, Write


def failed(colour: Door, folder: Path, database: Database) -> ExecuteMigration:
    """Run, and give the error."""
    with pytest.raises(ExecuteMigration) as caught:
        colour(folder).run(database.url)
    return caught.value


def way_out(database: Database, version: int) -> str:
    """Expect the SQL that puts the history right."""
    table = database.history
    return (
        f"complete it by hand and UPDATE {table} SET success = TRUE WHERE version = "
        f"{version}, or undo it by hand and DELETE FROM {table} WHERE version = "
        f"{version}"
    )


def test_a_marked_file_runs_statement_by_statement(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Two statements that bear no transaction work, which they do not in SQLx."""
    write("1_a.sql", "CREATE TABLE a (id INT);\n")
    write(
        "2_b.sql",
        "-- no-transaction\n"
        "CREATE INDEX CONCURRENTLY i ON a (id);\n"
        "VACUUM a;\n"
        "DO $$ BEGIN PERFORM 1; END $$;\n"
        "CREATE INDEX CONCURRENTLY j ON a (id) -- the last has no semicolon\n",
    )
    report = colour(folder).run(on_postgres.url)
    assert len(report.applied) == 2
    assert on_postgres.rows(
        "SELECT count(*) FROM pg_index WHERE indrelid = 'a'::regclass AND indisvalid"
    ) == [(2,)]
    assert on_postgres.versions() == [(1, True), (2, True)]


def test_a_first_statement_that_fails_leaves_nothing_behind(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """The claim is taken away again: mend the file and run."""
    path = write("1_a.sql", "-- no-transaction\nDROP TABLE nowhere;\nSELECT 1;\n")
    error = failed(colour, folder, database)
    assert (error.path, error.line) == (str(path), 2)
    assert error.state == (
        "the first statement failed and left nothing behind; mend it and run again"
    )
    assert database.versions() == []


def test_a_later_statement_that_fails_leaves_the_version_dirty(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """What is committed is said, and both tools refuse to pass."""
    path = write(
        "1_a.sql",
        "-- no-transaction\n"
        "CREATE TABLE a (id INT);\n"
        "\n"
        "CREATE TABLE a (id INT);\n"
        "CREATE TABLE b (id INT);\n",
    )
    error = failed(colour, folder, database)
    assert (error.path, error.line) == (str(path), 4)
    assert error.state == (
        f"the statements before it are committed; {way_out(database, 1)}"
    )
    assert database.versions() == [(1, False)]
    assert database.tables() == ["a"]


def test_an_invalid_index_is_named_with_what_removes_it(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """A unique index over duplicates stays behind, INVALID, and the row FALSE."""
    write("1_a.sql", "CREATE TABLE a (id INT);\nINSERT INTO a VALUES (1), (1);\n")
    path = write(
        "2_b.sql", "-- no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY i ON a (id);\n"
    )
    error = failed(colour, folder, on_postgres)
    assert str(error) == (
        f'{path}:2:1: while executing migration 2: could not create unique index "i" '
        "[23505]\n"
        "  CREATE UNIQUE INDEX CONCURRENTLY i ON a (id);\n"
        "  ^\n"
        "detail: Key (id)=(1) is duplicated.\n"
        "state: public.i is INVALID, remove it with: DROP INDEX CONCURRENTLY "
        f"public.i; {way_out(on_postgres, 2)}"
    )
    assert on_postgres.versions() == [(1, True), (2, False)]


def test_success_is_refused_while_an_index_is_invalid(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """IF NOT EXISTS would keep the INVALID index and call it a success."""
    on_postgres.execute("CREATE TABLE a (id INT); INSERT INTO a VALUES (1), (1)")
    with pytest.raises(Exception, match="could not create unique index"):
        on_postgres.execute("CREATE UNIQUE INDEX CONCURRENTLY i ON a (id)")
    path = write(
        "1_b.sql",
        "-- no-transaction\n"
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON a (id);\n",
    )
    error = failed(colour, folder, on_postgres)
    assert str(error) == (
        f"{path}: while executing migration 1: public.i is INVALID\n"
        "state: public.i is INVALID, remove it with: DROP INDEX CONCURRENTLY "
        f"public.i; {way_out(on_postgres, 1)}"
    )
    assert on_postgres.versions() == [(1, False)]


def test_a_marked_down_file_that_fails_leaves_the_version_dirty(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """FALSE is committed first; the way out is that of a revert."""
    write("1_a.up.sql", "CREATE TABLE a (id INT);\n")
    write("1_a.down.sql", "-- no-transaction\nDROP TABLE a;\nDROP TABLE a;\n")
    migrator = colour(folder)
    migrator.run(database.url)
    with pytest.raises(ExecuteMigration) as caught:
        migrator.revert(database.url)
    table = database.history
    assert caught.value.state == (
        "the statements before it are committed; complete it by hand and DELETE FROM "
        f"{table} WHERE version = 1, or undo what it did by hand and UPDATE {table} "
        "SET success = TRUE WHERE version = 1"
    )
    assert database.versions() == [(1, False)]


def test_a_marked_down_file_whose_first_statement_fails_changes_nothing(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """The row is TRUE again."""
    write("1_a.up.sql", "CREATE TABLE a (id INT);\n")
    write("1_a.down.sql", "-- no-transaction\nDROP TABLE b;\n")
    migrator = colour(folder)
    migrator.run(database.url)
    with pytest.raises(ExecuteMigration):
        migrator.revert(database.url)
    assert database.versions() == [(1, True)]


def test_a_marked_down_file_reverts(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """FALSE, the file, and the row is gone."""
    write("1_a.up.sql", "CREATE TABLE a (id INT);\n")
    write("1_a.down.sql", "-- no-transaction\nDROP TABLE a;\nSELECT 1;\n")
    migrator = colour(folder)
    migrator.run(database.url)
    assert len(migrator.revert(database.url).applied) == 1
    assert (database.versions(), database.tables()) == ([], [])


def test_a_marked_file_may_have_transactions_of_its_own(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """One that is left open is refused before anything is applied."""
    write(
        "1_a.sql",
        "-- no-transaction\nBEGIN;\nCREATE TABLE a (id INT);\nCOMMIT;\nSELECT 1;\n",
    )
    colour(folder).run(database.url)
    assert database.tables() == ["a"]
    path = write("2_b.sql", "-- no-transaction\nCREATE TABLE b (id INT);\nBEGIN;\n")
    with pytest.raises(Exception, match="leaves a transaction open") as caught:
        colour(folder).run(database.url)
    assert str(caught.value) == (
        f"while resolving migrations: {path}:3:1: the file leaves a transaction open; "
        "end it with COMMIT"
    )
    assert database.versions() == [(1, True)]


def test_a_marked_file_that_fails_in_its_own_transaction_leaves_none_open(
    transactional: Database, colour: Door, write: Write, folder: Path
) -> None:
    """It is rolled back, and the version stays dirty: a statement came before."""
    write(
        "1_a.sql",
        "-- no-transaction\nBEGIN;\nCREATE TABLE a (id INT);\nDROP TABLE b;\nCOMMIT;\n",
    )
    failed(colour, folder, transactional)
    assert transactional.tables() == []
    assert transactional.versions() == [(1, False)]


def test_a_file_with_its_own_control_is_applied_with_a_warning(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """SQLx applies such files; that they are no unit with their row is said."""
    path = write("1_a.sql", "BEGIN;\nCREATE TABLE a (id INT);\nCOMMIT;\nSELECT 1;\n")
    if not database.is_postgres:  # there, a BEGIN inside of SQLx's is an error
        path = write("1_a.sql", "CREATE TABLE a (id INT);\nCOMMIT;\nSELECT 1;\n")
    report = colour(folder).run(database.url)
    (warning,) = report.warnings
    assert (warning.code, warning.path) == ("transaction-control", str(path))
    assert database.versions() == [(1, True)]
    assert database.tables() == ["a"]


def test_a_file_that_fails_after_its_own_commit_is_dirty(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """What it committed is there, and nobody passes."""
    path = write("1_a.sql", "CREATE TABLE a (id INT);\nCOMMIT;\nDROP TABLE b;\n")
    error = failed(colour, folder, database)
    assert (error.path, error.line) == (str(path), 3)
    assert error.state == (
        "the file ends its own transaction, so what stands before that is committed; "
        + way_out(database, 1)
    )
    assert database.versions() == [(1, False)]
    assert database.tables() == ["a"]


def test_a_file_that_fails_before_its_own_commit_left_nothing(
    transactional: Database, colour: Door, write: Write, folder: Path
) -> None:
    """It is rolled back, and its claim is taken away."""
    write("1_a.sql", "CREATE TABLE a (id INT);\nDROP TABLE b;\nCOMMIT;\n")
    error = failed(colour, folder, transactional)
    assert error.line == 2
    assert error.state == (
        "rolled back, the file's own end of the transaction was not reached; mend it "
        "and run again"
    )
    assert transactional.versions() == []
    assert transactional.tables() == []


def test_a_file_that_begins_and_never_ends_fails_cleanly(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Our COMMIT ends its transaction, and its error leaves nothing."""
    write("1_a.sql", "BEGIN;\nCREATE TABLE a (id INT);\n")
    colour(folder).run(on_postgres.url)
    assert on_postgres.tables() == ["a"]
    write("2_b.sql", "BEGIN;\nCREATE TABLE b (id INT);\nSELECT 1/0;\n")
    assert failed(colour, folder, on_postgres).line == 3
    assert on_postgres.versions() == [(1, True)]
    assert on_postgres.tables() == ["a"]


def test_on_mysql_a_file_of_rows_alone_may_end_its_transaction(
    on_mysql: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Before its COMMIT nothing is left; behind it, and behind DDL, it is dirty."""
    on_mysql.execute("CREATE TABLE t (id INT)")
    path = write("1_a.sql", "INSERT INTO t VALUES (1);\nSELECT z;\nCOMMIT;\n")
    assert failed(colour, folder, on_mysql).state == (
        "rolled back, the file's own end of the transaction was not reached; mend it "
        "and run again"
    )
    assert (on_mysql.versions(), on_mysql.rows("SELECT * FROM t")) == ([], [])
    path.write_text("INSERT INTO t VALUES (1);\nDROP TABLE z;\nCOMMIT;\n")
    assert failed(colour, folder, on_mysql).state == (
        "DDL commits at once here: line 1 is committed for good; "
        + way_out(on_mysql, 1)
    )
    assert on_mysql.versions() == [(1, False)]
    assert on_mysql.rows("SELECT * FROM t") == [(1,)]


@pytest.mark.parametrize("statement", ["DROP TABLE t, z", "RENAME TABLE z TO t"])
def test_on_mysql_a_first_statement_may_be_done_in_part(
    on_mysql: Database, colour: Door, write: Write, folder: Path, statement: str
) -> None:
    """MariaDB drops tables one by one: the claim stays, and a person looks."""
    on_mysql.execute("CREATE TABLE t (id INT)")
    write("1_a.sql", f"-- no-transaction\n{statement};\n")
    assert failed(colour, folder, on_mysql).state == (
        f"the statement that failed may be done in part; {way_out(on_mysql, 1)}"
    )
    assert on_mysql.versions() == [(1, False)]


def test_a_rollback_of_the_file_s_own_leaves_its_claim(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """The claim was committed by itself, so a ROLLBACK in the file cannot undo it."""
    write("1_a.sql", "CREATE TABLE a (id INT);\nROLLBACK;\nCREATE TABLE b (id INT);\n")
    colour(folder).run(database.url)
    assert database.versions() == [(1, True)]
    assert database.tables() == (["b"] if database.rolls_back else ["a", "b"])


def test_control_that_only_the_server_sees_leaves_a_false_row(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """With literals read otherwise, a ROLLBACK is hidden from our lexer."""
    name = on_postgres.name
    on_postgres.execute(
        f"ALTER DATABASE {name} SET standard_conforming_strings = off;"
        f"ALTER DATABASE {name} SET escape_string_warning = off"
    )
    path = write(
        "1_a.sql",
        "SELECT '\\''; ROLLBACK; CREATE TABLE a (id INT); SELECT '\\'';\n",
    )
    error = failed(colour, folder, on_postgres)
    assert error.path == str(path)
    assert error.state == (
        "what the file committed is done, and not recorded as a whole; "
        + way_out(on_postgres, 1)
    )
    assert on_postgres.versions() == [(1, False)]


def test_a_file_that_deletes_its_own_row_is_no_success(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """The closing UPDATE must hit the claim."""
    write("1_a.sql", "CREATE TABLE a (id INT);\nDELETE FROM _sqlx_migrations;\n")
    failed(colour, folder, database)
    assert database.versions() == [(1, False)]
    assert database.tables() == ([] if database.rolls_back else ["a"])
