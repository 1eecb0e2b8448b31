"""`migrate check`: the exit codes of a pipeline, and the findings in three formats."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from sqlx.cli.findings import Finding, Severity, as_github, as_text

if TYPE_CHECKING:
    from cli.conftest import Command
    from support import Write

A, B = "CREATE TABLE a (x);\n", "CREATE TABLE b (x);\n"
FINE = "all is as it should be\n"


def test_all_applied_is_fine(sqlx: Command, write: Write, database: str) -> None:
    """Nothing on stdout, and 0."""
    assert database
    write("1_a.sql", A)
    sqlx("migrate", "run")
    result = sqlx("migrate", "check")
    assert (result.code, result.out, result.err) == (0, "", FINE)


def test_pending_has_a_code_of_its_own(
    sqlx: Command, write: Write, database: str
) -> None:
    """Nothing wrong, and not all applied: 3; and nothing is changed."""
    write("1_a.sql", A)
    write("2_b.sql", B)
    result = sqlx("migrate", "check")
    assert (result.code, result.out, result.err) == (
        3,
        (
            "migrations/1_a.sql: notice: migration 1 (a) is pending; apply it: sqlx "
            "migrate run [pending]\nmigrations/2_b.sql: notice: migration 2 (b) is "
            "pending; apply it: sqlx migrate run [pending]\n"
        ),
        "2 pending migrations\n",
    )
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == []


def test_everything_that_is_wrong_is_listed(
    sqlx: Command, write: Write, database: str
) -> None:
    """A run names the first of them; a pipeline wants all at once."""
    write("1_a.sql", A)
    write("2_b.sql", B)
    gone = write("3_c.sql", "CREATE TABLE c (x);\n")
    sqlx("migrate", "run")
    write("1_a.sql", B)
    write("2_b.sql", A)
    gone.unlink()
    write("4_d.sql", "CREATE TABLE d (x);\n")
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("UPDATE _sqlx_migrations SET success = 0 WHERE version = 2")
    result = sqlx("migrate", "check")
    lines = result.out.splitlines()
    assert [line.rpartition(" ")[2] for line in lines] == [
        "[changed]",
        "[dirty]",
        "[missing]",
        "[pending]",
    ]
    assert lines[0] == (
        "migrations/1_a.sql: error: migration 1 was previously applied but has been "
        "modified: migrations/1_a.sql; restore the file, or put the change in a new "
        "migration [changed]"
    )
    assert lines[1].startswith(
        "migrations/2_b.sql: error: migration 2 is partially applied; fix and remove "
    )
    assert lines[2].startswith(
        "migrations: error: migration 3 was previously applied but is missing in the "
        "resolved migrations: the history knows 3 (c), migrations does not; "
    )
    assert (result.code, result.err) == (1, "3 errors, 1 pending migration\n")


@pytest.mark.usefixtures("database")
def test_what_is_missing_can_be_ignored(sqlx: Command, write: Write) -> None:
    """`--ignore-missing` lets pass what a run with it would let pass."""
    gone = write("1_a.sql", A)
    sqlx("migrate", "run")
    gone.unlink()
    assert sqlx("migrate", "check").code == 1
    result = sqlx("migrate", "check", "--ignore-missing")
    assert (result.code, result.out, result.err) == (0, "", FINE)


@pytest.mark.usefixtures("database")
def test_what_is_ignored_is_no_finding_beside_others(
    sqlx: Command, write: Write
) -> None:
    """Also when something else is wrong."""
    gone = write("1_a.sql", A)
    write("2_b.sql", B)
    sqlx("migrate", "run")
    gone.unlink()
    write("2_b.sql", A)
    result = sqlx("migrate", "check", "--ignore-missing")
    assert (result.code, result.err) == (1, "1 error\n")


@pytest.mark.usefixtures("database")
def test_what_is_missing_and_compatible_is_fine(sqlx: Command, write: Write) -> None:
    """No finding and 0, and stderr names it; also beside what is wrong or pending."""
    write("1_a.sql", A)
    gone = write("2_b.sql", f"-- sqlx: compatible\n{B}")
    sqlx("migrate", "run")
    gone.unlink()
    told = (
        "migrations: migration 2 (b) is applied and has no file here; it is marked "
        "compatible, so a run goes on\n"
    )
    result = sqlx("migrate", "check")
    assert (result.code, result.out, result.err) == (0, "", told + FINE)
    document = sqlx("migrate", "check", "--format", "json")
    assert (json.loads(document.out), document.err) == ({"findings": []}, told + FINE)
    write("3_c.sql", "SELECT 1;\n")
    pending = sqlx("migrate", "check")
    assert (pending.code, pending.err) == (3, f"{told}1 pending migration\n")
    write("1_a.sql", B)
    wrong = sqlx("migrate", "check")
    assert (wrong.code, wrong.err) == (1, f"{told}1 error, 1 pending migration\n")
    assert [line.rpartition(" ")[2] for line in wrong.out.splitlines()] == [
        "[changed]",
        "[pending]",
    ]


@pytest.mark.usefixtures("database")
def test_other_line_endings_are_a_warning(sqlx: Command, write: Write) -> None:
    """They are one also when another file is changed indeed."""
    write("1_a.sql", A)
    write("2_b.sql", B)
    sqlx("migrate", "run")
    write("1_a.sql", A.replace("\n", "\r\n"))
    alone = sqlx("migrate", "check")
    assert (alone.code, alone.err) == (0, "1 warning\n")
    assert alone.out.startswith("migrations/1_a.sql: warning: ")
    assert alone.out.endswith("[line-endings]\n")
    write("2_b.sql", A)
    both = sqlx("migrate", "check")
    assert (both.code, both.err) == (1, "1 error\n")


def test_offline_needs_no_database(sqlx: Command, write: Write) -> None:
    """`--offline` checks the files alone, without a URL."""
    write("1_a.sql", A)
    result = sqlx("migrate", "check", "--offline")
    assert (result.code, result.out, result.err) == (0, "", FINE)


def test_a_warning_about_a_file_changes_no_exit_code(
    sqlx: Command, write: Write
) -> None:
    """A down file alone is a warning with its path."""
    write("1_a.down.sql", "DROP TABLE a;")
    result = sqlx("migrate", "check", "--offline")
    assert (result.code, result.err) == (0, "1 warning\n")
    assert result.out.startswith("migrations/1_a.down.sql: warning: ")


@pytest.mark.parametrize(
    ("files", "path", "code"),
    [
        ({"1_a.sql": A, "01_b.sql": B}, "migrations/1_a.sql", "duplicate-version"),
        ({"x_a.sql": A}, "migrations", "source"),
        ({"1_a.sql": "\n \0"}, "migrations/1_a.sql:2:2", "source"),
    ],
)
def test_files_that_cannot_be_used_are_an_error(
    sqlx: Command, write: Write, files: dict[str, str], path: str, code: str
) -> None:
    """What no run would load is a finding at its file."""
    for name, sql in files.items():
        write(name, sql)
    result = sqlx("migrate", "check", "--offline")
    assert (result.code, result.err) == (1, "1 error\n")
    assert result.out.startswith(f"{path}: error: ")
    assert result.out.endswith(f" [{code}]\n")


def test_a_missing_folder_is_an_error(sqlx: Command) -> None:
    """A folder that is not there is a finding at its path."""
    result = sqlx("migrate", "check", "--offline", "--source", "nope")
    assert result.code == 1
    assert result.out.startswith("nope: error: error canonicalizing path nope: ")


def test_a_database_that_is_not_there_is_no_finding(
    sqlx: Command, write: Write
) -> None:
    """It is an error on stderr, and stdout stays empty."""
    write("1_a.sql", A)
    result = sqlx("migrate", "check", "-D", "sqlite:nope.db")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: unable to open database file")


@pytest.mark.usefixtures("database")
def test_findings_as_json(sqlx: Command, write: Write) -> None:
    """One document, with every fact of every finding."""
    write("1_a.sql", A)
    result = sqlx("migrate", "check", "--format", "json")
    assert json.loads(result.out) == {
        "findings": [
            {
                "path": "migrations/1_a.sql",
                "severity": "notice",
                "code": "pending",
                "message": "migration 1 (a) is pending; apply it: sqlx migrate run",
                "line": None,
                "column": None,
            }
        ]
    }
    assert result.code == 3
    sqlx("migrate", "run")
    fine = sqlx("migrate", "check", "--format", "json")
    assert (fine.code, json.loads(fine.out)) == (0, {"findings": []})


@pytest.mark.usefixtures("database")
def test_findings_for_github(sqlx: Command, write: Write) -> None:
    """A workflow's commands, which mark the file in a pull request."""
    write("1_a.sql", A)
    result = sqlx("migrate", "check", "--format", "github")
    assert (result.code, result.out) == (
        3,
        (
            "::notice file=migrations/1_a.sql,title=sqlx%3A pending::migration 1 (a) "
            "is pending; apply it: sqlx migrate run\n"
        ),
    )


def test_a_place_is_printed_as_compilers_do() -> None:
    """Line and column stand behind the path, and what GitHub would read is escaped."""
    whole = Finding("m/1,2:3.sql", Severity.ERROR, "x", "100 % a\nb: c")
    line = Finding("m/1_a.sql", Severity.WARNING, "x", "y", 3)
    column = Finding("m/1_a.sql", Severity.WARNING, "x", "y", 3, 7)
    assert list(as_text([whole, line, column])) == [
        "m/1,2:3.sql: error: 100 % a\nb: c [x]",
        "m/1_a.sql:3:1: warning: y [x]",
        "m/1_a.sql:3:7: warning: y [x]",
    ]
    assert list(as_github([whole, line, column])) == [
        "::error file=m/1%2C2%3A3.sql,title=sqlx%3A x::100 %25 a%0Ab: c",
        "::warning file=m/1_a.sql,line=3,title=sqlx%3A x::y",
        "::warning file=m/1_a.sql,line=3,col=7,title=sqlx%3A x::y",
    ]
