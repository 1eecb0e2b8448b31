"""A connection of the user's is left as it was, whatever the files and the run do."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import asyncpg
import psycopg
import pytest
from databases.given import KINDS, Given, Sync
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool
from support import ADVISORY_LOCKS

import sqlx
from sqlx.errors import InTransaction, LockTimeout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support import Database, Write

MESS = """
SET search_path = elsewhere;
SET TimeZone = 'Asia/Tokyo';
SET statement_timeout = '77s';
SET lock_timeout = '77s';
SET standard_conforming_strings = off;
SET client_encoding = LATIN1;
SET extra_float_digits = -3;
SET default_transaction_isolation = 'repeatable read';
"""
STATE = {
    "settings": "SELECT name, setting FROM pg_settings ORDER BY name",
    "who": "SELECT session_user::text, current_user::text, current_setting('role')",
    "path": "SELECT current_setting('search_path')",
    "temp": "SELECT relname::text FROM pg_class WHERE relpersistence = 't' ORDER BY 1",
    "prepared": "SELECT name, statement FROM pg_prepared_statements ORDER BY 1",
    "cursors": "SELECT name, is_holdable FROM pg_cursors WHERE is_holdable",
    "listening": "SELECT pg_listening_channels()",
    "locks": f"SELECT count(*) FROM {ADVISORY_LOCKS}",
}


@pytest.fixture(
    params=[
        pytest.param(name, marks=[pytest.mark.slow] if "engine" in name else [])
        for name in KINDS
    ]
)
def given(request: pytest.FixtureRequest, on_postgres: Database) -> Iterator[Given]:
    """A connection of a user who has set everything to his liking."""
    made = KINDS[request.param](on_postgres)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def role(on_postgres: Database) -> Iterator[str]:
    """A role of this test's own that may create tables in `public`."""
    name = f"low_{on_postgres.name}"
    on_postgres.execute(
        f"CREATE ROLE {name}; GRANT ALL ON SCHEMA public TO {name};"
        f"CREATE SCHEMA elsewhere; GRANT ALL ON SCHEMA elsewhere TO {name}"
    )
    yield name
    on_postgres.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


def settle_in(given: Given, role: str) -> None:
    """Do all that a user may do to a session."""
    given.ask("CREATE TEMP TABLE mine (id INT)")
    given.ask("INSERT INTO mine VALUES (7)")
    given.ask(f"GRANT ALL ON mine TO {role}")
    for setting in (
        "SET TimeZone = 'Europe/Oslo'",
        "SET DateStyle = 'German'",
        "SET extra_float_digits = -1",
        "SET statement_timeout = '1h'",
        "SET transaction_timeout = '2h'",
        "SET lock_timeout = '3h'",
        "SET idle_in_transaction_session_timeout = '4h'",
        "SET idle_session_timeout = '5h'",
        "SET client_connection_check_interval = '9s'",
        "SET tcp_keepalives_idle = 99",
        "SET application_name = 'the user''s'",
        "SET search_path = public, pg_catalog",
        "SET work_mem = '12MB'",
        "SET check_function_bodies = off",
    ):
        given.ask(setting)
    given.ask("PREPARE mine AS SELECT 1")
    given.ask("SELECT 'psycopg prepares this'", prepare=True)
    given.ask("DECLARE mine CURSOR WITH HOLD FOR SELECT generate_series(1, 3)")
    given.ask("LISTEN mine")
    given.ask(f"SET ROLE {role}")


@contextmanager
def left_as_it_was(given: Given) -> Iterator[None]:
    """Compare all that can be seen, before and after; and that it still works."""

    def seen() -> dict[str, object]:
        return {name: given.ask(sql) for name, sql in STATE.items()}

    before, attributes = seen(), given.attributes()
    yield
    assert given.attributes() == attributes
    assert seen() == before
    assert given.ask("SELECT * FROM mine") == [(7,)]
    assert given.ask("EXECUTE mine") == [(1,)]
    assert given.ask("SELECT pg_backend_pid()") == [(given.pid,)]


