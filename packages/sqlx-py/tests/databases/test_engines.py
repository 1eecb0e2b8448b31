"""SQLAlchemy's engines lend a connection, and get it back as it was."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from databases.given import engine_url
from sqlalchemy import URL, Engine, create_engine, text
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import QueuePool

import sqlx
from sqlx.config.url import MySqlUrl, parse_url
from sqlx.databases.engines import lent
from sqlx.errors import ConnectionFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support import Database, Write

TERMINATE = "SELECT pg_terminate_backend(pg_backend_pid());"


@pytest.fixture(autouse=True)
def one_file(write: Write) -> None:
    """Have a migration to run."""
    write("1_a.sql", "CREATE TABLE a (id INT);")


@pytest.fixture
def engine(on_postgres: Database) -> Iterator[Engine]:
    """An engine of psycopg's with one connection."""
    made = create_engine(
        engine_url(on_postgres, "psycopg"),
        pool_size=1,
        max_overflow=0,
        pool_timeout=0.05,
    )
    yield made
    made.dispose()


def whole(pool: object) -> tuple[int, int]:
    """Tell how many connections a pool has, and how many are out."""
    assert isinstance(pool, QueuePool)
    return pool.checkedin(), pool.checkedout()


def test_an_engine_migrates_and_works_on(engine: Engine, folder: Path) -> None:
    """On the connection that the application uses, with nothing begun on it."""
    assert len(sqlx.Migrator(folder).run(engine).applied) == 1
    assert whole(engine.pool) == (1, 0)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO a VALUES (7)"))
    assert sqlx.Migrator(folder).run(engine).already_applied == 1
    with engine.connect() as connection:
        assert connection.execute(text("SELECT id FROM a")).scalar_one() == 7
    assert whole(engine.pool) == (1, 0)


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_an_async_engine_migrates_and_works_on(
    on_postgres: Database, write: Write, folder: Path, driver: str
) -> None:
    """Also after a migration that fails, and one that takes its connection away."""
    migrator = sqlx.AsyncMigrator(folder)

    async def live(engine: AsyncEngine) -> None:
        assert len((await migrator.run(engine)).applied) == 1
        write("2_b.sql", "SELECT 1/0;")
        with pytest.raises(sqlx.ExecuteMigration):
            await sqlx.AsyncMigrator(folder).run(engine)
        assert whole(engine.pool) == (1, 0)
        write("2_b.sql", TERMINATE)
        with pytest.raises(sqlx.ExecuteMigration) as lost:
            await sqlx.AsyncMigrator(folder).run(engine)
        assert isinstance(lost.value.cause, sqlx.ConnectionLost)
        write("2_b.sql", "CREATE TABLE b (id INT);")
        assert len((await sqlx.AsyncMigrator(folder).run(engine)).applied) == 1
        async with engine.begin() as connection:
            await connection.execute(text("INSERT INTO b VALUES (7)"))
        assert whole(engine.pool) == (1, 0)

    async def lived() -> None:
        engine = create_async_engine(
            engine_url(on_postgres, driver), pool_size=1, max_overflow=0
        )
        try:
            await live(engine)
        finally:
            await engine.dispose()

    asyncio.run(lived())
    assert on_postgres.rows("SELECT id FROM b") == [(7,)]


def test_a_connection_that_is_lost_does_not_come_back_to_the_pool(
    engine: Engine, write: Write, folder: Path
) -> None:
    """The engine makes another one."""
    sqlx.Migrator(folder).run(engine)
    path = write("2_b.sql", TERMINATE)
    with pytest.raises(sqlx.ExecuteMigration):
        sqlx.Migrator(folder).run(engine)
    path.unlink()
    assert sqlx.Migrator(folder).run(engine).already_applied == 1
    assert whole(engine.pool) == (1, 0)


def test_an_engine_that_has_none_to_give_says_so(engine: Engine, folder: Path) -> None:
    """No error of SQLAlchemy's gets out as it is."""
    with engine.connect(), pytest.raises(ConnectionFailed) as used_up:
        sqlx.Migrator(folder).run(engine)
    assert str(used_up.value).startswith("QueuePool limit of size 1 overflow 0 reached")
    nowhere = create_engine("postgresql+psycopg://nobody@/x?host=/nowhere")
    with pytest.raises(ConnectionFailed) as refused:
        sqlx.Migrator(folder).run(nowhere)
    assert str(refused.value).startswith("connection is bad: ")
    assert "\n" not in str(refused.value)

    async def other() -> None:
        away = create_async_engine("postgresql+asyncpg://nobody@/x?host=/nowhere")
        with pytest.raises(ConnectionFailed, match="No such file or directory"):
            await sqlx.AsyncMigrator(folder).run(away)

    asyncio.run(other())


def test_an_engine_of_sqlite_s(on_sqlite: Database, folder: Path) -> None:
    """The standard library's connection, left in its mode."""
    engine = create_engine(URL.create("sqlite", database=on_sqlite.place))
    assert len(sqlx.Migrator(folder).run(engine).applied) == 1
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO a VALUES (7)"))
    assert sqlx.Migrator(folder).run(engine).already_applied == 1
    engine.dispose()
    assert on_sqlite.rows("SELECT id FROM a") == [(7,)]


