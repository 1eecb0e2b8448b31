"""`migrate info`: SQLx's lines on stdout, what they do not show on stderr."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from hashlib import sha384
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cli.conftest import Command
    from support import Write

A, B = "CREATE TABLE a (x);\n", "CREATE TABLE b (x);\n"
FIRST_DIRTY = (
    "migration 1 is partially applied; fix and remove row from `_sqlx_migrations` "
    "table: complete it by hand and UPDATE _sqlx_migrations SET success = TRUE WHERE "
    "version = 1, or undo it by hand and DELETE FROM _sqlx_migrations WHERE version = 1"
)


def checksum(sql: str) -> str:
    """Hash a file's text as SQLx does."""
    return sha384(sql.encode()).hexdigest()


def execute(database: str, sql: str) -> None:
    """Change the history by hand."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute(sql)


@pytest.mark.usefixtures("database")
def test_pending_installed_and_changed(sqlx: Command, write: Write) -> None:
    """The three states that SQLx knows, in its words."""
    write("1_a.sql", A)
    write("3_c_d.up.sql", B)
    write("3_c_d.down.sql", "DROP TABLE b;")
    assert sqlx("migrate", "info").out == "1/pending a\n3/pending c d\n"
    sqlx("migrate", "run")
    assert sqlx("migrate", "info").out == "1/installed a\n3/installed c d\n"
    write("1_a.sql", B)
    result = sqlx("migrate", "info")
    assert (result.code, result.out, result.err) == (
        0,
        (
            "1/installed (different checksum) a\n"
            f"applied migration had checksum {checksum(A)}\n"
            f"local migration has checksum {checksum(B)}\n"
            "3/installed c d\n"
        ),
        "",
    )


def test_dirty_and_missing_are_told_on_stderr(
    sqlx: Command, write: Write, database: str
) -> None:
    """SQLx shows a dirty version as installed, and one without a file not at all."""
    write("1_a.sql", A)
    gone = write("2_b.sql", B)
    sqlx("migrate", "run")
    gone.unlink()
    execute(database, "UPDATE _sqlx_migrations SET success = FALSE WHERE version = 1")
    result = sqlx("migrate", "info")
    assert (result.code, result.out, result.err) == (
        0,
        "1/installed a\n",
        (
            f"warning: {FIRST_DIRTY}\nwarning: migration 2 was previously applied but "
            "is missing in the resolved migrations: the history knows 2 (b), "
            "migrations does not; deploy a release that has the files, or restore "
            "them; if this one runs with them, pass --ignore-missing "
            "(ignore_missing=True), and mark such files `-- sqlx: compatible` before "
            "they are applied\n"
        ),
    )
    run = sqlx("migrate", "run", "--dry-run")
    assert (run.code, run.out) == (1, "")
    assert run.err.startswith("error: migration 1 is partially applied")


def test_compatible_is_told_on_stderr(
    sqlx: Command, write: Write, database: str
) -> None:
    """SQLx's lines on stdout, who may go back on stderr, all of it in the document."""
    assert database
    write("1_a.sql", f"-- sqlx: compatible\n{A}")
    gone = write("2_b.sql", f"-- sqlx: compatible\n{B}")
    sqlx("migrate", "run")
    gone.unlink()
    write("3_c.sql", "-- sqlx: compatible\nSELECT 1;")
    result = sqlx("migrate", "info")
    assert (result.code, result.out, result.err) == (
        0,
        "1/installed a\n3/pending c\n",
        (
            "warning: migrations: migration 2 (b) is applied and has no file here; it "
            "is marked compatible, so a run goes on\n"
        ),
    )
    document = json.loads(sqlx("migrate", "info", "--format", "json").out)
    assert [(m["state"], m["compatible"]) for m in document["migrations"]] == [
        ("installed", True),
        ("compatible", True),
        ("pending", True),
    ]
    assert [warning["code"] for warning in document["warnings"]] == ["compatible"]


def test_info_changes_nothing(sqlx: Command, write: Write, database: str) -> None:
    """SQLx would create its table here."""
    write("1_a.sql", A)
    sqlx("migrate", "info")
    sqlx("migrate", "run", "--dry-run")
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == []


def test_the_document(sqlx: Command, write: Write, database: str) -> None:
    """`--format json` prints every state, with times and checksums."""
    write("1_a.sql", A)
    gone = write("2_b.sql", B)
    sqlx("migrate", "run")
    gone.unlink()
    write("3_c.sql", "")
    execute(
        database, "UPDATE _sqlx_migrations SET installed_on = '2025-01-14 01:02:03'"
    )
    execute(
        database, "UPDATE _sqlx_migrations SET execution_time = 7 WHERE version = 1"
    )
    execute(
        database, "UPDATE _sqlx_migrations SET execution_time = -1 WHERE version = 2"
    )
    result = sqlx("migrate", "info", "--format", "json")
    document = json.loads(result.out)
    assert (result.code, document["table"]) == (0, "_sqlx_migrations")
    assert document["migrations"] == [
        {
            "version": 1,
            "description": "a",
            "state": "installed",
            "compatible": False,
            "path": "migrations/1_a.sql",
            "local_checksum": checksum(A),
            "stored_checksum": checksum(A),
            "installed_on": "2025-01-14T01:02:03Z",
            "elapsed_ns": 7,
        },
        {
            "version": 2,
            "description": "b",
            "state": "missing",
            "compatible": False,
            "path": None,
            "local_checksum": None,
            "stored_checksum": checksum(B),
            "installed_on": "2025-01-14T01:02:03Z",
            "elapsed_ns": None,
        },
        {
            "version": 3,
            "description": "c",
            "state": "pending",
            "compatible": False,
            "path": "migrations/3_c.sql",
            "local_checksum": checksum(""),
            "stored_checksum": None,
            "installed_on": None,
            "elapsed_ns": None,
        },
    ]
