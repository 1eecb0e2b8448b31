"""The migration lock: who waits for whom, who is named, and that it is given back."""

from __future__ import annotations

import re
import signal
from os import sched_yield
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from faults.laws import (
    MIXED,
    OURS,
    complete,
    effects,
    history,
    holders,
    put,
    set_pace,
    wait_for_row,
    wait_for_sleeper,
    wait_until_gone,
)
from faults.proxy import Fault, Moment, nth
from faults.starters import Starter, migrate
from psycopg_pool import ConnectionPool

import sqlx
from sqlx.databases.postgres.advisory import lock_key

if TYPE_CHECKING:
    from pathlib import Path

    from faults.proxy import Proxy
    from faults.servers import Database

slow = pytest.mark.slow
both = pytest.mark.parametrize("version", ["18", pytest.param("15", marks=slow)])

# Sleeps as long as the table `pace` says.
PACED = MIXED | {
    "2_second.sql": "CREATE TABLE t2 (id BIGINT);\n"
    "SELECT pg_sleep(seconds) FROM pace;\n"
}


@both
@pytest.mark.parametrize("level", ["pg_advisory_lock", "pg_advisory_xact_lock"])
def test_waits_for_rust(database: Database, tmp_path: Path, level: str) -> None:
    """Whoever holds SQLx's lock is waited for, never inside the server (L4)."""
    directory = put(tmp_path / "m", MIXED)
    with database.connect() as rust:
        rust.execute("BEGIN")
        rust.execute(f"SELECT {level}({lock_key(database.name)})".encode())
        if level == "pg_advisory_lock":
            rust.execute("COMMIT")
        starter = Starter(migrate(database.url, directory))
        assert re.fullmatch(
            rf"WaitingForLock: waiting for the migration lock held by pid"
            rf" {rust.info.backend_pid}, user postgres, test,"
            r" idle(?: in transaction)? since [-0-9: ]+ [A-Z]+ \(0 s so far\)",
            starter.hear(),
        )
        waiting = (
            f"SELECT state, wait_event_type, backend_xmin FROM pg_stat_activity"
            f" WHERE {OURS}"
        )
        assert wait_for_row(database, f"SELECT 1 FROM ({waiting}) w WHERE state='idle'")
        assert database.ask(waiting) == [("idle", "Client", None)]
        assert history(database) == {}
    assert starter.outcome().applied == (1, 2, 3, 4)
    complete(database)


def test_holds_the_lock_of_rust(database: Database, tmp_path: Path) -> None:
    """A migration runs while its session holds SQLx's lock, under our name (L4, L5)."""
    set_pace(database, 60)
    starter = Starter(migrate(database.url, put(tmp_path / "m", PACED)))
    pid = wait_for_sleeper(database)
    assert holders(database) == [pid]
    name = f"SELECT application_name FROM pg_stat_activity WHERE pid = {pid}"
    assert database.ask(name) == [("sqlx-migrate",)]
    starter.kill()


def test_gives_up_and_names_the_holder(database: Database, tmp_path: Path) -> None:
    """The wait has a limit, and who was in the way stands in the message (L6)."""
    migrator = sqlx.Migrator(put(tmp_path / "m", MIXED), lock_timeout_seconds=0)
    with database.connect() as rust:
        rust.execute(f"SELECT pg_advisory_lock({lock_key(database.name)})".encode())
        pid = rust.info.backend_pid
        with pytest.raises(sqlx.LockTimeout) as caught:
            migrator.run(database.url)
    assert re.fullmatch(
        rf"the migration lock is still held by pid {pid}, user"
        r" postgres, test, idle since [-0-9: ]+ [A-Z]+ after 0 s; let it finish or end"
        r" it, or wait longer with --lock-timeout \(lock_timeout_seconds\)",
        str(caught.value),
    )
    assert history(database) == {}


