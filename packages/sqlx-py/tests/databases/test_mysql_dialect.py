"""The SQL of MySQL: claims that raise, names that hold, and how replies read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support import migration

from sqlx.databases.mysql.dialect import MySqlDialect
from sqlx.databases.mysql.lock import lock_name
from sqlx.databases.mysql.rows import qualified
from sqlx.databases.mysql.session import Before, limits, ours, settings
from sqlx.engine.dialect import Frame, LockKind, Sending, Trouble
from sqlx.engine.steps import Query, Rows
from sqlx.errors import DatabaseError, NotWritable
from sqlx.migrations.migration import Kind, Migration
from sqlx.migrations.statements import Syntax, split

TABLE = "`app`._sqlx_migrations"
APP = "617070"
BEFORE = Before("app", (("sql_mode", "it's \\"), ("autocommit", "0"), ("x", None)))
FRESH = MySqlDialect(mariadb=True)
KNOWN = replace(FRESH, table=TABLE, database="app", exists=True, before=BEFORE)
WITH_MARKS = replace(KNOWN, has_marks=True)
FORGOTTEN = "SET @sqlx_begun = NULL, @sqlx_hit = NULL, @sqlx_kept = NULL"
UP = migration(7, "SELECT 1")
DOWN = migration(7, "SELECT 1", Kind.DOWN)
MARKED = migration(7, "SELECT 1", compatible=True)
NAMED = replace(MARKED, description='it\'s; \\ `x` "é"')
SENDINGS = [Sending(3), Sending(3, 200, tidy=True)]
RESTORED = (
    "SET sql_mode = CONVERT(x'69742773205c' USING utf8mb4), autocommit = 0, x = NULL"
)


def frames(dialect: MySqlDialect, found: Migration) -> list[Frame]:
    """Make every frame of a migration."""
    made = [dialect.frame(found, sending) for sending in SENDINGS]
    return [*made, *(dialect.claim(found, sending) for sending in SENDINGS)]


def test_its_facts() -> None:
    """DDL commits at once, limits are seconds, and a peer may hold no lock."""
    assert KNOWN.syntax is Syntax.MYSQL
    assert KNOWN.lock is LockKind.SESSION
    assert not KNOWN.shares_messages
    assert not KNOWN.transactional_ddl
    assert KNOWN.shortest_limit_ms == 1000
    assert KNOWN.read_only == ""
    assert KNOWN.dirty_grace_seconds == 5.0
    KNOWN.invalid()  # its type says that there is no question


@pytest.mark.parametrize("found", [UP, DOWN, NAMED])
@pytest.mark.parametrize("dialect", [KNOWN, WITH_MARKS])
def test_no_setting_changes_how_a_frame_is_read(
    dialect: MySqlDialect, found: Migration
) -> None:
    """Texts are hex, names stand in backticks, the table is qualified."""
    for frame in frames(dialect, found):
        text = frame.opening + frame.closing
        assert text.isascii()
        assert "\\" not in text
        assert '"' not in text
        assert "_sqlx_migrations" not in text.replace(TABLE, "")
        parts = split(text, Syntax.MYSQL)
        assert parts.certain
        assert len(parts.items) == len(frame.before) + len(frame.after)


@pytest.mark.parametrize("found", [UP, DOWN, MARKED])
def test_a_frame_knows_where_its_claim_is(found: Migration) -> None:
    """It is the last of what stands before the file, and all its checks do, too."""
    for frame in frames(KNOWN, found):
        assert frame.claim == len(frame.before) - 1
        assert frame.lock == -1
        assert "START TRANSACTION" in frame.before
    frame = KNOWN.frame(found, Sending(3))
    assert frame.after[-1] == "COMMIT"


def test_a_file_stands_between_a_claim_and_its_end() -> None:
    """In SQLx's order; the history must have as many rows as were seen."""
    frame = KNOWN.frame(UP, Sending(3, 100))
    limit, clock, *begun = frame.before
    assert limit == "SET lock_wait_timeout = 1, innodb_lock_wait_timeout = 1"
    assert clock == "SET @sqlx_begun = SYSDATE(6)"
    two = "(SELECT 1 FROM (SELECT 1 AS n UNION ALL SELECT 2) AS two WHERE"
    claim = (
        f"INSERT INTO {TABLE} (version, description, installed_on, success, checksum, "
        "execution_time) VALUES (7, CONVERT(x'6d' USING utf8mb4), SYSDATE(), FALSE, "
        f"x'{UP.checksum.hex()}', -1)"
    )
    same = f"SELECT {two} (SELECT count(*) FROM {TABLE}) <> 3)"
    assert begun == ["START TRANSACTION", same, claim]
    elapsed = "TIMESTAMPDIFF(MICROSECOND, @sqlx_begun, SYSDATE(6)) * 1000"
    done = (
        f"UPDATE {TABLE} SET success = TRUE, execution_time = {elapsed} WHERE "
        "version = 7 AND success = FALSE"
    )
    told = (
        f"SELECT 7 AS sqlx_version, (SELECT execution_time FROM {TABLE} WHERE version "
        f"= 7) AS sqlx_execution_time, {two} ROW_COUNT() <> 1) LIMIT 1"
    )
    assert frame.after == (done, told, "COMMIT")


