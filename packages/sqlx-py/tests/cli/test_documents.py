"""`--format json` of what changes a database: one document, also after an error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cli.conftest import Command
    from support import Write

pytestmark = pytest.mark.usefixtures("database")


def document(sqlx: Command, *words: str, code: int = 0) -> dict[str, Any]:
    """Run a command, and read the document that it prints."""
    result = sqlx("migrate", *words, "--format", "json")
    assert result.code == code
    found: dict[str, Any] = json.loads(result.out)
    for migration in found["migrations"]:
        assert migration["elapsed_ns"] >= 0
        del migration["elapsed_ns"]
    return found


def test_the_document_of_a_run(sqlx: Command, write: Write) -> None:
    """What was applied, and how much was there before."""
    write("1_a.sql", "CREATE TABLE a (x);")
    assert document(sqlx, "run", "--dry-run") == {
        "migrations": [
            {
                "version": 1,
                "description": "a",
                "kind": "simple",
                "path": "migrations/1_a.sql",
                "direction": "migrate",
                "outcome": "Can apply",
            }
        ],
        "already_applied": 0,
        "blocked_by": None,
        "warnings": [],
        "error": None,
    }
    assert document(sqlx, "run")["migrations"][0]["outcome"] == "Applied"
    assert document(sqlx, "run") == {
        "migrations": [],
        "already_applied": 1,
        "blocked_by": None,
        "warnings": [],
        "error": None,
    }


def test_the_document_of_a_revert(sqlx: Command, write: Write) -> None:
    """A down file is what was applied; without one it says what stands in the way."""
    write("1_a.sql", "CREATE TABLE a (x);")
    sqlx("migrate", "run")
    blocked = document(sqlx, "revert")
    assert blocked["migrations"] == []
    assert blocked["blocked_by"] == (
        "migrations/1_a.sql: migration 1 has no down file; write a new migration that "
        "reverses it, or put the SQL that does into migrations/1_a.down.sql"
    )
    write("1_a.down.sql", "DROP TABLE a;")
    assert document(sqlx, "revert")["migrations"] == [
        {
            "version": 1,
            "description": "a",
            "kind": "down",
            "path": "migrations/1_a.down.sql",
            "direction": "revert",
            "outcome": "Applied",
        }
    ]


def test_the_document_of_a_skip(sqlx: Command, write: Write) -> None:
    """A skipped migration says by whom: on request, or beyond the target."""
    write("1_a.sql", "CREATE TABLE a (x);")
    write("2_b.sql", "CREATE TABLE b (x);")
    found = document(sqlx, "override", "skip", "--target-version=1")
    outcomes = [(m["version"], m["outcome"]) for m in found["migrations"]]
    assert outcomes == [(1, "Skipped on request"), (2, "Skipped")]


def test_the_document_of_a_failure(sqlx: Command, write: Write) -> None:
    """What was applied before stands in it, and the error with its place."""
    write("1_a.sql", "CREATE TABLE a (x);")
    write("2_b.sql", "\nSELEC 1;")
    found = document(sqlx, "run", code=1)
    assert [m["version"] for m in found["migrations"]] == [1]
    assert found["already_applied"] is None
    assert found["error"] == {
        "kind": "ExecuteMigration",
        "message": (
            'migrations/2_b.sql:2:1: while executing migration 2: near "SELEC": '
            "syntax error [code 1]\n"
            "  SELEC 1;\n"
            "  ^\n"
            "state: rolled back, nothing of this migration is applied; mend it and run "
            "again"
        ),
        "version": 2,
        "path": "migrations/2_b.sql",
        "line": 2,
        "column": 1,
    }


def test_the_document_of_misuse(
    sqlx: Command, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong configuration is an error in the document too."""
    write("1_a.sql", "CREATE TABLE a (x);")
    monkeypatch.setenv("DATABASE_URL", "foo:bar")
    found = document(sqlx, "run", code=2)
    assert found["error"]["kind"] == "ConfigurationError"
    assert found["error"]["version"] is None
