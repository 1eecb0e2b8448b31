"""A MariaDB or MySQL for the fault suite, and what must hold on it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mysql_server import connect

from sqlx.databases.mysql.lock import lock_name
from sqlx.migrations.files import read_directory

if TYPE_CHECKING:
    from pathlib import Path

    import pymysql
    from faults.starters import Tell, Work

__all__ = [
    "MIXED",
    "MySqlDatabase",
    "check",
    "complete",
    "effects",
    "history",
    "holder",
    "set_pace",
    "unlocked_peer",
    "wait_for_row",
    "wait_for_sleeper",
    "wait_until_gone",
]

# The first and the last are DDL; the others write rows alone.
MIXED = {
    "1_effects.sql": "CREATE TABLE effects (version BIGINT NOT NULL);\n",
    "2_rows.sql": "INSERT INTO effects VALUES (2);\nUPDATE effects SET version = 20;\n"
    "UPDATE effects SET version = 2;\n",
    "3_table.sql": "CREATE TABLE t3 (id BIGINT);\nCREATE INDEX i3 ON t3 (id);\n",
    "4_rows.sql": "INSERT INTO effects VALUES (4);\n-- the end",
}


@dataclass(frozen=True, slots=True)
class MySqlDatabase:
    """A database on a server, or on what stands before one.

    Args:
        socket: The file of the socket.
        name: Of the database.
        user: Who connects; root unless a test says otherwise.
    """

    socket: str
    name: str
    user: str = "root"

    @property
    def url(self) -> str:
        """Its URL."""
        return f"mysql://{self.user}@localhost/{self.name}?socket={quote(self.socket)}"

    def behind(self, socket: str) -> MySqlDatabase:
        """The same database through something that listens elsewhere."""
        return replace(self, socket=socket)

    def as_user(self, user: str) -> MySqlDatabase:
        """The same database for another user."""
        return replace(self, user=user)

    def connect(self) -> pymysql.Connection[Any]:
        """Connect a session of the test's own, in autocommit."""
        return connect(self.url)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Run statements in a session of its own; give the rows of the first."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            rows = list(cursor.fetchall())
            while cursor.nextset():
                pass
            return rows

    def tables(self) -> set[str]:
        """Name its tables."""
        return {str(name) for (name,) in self.ask("SHOW TABLES")}


def history(database: MySqlDatabase) -> dict[int, bool]:
    """Read version and success of each row; empty when there is no table."""
    if "_sqlx_migrations" not in database.tables():
        return {}
    rows = database.ask("SELECT version, success FROM _sqlx_migrations")
    return {int(version): bool(success) for version, success in rows}


def effects(database: MySqlDatabase) -> list[int]:
    """List what the files of `MIXED` have done, each as often as it was done."""
    tables = database.tables()
    done = [number for number, name in ((1, "effects"), (3, "t3")) if name in tables]
    if "effects" in tables:
        done += [int(v) for (v,) in database.ask("SELECT version FROM effects")]
    return sorted(done)


def check(database: MySqlDatabase) -> list[int]:
    """Assert that what is recorded took effect, once, and nothing else did."""
    recorded = history(database)
    assert all(recorded.values()), f"dirty: {recorded}"
    assert effects(database) == sorted(recorded)
    return sorted(recorded)


def complete(database: MySqlDatabase) -> None:
    """Assert that all of `MIXED` took effect, once, and that no lock is left."""
    assert check(database) == [1, 2, 3, 4]
    assert holder(database) is None


def holder(database: MySqlDatabase) -> int | None:
    """Tell which session holds SQLx's lock on a database."""
    ((number,),) = database.ask(f"SELECT IS_USED_LOCK({lock_name(database.name)})")
    return None if number is None else int(number)


def wait_for_row(database: MySqlDatabase, sql: str, seconds: float = 30) -> Any:
    """Ask again and again, until there is a row; give its first column."""
    with database.connect() as connection, connection.cursor() as cursor:
        for _ in range(int(seconds / 0.01)):
            cursor.execute(sql)
            row = cursor.fetchone()
            if row is not None:
                return row[0]
            time.sleep(0.01)  # A SLEEP() in the server could be taken for another's.
    raise AssertionError(f"this never came: {sql}")


def set_pace(database: MySqlDatabase, seconds: float) -> None:
    """Say how long the files sleep that ask the table `pace`."""
    database.ask(
        "CREATE TABLE IF NOT EXISTS pace (seconds DOUBLE);"
        f"DELETE FROM pace; INSERT INTO pace VALUES ({seconds})"
    )


def wait_for_sleeper(database: MySqlDatabase) -> int:
    """Wait until a migrator's statement sleeps; give its number on the server."""
    sleeps = "state = 'User sleep'"
    return int(wait_for_row(database, f"SELECT id {_others(database)} AND {sleeps}"))


def wait_until_gone(database: MySqlDatabase) -> None:
    """Wait until nobody else has a session."""
    wait_for_row(
        database, f"SELECT 1 FROM DUAL WHERE NOT EXISTS (SELECT 1 {_others(database)})"
    )


def _others(database: MySqlDatabase) -> str:
    return (
        f"FROM information_schema.processlist WHERE db = '{database.name}'"
        " AND id <> CONNECTION_ID()"
    )


def unlocked_peer(database: MySqlDatabase, directory: Path) -> Work:
    """Do what Rust's command does: no lock, no second look."""
    return partial(_unlocked_peer, database=database, directory=directory)


def _unlocked_peer(
    tell: Tell, database: MySqlDatabase, directory: Path
) -> tuple[int, ...]:
    """Speak as sqlx-cli's `migrate run` does.

    Source:
        migrations.md 2.1, 2.3, 2.4, 4.3.
    """
    tell("a peer without a lock")
    done = []
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS _sqlx_migrations (version BIGINT PRIMARY KEY,"
            " description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT"
            " CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL,"
            " execution_time BIGINT NOT NULL)"
        )
        cursor.execute("SELECT version, success FROM _sqlx_migrations")
        applied = dict(cursor.fetchall())
        if not all(applied.values()):
            raise AssertionError("partially applied")
        for migration in read_directory(directory, frozenset()):
            if migration.version in applied:
                continue
            cursor.execute("BEGIN")
            cursor.execute(
                "INSERT INTO _sqlx_migrations (version, description, success,"
                " checksum, execution_time) VALUES (%s, %s, FALSE, %s, -1)",
                (migration.version, migration.description, migration.checksum),
            )
            cursor.execute(migration.sql)
            while cursor.nextset():
                pass
            where = f"WHERE version = {migration.version}"
            cursor.execute(f"UPDATE _sqlx_migrations SET success = TRUE {where}")
            cursor.execute("COMMIT")
            cursor.execute(f"UPDATE _sqlx_migrations SET execution_time = 1 {where}")
            done.append(migration.version)
    return tuple(done)
