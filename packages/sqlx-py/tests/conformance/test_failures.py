"""A migration that fails says where, what, and what is left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sqlx import Change, ExecuteMigration, Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from support import Database, Door, Write

ROLLED_BACK = (
    "state: rolled back, nothing of this migration is applied; mend it and run again"
)


def failed(colour: Door, folder: Path, database: Database) -> ExecuteMigration:
    """Run, and give the error."""
    with pytest.raises(ExecuteMigration) as caught:
        colour(folder).run(database.url)
    return caught.value


def test_postgres_points_at_the_token(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """File, line, column, the line with a caret, SQLSTATE, hint and state."""
    write("1_a.sql", "CREATE TABLE users (email TEXT);\n")
    path = write("2_b.sql", "SELECT 1;\n\n-- é\n\tSELECT é, emial FROM users;\n")
    write("3_c.sql", "CREATE TABLE never (id INT);\n")
    error = failed(colour, folder, on_postgres)
    assert str(error) == (
        f'{path}:4:9: while executing migration 2: column "é" does not exist [42703]\n'
        "   SELECT é, emial FROM users;\n"
        "          ^\n" + ROLLED_BACK
    )
    assert error.cause.sqlstate == "42703"
    assert on_postgres.versions() == [(1, True)]
    assert on_postgres.tables() == ["users"]


def test_postgres_s_detail_and_hint_are_told(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """What the server adds is part of the message."""
    path = write(
        "1_a.sql",
        "CREATE TABLE u (email TEXT UNIQUE);\n"
        "INSERT INTO u VALUES ('a');\n"
        "INSERT INTO u VALUES ('a');\n",
    )
    assert str(failed(colour, folder, on_postgres)) == (
        f"{path}:3:1: while executing migration 1: duplicate key value violates unique "
        'constraint "u_email_key" [23505]\n'
        "  INSERT INTO u VALUES ('a');\n"
        "  ^\n"
        "detail: Key (email)=(a) already exists.\n" + ROLLED_BACK
    )
    path = write("1_a.sql", "SELECT lenght('a');\n")
    assert str(failed(colour, folder, on_postgres)) == (
        f"{path}:1:8: while executing migration 1: function lenght(unknown) does not "
        "exist [42883]\n"
        "  SELECT lenght('a');\n"
        "         ^\n"
        "hint: No function matches the given name and argument types. You might need "
        "to add explicit type casts.\n" + ROLLED_BACK
    )


def test_sqlite_points_at_the_statement_or_the_token(
    on_sqlite: Database, colour: Door, write: Write, folder: Path
) -> None:
    """The token that SQLite names, else the statement; and the extended code."""
    path = write("1_a.sql", "CREATE TABLE a (id INT);\nCREATE TABEL b (id INT);\n")
    assert str(failed(colour, folder, on_sqlite)) == (
        f'{path}:2:8: while executing migration 1: near "TABEL": syntax error '
        "[code 1]\n"
        "  CREATE TABEL b (id INT);\n"
        "         ^\n" + ROLLED_BACK
    )
    path = write(
        "1_a.sql",
        "CREATE TABLE a (id INTEGER PRIMARY KEY);\n"
        "INSERT INTO a VALUES (1);\n"
        "  INSERT INTO a VALUES (1);\n",
    )
    assert str(failed(colour, folder, on_sqlite)) == (
        f"{path}:3:3: while executing migration 1: UNIQUE constraint failed: a.id "
        "[code 1555]\n"
        "    INSERT INTO a VALUES (1);\n"
        "    ^\n" + ROLLED_BACK
    )
    assert on_sqlite.tables() == []
    assert on_sqlite.versions() == []


def test_the_end_of_a_file_can_be_the_place(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """A file that ends too early fails in its last line, and none of ours is shown."""
    path = write("1_a.sql", "CREATE TABLE a (\n  id INT\n")
    message = str(failed(colour, folder, database))
    assert message.startswith(f"{path}:2:")
    assert "_sqlx" not in message.partition("state:")[0]


def test_an_open_quote_is_told_without_our_text(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """The server quotes all that follows; what is ours is cut."""
    path = write("1_a.sql", "SELECT 1;\nSELECT 'open;\n")
    assert str(failed(colour, folder, on_postgres)) == (
        f"{path}:2:8: while executing migration 1: unterminated quoted string at or "
        'near "\'open;\n" [42601]\n'
        "  SELECT 'open;\n"
        "         ^\n" + ROLLED_BACK
    )


def test_what_stands_before_a_failed_file_is_applied(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Each file is a unit; the next run goes on with the mended one."""
    for number in (1, 2, 4, 5):
        write(f"{number}_t.sql", f"CREATE TABLE t{number} (id INT);\n")
    path = write("3_t.sql", "CREATE TABLE t3 (id INT);\nCREATE TABLE t1 (id INT);\n")
    told: list[object] = []
    with pytest.raises(ExecuteMigration) as caught:
        colour(folder, on_event=told.append).run(database.url)
    assert (caught.value.path, caught.value.line) == (str(path), 2)
    assert database.versions() == [(1, True), (2, True)]
    assert database.tables() == ["t1", "t2"]
    done = [news for news in told if isinstance(news, Change)]
    assert [(news.migration.version, news.outcome) for news in done] == [
        (1, Outcome.APPLIED),
        (2, Outcome.APPLIED),
    ]
    write("3_t.sql", "CREATE TABLE t3 (id INT);\n")
    report = colour(folder).run(database.url)
    assert [m.version for m in report.applied] == [3, 4, 5]
    assert report.already_applied == 2


