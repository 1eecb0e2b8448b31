"""Whatever a file does to its session, the history and the next file are safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from faults.laws import history, holders, put
from faults.proxy import Fault, Moment
from faults.starters import Starter, migrate

import sqlx
from sqlx.databases.postgres.advisory import lock_key

if TYPE_CHECKING:
    from pathlib import Path

    from faults.proxy import Proxy
    from faults.servers import Database

doors = pytest.mark.parametrize(
    "door", ["url", "connection", pytest.param("pooled", marks=pytest.mark.slow)]
)

# Each is followed by a file that writes rows, and by two that share a message.
RUDE = {
    "search_path": "CREATE SCHEMA app; SET search_path = app;",
    "no search_path": "SELECT pg_catalog.set_config('search_path', '', false);",
    "decoy": "CREATE SCHEMA app; CREATE TABLE app._sqlx_migrations (LIKE"
    " public._sqlx_migrations); SET search_path = app;",
    "role": "CREATE ROLE low; SET ROLE low;",
    "user": "CREATE ROLE lower; SET SESSION AUTHORIZATION lower;",
    "time zone": "SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German';",
    "timeouts": "SET statement_timeout = '1h'; SET lock_timeout = 1;",
    "short": "SET statement_timeout = '100ms'; SET transaction_timeout = '1h';",
    "read-only": "SET default_transaction_read_only = on;",
    "isolation": "SET default_transaction_isolation = 'serializable';",
    "strings": "SET standard_conforming_strings = off; SET backslash_quote = on;",
    "encoding": "SET client_encoding = 'LATIN1';",
    "replica": "SET session_replication_role = replica;",
    "unlock": "SELECT pg_advisory_unlock_all();",
    "reset": "RESET ALL; DEALLOCATE ALL; CLOSE ALL; UNLISTEN *;",
    "leftovers": "PREPARE p AS SELECT 1; LISTEN l; CREATE TEMP TABLE x (id INT);",
    "cursor": "DECLARE c CURSOR WITH HOLD FOR SELECT 1;",
    "commit": "CREATE TABLE a (id INT); COMMIT;",
    "commit and begin": "CREATE TABLE a (id INT); COMMIT; BEGIN; SELECT 1;",
    "rollback": "CREATE TABLE a (id INT); ROLLBACK; CREATE TABLE a (id INT);",
    "discard": "-- no-transaction\nDISCARD ALL;",
    "loose": "-- no-transaction\nSET search_path = ''; SET ROLE pg_monitor;"
    " SELECT pg_catalog.pg_advisory_unlock_all(); SET statement_timeout = '50ms';"
    " SET default_transaction_read_only = on;",
}
AFTER = r"""
CREATE TABLE after (word TEXT);
INSERT INTO after VALUES ('back\slash'), ('übel');
SELECT pg_sleep(0.15);
"""
# Roles belong to the whole server.
ROLES = "DROP ROLE IF EXISTS low; DROP ROLE IF EXISTS lower;"


@pytest.mark.slow
@doors
@pytest.mark.parametrize("rude", RUDE)
def test_a_rude_file(
    database: Database,
    tmp_path: Path,
    rude: str,
    door: str,
    request: pytest.FixtureRequest,
) -> None:
    """The history is kept, and the files that follow run as ever (T5, T7 to T10)."""
    files = {
        "1_rude.sql": RUDE[rude],
        "2_after.sql": AFTER,
        "3_share.sql": "CREATE VIEW view_3 AS SELECT * FROM after;",
        "4_share.sql": "CREATE VIEW view_4 AS SELECT * FROM after;",
    }
    if rude == "decoy":
        files |= {"0_first.sql": "SELECT 1;"}
    migrator = sqlx.Migrator(put(tmp_path / "m", files))
    database.ask(ROLES)
    through = request.getfixturevalue("pooled") if door == "pooled" else database
    if door == "connection":
        with through.connect() as connection:
            migrator.run(connection)
    else:
        migrator.run(through.url)
    table = "public._sqlx_migrations"
    rows = database.ask(f"SELECT version FROM {table} WHERE success ORDER BY version")
    assert rows == [(n,) for n in range(5) if n or rude == "decoy"]
    assert database.ask("SELECT word FROM public.after ORDER BY word") == [
        ("back\\slash",),
        ("übel",),
    ]
    owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'after'"
    assert database.ask(owner) == [("postgres",)]
    assert holders(database) == []
    assert migrator.run(database.url).applied == ()
    database.ask(ROLES)


def test_a_connection_with_another_encoding(database: Database, tmp_path: Path) -> None:
    """A connection of the user's may speak another encoding, and still does then."""
    files = {"1_für.sql": AFTER}
    migrator = sqlx.Migrator(put(tmp_path / "m", files))
    with psycopg.connect(database.url, client_encoding="LATIN1") as connection:
        migrator.run(connection)
        assert migrator.run(connection).applied == ()
        assert [row.description for row in migrator.info(connection).rows] == ["für"]
        assert connection.info.parameter_status("client_encoding") == "LATIN1"
    word = "SELECT word FROM after WHERE word = 'übel'"
    assert database.ask(word) == [("übel",)]
    assert database.ask("SELECT description FROM _sqlx_migrations") == [("für",)]


