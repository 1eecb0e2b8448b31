"""The SQL of SQLite: claims that raise, and how replies and errors read."""

from __future__ import annotations

import pytest
from support import migration

from sqlx.databases.sqlite.dialect import SqliteDialect
from sqlx.engine.dialect import Frame, LockKind, Sending, Trouble
from sqlx.engine.steps import Query
from sqlx.errors import CreateSchemasNotSupported, DatabaseError
from sqlx.migrations.migration import Kind
from sqlx.migrations.statements import Syntax

SQLITE = SqliteDialect(settings=("PRAGMA cache_size = 7",))
UP = migration(7, "SELECT 1")
DOWN = migration(7, "SELECT 1", Kind.DOWN)


def test_the_database_s_own_lock_does() -> None:
    """Nothing is asked for, held or given back."""
    assert SQLITE.lock is LockKind.NONE
    assert SQLITE.syntax is Syntax.SQLITE
    assert not SQLITE.shares_messages
    assert SQLITE.read_only == ""
    assert SQLITE.locked([("true",)]) == (SQLITE, True)
    assert SQLITE.try_lock() == SQLITE.keep_lock() == Query("SELECT 'true'")
    assert SQLITE.release() == Query("SELECT 1")
    assert SQLITE.holder_words([]) == ""
    assert SQLITE.holder() == Query("SELECT NULL WHERE 0")
    SQLITE.invalid()  # its type says that there is no question


@pytest.mark.parametrize("found", [UP, DOWN])
@pytest.mark.parametrize("tidy", [False, True])
def test_a_frame_knows_where_its_claim_is(found: object, *, tidy: bool) -> None:
    """The first statement that looks at the history, in a BEGIN IMMEDIATE."""
    for make in (SQLITE.frame, SQLITE.claim):
        frame = make(found, Sending(3, tidy=tidy))  # type: ignore[arg-type]  # a migration.
        assert frame.before[frame.claim].startswith("INSERT INTO _sqlx_migrations")
        assert frame.before[frame.claim - 1] == "BEGIN IMMEDIATE"
        assert ("PRAGMA cache_size = 7" in frame.before) is tidy
        assert frame.before[frame.claim - 2] == "PRAGMA foreign_keys = ON"
        assert frame.after[-1] == "COMMIT"
        assert frame.lock == -1


def test_a_description_is_hex() -> None:
    """Whatever the file's name is."""
    assert "CAST(x'6d' AS TEXT)" in SQLITE.record(UP).opening


def test_a_history_reads_as_it_was_written() -> None:
    """Numbers and hex become values, and the table is known to be there."""
    known, found = SqliteDialect().seen(
        [
            (1, "a", 1, "00FF", None, 5, 0),
            ("2", "b", 0, "", "2026-01-02T03:04:05Z", "-1", 0),
        ]
    )
    assert known == SqliteDialect(exists=True)
    assert found == (
        (1, "a", True, b"\x00\xff", "", 5),
        (2, "b", False, b"", "2026-01-02T03:04:05Z", -1),
    )


MARKED = migration(7, "SELECT 1", compatible=True)
MADE = (
    "CREATE TABLE IF NOT EXISTS _sqlx_compatible (\n"
    "    version BIGINT NOT NULL,\n"
    "    checksum BLOB NOT NULL,\n"
    "    PRIMARY KEY (version, checksum)\n"
    ")"
)
ADDED = (
    "INSERT INTO _sqlx_compatible (version, checksum) VALUES (7, "
    f"x'{MARKED.checksum.hex()}') ON CONFLICT DO NOTHING"
)
TAKEN = (
    "DELETE FROM _sqlx_compatible WHERE version = 7 AND checksum = "
    "(SELECT checksum FROM _sqlx_migrations WHERE version = 7)"
)
WITH_MARKS = SqliteDialect(has_marks=True)


def test_a_mark_is_written_right_in_front_of_the_claim() -> None:
    """By the file, by the claim of one without a transaction, and by a skip."""
    for frame in (
        SQLITE.frame(MARKED, Sending(0)),
        SQLITE.claim(MARKED, Sending(0)),
        SQLITE.record(MARKED),
    ):
        assert frame.before[frame.claim - 3 : frame.claim] == (
            "BEGIN IMMEDIATE",
            MADE,
            ADDED,
        )
        assert frame.marks == 2
        assert frame.before[frame.claim].startswith("INSERT INTO _sqlx_migrations")
        assert frame.at_mark(DatabaseError("x", completed=frame.claim - 1))