def test_a_failed_revert_leaves_the_migration_applied(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """The row comes back with the rollback; the error is the down file's."""
    for number in (1, 2, 3):
        write(f"{number}_t.up.sql", f"CREATE TABLE t{number} (id INT);\n")
        write(f"{number}_t.down.sql", f"DROP TABLE t{number};\n")
    path = write("2_t.down.sql", "DROP TABLE t2;\nDROP TABLE t9;\n")
    migrator = colour(folder)
    migrator.run(database.url)
    told: list[object] = []
    with pytest.raises(ExecuteMigration) as caught:
        colour(folder, on_event=told.append).revert(database.url, 0)
    assert (caught.value.path, caught.value.line) == (str(path), 2)
    assert caught.value.version == 2
    assert database.versions() == [(1, True), (2, True)]
    assert database.tables() == ["t1", "t2"]
    done = [news for news in told if isinstance(news, Change)]
    assert [news.migration.version for news in done] == [3]


def test_the_name_of_a_lock_is_free_after_an_error(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """SQLx keeps it on every error path."""
    write("1_a.sql", "SELECT 1/0;\n")
    failed(colour, folder, on_postgres)
    assert on_postgres.locks() == 0


def test_a_constraint_that_waits_for_the_commit_fails_its_migration(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """A deferred foreign key is an error of the file, which is rolled back."""
    write(
        "1_a.sql",
        "CREATE TABLE p (id INT PRIMARY KEY);\n"
        "CREATE TABLE c (id INT REFERENCES p DEFERRABLE INITIALLY DEFERRED);\n"
        "INSERT INTO c VALUES (1);\n",
    )
    error = failed(colour, folder, database)
    assert error.state == ROLLED_BACK.removeprefix("state: ")
    assert "foreign key" in error.cause.message.lower()
    assert database.versions() == []
    assert database.tables() == []


def test_foreign_keys_are_enforced_on_sqlite(
    on_sqlite: Database, colour: Door, write: Write, folder: Path
) -> None:
    """As SQLx sets every connection up, also when a file before turned them off."""
    write("1_a.sql", "-- no-transaction\nPRAGMA foreign_keys = OFF;\n")
    write(
        "2_b.sql",
        "CREATE TABLE p (id INT PRIMARY KEY);\n"
        "CREATE TABLE c (id INT REFERENCES p);\n"
        "INSERT INTO c VALUES (1);\n",
    )
    error = failed(colour, folder, on_sqlite)
    assert error.cause.message == "FOREIGN KEY constraint failed"
    assert error.line == 3