def test_a_revert_stands_between_doubt_and_the_end_of_the_row() -> None:
    """FALSE first, as in SQLx: a crash behind the first DDL leaves it."""
    frame = KNOWN.frame(DOWN, Sending(3))
    assert frame.before[-2].startswith(f"UPDATE {TABLE} SET success = FALSE WHERE")
    assert frame.before[-1].endswith("WHERE ROW_COUNT() <> 1)")
    assert frame.after[0].startswith(f"DELETE FROM {TABLE} WHERE version = 7 AND succ")


def test_what_a_file_left_is_tidied_up_before_the_next() -> None:
    """The session's own settings, then ours."""
    frame = KNOWN.frame(UP, Sending(3, tidy=True))
    assert frame.before[:2] == (RESTORED, "USE `app`")
    assert frame.before[2].startswith("SET sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_")
    assert RESTORED not in KNOWN.frame(UP, Sending(3)).before


def test_a_file_that_runs_alone_may_wait_for_ever() -> None:
    """Its claim may not: a peer could be about to commit the same version."""
    frame = KNOWN.claim(UP, Sending(3))
    assert frame.before[0] == limits(1000)
    assert frame.after == ("COMMIT", limits(0))
    assert limits(0) == (
        "SET lock_wait_timeout = 31536000, innodb_lock_wait_timeout = 100000000"
    )
    assert KNOWN.own_transaction() == Frame(("START TRANSACTION",), ("COMMIT",), -1, -1)


def test_settings_are_those_of_sqlx_and_of_the_url() -> None:
    """UTC unless the URL has another zone, or none; a collation is the URL's alone."""
    modes = "SET sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_CONCAT,NO_ENGINE_SUBSTITUTION"
    limit = "sql_select_limit = 18446744073709551615"
    assert ours(mariadb=True, time_zone="+00:00", collation="") == (
        f"{modes},IGNORE_SPACE'), autocommit = 1, {limit}, max_statement_time = 0, "
        "time_zone = CONVERT(x'2b30303a3030' USING utf8mb4), NAMES utf8mb4"
    )
    assert ours(mariadb=False, time_zone="", collation="utf8mb4_bin") == (
        f"{modes},IGNORE_SPACE'), autocommit = 1, {limit}, max_execution_time = 0, "
        "NAMES utf8mb4 COLLATE utf8mb4_bin"
    )
    assert "tx_isolation" in settings(mariadb=True)
    assert "transaction_isolation" in settings(mariadb=False)


def test_the_lock_is_asked_for_with_all_that_is_to_know() -> None:
    """Its name is made by the server, until the name of the database is known."""
    name = "LOWER(HEX(1026731422 * CRC32(DATABASE())))"
    told = "HEX(CONVERT(DATABASE() USING utf8mb4))"
    assert FRESH.try_lock().sql.startswith(
        f"SELECT GET_LOCK({name}, 0), {told}, @@max_allowed_packet, @@sql_mode, "
    )
    assert KNOWN.try_lock().sql.startswith(f"SELECT GET_LOCK({lock_name('app')}, 0), ")
    off = replace(KNOWN, locking=False)
    assert off.try_lock().sql.startswith(f"SELECT 1, {told}, ")
    assert off.keep_lock() == Query("SELECT 'true'")
    assert off.release() == Query(FORGOTTEN)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("test", "'33c13cc34135e768'"),
        ("smally", "'1e5fff74da775d5e'"),
        ("postgres", "'51e9f9b8b23ab36'"),
        ("naïve", "'32eedf5b8defcaf4'"),
    ],
)
def test_the_lock_is_that_of_sqlx(name: str, expected: str) -> None:
    """The product in hex, without zeros in front (migrations.md 3.1)."""
    assert lock_name(name) == expected


