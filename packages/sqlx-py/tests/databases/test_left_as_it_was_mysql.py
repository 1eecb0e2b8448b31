"""A connection of the user's is left as it was, whatever the files and the run do."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import asyncmy
import mysql_server
import pymysql
import pytest
from pymysql.constants import CLIENT
from support import USER_LOCKS

import sqlx
from sqlx.databases.mysql.lock import lock_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support import Database, Write

MESS = """
SET NAMES latin1;
SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES';
SET time_zone = '+09:00', foreign_key_checks = 0, unique_checks = 0, sql_notes = 0;
SET lock_wait_timeout = 77, innodb_lock_wait_timeout = 77, max_statement_time = 7;
SET sql_select_limit = 0, sql_safe_updates = 1, group_concat_max_len = 64;
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
USE elsewhere;
"""
LIKING = """
SET sql_mode = 'NO_ZERO_DATE', time_zone = '-03:00', sql_select_limit = 1;
SET collation_connection = 'utf8mb4_bin', character_set_results = 'latin1';
SET lock_wait_timeout = 99, default_storage_engine = 'Aria', foreign_key_checks = 0;
SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE;
SET @mine = 'kept';
CREATE TEMPORARY TABLE mine (id INT) ENGINE = InnoDB;
INSERT INTO mine VALUES (7);
COMMIT;
PREPARE mine FROM 'SELECT 1';
SELECT GET_LOCK('mine', 0);
"""
STATE = (
    "SELECT LOWER(variable_name), variable_value"
    " FROM information_schema.session_variables"
    " WHERE variable_name NOT IN ('timestamp', 'rand_seed1') LIMIT 9999"
)
# What changes with each statement.
MOVING = {"error_count", "last_gtid", "rand_seed2", "warning_count", "in_transaction"}
MOVING |= {"insert_id", "last_insert_id", "pseudo_thread_id", "identity"}
QUESTIONS = (
    "SELECT DATABASE(), @mine, @sqlx_begun, @sqlx_hit, CONNECTION_ID()",
    "SELECT * FROM mine",
    "EXECUTE mine",
    "SELECT IS_USED_LOCK('mine') = CONNECTION_ID()",
    f"SELECT count(*) FROM {USER_LOCKS}",
)


class Sync:
    """A PyMySQL connection, as it comes or with choices of its user's."""

    def __init__(self, database: Database, **options: Any) -> None:
        self.connection: Any = pymysql.connect(
            unix_socket=socket_of(database),
            user="root",
            database=database.name,
            **options,
        )

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask on the connection, and end the transaction that it begins."""
        with self.connection.cursor(pymysql.cursors.Cursor) as cursor:
            cursor.execute(sql)
            rows = list(cursor.fetchall())
        self.connection.commit()
        return rows

    def attributes(self) -> dict[str, object]:
        """Tell what PyMySQL's object says of itself."""
        names = ("charset", "collation", "encoding", "autocommit_mode", "cursorclass")
        return {name: getattr(self.connection, name) for name in names}

    def busy(self) -> bool:
        """Tell whether it is inside a transaction."""
        return bool(self.connection.server_status & 1)

    def act(self, folder: Path, verb: str) -> sqlx.Report:
        """Migrate on it."""
        report: sqlx.Report = getattr(sqlx.Migrator(folder), verb)(self.connection)
        return report

    def close(self) -> None:
        """Close it."""
        self.connection.close()


class Async:
    """An asyncmy connection."""

    def __init__(self, database: Database) -> None:
        self.runner = asyncio.Runner()
        self.connection: Any = self.runner.run(self._connect(database))

    async def _connect(self, database: Database) -> Any:
        return await asyncmy.connect(
            unix_socket=socket_of(database), user="root", database=database.name
        )

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask on the connection, and end the transaction that it begins."""

        async def asked() -> list[tuple[Any, ...]]:
            async with self.connection.cursor(asyncmy.cursors.Cursor) as cursor:
                await cursor.execute(sql)
                rows = list(await cursor.fetchall())
            await self.connection.commit()
            return rows

        return self.runner.run(asked())

    def attributes(self) -> dict[str, object]:
        """Tell what asyncmy's object says of itself."""
        charset = self.connection.character_set_name()
        return {"charset": charset, "mode": self.connection.autocommit_mode}

    def busy(self) -> bool:
        """Tell whether it is inside a transaction."""
        return bool(self.connection.get_transaction_status())

    def act(self, folder: Path, verb: str) -> sqlx.Report:
        """Migrate on it."""

        async def acted() -> sqlx.Report:
            migrator = sqlx.AsyncMigrator(folder)
            report: sqlx.Report = await getattr(migrator, verb)(self.connection)
            return report

        return self.runner.run(acted())

    def close(self) -> None:
        """Close it, and its loop."""
        self.runner.run(self.connection.ensure_closed())
        self.runner.close()


def socket_of(database: Database) -> str:
    """Name the file of the server's socket."""
    return parse_qs(urlsplit(database.url).query)["socket"][0]


KINDS: dict[str, Callable[[Database], Sync | Async]] = {
    "pymysql": Sync,
    "pymysql-many": lambda database: Sync(
        database, client_flag=CLIENT.MULTI_STATEMENTS, autocommit=True
    ),
    "pymysql-latin1": lambda database: Sync(
        database,
        charset="latin1",
        collation="latin1_german1_ci",
        autocommit=None,
        cursorclass=pymysql.cursors.DictCursor,
    ),
    "asyncmy": Async,
}