def test_a_run_that_applies_leaves_it_as_it_was(
    given: Given, role: str, write: Write, folder: Path
) -> None:
    """Files that change every kind of setting, in every mode."""
    write("1_a.sql", f"CREATE TABLE a (id INT);\n{MESS}")
    write("2_b.sql", "CREATE TABLE b (id INT);")
    write("3_c.sql", "RESET ALL; RESET ROLE; SELECT 1;")
    write("4_d.sql", f"-- no-transaction\nCREATE TABLE d (id INT);\n{MESS}")
    write("5_e.sql", f"CREATE TABLE e (id INT);\nCOMMIT;\n{MESS}")
    write("6_f.up.sql", "SET SESSION AUTHORIZATION DEFAULT; SET LOCAL work_mem = 64;")
    write("6_f.down.sql", f"CREATE TABLE g (id INT);\n{MESS}")
    settle_in(given, role)
    with left_as_it_was(given):
        report = given.run(folder)
        assert len(report.applied) == 6
    with left_as_it_was(given):
        assert len(given.revert(folder).applied) == 1
    with left_as_it_was(given):
        assert len(given.run(folder).applied) == 1


@contextmanager
def the_same(given: Given, *questions: str) -> Iterator[None]:
    """See that some questions have the same answers before and after."""
    before = [given.ask(question) for question in questions]
    yield
    assert [given.ask(question) for question in questions] == before


def test_what_the_server_does_not_list_is_not_touched(
    given: Given, write: Write, folder: Path
) -> None:
    """A setting of an application's own is in no list, and survives a run."""
    write("1_a.sql", f"CREATE TABLE a (id INT);\n{MESS}")
    write("2_b.sql", f"-- no-transaction\nSELECT 1;\n{MESS}")
    write("3_c.sql", "INSERT INTO a VALUES (1);")
    given.ask("SET my.tenant = '42'")
    with the_same(given, "SELECT current_setting('my.tenant')"):
        assert len(given.run(folder).applied) == 3


def test_what_only_a_superuser_may_set_is_put_back(
    given: Given, role: str, write: Write, folder: Path
) -> None:
    """Settings, and the session's user, whom a file may change."""
    change = (
        "SET session_replication_role = replica; SET log_min_messages = panic;"
        f" SET SESSION AUTHORIZATION {role};"
    )
    write("1_a.sql", f"CREATE TABLE a (id INT);\n{change}")
    write("2_b.sql", f"-- no-transaction\nSELECT 1;\n{change}")
    write("3_c.sql", f"CREATE TABLE c (id INT);\nCOMMIT;\n{change}")
    write("4_d.sql", f"{change}\nSELECT 1/0;")
    given.ask("SET session_replication_role = local")
    same = the_same(given, STATE["settings"], STATE["who"], STATE["locks"])
    with same, pytest.raises(sqlx.ExecuteMigration, match="division by zero"):
        given.run(folder)
    assert [row.state for row in given.info(folder).rows] == [
        *[sqlx.State.INSTALLED] * 3,
        sqlx.State.PENDING,
    ]


def test_a_session_that_is_somebody_else_stays_so(
    given: Given, role: str, write: Write, folder: Path
) -> None:
    """A user who has set the session's authorization himself."""
    back = "RESET SESSION AUTHORIZATION;"
    write("1_a.sql", f"CREATE TABLE a (id INT); {back}")
    write("2_b.sql", f"-- no-transaction\nSELECT 1; {back}")
    write("3_c.sql", f"CREATE TABLE c (id INT); COMMIT; {back}")
    given.ask(f"SET SESSION AUTHORIZATION {role}")
    with the_same(given, STATE["settings"], STATE["who"], STATE["locks"]):
        assert len(given.run(folder).applied) == 3
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
    assert given.ask(owners) == [(role,)]