def lock_reply(granted: str | None, database: str | None = "app") -> Rows:
    """Reply to `try_lock`."""
    values = [str(number) for number, _ in enumerate(settings(mariadb=True))]
    name = None if database is None else database.encode().hex()
    return [(granted, name, "1024", *values)]


def test_the_lock_s_reply_is_read() -> None:
    """1 is granted, 0 is not; what the session was is kept from the first."""
    known, granted = FRESH.locked(lock_reply("1"))
    assert granted is True
    assert (known.database, known.table) == ("app", TABLE)
    assert known.message_bytes == 1024
    assert known.before is not None
    assert known.before.values[:2] == (("sql_mode", "0"), ("autocommit", "1"))
    again, granted = KNOWN.locked(lock_reply("0", "elsewhere"))
    assert granted is False
    assert again == replace(KNOWN, message_bytes=1024)


def test_a_lock_that_cannot_be_had_is_an_error() -> None:
    """NULL is the server's error, and without a database there is no name."""
    with pytest.raises(DatabaseError, match="no answer to GET_LOCK"):
        FRESH.locked(lock_reply(None))
    with pytest.raises(DatabaseError, match="no database is selected; name one in"):
        FRESH.locked(lock_reply("1", None))


def test_the_holder_is_named() -> None:
    """Without the right to see others, by the number alone."""
    assert KNOWN.holder_words([("5", "ann", "h:1", "Query", "3")]) == (
        "connection 5, user ann, from h:1, Query for 3 s"
    )
    assert KNOWN.holder_words([("5", None, None, None, None)]) == "connection 5"
    assert KNOWN.holder_words([]) == ""
    assert f"IS_USED_LOCK({lock_name('app')})" in KNOWN.holder().sql
    assert "CONNECTION_ID()" in KNOWN.keep_lock().sql


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("5.5.5-10.11.14-MariaDB-0+deb12u2", "information_schema.processlist"),
        ("8.0.22", "performance_schema.processlist"),
        ("9.7.0-log", "performance_schema.processlist"),
        ("8.0.21", None),
        ("8.0.mysql_aurora.3.04.0", None),
    ],
)
def test_a_server_without_the_list_of_sessions_is_not_asked_for_it(
    server: str, expected: str | None
) -> None:
    """MySQL has it from 8.0.22 on; the number of the connection is told by all."""
    found = MySqlDialect.of(server)
    assert found.mariadb is ("MariaDB" in server)
    sql = found.holder().sql
    assert "IS_USED_LOCK(" in sql
    assert ("processlist" in sql) is (expected is not None)
    assert (expected or "") in sql


def test_all_is_given_back_in_the_end() -> None:
    """The lock first; the settings of a user's session, those of ours end with it."""
    free = f"DO RELEASE_LOCK({lock_name('app')})"
    assert KNOWN.release() == Query(f"{free};\n{FORGOTTEN}")
    given = replace(KNOWN, owned=False)
    assert given.release() == Query(f"{free};\n{FORGOTTEN};\n{RESTORED};\nUSE `app`")
    assert replace(FRESH, owned=False).release().sql.endswith(f";\n{FORGOTTEN}")


def test_the_table_is_made_only_when_it_was_not_seen() -> None:
    """Schemas first, each time, as SQLx does."""
    fresh = replace(FRESH, create_schemas=("`a`", "b")).prepare().sql
    made = [line for line in fresh.split(";\n") if line.startswith("CREATE")]
    assert made[:2] == [
        "CREATE SCHEMA IF NOT EXISTS `a`",
        "CREATE SCHEMA IF NOT EXISTS b",
    ]
    assert made[2].startswith("CREATE TABLE IF NOT EXISTS _sqlx_migrations (")
    assert "CREATE" not in KNOWN.prepare().sql


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("_sqlx_migrations", "`a``b`._sqlx_migrations"),
        (" `my.own` ", "`a``b`.`my.own`"),
        ("ops.history", "ops.history"),
        ("`o.p`.`h`", "`o.p`.`h`"),
        ("not a name", "not a name"),
    ],
)
def test_a_table_is_qualified_once(table: str, expected: str) -> None:
    """What the configuration says stays as it is written."""
    assert qualified(table, "a`b") == expected


