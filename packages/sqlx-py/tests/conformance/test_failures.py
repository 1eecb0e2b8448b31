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

IN_PART = "the statement that failed may be done in part"


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


def test_mysql_points_at_the_statement_or_the_token(
    on_mysql: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Number and SQLSTATE as SQLx prints them; the server names line and text."""
    path = write("1_a.sql", "SELECT 1;\n\n  SELECT é\n  FRM users\n  WHERE TRUE;\n")
    assert str(failed(colour, folder, on_mysql)) == (
        f"{path}:4:7: while executing migration 1: 1064 (42000): You have an error in "
        "your SQL syntax; check the manual that corresponds to your MariaDB server "
        "version for the right syntax to use near 'users\n  WHERE TRUE' at line 3\n"
        "    FRM users\n"
        "        ^\n" + ROLLED_BACK
    )
    path = write("1_a.sql", "-- the table is there\n  DROP TABLE nowhere;\n")
    error = failed(colour, folder, on_mysql)
    assert str(error) == (
        f"{path}:2:3: while executing migration 1: 1051 (42S02): Unknown table "
        f"'{on_mysql.name}.nowhere'\n"
        "    DROP TABLE nowhere;\n"
        "    ^\n" + ROLLED_BACK
    )
    assert (error.cause.code, error.cause.sqlstate) == (1051, "42S02")
    assert on_mysql.versions() == []


def way_out(database: Database) -> str:
    """Expect the SQL that puts the history right."""
    return (
        f"complete it by hand and UPDATE {database.history} SET success = TRUE WHERE "
        f"version = 1, or undo it by hand and DELETE FROM {database.history} WHERE "
        "version = 1"
    )


@pytest.mark.parametrize(
    ("sql", "state"),
    [
        (
            "CREATE TABLE a (id INT);\nDELETE FROM a;\nDROP TABLE z;\n",
            "lines 1 to 2 are committed for good; ",
        ),
        (
            "UPDATE t SET id = 1;\nCREATE TABLE a (id INT);\nDELETE FROM a;\nSELECT z;",
            "lines 1 to 3 are committed for good; ",
        ),
        (
            "INSERT INTO t VALUES (1);\nDROP TABLE t, z;\n",
            f"line 1 is committed for good; {IN_PART}; ",
        ),
        (
            "CREATE TABLE a (id INT);\nDELETE FROM a;\nCREATE TABEL b;\n",
            f"lines 1 to 2 are committed for good; {IN_PART}; ",
        ),
    ],
    ids=["ddl-at-the-end", "rows-at-the-end", "in-part", "syntax"],
)
def test_mysql_says_what_a_failed_file_has_committed(
    on_mysql: Database,
    colour: Door,
    write: Write,
    folder: Path,
    sql: str,
    state: str,
) -> None:
    """Its DDL commits at once; SQLx says no more than that it is dirty (C7)."""
    on_mysql.execute("CREATE TABLE t (id INT)")
    write("1_a.sql", sql)
    error = failed(colour, folder, on_mysql)
    assert error.state == f"DDL commits at once here: {state}{way_out(on_mysql)}"
    assert on_mysql.versions() == [(1, False)]
    assert on_mysql.locks() == 0


def test_mysql_commits_each_statement_behind_the_first_ddl(
    on_mysql: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Its implicit commit ends our transaction, as it does SQLx's: so it is told."""
    rows = "INSERT INTO a VALUES (1);\n"
    write("1_a.sql", f"CREATE TABLE a (id INT);\n{rows}{rows}INSERT INTO z VALUES (1);")
    error = failed(colour, folder, on_mysql)
    assert error.state.startswith(
        f"DDL commits at once here: lines 1 to 3 are committed for good; {IN_PART}; "
    )
    assert on_mysql.rows("SELECT id FROM a") == [(1,), (1,)]


def test_mysql_rolls_back_what_only_writes_rows(
    on_mysql: Database, colour: Door, write: Write, folder: Path
) -> None:
    """No DDL, no commit: the claim is gone with all else (C7)."""
    on_mysql.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    path = write("1_a.sql", "INSERT INTO t VALUES (1);\nINSERT INTO t VALUES (1);\n")
    error = failed(colour, folder, on_mysql)
    assert f"state: {error.state}" == ROLLED_BACK
    assert error.line == 2
    assert on_mysql.rows("SELECT * FROM t") == []
    assert on_mysql.versions() == []
    path.write_text("INSERT INTO t VALUES (1);\n")
    assert len(colour(folder).run(on_mysql.url).applied) == 1


def test_mysql_says_which_rows_cannot_be_rolled_back(
    on_mysql: Database, colour: Door, write: Write, folder: Path
) -> None:
    """SQLx would run the file again, and write them twice."""
    on_mysql.execute("CREATE TABLE t (id INT) ENGINE = MyISAM")
    write("1_a.sql", "INSERT INTO t VALUES (1);\nINSERT INTO z VALUES (1);\n")
    error = failed(colour, folder, on_mysql)
    assert error.state == (
        "a table of the file cannot roll back (MyISAM, Aria), so its rows are there "
        f"for good; {way_out(on_mysql)}"
    )
    assert on_mysql.rows("SELECT id FROM t") == [(1,)]
    assert on_mysql.versions() == [(1, False)]


@pytest.mark.slow
def test_mysql_s_temporary_tables_are_no_rows_that_stay(
    on_real_mysql: Database, colour: Door, write: Write, folder: Path
) -> None:
    """It warns of them, too; a file that stops itself by one may run again."""
    guard = "CREATE TEMPORARY TABLE g (id INT PRIMARY KEY);\n"
    write("1_a.sql", f"{guard}INSERT INTO g VALUES (1), (1);\n")
    error = failed(colour, folder, on_real_mysql)
    assert f"state: {error.state}" == ROLLED_BACK
    assert on_real_mysql.versions() == []


ALONE = "-- no-transaction\n"
MESS = f"{IN_PART}; "
SOMETHING = "a part of the file may be committed; "
AT_ONCE = "DDL commits at once here: "
KEPT = (
    "a table of the file cannot roll back (MyISAM, Aria), so its rows are there for "
    "good; "
)
MAYBE = "rows of a table that cannot roll back (MyISAM, Aria) may be there for good; "
TIMED = "SET STATEMENT max_statement_time = 9 FOR"
TWICE = "INSERT INTO t VALUES (1), (2), (1);"
BLOCK = "BEGIN NOT ATOMIC INSERT INTO t VALUES (1); INSERT INTO t VALUES (1); END;"
PROCEDURE = (
    "CREATE PROCEDURE p() BEGIN {} INSERT INTO t VALUES (1);"
    " {} INSERT INTO t VALUES (1); END"
)


@pytest.mark.parametrize(
    ("engine", "hidden", "sql", "state"),
    [
        ("InnoDB", ("", ""), f"{ALONE}CALL p();", MESS),
        ("InnoDB", ("", ""), f"{ALONE}{BLOCK}", MESS),
        ("Aria", ("", ""), f"{ALONE}{TWICE}", MESS),
        ("Aria", ("", ""), f"BEGIN; {TWICE} COMMIT;", KEPT),
        (
            "InnoDB",
            ("", "CREATE TABLE a (id INT);"),
            "BEGIN; CALL p(); COMMIT;",
            SOMETHING,
        ),
        ("InnoDB", ("", "CREATE TABLE a (id INT);"), "CALL p();", SOMETHING),
        ("InnoDB", ("ROLLBACK;", "COMMIT;"), "CALL p();", SOMETHING),
        ("Aria", ("", ""), f"CREATE TEMPORARY TABLE x (id INT); {TWICE}", MAYBE),
        ("Aria", ("", ""), f"SET max_error_count = 0; {TWICE}", KEPT),
        (
            "InnoDB",
            ("", ""),
            f"{TIMED} INSERT INTO t VALUES (1); CREATE TABLE t (id INT);",
            f"{AT_ONCE}line 1 is committed for good; ",
        ),
    ],
    ids=[
        *("alone-call", "alone-block", "alone-rows", "own-rows", "own-call", "call"),
        *("call-rolls-back", "temporary", "warnings-not-kept", "set-statement"),
    ],
)
def test_mysql_never_says_that_nothing_is_left_where_rows_are(
    on_mysql: Database,
    colour: Door,
    write: Write,
    folder: Path,
    engine: str,
    hidden: tuple[str, str],
    sql: str,
    state: str,
) -> None:
    """They are there, so the file does not run again before somebody has looked."""
    on_mysql.execute(f"CREATE TABLE t (id INT PRIMARY KEY) ENGINE = {engine}")
    on_mysql.execute(PROCEDURE.format(*hidden))
    write("1_a.sql", sql)
    error = failed(colour, folder, on_mysql)
    assert error.state == state + way_out(on_mysql)
    assert on_mysql.rows("SELECT id FROM t WHERE id = 1") == [(1,)]
    assert on_mysql.versions() == [(1, False)]


def test_mysql_drops_a_database_table_by_table(
    on_mysql: Database, colour: Door, write: Write, folder: Path
) -> None:
    """A foreign key refuses the last of them; the others are gone."""
    legacy = f"{on_mysql.name}_legacy"
    on_mysql.execute(f"CREATE DATABASE {legacy}")
    on_mysql.execute(f"CREATE TABLE {legacy}.a (id INT)")
    on_mysql.execute(f"CREATE TABLE {legacy}.p (id INT PRIMARY KEY)")
    on_mysql.execute(f"CREATE TABLE c (id INT REFERENCES {legacy}.p (id))")
    write("1_a.sql", f"DROP DATABASE {legacy};\n")
    error = failed(colour, folder, on_mysql)
    assert error.cause.code == 1451
    assert error.state == f"{AT_ONCE}{MESS}{way_out(on_mysql)}"
    assert on_mysql.versions() == [(1, False)]
    assert on_mysql.rows(
        f"SELECT table_name FROM information_schema.tables WHERE table_schema = "
        f"'{legacy}'"
    ) == [("p",)]
    on_mysql.execute(f"DROP TABLE c; DROP DATABASE {legacy}")


def test_mysql_makes_users_one_by_one(
    on_mysql: Database, colour: Door, write: Write, folder: Path
) -> None:
    """One is there already, the other is made all the same."""
    one, two = (f"{name}_{on_mysql.name}@localhost" for name in ("one", "two"))
    on_mysql.execute(f"CREATE USER {two}")
    write("1_a.sql", f"CREATE USER {one}, {two};\n")
    error = failed(colour, folder, on_mysql)
    assert error.state == f"{AT_ONCE}{MESS}{way_out(on_mysql)}"
    assert on_mysql.versions() == [(1, False)]
    on_mysql.execute(f"DROP USER {one}, {two}")


def test_mysql_says_what_a_failed_down_file_has_committed(
    on_mysql: Database, colour: Door, write: Write, folder: Path
) -> None:
    """FALSE is committed by the first DDL; both ways out are a revert's."""
    write("1_a.up.sql", "CREATE TABLE a (id INT);\n")
    write("1_a.down.sql", "DROP TABLE a;\nDROP TABLE z;\n")
    migrator = colour(folder)
    migrator.run(on_mysql.url)
    with pytest.raises(ExecuteMigration) as caught:
        migrator.revert(on_mysql.url)
    assert caught.value.state == (
        "DDL commits at once here: line 1 is committed for good; complete it by hand "
        f"and DELETE FROM {on_mysql.history} WHERE version = 1, or undo what it did by "
        f"hand and UPDATE {on_mysql.history} SET success = TRUE WHERE version = 1"
    )
    assert on_mysql.versions() == [(1, False)]


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
    first = "CREATE TABLE t3 (id INT);" if database.rolls_back else "SET @x = 3;"
    path = write("3_t.sql", f"{first}\nCREATE TABLE t1 (id INT);\n")
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
    first = "DROP TABLE t2;" if database.rolls_back else "-- t2"
    path = write("2_t.down.sql", f"{first}\nDROP TABLE t9;\n")
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
    transactional: Database, colour: Door, write: Write, folder: Path
) -> None:
    """A deferred foreign key is an error of the file, which is rolled back."""
    write(
        "1_a.sql",
        "CREATE TABLE p (id INT PRIMARY KEY);\n"
        "CREATE TABLE c (id INT REFERENCES p DEFERRABLE INITIALLY DEFERRED);\n"
        "INSERT INTO c VALUES (1);\n",
    )
    error = failed(colour, folder, transactional)
    assert error.state == ROLLED_BACK.removeprefix("state: ")
    assert "foreign key" in error.cause.message.lower()
    assert transactional.versions() == []
    assert transactional.tables() == []


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