def test_what_only_looks_leaves_it_as_it_was(
    given: Given, role: str, write: Write, folder: Path
) -> None:
    """`info`, and a run with nothing to do."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    settle_in(given, role)
    with left_as_it_was(given):
        assert [row.state for row in given.info(folder).rows] == [sqlx.State.PENDING]
    given.run(folder)
    with left_as_it_was(given):
        assert given.run(folder).already_applied == 1


@pytest.mark.parametrize(
    "text",
    [
        f"CREATE TABLE b (id INT);\n{MESS}\nSELECT 1/0;",
        f"-- no-transaction\nCREATE TABLE b (id INT);\n{MESS}\nSELECT 1/0;",
        f"CREATE TABLE b (id INT);\n{MESS}\nCOMMIT;\n{MESS}\nSELECT 1/0;",
        f"-- no-transaction\nBEGIN;\n{MESS}\nSELECT 1/0;\nCOMMIT;",
    ],
    ids=["transaction", "statements", "own control", "own transaction"],
)
def test_an_error_in_a_migration_leaves_it_as_it_was(
    given: Given, role: str, write: Write, folder: Path, text: str
) -> None:
    """The lock is given back, no transaction is open, and the settings are back."""
    write("1_a.sql", f"CREATE TABLE a (id INT);\n{MESS}")
    write("2_b.sql", text)
    settle_in(given, role)
    with left_as_it_was(given), pytest.raises(sqlx.ExecuteMigration) as caught:
        given.run(folder)
    assert caught.value.cause.sqlstate == "22012"


@pytest.mark.parametrize(
    "text",
    [
        f"CREATE TABLE b (id INT);\n{MESS}\nSELECT pg_sleep(60);",
        f"-- no-transaction\nCREATE TABLE b (id INT);\n{MESS}\nSELECT pg_sleep(60);",
        f"{MESS}\nSELECT pg_sleep(60);\nCOMMIT;",
        f"-- no-transaction\nBEGIN;\n{MESS}\nSELECT pg_sleep(60);\nCOMMIT;",
    ],
    ids=["transaction", "statements", "own control", "own transaction"],
)
def test_an_interruption_leaves_it_as_it_was(
    given: Given,
    role: str,
    on_postgres: Database,
    write: Write,
    folder: Path,
    text: str,
) -> None:
    """Ctrl-C, or a cancelled task, while a statement runs in the server."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    write("2_b.sql", text)
    settle_in(given, role)
    with left_as_it_was(given):
        error = given.interrupted(folder, on_postgres)
    assert error in {KeyboardInterrupt, asyncio.CancelledError}


def test_a_lock_that_somebody_holds_leaves_it_as_it_was(
    given: Given, role: str, on_postgres: Database, write: Write, folder: Path
) -> None:
    """LockTimeout names the holder, who is the watcher here."""
    from sqlx.databases.postgres.advisory import lock_key

    write("1_a.sql", "CREATE TABLE a (id INT);")
    settle_in(given, role)
    with psycopg.connect(on_postgres.place, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [lock_key(on_postgres.name)])
        pid = holder.info.backend_pid
        with left_as_it_was(given), pytest.raises(LockTimeout) as caught:
            given.run(folder, lock_timeout_seconds=0)
    assert f"held by pid {pid}, user postgres" in str(caught.value)


def test_a_row_factory_and_adapters_of_the_user_s_do_not_matter(
    on_postgres: Database, write: Write, folder: Path
) -> None:
    """Rows as dicts and None for autocommit change nothing for us."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    with psycopg.connect(on_postgres.place, row_factory=dict_row) as connection:
        assert len(sqlx.Migrator(folder).run(connection).applied) == 1
        assert connection.execute("SELECT 1 AS one").fetchone() == {"one": 1}


def test_another_encoding_of_the_user_s_does_not_change_what_is_written(
    given: Given, on_postgres: Database, write: Write, folder: Path
) -> None:
    """A file is UTF-8, whatever the connection speaks, and is so again after."""
    write("1_é.sql", "CREATE TABLE a (name TEXT); INSERT INTO a VALUES ('né 日本');")
    write("2_b.sql", "-- no-transaction\nINSERT INTO a VALUES ('ü');")
    given.ask("SET client_encoding = LATIN1")
    given.run(folder)
    assert given.info(folder).rows[0].description == "é"
    assert given.run(folder).already_applied == 2
    assert given.ask("SHOW client_encoding") == [("LATIN1",)]
    names = on_postgres.rows("SELECT name FROM a")
    assert names == [("né 日本",), ("ü",)]
    assert on_postgres.rows("SELECT description FROM _sqlx_migrations")[0] == ("é",)


def test_a_connection_in_a_transaction_is_refused_with_the_mend(
    given: Given, write: Write, folder: Path
) -> None:
    """Migrations need transactions of their own."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    if isinstance(given, Sync) and given.given is given.connection:
        connection = given.connection
        with connection.transaction(), pytest.raises(InTransaction) as caught:
            given.run(folder)
        assert str(caught.value) == (
            "the connection is inside a transaction, and migrations need their own; "
            "commit or roll back first, or pass a database URL"
        )
        with connection.pipeline(), pytest.raises(InTransaction):
            given.run(folder)
    assert len(given.run(folder).applied) == 1