def test_the_table_may_lie_elsewhere(database: Database, tmp_path: Path) -> None:
    """A history in a schema that is not first in the path is found, and kept (T5)."""
    migrator = sqlx.Migrator(put(tmp_path / "m", {"1_first.sql": "SELECT 1;"}))
    migrator.run(database.url)
    database.ask("CREATE SCHEMA app")
    path = f"ALTER DATABASE {database.name} SET search_path = app, public"
    database.ask(path)
    put(tmp_path / "m", {"2_second.sql": "CREATE TABLE second (id INT);"})
    migrator = sqlx.Migrator(tmp_path / "m")
    assert [m.version for m in migrator.run(database.url).applied] == [2]
    assert migrator.info(database.url).table == "public._sqlx_migrations"
    found = database.ask(
        "SELECT relnamespace::regnamespace::text FROM pg_class WHERE"
        " relname IN ('_sqlx_migrations', 'second') ORDER BY relname"
    )
    assert found == [("public",), ("app",)]


def test_a_table_in_the_users_own_schema(database: Database, tmp_path: Path) -> None:
    """The table that is used is named with its schema, "$user" before public (T6)."""
    migrator = sqlx.Migrator(put(tmp_path / "m", {"1_first.sql": "SELECT 1;"}))
    migrator.run(database.url)
    assert migrator.info(database.url).table == "public._sqlx_migrations"
    database.ask("CREATE SCHEMA postgres")
    database.ask("CREATE TABLE postgres._sqlx_migrations (LIKE _sqlx_migrations)")
    info = migrator.info(database.url)
    assert info.table == "postgres._sqlx_migrations"
    assert [row.state for row in info.rows] == [sqlx.State.PENDING]


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("CREATE TABLE a (id INT);\nCOMMIT;\nCREATE TABLE b (id INT);", "COMMIT"),
        ("CREATE TABLE a (id INT); COMMIT; BEGIN; CREATE TABLE b (id INT);", "COMMIT"),
        ("ROLLBACK; CREATE TABLE a (id INT); CREATE TABLE b (id INT);", "ROLLBACK"),
    ],
)
def test_a_file_that_commits(
    database: Database, tmp_path: Path, sql: str, word: str
) -> None:
    """A file with transaction control is applied, as in SQLx, with a warning (T7)."""
    directory = put(tmp_path / "m", {"1_own.sql": sql})
    report = sqlx.Migrator(directory).run(database.url)
    line = sql[: sql.index(word)].count("\n") + 1
    assert [str(warning) for warning in report.warnings] == [
        (
            f"{directory}/1_own.sql:{line}: {word} ends or begins a transaction, so the"
            " migration and its history row are not one unit; remove it (a migration"
            " runs in a transaction), or begin the file with -- no-transaction"
        )
    ]
    assert history(database) == {1: True}
    assert database.ask(
        "SELECT to_regclass('a') IS NULL, to_regclass('b') IS NULL"
    ) == [(False, False)]