@pytest.mark.parametrize("order", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_ends_while_it_waits(
    database: Database, tmp_path: Path, order: signal.Signals
) -> None:
    """A signal ends a waiter, and its session does not stay in a queue (L6)."""
    with database.connect() as rust:
        rust.execute(f"SELECT pg_advisory_lock({lock_key(database.name)})".encode())
        starter = Starter(migrate(database.url, put(tmp_path / "m", MIXED)))
        starter.hear()
        starter.send(order)
        assert starter.outcome().status != 0
        wait_until_gone(database)
        assert holders(database) == [rust.info.backend_pid]


@pytest.mark.slow
@both
def test_a_killed_holder_ends_with_its_statement(
    database: Database, tmp_path: Path, version: str
) -> None:
    """After kill -9 the lock is kept until the statement ends, and recorded is right.

    The server goes on with the message that it has, and commits (L7, C1).
    """
    del version
    set_pace(database, 1)
    directory = put(tmp_path / "m", PACED)
    starter = Starter(migrate(database.url, directory))
    pid = wait_for_sleeper(database)
    starter.kill()
    assert holders(database) == [pid]
    second = Starter(migrate(database.url, directory))
    assert f"held by pid {pid}, user postgres, sqlx-migrate, active" in second.hear()
    assert second.outcome().applied == (3, 4)
    complete(database)


@pytest.mark.slow
@both
def test_a_killed_holder_is_noticed_in_its_statement(
    database: Database, tmp_path: Path
) -> None:
    """A statement whose client is gone does not run to its end, however long (L7)."""
    set_pace(database, 3600)
    directory = put(tmp_path / "m", PACED)
    starter = Starter(migrate(database.url, directory))
    pid = wait_for_sleeper(database)
    starter.kill()
    wait_until_gone(database, seconds=10)
    assert holders(database) == []
    assert history(database) == {1: True}
    assert effects(database) == [1]
    set_pace(database, 0)
    with database.connect() as other:
        gone = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
        assert other.execute(gone, [pid]).fetchone() == (0,)
    assert Starter(migrate(database.url, directory)).outcome().applied == (2, 3, 4)
    complete(database)


def test_a_frozen_holder_is_ended(
    database: Database, proxy: Proxy, tmp_path: Path
) -> None:
    """A holder that stands still between migrations loses session and lock (L8, L9).

    The file shortens the limit for the rest of its session; `test_settings` shows ours.
    A holder never stands still inside a transaction: one message opens and ends it.
    """
    files = {
        "1_short.sql": "SET idle_session_timeout = '200ms';",
        "2_row.sql": "CREATE TABLE t (id INT); INSERT INTO t VALUES (1);",
    }
    directory = put(tmp_path / "m", files)
    first = Starter(migrate(proxy.database.url, directory), held=True)
    proxy.reset(Fault(nth(5), Moment.BEFORE, lambda: first.send(signal.SIGSTOP)))
    first.release()
    while not proxy.fired:
        sched_yield()
    wait_until_gone(database)
    assert holders(database) == []
    assert Starter(migrate(database.url, directory)).outcome().applied == (2,)
    first.send(signal.SIGCONT)
    assert first.outcome().error == "ExecuteMigration"


def test_settings(database: Database, proxy: Proxy, tmp_path: Path) -> None:
    """Ours free the lock of a holder that is dead, frozen or cut off (L7 to L10)."""
    names = (
        "client_connection_check_interval",
        "idle_in_transaction_session_timeout",
        "idle_session_timeout",
        "lock_timeout",
        "statement_timeout",
        "TimeZone",
        "transaction_timeout",
    )
    wanted = ", ".join(f"'{name}'" for name in names)
    sql = (
        "CREATE TABLE seen AS SELECT name, setting FROM pg_settings"
        f" WHERE name IN ({wanted});"
    )
    sqlx.Migrator(put(tmp_path / "m", {"1_seen.sql": sql})).run(proxy.database.url)
    assert dict(database.ask("SELECT name, setting FROM seen")) == {  # type: ignore[arg-type]  # two columns.
        "client_connection_check_interval": "5000",
        "idle_in_transaction_session_timeout": "60000",
        "idle_session_timeout": "60000",
        "lock_timeout": "100",
        "statement_timeout": "0",
        "TimeZone": "UTC",
        "transaction_timeout": "0",
    }
    # A unix socket has no keepalives to ask for.
    assert re.findall(r"SET +tcp_\w+ = \d+", proxy.texts[2]) == [
        "SET  tcp_keepalives_idle = 30",
        "SET  tcp_keepalives_interval = 10",
        "SET  tcp_keepalives_count = 3",
    ]


def test_a_terminated_holder(database: Database, tmp_path: Path) -> None:
    """An administrator ends the holder: it says so, and the next goes on (L11)."""
    set_pace(database, 3600)
    directory = put(tmp_path / "m", PACED)
    starter = Starter(migrate(database.url, directory))
    pid = wait_for_sleeper(database)
    database.ask(f"SELECT pg_terminate_backend({pid}, 60000)")
    assert holders(database) == []
    outcome = starter.outcome()
    assert (outcome.status, outcome.error) == (1, "ExecuteMigration")
    assert outcome.text == (
        f"{directory}/2_second.sql:2:1: while executing migration 2: terminating"
        " connection due to administrator command [57P01]\n"
        "  SELECT pg_sleep(seconds) FROM pace;\n"
        "  ^\n"
        "state: the connection was lost, so its outcome is not known here; it is"
        " applied as a whole or not at all: run again"
    )
    set_pace(database, 0)
    assert Starter(migrate(database.url, directory)).outcome().applied == (2, 3, 4)
    complete(database)


FAILING: Any = [
    {"1_wrong.sql": "CREATE TABLE t (id INT); SELECT 1/0;"},
    {"1_wrong.sql": "-- no-transaction\nCREATE TABLE t (id INT);\nSELECT 1/0;"},
    {"1_wrong.sql": "CREATE TABLE t (id INT);\nCOMMIT;\nSELECT 1/0;"},
    {"1_wrong.sql": "SELECT 1;\nSELECT pg_advisory_unlock_all();\nSELECT 1/0;"},
]


@pytest.mark.parametrize("files", FAILING)
def test_a_failed_run_gives_the_lock_back(
    database: Database, tmp_path: Path, files: dict[str, str]
) -> None:
    """A connection of a pool comes back without the lock, also after an error (L12)."""
    migrator = sqlx.Migrator(put(tmp_path / "m", files))
    with ConnectionPool(
        database.url, min_size=1, max_size=1, kwargs={"autocommit": True}
    ) as pool:
        with pytest.raises(sqlx.ExecuteMigration, match="division by zero"):
            migrator.run(pool)
        assert holders(database) == []
        with pool.connection() as connection:
            idle = psycopg.pq.TransactionStatus.IDLE
            assert connection.info.transaction_status is idle
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_refused_plan_gives_the_lock_back(database: Database, tmp_path: Path) -> None:
    """An error that is found under the lock leaves none behind (L12)."""
    directory = put(tmp_path / "m", MIXED)
    sqlx.Migrator(directory).run(database.url)
    (directory / "3_third.sql").write_text("CREATE TABLE other (id BIGINT);")
    with database.connect() as connection:
        with pytest.raises(sqlx.VersionMismatch):
            sqlx.Migrator(directory).run(connection)
        assert holders(database) == []
