"""The SQL of PostgreSQL: what no file can change, and how replies and errors read."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support import DIALECT, TABLE, history_reply, lock_reply, migration

from sqlx.databases.postgres.session import Before, literal, ours
from sqlx.engine.dialect import Frame, LockKind, Sending, Trouble
from sqlx.engine.steps import Query
from sqlx.errors import DatabaseError
from sqlx.migrations.migration import Kind, Migration

if TYPE_CHECKING:
    from sqlx.databases.postgres.dialect import PostgresDialect

KNOWN = replace(DIALECT, table=TABLE, exists=True, pooled=False)
POOLED = replace(KNOWN, pooled=True)
BEFORE = Before("low", "ann", (("search_path", "it's \\ mine"), ("TimeZone", "UTC")))
GIVEN = replace(KNOWN, owned=False, before=BEFORE)
UP = migration(7, "SELECT 1")
DOWN = migration(7, "SELECT 1", Kind.DOWN)
SENDINGS = [Sending(3), Sending(3, 100, durable=False), Sending(3, 200, tidy=True)]
WITH_MARKS = replace(KNOWN, has_marks=True)
MARKED = migration(7, "SELECT 1", compatible=True)
NAMED = replace(UP, description='it\'s; \\ $x$ "é"')


def frames(dialect: PostgresDialect, found: Migration) -> list[Frame]:
    """Make every frame of a migration."""
    made = [dialect.frame(found, sending) for sending in SENDINGS]
    return [*made, dialect.claim(found, SENDINGS[0]), dialect.own_transaction()]


@pytest.mark.parametrize("dialect", [KNOWN, POOLED, GIVEN])
@pytest.mark.parametrize("found", [NAMED, DOWN, MARKED])
def test_what_stands_behind_a_file_has_no_quote(
    dialect: PostgresDialect, found: Migration
) -> None:
    """So a quote that the file leaves open is named where it was opened."""
    for frame in frames(dialect, found):
        assert "'" not in frame.closing
        assert '"' not in frame.closing
        assert frame.closing.isascii()


@pytest.mark.parametrize("dialect", [KNOWN, POOLED, GIVEN, WITH_MARKS])
@pytest.mark.parametrize("found", [NAMED, DOWN, MARKED])
def test_no_setting_changes_how_a_frame_is_read(
    dialect: PostgresDialect, found: Migration
) -> None:
    """No backslash, no letter outside ASCII, no name of ours that is not qualified."""
    for frame in frames(dialect, found):
        text = frame.opening + frame.closing
        assert "\\" not in text
        assert text.isascii()
        called = re.findall(r"([a-z_.0-9]+)\(", text)
        unqualified = {name for name in called if not name.startswith("pg_catalog.")}
        assert unqualified <= {"b", "_sqlx_migrations", TABLE}  # b(name, value)


def test_a_frame_knows_where_its_lock_and_its_claim_are() -> None:
    """By these places an error is judged."""
    for dialect in (KNOWN, POOLED, GIVEN):
        for sending in SENDINGS:
            for found in (UP, DOWN):
                frame = dialect.frame(found, sending)
                assert "pg_try_advisory_xact_lock" in frame.before[frame.lock]
                assert TABLE in frame.before[frame.claim]
                assert frame.claim == len(frame.before) - 1
                assert frame.after[-1] == "COMMIT"
                assert f"SET LOCAL lock_timeout = {sending.limit_ms}" in frame.before


def test_only_the_last_commit_of_a_message_waits_for_the_disk() -> None:
    """The others say so in their own transaction."""
    off = "SET LOCAL synchronous_commit = off"
    assert off in KNOWN.frame(UP, Sending(0, durable=False)).before
    assert off not in KNOWN.frame(UP, Sending(0)).before


def test_tidying_up_is_a_transaction_of_its_own() -> None:
    """All of DISCARD ALL but the unlock on our connection; the user's own on his."""
    tidy = KNOWN.frame(UP, Sending(0, tidy=True)).before
    assert tidy[:8] == (
        "BEGIN",
        "CLOSE ALL",
        "RESET SESSION AUTHORIZATION",
        "RESET ROLE",
        "RESET ALL",
        "DEALLOCATE ALL",
        "UNLISTEN *",
        "DISCARD TEMP",
    )
    assert tidy[tidy.index("COMMIT") + 1] == "BEGIN"
    assert tidy.count("BEGIN") == 2
    given = GIVEN.frame(UP, Sending(0, tidy=True)).before
    assert given[: 1 + len(list(BEFORE.restore()))] == ("BEGIN", *BEFORE.restore())
    assert not {"DISCARD TEMP", "UNLISTEN *", "DEALLOCATE ALL", "CLOSE ALL"} & {*given}