@pytest.fixture(params=KINDS)
def given(request: pytest.FixtureRequest, on_mysql: Database) -> Iterator[Sync | Async]:
    """A connection of a user who has set everything to his liking."""
    on_mysql.execute("CREATE DATABASE IF NOT EXISTS elsewhere")
    made = KINDS[request.param](on_mysql)
    try:
        for statement in LIKING.split(";\n")[:-1]:
            made.ask(statement)
        yield made
    finally:
        made.close()


@contextmanager
def left_as_it_was(given: Sync | Async) -> Iterator[None]:
    """Compare all that can be seen, before and after; and that it still works."""

    def seen() -> list[object]:
        settings = dict(given.ask(STATE))
        for name in MOVING:
            settings.pop(name, None)
        return [settings, *map(given.ask, QUESTIONS), given.attributes()]

    before = seen()
    yield
    assert seen() == before


def test_a_run_leaves_it_as_it_was(
    given: Sync | Async, write: Write, folder: Path
) -> None:
    """Files that change every kind of setting, in every mode."""
    write("1_a.sql", f"CREATE TABLE a (id INT);\n{MESS}")
    write("2_b.sql", "INSERT INTO a VALUES (1);\nSELECT '日本';")
    write("3_c.sql", f"-- no-transaction\nCREATE TABLE c (id INT);\n{MESS}")
    write("4_d.sql", f"CREATE TABLE d (id INT);\nCOMMIT;\n{MESS}SET autocommit = 0;\n")
    write("5_é.up.sql", f"CREATE TABLE `é` (id INT);\n{MESS}")
    write("5_é.down.sql", f"DROP TABLE `é`;\n{MESS}")
    with left_as_it_was(given):
        assert len(given.act(folder, "run").applied) == 5
    with left_as_it_was(given):
        assert given.act(folder, "run").already_applied == 5
    with left_as_it_was(given):
        assert len(given.act(folder, "revert").applied) == 1
    rows = given.ask("SELECT description FROM _sqlx_migrations WHERE version = 4")
    assert rows == [("d",)]


def test_a_run_that_fails_leaves_it_as_it_was(
    given: Sync | Async, write: Write, folder: Path
) -> None:
    """Also behind a transaction that the file has left open, and locked tables."""
    write("1_a.sql", "CREATE TABLE a (id INT);\n")
    write(
        "2_b.sql", f"{MESS}LOCK TABLES a WRITE;\nINSERT INTO a VALUES (1);\nSELECT z;"
    )
    with left_as_it_was(given), pytest.raises(sqlx.ExecuteMigration):
        given.act(folder, "run")
    given.ask("DELETE FROM _sqlx_migrations WHERE version = 2")
    write("2_b.sql", f"{MESS}BEGIN;\nINSERT INTO a VALUES (1);\nSELECT z;")
    with left_as_it_was(given), pytest.raises(sqlx.ExecuteMigration):
        given.act(folder, "run")


def test_nothing_to_do_leaves_no_transaction_open(
    given: Sync | Async, write: Write, folder: Path
) -> None:
    """Where autocommit is off, a look would begin one, and hold the table."""
    write("1_a.sql", "CREATE TABLE a (id INT);\n")
    for _ in range(2):
        given.act(folder, "run")
        assert not given.busy()


def test_a_database_that_is_gone_keeps_no_lock(
    on_mysql: Database, write: Write, folder: Path
) -> None:
    """What cannot be put back is an error; the lock is given back all the same."""
    here, there = on_mysql.name, f"{on_mysql.name}_there"
    write(
        "1_move.sql",
        f"CREATE DATABASE {there};\nUSE {there};\nDROP DATABASE {here};",
    )
    given = Sync(on_mysql)
    with mysql_server.connect(on_mysql.place) as watcher, watcher.cursor() as cursor:
        with pytest.raises(sqlx.ExecuteMigration):
            given.act(folder, "run")
        cursor.execute(f"SELECT IS_FREE_LOCK({lock_name(here)})")
        assert cursor.fetchall() == ((1,),)
        cursor.execute(f"CREATE DATABASE {here}")
        cursor.execute(f"DROP DATABASE {there}")
    given.close()


@pytest.mark.parametrize(
    "mode", ["ORACLE", "NO_BACKSLASH_ESCAPES,ANSI_QUOTES", "HIGH_NOT_PRECEDENCE"]
)
def test_no_sql_mode_changes_how_we_are_read(
    on_mysql: Database, write: Write, folder: Path, mode: str
) -> None:
    """Of the session, and of a file: what stands behind it is read in it."""
    session = f"SET sql_mode = '{mode}'"
    for number, marker in enumerate(("", "-- no-transaction\n", "COMMIT;\n")):
        write(
            f"{number}_a.sql", f"{marker}{session};\nCREATE TABLE t{number} (id INT);"
        )
    given = Sync(on_mysql, init_command=session)
    before = given.ask("SELECT @@sql_mode")
    assert len(given.act(folder, "run").applied) == 3
    assert given.act(folder, "run").already_applied == 3
    assert given.ask("SELECT @@sql_mode") == before
    given.close()
