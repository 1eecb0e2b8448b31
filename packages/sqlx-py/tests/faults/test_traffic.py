"""Migrations beside traffic: short waits for tables, limits of others, rights."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from faults.conftest import create, removed
from faults.laws import MIXED, OURS, complete, history, holders, put, wait_for_row
from faults.starters import Starter, migrate
from support import new_folder

import sqlx

if TYPE_CHECKING:
    from pathlib import Path

    from faults.proxy import Proxy
    from faults.servers import Database, DebianServer

ALTER = {
    "1_table.sql": "CREATE TABLE t (id INT); INSERT INTO t VALUES (1);",
    "2_alter.sql": "ALTER TABLE t ADD COLUMN name TEXT;",
}
QUEUED = f"SELECT 1 FROM pg_stat_activity WHERE {OURS} AND wait_event_type = 'Lock'"


@pytest.mark.slow
def test_readers_pass_a_waiting_migration(database: Database, tmp_path: Path) -> None:
    """Behind a waiting ALTER readers go on: it gives up soon, and tries again (T1).

    Every reader ends while the long SELECT is still open, and the migration after it.
    """
    directory = put(tmp_path / "m", ALTER)
    sqlx.Migrator(directory).run(database.url, target=1)
    with database.connect() as long_select, database.connect() as reader:
        reader.execute("SET statement_timeout = '30s'")  # an error, not a hang
        long_select.execute("BEGIN")
        long_select.execute("SELECT * FROM t")
        starter = Starter(migrate(database.url, directory))
        limits: list[str] = []
        while len(limits) < 7:
            wait_for_row(database, QUEUED)
            assert reader.execute("SELECT id FROM t").fetchall() == [(1,)]
            while "Retrying" not in (news := starter.hear()):
                pass
            limits += re.findall(r"\(lock_timeout (\d+) ms\)", news)
        assert limits == ["100"] * 6 + ["200"]
        assert history(database) == {1: True}
        long_select.execute("COMMIT")
    assert starter.outcome().applied == (2,)
    assert history(database) == {1: True, 2: True}


@pytest.mark.slow
def test_the_limit_is_in_force(
    database: Database, proxy: Proxy, tmp_path: Path
) -> None:
    """What is announced is what the server is told; each attempt starts anew (T1)."""
    directory = put(tmp_path / "m", ALTER)
    sqlx.Migrator(directory).run(database.url, target=1)
    with database.connect() as long_select:
        long_select.execute("BEGIN")
        long_select.execute("SELECT * FROM t")
        starter = Starter(migrate(proxy.database.url, directory))

        def attempts() -> list[str]:
            return [text for text in proxy.texts if "ALTER TABLE t" in text]

        proxy.wait_until(lambda: len(attempts()) == 3)
        assert re.findall(r"lock_timeout = \d+", attempts()[2]) == [
            "lock_timeout = 100"
        ]
        assert attempts()[0] == attempts()[2]
        assert "BEGIN;\n" in attempts()[2]
    assert starter.outcome().applied == (2,)


def test_retries_end(database: Database, tmp_path: Path) -> None:
    """When the table is never free the run fails, rolled back, and says so (T1)."""
    directory = put(tmp_path / "m", ALTER)
    sqlx.Migrator(directory).run(database.url, target=1)
    with database.connect() as long_select:
        long_select.execute("BEGIN")
        long_select.execute("SELECT * FROM t")
        with pytest.raises(sqlx.ExecuteMigration) as caught:
            sqlx.Migrator(directory, retry_seconds=0.3).run(database.url)
    assert str(caught.value) == (
        f"{directory}/2_alter.sql:1:1: while executing migration 2: canceling statement"
        " due to lock timeout [55P03]\n"
        "  ALTER TABLE t ADD COLUMN name TEXT;\n"
        "  ^\n"
        "state: rolled back; whoever holds the lock on the table must end, then run"
        " again"
    )
    assert history(database) == {1: True}
    assert holders(database) == []


def test_one_setting_waits_without_a_limit(database: Database, tmp_path: Path) -> None:
    """With `retry_seconds=0` a migration waits for its table, as SQLx does (T1)."""
    directory = put(tmp_path / "m", ALTER)
    sqlx.Migrator(directory).run(database.url, target=1)
    with database.connect() as long_select:
        long_select.execute("BEGIN")
        long_select.execute("SELECT * FROM t")
        starter = Starter(migrate(database.url, directory, retry_seconds=0))
        over = "clock_timestamp() - query_start > interval '300 ms'"
        wait_for_row(database, f"{QUEUED} AND {over}")
        long_select.execute("COMMIT")
    assert "Retrying" not in starter.hear()
    assert starter.outcome().applied == (2,)


def test_files_of_one_message_meet_a_lock(database: Database, tmp_path: Path) -> None:
    """A table in use stops one file of a message, which is tried again alone (T1)."""
    files = {f"{n}_t.sql": f"CREATE TABLE t{n} (id INT);" for n in (2, 3)}
    files |= {"1_t.sql": ALTER["1_table.sql"], "4_t.sql": ALTER["2_alter.sql"]}
    directory = put(tmp_path / "m", files | {"5_t.sql": "CREATE TABLE t5 (id INT);"})
    sqlx.Migrator(directory).run(database.url, target=1)
    with database.connect() as long_select:
        long_select.execute("BEGIN")
        long_select.execute("SELECT * FROM t")
        starter = Starter(migrate(database.url, directory))
        while "Retrying" not in starter.hear():
            pass
        assert history(database) == {1: True, 2: True, 3: True}
    assert starter.outcome().applied == (2, 3, 4, 5)


@pytest.mark.slow
@pytest.mark.parametrize("door", ["url", "connection", "pooled"])
@pytest.mark.parametrize("setting", ["statement_timeout", "transaction_timeout"])
def test_limits_of_the_database(
    database: Database,
    tmp_path: Path,
    door: str,
    setting: str,
    request: pytest.FixtureRequest,
) -> None:
    """Limits that the application has do not end a migration (T3)."""
    database.ask(f"ALTER DATABASE {database.name} SET {setting} = '100ms'")
    through = request.getfixturevalue("pooled") if door == "pooled" else database
    migrator = sqlx.Migrator(put(tmp_path / "m", {"1_slow.sql": "SELECT pg_sleep(.3)"}))
    if door == "connection":
        with through.connect() as connection:
            migrator.run(connection)
            shown = connection.execute(f"SHOW {setting}".encode()).fetchone()
            assert shown == ("100ms",)
    else:
        migrator.run(through.url)
    assert history(database) == {1: True}


def test_a_read_only_database(database: Database, proxy: Proxy, tmp_path: Path) -> None:
    """Nothing pending is fine where nothing may be written; pending is refused (T4)."""
    directory = put(tmp_path / "m", MIXED)
    migrator = sqlx.Migrator(directory)
    migrator.run(database.url)
    database.ask(
        f"ALTER DATABASE {database.name} SET default_transaction_read_only = on"
    )
    assert migrator.run(proxy.database.url).applied == ()
    assert [row.state for row in migrator.info(proxy.database.url).rows] == (
        [sqlx.State.INSTALLED] * 4
    )
    proxy.wait_closed()
    assert proxy.round_trips == 2
    proxy.reset()
    put(directory, {"5_more.sql": "CREATE TABLE t5 (id INT);"})
    with pytest.raises(sqlx.MigrationError) as caught:
        sqlx.Migrator(directory).run(proxy.database.url)
    assert str(caught.value) == (
        "migrations are pending and the database is read-only (transaction_read_only is"
        " on); connect to the primary, or as a role that may write"
    )
    proxy.wait_closed()
    assert proxy.round_trips == 1


def test_an_empty_read_only_database(database: Database, tmp_path: Path) -> None:
    """Without a table yet it is refused in the same words, and `info` works (T4)."""
    database.ask(
        f"ALTER DATABASE {database.name} SET default_transaction_read_only = on"
    )
    migrator = sqlx.Migrator(put(tmp_path / "m", MIXED))
    assert [row.state for row in migrator.info(database.url).rows] == (
        [sqlx.State.PENDING] * 4
    )
    with pytest.raises(sqlx.MigrationError, match="the database is read-only"):
        migrator.run(database.url)


def test_a_role_that_may_read(database: Database, tmp_path: Path) -> None:
    """SELECT on the table is enough when nothing is pending, and for info (F14)."""
    directory = put(tmp_path / "m", MIXED)
    migrator = sqlx.Migrator(directory)
    migrator.run(database.url)
    database.ask(
        "CREATE ROLE reader LOGIN; GRANT SELECT ON _sqlx_migrations TO reader;"
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    )
    reader = database.as_user("reader")
    try:
        assert migrator.run(reader.url).applied == ()
        assert len(migrator.info(reader.url).rows) == 4
        assert len(migrator.run(reader.url, dry_run=True).changes) == 0
        put(directory, {"5_more.sql": "CREATE TABLE t5 (id INT);"})
        with pytest.raises(sqlx.SqlxError, match="permission denied for table"):
            sqlx.Migrator(directory).run(reader.url)
        assert holders(database) == []
        complete(database)
    finally:
        database.ask("DROP OWNED BY reader; DROP ROLE reader")


def test_a_role_that_may_not_create_tables(database: Database, tmp_path: Path) -> None:
    """The table is made only when it is missing: writing to it is enough."""
    directory = put(tmp_path / "m", {"1_first.sql": "CREATE TABLE app (id INT);"})
    sqlx.Migrator(directory).run(database.url)
    database.ask(
        "CREATE ROLE writer LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
        "GRANT SELECT, INSERT, UPDATE, DELETE ON _sqlx_migrations, app TO writer"
    )
    try:
        put(directory, {"2_rows.sql": "INSERT INTO app VALUES (1);"})
        migrator = sqlx.Migrator(directory)
        report = migrator.run(database.as_user("writer").url)
        assert [migration.version for migration in report.applied] == [2]
    finally:
        database.ask("DROP OWNED BY writer; DROP ROLE writer")


@pytest.mark.slow
@pytest.mark.parametrize("version", ["15"])
def test_a_standby(fragile: DebianServer, tmp_path: Path) -> None:
    """A standby is read, never written; after a failover what it lacks is applied.

    What the new primary lacks of the last migration it lacks as a whole (T4, C5).
    """
    primary = create(fragile.database("postgres"))
    migrator = sqlx.Migrator(put(tmp_path / "m", MIXED))
    migrator.run(primary.url, target=3)
    with removed(new_folder("faults-")) as folder:
        server = fragile.standby(folder)
        standby = server.database(primary.name)
        assert migrator.run(standby.url, target=3).applied == ()
        assert migrator.info(standby.url).rows[3].state is sqlx.State.PENDING
        with pytest.raises(sqlx.MigrationError, match="the database is read-only"):
            migrator.run(standby.url)
        server.crash()
        assert [m.version for m in migrator.run(primary.url).applied] == [4]
        fragile.crash()
        # What it has not heard of when it is alone it will never hear of.
        server.start()
        server.promote()
        assert [m.version for m in migrator.run(standby.url).applied] == [4]
        complete(standby)
        server.stop()
    fragile.start()


@pytest.mark.slow
@pytest.mark.parametrize("version", ["15"])
def test_several_hosts(fragile: DebianServer, tmp_path: Path) -> None:
    """Of several hosts in a URL the one that can be written is taken (T4)."""
    primary = create(fragile.database("postgres"))
    with removed(new_folder("faults-")) as folder:
        server = fragile.standby(folder)
        hosts = ",".join(quote(host, safe="") for host in (str(folder), primary.host))
        url = f"postgresql:///{primary.name}?user=postgres&host={hosts}"
        migrator = sqlx.Migrator(put(tmp_path / "m", MIXED))
        assert len(migrator.run(url).applied) == 4
        server.stop()
    complete(primary)