def test_behind_a_pooler_nothing_is_set_for_the_session() -> None:
    """Only SET LOCAL, in the transaction; and no session's lock."""
    for frame in (
        POOLED.frame(UP, Sending(0, tidy=True)),
        POOLED.claim(UP, Sending(0)),
    ):
        sets = [text for text in frame.before if text.startswith("SET")]
        assert sets
        assert all(text.startswith("SET LOCAL ") for text in sets)
        assert "pg_try_advisory_lock" not in frame.opening
    assert "SET " not in POOLED.prepare().sql
    assert POOLED.release() == Query("SELECT 1")
    assert POOLED.lock is LockKind.TRANSACTION
    fresh = replace(POOLED, exists=False)
    assert "pg_try_advisory_xact_lock" in fresh.prepare().sql


def test_a_guarded_claim_takes_no_lock() -> None:
    """The second connection has it."""
    frame = POOLED.claim(UP, Sending(0, guarded=True))
    assert frame.lock == -1
    assert "advisory" not in frame.opening


def test_without_locking_no_lock_is_asked_for() -> None:
    """`locking=False`: for databases that have none."""
    free = replace(KNOWN, locking=False)
    assert free.frame(UP, Sending(0)).lock == -1
    texts = [free.try_lock().sql, free.keep_lock().sql, free.release().sql]
    texts += [frame.opening for frame in frames(free, UP)]
    assert not any("advisory" in text for text in texts)
    assert free.keep_lock() == Query("SELECT 'true'")


def test_old_servers_are_not_asked_for_what_they_do_not_know() -> None:
    """`idle_session_timeout` is PostgreSQL 14's, `transaction_timeout` 17's."""

    def known(version: int, scope: str = "") -> str:
        return "\n".join(ours(version, scope))

    assert "transaction_timeout" in known(170000)
    assert " transaction_timeout" not in known(169999)
    assert "idle_session_timeout" in known(140000)
    assert "client_connection_check_interval" in known(140000)
    assert "idle_session_timeout" not in known(139999)
    assert "client_connection_check_interval" not in known(139999)
    local = known(180000, "LOCAL")
    assert "tcp_keepalives" not in local
    assert "SET LOCAL TimeZone = 'UTC'" in local


def test_settings_are_those_of_sqlx() -> None:
    """The first three are what SQLx sets on every connection (migrations.md 9.4)."""
    assert [text.split(None, 1)[1] for text in ours(180000)[:3]] == [
        "TimeZone = 'UTC'",
        "DateStyle = 'ISO, MDY'",
        "extra_float_digits = 2",
    ]


def test_a_literal_is_hex() -> None:
    """Any text, and nothing in it is read by the server."""
    assert literal("é'") == (
        "pg_catalog.convert_from(pg_catalog.decode($sqlx$c3a927$sqlx$, "
        "$sqlx$hex$sqlx$), $sqlx$UTF8$sqlx$)"
    )


def test_the_session_tells_what_it_is() -> None:
    """The lock's reply: pid, database, table, read-only, how literals are read."""
    known, granted = DIALECT.locked(lock_reply())
    assert granted is True
    assert (known.pooled, known.table, known.exists) == (False, TABLE, True)
    assert (known.read_only, known.shares_messages) == ("", True)
    known, granted = DIALECT.locked(lock_reply("false", read_only="on", standard="off"))
    assert granted is False
    assert known.read_only == "transaction_read_only is on"
    assert not known.shares_messages


def test_what_is_said_of_a_pooler_goes_before_what_is_seen() -> None:
    """`?pooled=` overrides the pids."""
    direct = replace(DIALECT, pooled=False)
    assert direct.locked(lock_reply(pid=99))[0].pooled is False
    assert POOLED.locked(lock_reply())[0].pooled is True