def test_a_mark_goes_with_its_row() -> None:
    """It is found by the row's checksum, so it goes first; no table, no statement."""
    frame = WITH_MARKS.frame(DOWN, Sending(0))
    assert (frame.before[frame.claim - 1], frame.marks) == (TAKEN, 1)
    assert WITH_MARKS.claim(DOWN, Sending(0)).marks == 0
    assert WITH_MARKS.finish(DOWN).sql.startswith(f"{TAKEN};\nDELETE FROM _sqlx_migr")
    assert WITH_MARKS.unclaim(MARKED).sql.startswith(f"{TAKEN};\nDELETE FROM _sqlx_m")
    for query in (
        SQLITE.finish(DOWN),
        WITH_MARKS.unclaim(UP),
        WITH_MARKS.unclaim(DOWN),
        SQLITE.unclaim(MARKED),
    ):
        assert "_sqlx_compatible" not in query.sql
    assert SQLITE.frame(DOWN, Sending(0)).marks == 0


def test_the_look_tells_whether_there_are_marks() -> None:
    """By each row; an empty history tells nothing, and what was known stays known."""
    row = (1, "a", 1, "00FF", None, 5)
    assert SqliteDialect().seen([(*row, 1)])[0].has_marks
    assert not SqliteDialect().seen([(*row, 0)])[0].has_marks
    assert WITH_MARKS.seen([])[0].has_marks
    assert SqliteDialect().with_marks() == WITH_MARKS
    assert WITH_MARKS.marked() == Query(
        "SELECT +m.version FROM _sqlx_compatible m JOIN _sqlx_migrations h ON "
        "h.version = m.version AND h.checksum = m.checksum"
    )


def test_marks_stand_in_the_file_of_the_history() -> None:
    """Also one that is attached."""
    attached = SqliteDialect("extra.history", has_marks=True)
    assert "(SELECT count(*) FROM extra.sqlite_master WHERE" in attached.look().sql
    assert "INSERT INTO extra._sqlx_compatible " in attached.record(MARKED).opening
    assert "FROM extra._sqlx_compatible m JOIN extra.history h" in attached.marked().sql


def test_the_table_is_made_only_when_it_was_not_seen() -> None:
    """And schemas are looked at each time, as SQLx does."""
    fresh = SqliteDialect(create_schemas=("extra",)).prepare().sql
    assert fresh.startswith("PRAGMA extra.schema_version;\nCREATE TABLE IF NOT EXISTS")
    assert SqliteDialect(exists=True).prepare() == SqliteDialect().look()


def test_a_missing_table_is_told_from_other_errors() -> None:
    """No table, or no file attached by that name."""
    assert SQLITE.has_no_table(DatabaseError("no such table: x"))
    assert SQLITE.has_no_table(DatabaseError("unknown database extra"))
    assert not SQLITE.has_no_table(DatabaseError("no such column: x"))


def test_who_records_the_same_at_once_is_a_race() -> None:
    """Both codes of a duplicate key."""
    assert SQLITE.is_race(DatabaseError("x", code=1555))
    assert SQLITE.is_race(DatabaseError("x", code=2067))
    assert not SQLITE.is_race(DatabaseError("x", code=1299))


def test_only_a_schema_that_was_asked_for_is_missing() -> None:
    """An unknown database elsewhere is the database's own error."""
    dialect = SqliteDialect(create_schemas=("extra",))
    found = dialect.explained(DatabaseError("unknown database extra"))
    assert isinstance(found, CreateSchemasNotSupported)
    assert found.name == "extra"
    for message in ("unknown database other", "disk I/O error"):
        error = DatabaseError(message)
        assert dialect.explained(error) is error


FRAME = Frame(("fk", "BEGIN", "claim"), ("hit", "done", "COMMIT"), lock=-1, claim=2)


@pytest.mark.parametrize(
    ("code", "part", "completed", "expected"),
    [
        (8, 0, 2, Trouble.READ_ONLY),
        (8 | 5 << 8, 1, 3, Trouble.READ_ONLY),
        (5, 0, 1, Trouble.TIMED_OUT),
        (5 | 2 << 8, 1, 3, Trouble.TIMED_OUT),
        (5, 2, 5, Trouble.TIMED_OUT),
        (1555, 0, 2, Trouble.MOVED),
        (2067, 0, 2, Trouble.MOVED),
        (1299, 0, 2, Trouble.MOVED),
        (1299, 0, 1, Trouble.FAILED),
        (1, 0, 2, Trouble.FAILED),
        (1299, 1, 3, Trouble.FAILED),
        (1555, 1, 3, Trouble.FAILED),
        (1299, 2, 4, Trouble.GONE),
        (787, 2, 6, Trouble.FAILED),
        (None, 1, 3, Trouble.FAILED),
    ],
)
def test_an_error_means_what_its_place_says(
    code: int | None, part: int, completed: int, expected: Trouble
) -> None:
    """A constraint that our own statement fails is no error of the file's."""
    error = DatabaseError("x", code=code, part=part, completed=completed)
    assert SQLITE.trouble(error, FRAME) is expected
