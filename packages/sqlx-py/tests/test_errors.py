"""Every error says where, what and the mend, and survives a pickle."""

from __future__ import annotations

import pickle

import pytest

from sqlx import errors
from sqlx.errors import (
    CacheError,
    ColumnMismatch,
    ConfigurationError,
    ConnectionFailed,
    ConnectionLost,
    CreateSchemasNotSupported,
    DatabaseError,
    Dirty,
    DriverMissing,
    DuplicateVersion,
    EmbeddedError,
    ExecuteMigration,
    FixtureFailed,
    ForceNotSupported,
    InTransaction,
    Irreversible,
    LockTimeout,
    MigrationError,
    NotWritable,
    QueryError,
    RowNotFound,
    SourceError,
    SqlxError,
    StillPending,
    TooManyRows,
    VersionMismatch,
    VersionMissing,
    VersionNotPresent,
    VersionTooNew,
    VersionTooOld,
)

REFUSED = DatabaseError(
    'column "emial" does not exist',
    sqlstate="42703",
    detail="There is a column named email.",
    hint='Perhaps you meant "email".',
    context="SQL function",
    table="users",
    part=1,
    offset=9,
    completed=3,
)
MESSAGES: dict[SqlxError, str] = {
    SqlxError("anything"): "anything",
    MigrationError("anything"): "anything",
    ConfigurationError("wrong; write it so"): "wrong; write it so",
    DriverMissing("psycopg is not installed"): "psycopg is not installed",
    EmbeddedError("it does not start"): "it does not start",
    CacheError(".sqlx/prepared.json", "is no JSON; write it again"): (
        ".sqlx/prepared.json: is no JSON; write it again"
    ),
    REFUSED: 'column "emial" does not exist [42703]',
    DatabaseError("disk I/O error"): "disk I/O error",
    DatabaseError("UNIQUE constraint failed: a.id", code=1555): (
        "UNIQUE constraint failed: a.id [code 1555]"
    ),
    ConnectionFailed("refused"): "refused",
    ConnectionLost("closed", sqlstate="57P01"): "closed [57P01]",
    SourceError("m/1_a.sql:2:1: no; mend it"): (
        "while resolving migrations: m/1_a.sql:2:1: no; mend it"
    ),
    DuplicateVersion(2, ("m/2_a.sql", "m/02_b.sql")): (
        "while resolving migrations: migration 2 stands in two files: m/2_a.sql and "
        "m/02_b.sql; give one of them another version"
    ),
    VersionMissing((1, 3), ("one", "three"), "migrations"): (
        "migration 1 was previously applied but is missing in the resolved migrations: "
        "the history knows 1 (one), 3 (three), migrations does not; deploy a release "
        "that has the files, or restore them; if this one runs with them, pass "
        "--ignore-missing (ignore_missing=True), and mark such files `-- sqlx: "
        "compatible` before they are applied"
    ),
    VersionMismatch(2, "m/2_a.sql"): (
        "migration 2 was previously applied but has been modified: m/2_a.sql; restore "
        "the file, or put the change in a new migration"
    ),
    VersionNotPresent(4, "migrations"): (
        "migration 4 is not present in the migration source: migrations; choose a "
        "version that `sqlx migrate info` lists"
    ),
    VersionTooOld(1, 3): (
        "migration 1 is older than the latest applied migration 3; to go back, use "
        "revert"
    ),
    VersionTooNew(3, 1): (
        "migration 3 is newer than the latest applied migration 1; to go forward, use "
        "run"
    ),
    Dirty(2, "app._sqlx_migrations"): (
        "migration 2 is partially applied; fix and remove row from "
        "`app._sqlx_migrations` table: complete it by hand and UPDATE "
        "app._sqlx_migrations SET success = TRUE WHERE version = 2, or undo it by hand "
        "and DELETE FROM app._sqlx_migrations WHERE version = 2"
    ),
    Dirty(2, "h", "the first statement is committed"): (
        "migration 2 is partially applied (the first statement is committed); fix and "
        "remove row from `h` table: complete it by hand and UPDATE h SET success = TRUE"
        " WHERE version = 2, or undo it by hand and DELETE FROM h WHERE version = 2"
    ),
    ExecuteMigration(2, "m/2_a.sql", 3, 9, "\tSELECT emial", REFUSED, "rolled back"): (
        'm/2_a.sql:3:9: while executing migration 2: column "emial" does not exist '
        "[42703]\n"
        "   SELECT emial\n"
        "          ^\n"
        "detail: There is a column named email.\n"
        'hint: Perhaps you meant "email".\n'
        "state: rolled back"
    ),
    ExecuteMigration(2, "m/2_a.sql", None, None, "", DatabaseError("no"), ""): (
        "m/2_a.sql: while executing migration 2: no"
    ),
    FixtureFailed("users", "fixtures/users.sql", REFUSED, 3, 9, "SELECT  emial"): (
        'failed to apply test fixture "users": fixtures/users.sql:3:9: column "emial" '
        "does not exist [42703]\n"
        "  SELECT  emial\n"
        "          ^\n"
        "detail: There is a column named email.\n"
        'hint: Perhaps you meant "email".'
    ),
    FixtureFailed("users", "fixtures/users.sql", "Permission denied"): (
        'failed to apply test fixture "users": fixtures/users.sql: Permission denied'
    ),
    Irreversible("m/2_a.sql: migration 2 has no down file"): (
        "m/2_a.sql: migration 2 has no down file; nothing was reverted"
    ),
    LockTimeout(300.0, "pid 42, user ann"): (
        "the migration lock is still held by pid 42, user ann after 300 s; let it "
        "finish or end it, or wait longer with --lock-timeout (lock_timeout_seconds)"
    ),
    LockTimeout(0.5, ""): (
        "the migration lock is still held after 0.5 s; let it finish or end it, or "
        "wait longer with --lock-timeout (lock_timeout_seconds)"
    ),
    StillPending((2,), ("notes",), 30.0, "", "pid 42, user ann"): (
        "after 30 s, migrations are still pending: 2 (notes); none is applied; the "
        "migration lock is held by pid 42, user ann: let it finish, or wait longer "
        "(timeout_seconds)"
    ),
    StillPending((2, 3, 4, 5, 6), tuple("abcde"), 0.5, "1 (users), 2026Z", ""): (
        "after 0.5 s, migrations are still pending: 2 (a), 3 (b), 4 (c) and 2 more; "
        "the newest applied one is 1 (users), 2026Z; nobody is seen to migrate: run "
        "`sqlx migrate run`, or wait longer (timeout_seconds)"
    ),
    InTransaction(): (
        "the connection is inside a transaction, and migrations need their own; commit "
        "or roll back first, or pass a database URL"
    ),
    NotWritable("transaction_read_only is on"): (
        "migrations are pending and the database is read-only (transaction_read_only "
        "is on); connect to the primary, or as a role that may write"
    ),
    ForceNotSupported(): (
        "database driver does not support force-dropping a database (Only PostgreSQL); "
        "leave --force away"
    ),
    QueryError("app.py", 3, "find"): "app.py:3: find: the query failed",
    RowNotFound("app.py", 3, "find"): (
        "app.py:3: find: no rows returned by a query that expected to return at least "
        "one row; where that may be, let it return `T | None`, or use `.optional()`"
    ),
    TooManyRows("app.py", 3, "find"): (
        "app.py:3: find: more than one row returned by a query that expected at most "
        "one; add a condition or LIMIT 1, or let it return `list[T]`, or use `.all()`"
    ),
    ColumnMismatch("app.py", 3, "find", ("id",), ("key",), "User"): (
        "app.py:3: find: User.id has no column; column key has no field; the query or "
        "its tables have changed since it was checked: run `sqlx check`"
    ),
    ColumnMismatch("app.py", 3, "find", (), ("id", "key"), ""): (
        "app.py:3: find: the query must send one column, and it sends 2 (id, key); the "
        "query or its tables have changed since it was checked: run `sqlx check`"
    ),
    CreateSchemasNotSupported("app"): (
        "database driver does not support creation of schemas at migrate time: cannot "
        "create new schema app; creation of additional schemas in SQLite requires "
        "attaching extra database files"
    ),
}