def test_an_async_connection_in_a_transaction_is_refused(
    on_postgres: Database, write: Write, folder: Path
) -> None:
    """The same in `asyncio`."""
    write("1_a.sql", "CREATE TABLE a (id INT);")

    async def inside() -> None:
        connecting = psycopg.AsyncConnection.connect(on_postgres.place)
        async with await connecting as given, given.transaction():
            with pytest.raises(InTransaction):
                await sqlx.AsyncMigrator(folder).run(given)
            assert (await (await given.execute("SELECT 1")).fetchall()) == [(1,)]
        by_asyncpg = await asyncpg.connect(on_postgres.place)
        async with by_asyncpg.transaction():
            with pytest.raises(InTransaction):
                await sqlx.AsyncMigrator(folder).run(by_asyncpg)
            assert await by_asyncpg.fetchval("SELECT 1") == 1
        await by_asyncpg.close()
        with pytest.raises(sqlx.ConnectionLost, match="the connection given is closed"):
            await sqlx.AsyncMigrator(folder).run(by_asyncpg)

    asyncio.run(inside())


def test_a_closed_connection_is_refused(
    on_postgres: Database, write: Write, folder: Path
) -> None:
    """It says so, and is no riddle of the driver's."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    with psycopg.connect(on_postgres.place) as connection:
        pass
    with pytest.raises(sqlx.ConnectionLost) as caught:
        sqlx.Migrator(folder).run(connection)
    assert str(caught.value) == "the connection given is closed"


def test_the_user_s_notice_handler_hears_of_files_only(
    on_postgres: Database, write: Write, folder: Path
) -> None:
    """No warning of a BEGIN too many, no table that exists already."""
    write("1_a.sql", f"DO $$ BEGIN RAISE NOTICE 'hello'; END $$;\n{MESS}")
    write("2_b.sql", "SELECT 1;")
    write("3_c.sql", "CREATE TABLE c (id INT);")
    write("4_d.sql", "-- no-transaction\nSELECT 1;")
    heard = []
    on_postgres.execute("CREATE SCHEMA elsewhere")
    with psycopg.connect(on_postgres.place) as connection:
        connection.add_notice_handler(
            lambda notice: heard.append(notice.message_primary)
        )
        sqlx.Migrator(folder).run(connection)
        sqlx.Migrator(folder).run(connection)
    assert heard == ["hello"]

    async def by_asyncpg() -> None:
        theirs = await asyncpg.connect(on_postgres.place)
        theirs.add_log_listener(lambda _, notice: heard.append(notice.message))
        await sqlx.AsyncMigrator(folder).revert(theirs, 0)
        await sqlx.AsyncMigrator(folder).run(theirs)
        await theirs.close()

    on_postgres.execute("DROP TABLE c")
    for name in ("1_a", "2_b", "3_c", "4_d"):
        write(f"{name}.down.sql", "SELECT 1;")
    asyncio.run(by_asyncpg())
    assert heard == ["hello", "hello"]


def test_a_pool_that_is_closed_or_used_up_says_so(
    on_postgres: Database, write: Write, folder: Path
) -> None:
    """No error of the pool's gets out as it is."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    with ConnectionPool(
        on_postgres.place, min_size=1, max_size=1, timeout=0.05
    ) as pool:
        with pool.connection(), pytest.raises(sqlx.ConnectionFailed) as used_up:
            sqlx.Migrator(folder).run(pool)
        assert str(used_up.value) == "couldn't get a connection after 0.05 sec"
        assert len(sqlx.Migrator(folder).run(pool).applied) == 1
    with pytest.raises(sqlx.ConnectionFailed, match="is already closed"):
        sqlx.Migrator(folder).run(pool)

    async def used_up_async() -> None:
        async with AsyncConnectionPool(
            on_postgres.place, min_size=1, max_size=1, timeout=0.05, open=False
        ) as given:
            async with given.connection():
                with pytest.raises(sqlx.ConnectionFailed):
                    await sqlx.AsyncMigrator(folder).run(given)
            assert (await sqlx.AsyncMigrator(folder).run(given)).already_applied == 1

    async def used_up_asyncpg() -> None:
        migrator = sqlx.AsyncMigrator(folder, connect_timeout_seconds=0.05)
        async with asyncpg.create_pool(
            on_postgres.place, min_size=1, max_size=1
        ) as given:
            async with given.acquire():
                with pytest.raises(sqlx.ConnectionFailed) as used_up:
                    await migrator.run(given)
            assert str(used_up.value) == "the pool had no connection to give in 0.05 s"
            assert (await migrator.run(given)).already_applied == 1
        with pytest.raises(sqlx.ConnectionFailed, match="pool is clos"):
            await migrator.run(given)

    asyncio.run(used_up_async())
    asyncio.run(used_up_asyncpg())