@pytest.mark.parametrize(
    ("sql", "kept", "recorded"),
    [
        ("CREATE TABLE a (id INT); COMMIT; SELECT 1/0;", True, {1: False}),
        ("CREATE TABLE a (id INT); COMMIT; BEGIN; SELECT 1/0;", True, {1: False}),
        ("CREATE TABLE a (id INT); ROLLBACK; SELECT 1/0;", False, {1: False}),
        ("CREATE TABLE a (id INT); SELECT 1/0; COMMIT;", False, {}),
    ],
)
def test_a_file_that_fails_after_its_commit(
    database: Database,
    tmp_path: Path,
    sql: str,
    *,
    kept: bool,
    recorded: dict[int, bool],
) -> None:
    """What it has committed stays, and so does the row that says FALSE (T7)."""
    directory = put(tmp_path / "m", {"1_own.sql": sql})
    with pytest.raises(sqlx.ExecuteMigration, match="division by zero") as caught:
        sqlx.Migrator(directory).run(database.url)
    assert history(database) == recorded
    assert database.ask("SELECT to_regclass('a') IS NULL") == [(not kept,)]
    if not recorded:
        assert caught.value.state == (
            "rolled back, the file's own end of the transaction was not reached; mend"
            " it and run again"
        )
        return
    assert caught.value.state.startswith(
        "the file ends its own transaction, so what stands before that is committed; "
    )
    with pytest.raises(sqlx.Dirty):
        sqlx.Migrator(directory).run(database.url)


def test_control_may_not_hide(database: Database, tmp_path: Path) -> None:
    """A procedure cannot commit a migration's transaction: all is rolled back (T7)."""
    procedure = "CREATE PROCEDURE hidden() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;"
    files = {"1_procedure.sql": procedure, "2_call.sql": "CALL hidden();"}
    with pytest.raises(sqlx.ExecuteMigration) as caught:
        sqlx.Migrator(put(tmp_path / "m", files)).run(database.url)
    assert caught.value.cause.sqlstate == "2D000"
    assert history(database) == {1: True}


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM _sqlx_migrations;",
        "UPDATE _sqlx_migrations SET success = TRUE;",
        "TRUNCATE _sqlx_migrations;",
    ],
)
def test_a_file_that_takes_its_own_row(
    database: Database, tmp_path: Path, sql: str
) -> None:
    """A claim that vanished is an error, never a success (F13, T7)."""
    files = {
        "1_first.sql": "CREATE TABLE a (id INT);",
        "2_wrong.sql": sql + "SELECT 1;",
    }
    with pytest.raises(sqlx.ExecuteMigration):
        sqlx.Migrator(put(tmp_path / "m", files)).run(database.url)
    assert history(database) == {1: True, 2: False}


@pytest.mark.parametrize(
    "rude", ["SELECT pg_advisory_unlock_all();", "-- no-transaction\nDISCARD ALL;"]
)
def test_a_lock_that_a_file_gave_away(
    database: Database, proxy: Proxy, tmp_path: Path, rude: str
) -> None:
    """Who gets the lock that a file gave back is waited for before the next (T9)."""
    files = {
        "1_rude.sql": rude,
        "2_next.sql": "CREATE TABLE next (id INT); INSERT INTO next VALUES (1);",
    }
    taken = f"SELECT pg_advisory_lock({lock_key(database.name)})".encode()
    with database.connect() as rust:
        # The message of the second file is held back until Rust has the lock.
        proxy.fault = Fault(
            lambda message: "CREATE TABLE next" in message.text,
            Moment.BEFORE,
            lambda: rust.execute(taken),
            cut=False,
        )
        starter = Starter(migrate(proxy.database.url, put(tmp_path / "m", files)))
        while not starter.hear().startswith("WaitingForLock: "):
            pass
        assert history(database) == {1: True}
        assert holders(database) == [rust.info.backend_pid]
    assert starter.outcome().applied == (1, 2)
    assert history(database) == {1: True, 2: True}