@pytest.mark.parametrize("error", MESSAGES, ids=lambda error: type(error).__name__)
def test_an_error_s_whole_message(error: SqlxError) -> None:
    """Where, what, and the mend."""
    assert str(error) == MESSAGES[error]


def test_every_error_has_its_message_here() -> None:
    """None is left out."""
    assert {type(error).__name__ for error in MESSAGES} == {*errors.__all__}


def fields(error: BaseException) -> dict[str, object]:
    """Read an error's facts; a cause is compared by its own."""
    told = dict(vars(error))
    cause = told.pop("cause", None)
    if isinstance(cause, DatabaseError):
        told["cause"] = fields(cause)
    return told


@pytest.mark.parametrize("error", MESSAGES, ids=lambda error: type(error).__name__)
def test_an_error_survives_a_pickle(error: SqlxError) -> None:
    """As it must between processes: class, message and every field."""
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 -- ours.
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert fields(again) == fields(error)


def test_the_words_of_sqlx_begin_its_errors() -> None:
    """What scripts look for in SQLx's output is there (migrations.md 4.5)."""
    words = {
        "VersionMissing": (
            "migration 1 was previously applied but is missing in the resolved "
            "migrations"
        ),
        "VersionMismatch": "migration 2 was previously applied but has been modified",
        "VersionNotPresent": "migration 4 is not present in the migration source",
        "VersionTooOld": "migration 1 is older than the latest applied migration 3",
        "VersionTooNew": "migration 3 is newer than the latest applied migration 1",
        "Dirty": "migration 2 is partially applied",
        "SourceError": "while resolving migrations: ",
        "ForceNotSupported": (
            "database driver does not support force-dropping a database (Only "
            "PostgreSQL)"
        ),
        "CreateSchemasNotSupported": (
            "database driver does not support creation of schemas at migrate time: "
        ),
    }
    for error, message in MESSAGES.items():
        assert message.startswith(words.get(type(error).__name__, ""))
