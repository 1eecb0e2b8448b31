"""What must hold after every fault: recorded is what took effect, once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from sqlx.databases.postgres.advisory import lock_key

if TYPE_CHECKING:
    from pathlib import Path

    from faults.servers import Database

__all__ = [
    "FAILED",
    "MIXED",
    "OURS",
    "check",
    "check_sqlite",
    "complete",
    "effects",
    "history",
    "holders",
    "invalid_indexes",
    "put",
    "set_pace",
    "wait_for_row",
    "wait_for_sleeper",
    "wait_until_gone",
    "wait_until_idle",
]

# The sessions of migrators on a database, in pg_stat_activity.
OURS = "datname = current_database() AND application_name = 'sqlx-migrate'"

# How a migrator ends whose connection broke.
FAILED = {(1, "ExecuteMigration"), (1, "ConnectionLost"), (1, "ConnectionFailed")}

# The first and the last write rows, so they go alone; the others share a message.
MIXED = {
    "1_effects.sql": "CREATE TABLE effects (version BIGINT NOT NULL);\n"
    "INSERT INTO effects VALUES (1);\n",
    "2_second.sql": "CREATE TABLE t2 (id BIGINT);\n",
    "3_third.sql": "CREATE TABLE t3 (id BIGINT);\n",
    "4_rows.sql": "ALTER TABLE t2 ADD COLUMN name TEXT;\n"
    "INSERT INTO effects VALUES (4);\n-- the end",
}


def put(folder: Path, files: dict[str, str]) -> Path:
    """Write migrations into a folder."""
    folder.mkdir(exist_ok=True)
    for name, sql in files.items():
        (folder / name).write_text(sql)
    return folder


def history(database: Database) -> dict[int, bool]:
    """Read version and success of each row; empty when there is no table."""
    with database.connect() as connection:
        found = connection.execute("SELECT to_regclass('_sqlx_migrations') IS NULL")
        if found.fetchone() == (True,):
            return {}
        rows: Any = connection.execute("SELECT version, success FROM _sqlx_migrations")
        return {int(version): bool(success) for version, success in rows}


def effects(database: Database) -> list[int]:
    """List what the files of `MIXED` have done, each as often as it was done."""
    done: list[int] = []
    with database.connect() as connection:
        found: Any = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        tables = {name for (name,) in found}
        if "effects" in tables:
            rows: Any = connection.execute("SELECT version FROM effects")
            done += [int(version) for (version,) in rows]
    done += [number for number in (2, 3) if f"t{number}" in tables]
    return sorted(done)


def check(database: Database) -> list[int]:
    """Assert that what is recorded took effect, once, and nothing else did."""
    recorded = history(database)
    assert all(recorded.values()), f"dirty: {recorded}"
    assert effects(database) == sorted(recorded)
    return sorted(recorded)


def complete(database: Database) -> None:
    """Assert that all of `MIXED` took effect, once, and that no lock is left."""
    assert check(database) == [1, 2, 3, 4]
    assert holders(database) == []


def holders(database: Database) -> list[int]:
    """List the server's processes that hold SQLx's lock on a database."""
    high, low = divmod(lock_key(database.name), 1 << 32)
    rows: Any = database.ask(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
        f" AND classid = {high} AND objid = {low} AND objsubid = 1"
    )
    return [int(pid) for (pid,) in rows]


def wait_for_row(database: Database, sql: str, seconds: float = 30) -> Any:
    """Ask again and again, until there is a row; give its first column."""
    with database.connect() as connection:
        for _ in range(int(seconds / 0.01)):
            row = connection.execute(sql.encode()).fetchone()
            if row is not None:
                return row[0]
            connection.execute("SELECT pg_sleep(0.01)")
    raise AssertionError(f"this never came: {sql}")


def invalid_indexes(database: Database) -> list[str]:
    """Name the INVALID indexes."""
    rows = database.ask(
        "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
    )
    return [str(name) for (name,) in rows]


def set_pace(database: Database, seconds: float) -> None:
    """Say how long the files sleep that ask the table `pace`."""
    database.ask(
        "CREATE TABLE IF NOT EXISTS pace AS SELECT 0.0::float8 AS seconds;"
        f"UPDATE pace SET seconds = {seconds}"
    )


def wait_for_sleeper(database: Database) -> int:
    """Wait until a migrator's statement sleeps; give its process on the server."""
    asleep = f"{OURS} AND wait_event = 'PgSleep'"
    row = wait_for_row(database, f"SELECT pid FROM pg_stat_activity WHERE {asleep}")
    return int(row)


def wait_until_gone(database: Database, seconds: float = 30) -> None:
    """Wait until no migrator has a session."""
    ours = f"SELECT FROM pg_stat_activity WHERE {OURS}"
    wait_for_row(database, f"SELECT 1 WHERE NOT EXISTS ({ours})", seconds)


def wait_until_idle(database: Database) -> None:
    """Wait until no session works or is in a transaction; a pooler's stay open."""
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    busy = f"SELECT FROM pg_stat_activity WHERE {others} AND state <> 'idle'"
    wait_for_row(database, f"SELECT 1 WHERE NOT EXISTS ({busy})")


def check_sqlite(path: Path) -> list[int]:
    """Assert that what is recorded took effect, once, and that the file is whole."""
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = {name for (name,) in found}
        recorded: list[tuple[int, int]] = []
        if "_sqlx_migrations" in tables:
            rows = file.execute("SELECT version, success FROM _sqlx_migrations")
            recorded = rows.fetchall()
        assert all(success for _, success in recorded)
        done = [number for number in (2, 3) if f"t{number}" in tables]
        if "effects" in tables:
            done += [v for (v,) in file.execute("SELECT version FROM effects")]
    assert sorted(done) == sorted(version for version, _ in recorded)
    return sorted(done)