def test_the_look_finds_table_and_marks_where_they_are() -> None:
    """In the database of the session, or in the one that the table's name has."""
    assert "t.table_schema = DATABASE() AND" in FRESH.look().sql
    elsewhere = replace(FRESH, table="`o``p`.h").look().sql
    assert "t.table_schema = CONVERT(x'6f6070' USING utf8mb4) AND" in elsewhere
    assert "t.table_name = CONVERT(x'68' USING utf8mb4)" in elsewhere
    assert replace(FRESH, table="ops.h").marks == "ops._sqlx_compatible"
    assert KNOWN.marked() == Query(
        f"SELECT m.version FROM `app`._sqlx_compatible m JOIN {TABLE} h ON "
        "h.version = m.version AND h.checksum = m.checksum LIMIT 18446744073709551615"
    )


def test_a_history_reads_as_it_was_written() -> None:
    """Numbers, hex and seconds become values; an empty one tells of the session."""
    told = (APP, "BASE TABLE", "1")
    known, found = FRESH.seen(
        [
            (*told, "1", "C3A9", "1", "00FF", None, "5"),
            (*told, "2", "62", "0", "", "1767323045.000000", "-1"),
        ]
    )
    assert (known.table, known.exists, known.has_marks) == (TABLE, True, True)
    assert found == (
        (1, "é", True, b"\x00\xff", "", 5),
        (2, "b", False, b"", "2026-01-02T03:04:05Z", -1),
    )
    empty = [(APP, None, "0", None, None, None, None, None, None)]
    known, found = FRESH.seen(empty)
    assert (known.has_marks, found) == (False, ())


def test_what_is_no_table_cannot_be_the_history() -> None:
    """A view, above all."""
    reply = [(APP, "VIEW", "0", None, None, None, None, None, None)]
    with pytest.raises(DatabaseError) as caught:
        FRESH.seen(reply)
    assert str(caught.value) == (
        "_sqlx_migrations is not a table, so it cannot be the history of migrations; "
        "rename it, or choose another table name"
    )


def test_a_mark_is_written_in_the_claim_s_transaction() -> None:
    """Its table is made before: making it would commit."""
    for frame in (
        KNOWN.frame(MARKED, Sending(0)),
        KNOWN.claim(MARKED, Sending(0)),
        KNOWN.record(MARKED),
    ):
        made = frame.before.index(
            "CREATE TABLE IF NOT EXISTS `app`._sqlx_compatible (version BIGINT, "
            "checksum VARBINARY(48), PRIMARY KEY (version, checksum))"
        )
        assert frame.before[made + 1] == "START TRANSACTION"
        assert frame.before[made + 2] == (
            "INSERT INTO `app`._sqlx_compatible (version, checksum) VALUES (7, "
            f"x'{MARKED.checksum.hex()}') ON DUPLICATE KEY UPDATE version = version"
        )
        assert frame.at_mark(DatabaseError("x", completed=made))
    assert WITH_MARKS.record(MARKED).before[0] == "START TRANSACTION"
    assert KNOWN.record(UP).marks == 0


def test_a_mark_goes_with_its_row() -> None:
    """Found by the row's checksum, so right in front of it; no table, no statement."""
    gone = (
        "DELETE FROM `app`._sqlx_compatible WHERE version = 7 AND checksum = "
        f"(SELECT checksum FROM {TABLE} WHERE version = 7)"
    )
    assert WITH_MARKS.frame(DOWN, Sending(0)).after[0] == gone
    assert WITH_MARKS.finish(DOWN).sql.startswith(
        f"START TRANSACTION READ WRITE;\n{gone}"
    )
    assert WITH_MARKS.unclaim(MARKED).sql.startswith(
        f"START TRANSACTION;\n{gone};\nDELETE FROM"
    )
    for query in (
        KNOWN.finish(DOWN),
        WITH_MARKS.unclaim(UP),
        WITH_MARKS.unclaim(DOWN),
        KNOWN.unclaim(MARKED),
    ):
        assert "_sqlx_compatible" not in query.sql
    assert KNOWN.with_marks() == WITH_MARKS