def test_a_connection_that_ctrl_c_has_closed_does_not_come_back(
    on_mysql: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """SQLAlchemy would log at length that it cannot be reset."""
    engine = create_engine(mysql_url(on_mysql, "pymysql"), pool_size=1)

    def press() -> None:
        with lent(engine) as connection:
            connection._force_close()  # as we do then
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        press()
    assert caplog.records == []
    with engine.connect() as again:
        assert again.execute(text("SELECT 1")).scalar_one() == 1
    assert whole(engine.pool) == (1, 0)
    engine.dispose()


def mysql_url(database: Database, driver: str) -> URL:
    """Write where a MariaDB database is as SQLAlchemy does."""
    known = parse_url(database.url, {})
    assert isinstance(known, MySqlUrl)
    return URL.create(
        f"mysql+{driver}",
        username=known.user,
        database=known.database,
        query={"unix_socket": known.socket or ""},
    )


def test_engines_of_mysql_s(on_mysql: Database, write: Write, folder: Path) -> None:
    """PyMySQL's and asyncmy's connections, which begin transactions by themselves."""
    engine = create_engine(mysql_url(on_mysql, "pymysql"), pool_size=1)
    assert len(sqlx.Migrator(folder).run(engine).applied) == 1
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO a VALUES (7)"))
    with engine.connect() as connection:
        connection.execute(text("INSERT INTO a VALUES (8)"))
        connection.rollback()
    assert sqlx.Migrator(folder).run(engine).already_applied == 1
    assert whole(engine.pool) == (1, 0)
    engine.dispose()
    write("2_b.sql", "CREATE TABLE b (id INT);")

    async def other() -> None:
        away = create_async_engine(mysql_url(on_mysql, "asyncmy"), pool_size=1)
        assert len((await sqlx.AsyncMigrator(folder).run(away)).applied) == 1
        async with away.begin() as connection:
            await connection.execute(text("INSERT INTO b VALUES (7)"))
        assert whole(away.pool) == (1, 0)
        await away.dispose()

    asyncio.run(other())
    assert on_mysql.rows("SELECT a.id, b.id FROM a, b") == [(7, 7)]


@pytest.mark.parametrize(
    ("dialect", "driver", "mend"),
    [
        (
            "postgresql",
            "psycopg2",
            "make it with postgresql+psycopg://, or pass a database URL",
        ),
        (
            "mysql",
            "mysqldb",
            "make it with mysql+pymysql://, or pass a database URL",
        ),
        (
            "oracle",
            "oracledb",
            "migrations are for PostgreSQL, SQLite, MySQL and MariaDB",
        ),
    ],
)
def test_an_engine_of_another_driver_names_the_right_one(
    folder: Path, dialect: str, driver: str, mend: str
) -> None:
    """Before it connects."""
    engine = create_engine("sqlite://")
    engine.dialect.name, engine.dialect.driver = dialect, driver
    with pytest.raises(sqlx.ConfigurationError) as caught:
        sqlx.Migrator(folder).run(engine)
    assert str(caught.value) == (
        f"the engine is of SQLAlchemy's {dialect}+{driver}, whose connections are not "
        f"known here; {mend}"
    )


def test_an_async_engine_of_sqlite_s_names_the_way(folder: Path) -> None:
    """Its connection lives in a thread of aiosqlite's."""
    engine = create_async_engine("postgresql+asyncpg://")
    engine.dialect.name, engine.dialect.driver = "sqlite", "aiosqlite"
    with pytest.raises(sqlx.ConfigurationError) as caught:
        asyncio.run(sqlx.AsyncMigrator(folder).run(engine))
    assert str(caught.value) == (
        "the engine is of SQLAlchemy's sqlite+aiosqlite, whose connections are not "
        "known here; pass a database URL (sqlite:app.db) or an sqlite3.Connection"
    )


def test_what_may_hold_a_transaction_is_refused(engine: Engine, folder: Path) -> None:
    """A connection or a session of SQLAlchemy's: the engine is what lends."""
    with engine.connect() as connection:
        refused(folder, connection, "sqlalchemy.Connection")
    with Session(engine) as session:
        refused(folder, session, "sqlalchemy.Session")
    refused(folder, sessionmaker(engine), "sqlalchemy.sessionmaker")
    raw = engine.raw_connection()
    refused(folder, raw, "sqlalchemy._ConnectionFairy")
    raw.close()

    async def other() -> None:
        away = create_async_engine("postgresql+asyncpg://")
        migrator = sqlx.AsyncMigrator(folder)
        sessions = async_sessionmaker(away)
        for given in (away.connect(), AsyncSession(away), sessions, sessions()):
            with pytest.raises(TypeError, match=r"; pass its engine$"):
                await migrator.run(given)

    asyncio.run(other())


def refused(folder: Path, given: object, name: str) -> None:
    """See that a migrator does not take it."""
    with pytest.raises(TypeError) as caught:
        sqlx.Migrator(folder).run(given)
    assert str(caught.value).endswith(f", not {name}; pass its engine")
