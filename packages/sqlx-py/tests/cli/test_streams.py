"""Readers who go away, a full disk, and what nobody thought of."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sqlx.errors import MigrationError

if TYPE_CHECKING:
    from cli.conftest import Command, Start
    from support import Write


def applied(database: str) -> int:
    """Count the applied migrations."""
    with closing(sqlite3.connect(database)) as connection:
        sql = "SELECT count(*) FROM _sqlx_migrations WHERE success"
        found: int = connection.execute(sql).fetchone()[0]
        return found


def test_a_reader_who_goes_away_stops_nothing(
    start: Start, database: str, write: Write
) -> None:
    """With a closed pipe for stdout, all is applied, and nothing is said."""
    for version in range(1, 4):
        write(f"{version}_a.sql", f"CREATE TABLE t{version} (x);\n")
    reader, writer = os.pipe()
    os.close(reader)
    process = start("migrate", "run", stdout=writer)
    os.close(writer)
    assert process.stderr is not None
    assert (process.stderr.read(), process.wait()) == ("", 0)
    assert applied(database) == 3


@pytest.mark.parametrize("words", [["--help"], ["completions", "bash"], ["--version"]])
def test_a_reader_who_goes_away_is_no_error(start: Start, words: list[str]) -> None:
    """Neither help nor completions complain of a closed pipe."""
    reader, writer = os.pipe()
    os.close(reader)
    process = start(*words, stdout=writer)
    os.close(writer)
    assert process.stderr is not None
    assert (process.stderr.read(), process.wait()) == ("", 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a full disk")
def test_a_full_disk_stops_nothing_and_is_told(
    start: Start, database: str, write: Write
) -> None:
    """All migrations are applied; that the lines are lost is an error in the end."""
    for version in range(1, 4):
        write(f"{version}_a.sql", f"CREATE TABLE t{version} (x);\n")
    with Path("/dev/full").open("w") as full:
        process = start("migrate", "run", stdout=full.fileno())
    assert process.stderr is not None
    assert (process.stderr.read(), process.wait()) == (
        "error: cannot write to stdout: No space left on device\n",
        1,
    )
    assert applied(database) == 3


def test_lines_are_utf8_whatever_the_locale(
    start: Start, database: str, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sign for micro and a description are UTF-8 also where Python would not."""
    assert database
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    write("1_naïve.sql", "CREATE TABLE a (x);\n")
    process = start("migrate", "info")
    assert process.communicate() == ("1/pending naïve\n", "")


def test_a_file_name_that_is_no_text_is_shown(
    start: Start, database: str, write: Write
) -> None:
    """A byte that is no UTF-8 in a file's name breaks no line."""
    folder = write("1_a.sql", "CREATE TABLE a (x);\n").parent
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/2_b\xff.sql")).write_text("SELEC;")
    except OSError:
        pytest.skip("this file system takes only text for names")
    assert database
    process = start("migrate", "run")
    _, err = process.communicate()
    assert process.returncode == 1
    assert err.startswith("error: migrations/2_b\ufffd.sql:1:1: ")


def test_what_nobody_thought_of_is_an_internal_error(
    sqlx: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback reaches a user who did not ask for one."""

    def fail(*_: object) -> int:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("sqlx.cli.completion.completions", fail)
    expected = (
        "error: internal error: ZeroDivisionError: by zero; this is a fault of "
        "sqlx-py: SQLX_BACKTRACE=1 shows where it happened, for a report\n"
    )
    result = sqlx("completions", "bash")
    assert (result.code, result.out, result.err) == (1, "", expected)
    monkeypatch.setenv("SQLX_BACKTRACE", "1")
    told = sqlx("completions", "bash")
    assert told.err.startswith(f"{expected}Traceback (most recent call last):\n")
    assert told.err.endswith("\nZeroDivisionError: by zero\n")


def test_an_error_of_the_system_names_the_file(
    sqlx: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the system refuses is told in its words, without Python's."""

    def fail(*_: object) -> int:
        raise PermissionError(13, "Permission denied", "some/file")

    monkeypatch.setattr("sqlx.cli.completion.completions", fail)
    result = sqlx("completions", "bash")
    assert (result.code, result.err) == (1, "error: some/file: Permission denied\n")


def test_an_interrupted_command_without_a_database(
    sqlx: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is neither a transaction nor a lock to speak of."""

    def fail(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("sqlx.cli.completion.completions", fail)
    result = sqlx("completions", "bash")
    assert (result.code, result.out, result.err) == (130, "", "interrupted\n")


def test_an_interruption_before_a_command_begins(
    sqlx: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no traceback, either."""

    def fail(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("sqlx.cli.dispatch.parse", fail)
    result = sqlx("completions", "bash")
    assert (result.code, result.out, result.err) == (130, "", "interrupted\n")


def test_a_termination_is_an_interruption(
    sqlx: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM ends a command as Ctrl-C does, and its handler is put back."""

    def fail(*_: object) -> int:
        signal.raise_signal(signal.SIGTERM)
        return 0

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("sqlx.cli.completion.completions", fail)
    result = sqlx("completions", "bash")
    assert (result.code, result.err) == (143, "interrupted\n")
    assert signal.getsignal(signal.SIGTERM) is before


def test_notes_stand_below_an_error(
    sqlx: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What failed while cleaning up is told after the first error."""

    def fail(*_: object) -> int:
        error = MigrationError("no")
        error.add_note("cleaning up failed too")
        raise error

    monkeypatch.setattr("sqlx.cli.completion.completions", fail)
    result = sqlx("completions", "bash")
    assert (result.code, result.err) == (1, "error: no\ncleaning up failed too\n")