def test_a_row_is_made_what_it_was() -> None:
    """A claim goes; what a down file had claimed is TRUE again."""
    assert KNOWN.unclaim(UP) == Query(
        f"START TRANSACTION;\nDELETE FROM {TABLE} WHERE version = 7 AND success = "
        "FALSE;\nCOMMIT"
    )
    assert KNOWN.unclaim(DOWN) == Query(
        f"START TRANSACTION;\nUPDATE {TABLE} SET success = TRUE WHERE version = 7 AND "
        "success = FALSE;\nCOMMIT"
    )
    assert KNOWN.mark_dirty(UP).sql.endswith(
        "ON DUPLICATE KEY UPDATE success = FALSE;\nCOMMIT"
    )


@pytest.mark.parametrize(
    ("found", "elapsed"), [(UP, "(SELECT execution_"), (DOWN, "0")]
)
def test_the_end_of_a_file_that_ran_alone_is_committed(
    found: Migration, elapsed: str
) -> None:
    """Whatever the file did to `autocommit`; a row in the reply when it was there."""
    *record, hit, commit, told = KNOWN.finish(found).sql.split(";\n")
    assert record[0] == "START TRANSACTION READ WRITE"
    assert (hit, commit) == ("SET @sqlx_hit = ROW_COUNT()", "COMMIT")
    assert told.startswith(f"SELECT 7, {elapsed}")
    assert told.endswith("WHERE @sqlx_hit = 1 LIMIT 1")


def test_a_missing_table_is_told_from_other_errors() -> None:
    """No table, or no database of that name."""
    assert KNOWN.has_no_table(DatabaseError("x", code=1146))
    assert KNOWN.has_no_table(DatabaseError("x", code=1049))
    assert not KNOWN.has_no_table(DatabaseError("x", code=1054))


def test_who_makes_the_same_at_once_is_a_race() -> None:
    """A duplicate, a deadlock, a wait."""
    for code in (1062, 1205, 1213):
        assert KNOWN.is_race(DatabaseError("x", code=code))
    assert not KNOWN.is_race(DatabaseError("x", code=1142))


def test_a_server_that_may_only_be_read_is_told() -> None:
    """Of the errors about options, the one about this option."""
    for error in (
        DatabaseError("running with the --read-only option", code=1290),
        DatabaseError("in a READ ONLY transaction", code=1792),
    ):
        assert isinstance(KNOWN.explained(error), NotWritable)
    for error in (
        DatabaseError("running with the --secure-file-priv option", code=1290),
        DatabaseError("CREATE command denied", code=1142),
    ):
        assert KNOWN.explained(error) is error


FRAME = Frame(
    ("limits", "START TRANSACTION", "same", "claim"), ("done", "told", "COMMIT"), -1, 3
)


@pytest.mark.parametrize(
    ("code", "part", "completed", "expected"),
    [
        (1836, 0, 3, Trouble.READ_ONLY),
        (1242, 0, 2, Trouble.MOVED),
        (1062, 0, 3, Trouble.MOVED),
        (1205, 0, 3, Trouble.LOCKED),
        (1213, 0, 3, Trouble.LOCKED),
        (1146, 0, 2, Trouble.FAILED),
        (1205, 1, 4, Trouble.BUSY),
        (1213, 1, 5, Trouble.BUSY),
        (1242, 1, 4, Trouble.FAILED),
        (1062, 1, 4, Trouble.FAILED),
        (1836, 1, 4, Trouble.FAILED),
        (1242, 2, 6, Trouble.GONE),
        (1213, 2, 7, Trouble.BUSY),
        (1100, 2, 5, Trouble.FAILED),
    ],
)
def test_an_error_means_what_its_place_says(
    code: int, part: int, completed: int, expected: Trouble
) -> None:
    """A check that our own statement fails is no error of the file's."""
    error = DatabaseError("x", code=code, part=part, completed=completed)
    assert KNOWN.trouble(error, FRAME) is expected