def test_a_user_s_connection_is_asked_what_it_is_set_to() -> None:
    """Once: what a file changes later is not taken for the user's."""
    given = replace(DIALECT, owned=False)
    assert "pg_settings" in given.try_lock().sql
    assert "pg_settings" not in DIALECT.try_lock().sql

    def reply(user: str, settings: str) -> list[tuple[str, ...]]:
        told = f'{{"role": "low", "user": "{user}", "settings": {settings}}}'
        return [("true", "7", "test", TABLE, "off", "on", told)]

    known, _ = given.locked(reply("ann", '{"TimeZone": "UTC"}'))
    assert known.before == Before("low", "ann", (("TimeZone", "UTC"),))
    again, _ = known.locked(reply("bob", "null"))
    assert again.before == known.before
    nothing, _ = given.locked(reply("ann", "null"))
    assert nothing.before == Before("low", "ann", ())
    assert "pg_advisory_unlock" in nothing.release().sql


def test_a_history_reads_as_it_was_written() -> None:
    """Hex and words become values."""
    _, found = DIALECT.seen(history_reply(UP, dirty=migration(8)))
    assert found == (
        (7, "m", True, UP.checksum, "", 5),
        (8, "m", False, migration(8).checksum, "", 5),
    )
    assert DIALECT.seen(history_reply())[1] == ()


MARKS = "public._sqlx_compatible"
MADE = (
    f"CREATE TABLE IF NOT EXISTS {MARKS} (version pg_catalog.int8, checksum "
    "pg_catalog.bytea, PRIMARY KEY (version, checksum))"
)
ADDED = (
    f"INSERT INTO {MARKS} (version, checksum) VALUES (7, pg_catalog.decode("
    f"'{MARKED.checksum.hex()}', 'hex')) ON CONFLICT DO NOTHING"
)
EQ = "OPERATOR(pg_catalog.=)"
TAKEN = (
    f"DELETE FROM {MARKS} m WHERE m.version {EQ} 7 AND EXISTS (SELECT FROM {TABLE} h "
    f"WHERE h.version {EQ} m.version AND h.checksum {EQ} m.checksum)"
)


def test_a_mark_is_written_right_in_front_of_the_claim() -> None:
    """Its table is made with the first, in the schema of the history."""
    for frame in (KNOWN.frame(MARKED, Sending(0)), KNOWN.claim(MARKED, Sending(0))):
        assert frame.before[frame.claim - 2 : frame.claim] == (MADE, ADDED)
        assert (frame.marks, frame.claim) == (2, len(frame.before) - 1)
        assert "pg_try_advisory_xact_lock" in frame.before[frame.lock]
    known = WITH_MARKS.frame(MARKED, Sending(0))
    assert (known.before[known.claim - 1], known.marks) == (ADDED, 1)
    assert MADE not in known.before
    assert KNOWN.with_marks() == WITH_MARKS
    assert KNOWN.frame(UP, Sending(0)).marks == 0


def test_a_skip_writes_the_mark_too() -> None:
    """Mark and row are one transaction."""
    frame = KNOWN.record(MARKED)
    assert frame.before[:3] == ("BEGIN", MADE, ADDED)
    assert frame.before[3].startswith(f"INSERT INTO {TABLE} ")
    assert (frame.after, frame.claim, frame.marks) == (("COMMIT",), 3, 2)


def test_a_mark_goes_with_its_row() -> None:
    """It is found by the row's checksum, so it goes first; no table, no statement."""
    frame = WITH_MARKS.frame(DOWN, Sending(0))
    assert (frame.before[frame.claim - 1], frame.marks) == (TAKEN, 1)
    assert WITH_MARKS.claim(DOWN, Sending(0)).marks == 0
    assert TAKEN in WITH_MARKS.finish(DOWN).sql
    assert WITH_MARKS.unclaim(MARKED).sql.startswith(f"{TAKEN};\nDELETE FROM {TABLE} ")
    for query in (
        KNOWN.finish(DOWN),
        WITH_MARKS.finish(MARKED),
        WITH_MARKS.unclaim(UP),
        WITH_MARKS.unclaim(DOWN),
        KNOWN.unclaim(MARKED),
    ):
        assert MARKS not in query.sql
    assert MARKS not in KNOWN.frame(DOWN, Sending(0)).opening


def test_the_look_tells_whether_there_are_marks() -> None:
    """And what is marked is one question."""
    assert DIALECT.seen(history_reply(marks="true"))[0].has_marks
    assert not WITH_MARKS.seen(history_reply())[0].has_marks
    assert WITH_MARKS.marked() == Query(
        f"SELECT m.version::pg_catalog.text FROM {MARKS} m JOIN {TABLE} h ON h.version "
        f"{EQ} m.version AND h.checksum {EQ} m.checksum"
    )


@pytest.mark.parametrize(
    ("sqlstate", "expected"),
    [
        ("23505", Trouble.MOVED),
        ("42P07", Trouble.MOVED),
        ("55P03", Trouble.LOCKED),
        ("42501", Trouble.FAILED),
        ("25006", Trouble.READ_ONLY),
    ],
)
def test_an_error_at_the_mark_is_no_error_of_the_files(
    sqlstate: str, expected: Trouble
) -> None:
    """Two may make the table at once: look again."""
    frame = KNOWN.frame(MARKED, Sending(0))
    error = DatabaseError("x", sqlstate=sqlstate, completed=frame.claim - 2)
    assert frame.at_mark(error)
    assert KNOWN.trouble(error, frame) is expected
    for index in (frame.lock, frame.claim, frame.claim + 1):
        assert not frame.at_mark(DatabaseError("x", completed=index))


@pytest.mark.parametrize("kind", ["v", "m", "f"])
def test_what_is_no_table_is_refused(kind: str) -> None:
    """A view, a materialised one, a foreign table."""
    reply = [("7", "test", TABLE, kind, "off", "false", *[None] * 6)]
    with pytest.raises(DatabaseError) as caught:
        DIALECT.seen(reply)
    assert str(caught.value) == (
        f"{TABLE} is not a table, so it cannot be the history of migrations; rename it,"
        " or choose another table name"
    )


def test_a_holder_is_named_with_all_that_is_known() -> None:
    """Pid, user, application, address, state; what is not known is left out."""
    known = [("42", "ann", "sqlx", "10.0.0.1/32", "active", "2026-01-02 03:04:05 UTC")]
    assert DIALECT.holder_words(known) == (
        "pid 42, user ann, sqlx, from 10.0.0.1/32, active since 2026-01-02 03:04:05 UTC"
    )
    assert DIALECT.holder_words([("42", "ann", "", None, None, None)]) == (
        "pid 42, user ann"
    )
    assert DIALECT.holder_words([]) == ""


@pytest.mark.parametrize(
    ("sqlstate", "expected"),
    [
        ("42P01", True),
        ("3F000", True),
        ("42501", False),
        (None, False),
    ],
)
def test_a_missing_table_is_told_from_other_errors(
    sqlstate: str | None, *, expected: bool
) -> None:
    """No table, or no schema for it."""
    assert DIALECT.has_no_table(DatabaseError("x", sqlstate=sqlstate)) is expected


@pytest.mark.parametrize("sqlstate", ["23505", "42P07", "42710", "42P06", "2201E"])
def test_who_makes_the_same_at_once_is_a_race(sqlstate: str) -> None:
    """Also the transaction's lock that another one has."""
    assert DIALECT.is_race(DatabaseError("x", sqlstate=sqlstate))
    assert not DIALECT.is_race(DatabaseError("x", sqlstate="42501"))
    error = DatabaseError("x")
    assert DIALECT.explained(error) is error


FRAME = Frame(("BEGIN", "limit", "lock", "claim"), ("done", "COMMIT"), lock=2, claim=3)


@pytest.mark.parametrize(
    ("sqlstate", "part", "completed", "expected"),
    [
        ("25006", None, 3, Trouble.READ_ONLY),
        ("25006", 1, 4, Trouble.READ_ONLY),
        ("2201E", None, 2, Trouble.LOCKED),
        ("2201E", None, 3, Trouble.MOVED),
        ("23505", None, 3, Trouble.MOVED),
        ("23505", None, 2, Trouble.FAILED),
        ("23505", None, 4, Trouble.FAILED),
        ("23505", 1, 0, Trouble.FAILED),
        ("2201E", None, 5, Trouble.GONE),
        ("2201E", 1, 4, Trouble.GONE),
        ("55P03", None, 3, Trouble.LOCKED),
        ("40P01", None, 3, Trouble.LOCKED),
        ("40001", None, 3, Trouble.LOCKED),
        ("55P03", None, 4, Trouble.BUSY),
        ("40P01", None, 5, Trouble.BUSY),
        ("40001", 1, 4, Trouble.BUSY),
        ("42601", 1, 0, Trouble.FAILED),
        ("42501", None, 3, Trouble.FAILED),
        (None, None, 0, Trouble.FAILED),
    ],
)
def test_an_error_means_what_its_place_says(
    sqlstate: str | None, part: int | None, completed: int, expected: Trouble
) -> None:
    """Not every 23505 is a race, nor every 55P03 a busy table."""
    error = DatabaseError("x", sqlstate=sqlstate, part=part, completed=completed)
    assert KNOWN.trouble(error, FRAME) is expected
