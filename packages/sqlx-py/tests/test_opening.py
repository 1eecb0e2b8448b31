"""A URL, a connection or a pool: what it is, is found without importing its driver."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool, ConnectionPool, NullConnectionPool
from support import Watched

import sqlx
from sqlx import opening
from sqlx.config.url import EmbeddedUrl, PostgresUrl, parse_url
from sqlx.databases.kinds import KINDS

if TYPE_CHECKING:
    import sqlite3

    from support import Database, Door, Write


SETTING = opening.Setting("h", ("main",), True, 1.0, 0.0, print)  # noqa: FBT003 -- in order.


class Mine(psycopg.Connection[Any]):
    """A subclass of the user's."""


@pytest.fixture(autouse=True)
def one_file(write: Write) -> None:
    """Have a migration to run."""
    write("1_a.sql", "CREATE TABLE a (id INT);")


def test_a_url_is_opened(database: Database, colour: Door, folder: Path) -> None:
    """By its scheme."""
    assert len(colour(folder).run(database.url).applied) == 1


def test_a_connection_or_a_pool_is_used(on_postgres: Database, folder: Path) -> None:
    """psycopg's, a subclass of it, and its pools."""
    migrator = sqlx.Migrator(folder)
    with psycopg.connect(on_postgres.place) as connection:
        assert len(migrator.run(connection).applied) == 1
        assert not connection.closed
    with Mine.connect(on_postgres.place) as mine:
        assert migrator.run(mine).already_applied == 1
    with ConnectionPool(on_postgres.place, min_size=1, open=True) as pool:
        assert migrator.run(pool).already_applied == 1
        assert pool.get_stats()["pool_size"] == 1
    with NullConnectionPool(on_postgres.place, open=True) as null:
        assert migrator.run(null).already_applied == 1

    async def the_same() -> None:
        migrator = sqlx.AsyncMigrator(folder)
        connecting = psycopg.AsyncConnection.connect(on_postgres.place)
        async with await connecting as connection:
            assert (await migrator.run(connection)).already_applied == 1
        async with AsyncConnectionPool(on_postgres.place, open=False) as pool:
            assert (await migrator.run(pool)).already_applied == 1
        async with asyncpg.create_pool(on_postgres.place, min_size=1) as lender:
            assert (await migrator.run(lender)).already_applied == 1
            async with lender.acquire() as lent:
                assert (await migrator.run(lent)).already_applied == 1
            assert lender.get_size() == lender.get_idle_size() == 1
            with pytest.raises(sqlx.ConnectionLost, match="released back to the pool"):
                await migrator.run(lent)

    asyncio.run(the_same())


def test_a_connection_that_is_watched_is_used(colour: Door, folder: Path) -> None:
    """It says that it is of the class that it stands for."""
    with closing(_memory()) as connection:
        assert len(colour(folder).run(Watched(connection)).applied) == 1
        assert colour(folder).run(connection).already_applied == 1


class Connection:
    """A stranger with a familiar name."""


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: 7, "builtins.int"),
        (lambda: None, "builtins.NoneType"),
        (lambda: b"sqlite::memory:", "builtins.bytes"),
        (Connection, "test_opening.Connection"),
    ],
)
def test_what_we_do_not_know_is_a_type_error(
    make: Any, name: str, folder: Path
) -> None:
    """It says what is taken, in each colour."""
    given = make()
    kind = f"{type(given).__module__.partition('.')[0]}.{type(given).__name__}"
    assert kind.endswith(name.rpartition(".")[2])
    with pytest.raises(TypeError) as sync:
        sqlx.Migrator(folder).run(given)
    assert str(sync.value) == (
        "Migrator takes a database URL, sqlite3.Connection, psycopg.Connection, "
        "psycopg_pool.ConnectionPool, pymysql.Connection or sqlalchemy.Engine, "
        f"not {kind}"
    )
    with pytest.raises(TypeError) as other:
        asyncio.run(sqlx.AsyncMigrator(folder).run(given))
    assert str(other.value) == (
        "AsyncMigrator takes a database URL, sqlite3.Connection, "
        "psycopg.AsyncConnection, psycopg_pool.AsyncConnectionPool, "
        "asyncpg.Connection, asyncpg.PoolConnectionProxy, asyncpg.Pool, "
        "pymysql.Connection, asyncmy.Connection, asyncmy.Pool or "
        f"sqlalchemy.AsyncEngine, not {kind}"
    )


def test_the_other_colour_is_a_type_error(on_postgres: Database, folder: Path) -> None:
    """A sync connection is not for AsyncMigrator, nor the other way round."""
    with psycopg.connect(on_postgres.place) as connection:
        with pytest.raises(TypeError, match=r"Connection, which is for Migrator$"):
            asyncio.run(sqlx.AsyncMigrator(folder).run(connection))
        pool = ConnectionPool(on_postgres.place, open=False)
        with pytest.raises(TypeError, match=r"ConnectionPool, which is for Migrator$"):
            asyncio.run(sqlx.AsyncMigrator(folder).run(pool))

    async def other() -> None:
        connecting = psycopg.AsyncConnection.connect(on_postgres.place)
        async with await connecting as connection:
            with pytest.raises(TypeError, match=r"which is for AsyncMigrator$"):
                sqlx.Migrator(folder).run(connection)

    asyncio.run(other())


@pytest.mark.slow
def test_an_embedded_server_is_started_and_stopped(
    colour: Door, folder: Path, tmp_path: Path
) -> None:
    """For as long as it is used."""
    place = tmp_path / "pg"
    assert len(colour(folder).run(f"embedded:{place}").applied) == 1
    url = parse_url(f"embedded:{place}", {})
    assert isinstance(url, EmbeddedUrl)
    assert not (place / "data" / "postmaster.pid").exists()


def test_a_wrong_url_is_a_configuration_error(colour: Door, folder: Path) -> None:
    """Before anything is opened."""
    with pytest.raises(sqlx.ConfigurationError, match="no driver found"):
        colour(folder).run("oracle://x")


def test_a_database_to_ask_in_is_nothing_to_make(on_postgres: Database) -> None:
    """`sqlx database create` itself asks in one."""
    url = parse_url(on_postgres.url, {})
    assert isinstance(url, PostgresUrl)
    place = opening.place_of(url)
    with pytest.raises(sqlx.DatabaseError) as caught:
        opening.connect(place, "nowhere")
    assert str(caught.value).endswith('database "nowhere" does not exist')


def test_a_missing_driver_names_what_to_install() -> None:
    """The extra of the distribution, and no ImportError."""
    with pytest.raises(sqlx.ConfigurationError) as caught:
        opening._need("no_such_driver", "postgres")
    assert str(caught.value) == (
        "no_such_driver is not installed; run: pip install 'sqlx-py[postgres]'"
    )


def test_each_kind_names_functions_that_there_are() -> None:
    """The table of kinds is read late, so that no driver is imported for it."""
    for kind in KINDS.values():
        for name in filter(None, (kind.sync, kind.other)):
            assert callable(kind.door(name))
        assert all(hasattr(SETTING, told) for told in kind.told)


def test_sqlite_imports_no_driver_of_postgresql(
    on_sqlite: Database, folder: Path
) -> None:
    """It would cost 170 ms."""
    code = (
        "import sys, sqlx; sqlx.Migrator(sys.argv[1]).run(sys.argv[2]);"
        "print(sorted({'psycopg', 'asyncio', 'typing_extensions'} & {*sys.modules}))"
    )
    command = [sys.executable, "-c", code, str(folder), on_sqlite.url]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "psycopg" not in done.stdout


def test_asyncpg_needs_no_psycopg(on_postgres: Database, folder: Path) -> None:
    """Who has the one need not install the other."""
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "import asyncio, asyncpg, sqlx\n"
        "async def main():\n"
        "    async with asyncpg.create_pool(sys.argv[2], min_size=1) as pool:\n"
        "        report = await sqlx.AsyncMigrator(sys.argv[1]).run(pool)\n"
        "        print(len(report.applied))\n"
        "asyncio.run(main())"
    )
    command = [sys.executable, "-c", code, str(folder), on_postgres.place]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "1\n"


def test_a_table_name_and_schemas_reach_the_dialect(on_sqlite: Database) -> None:
    """What is chosen for a migrator is what its dialect knows."""
    with opening.open_sync(on_sqlite.url, SETTING) as (dialect, connection):
        assert dialect.table == "h"
        assert connection.execute(dialect.prepare()) == []
    with closing(_memory()) as given, opening.open_sync(given, SETTING) as (other, _):
        assert other.table == "h"


def _memory() -> sqlite3.Connection:
    import sqlite3

    return sqlite3.connect(":memory:")


@pytest.mark.parametrize(
    ("url", "module", "extra"),
    [
        ("postgres://h/x", "psycopg", "postgres"),
        ("mysql://h/x", "pymysql", "mysql"),
    ],
)
def test_a_driver_that_is_missing_is_named(url: str, module: str, extra: str) -> None:
    """Where nothing is installed beside us, it is said what to install."""
    source = str(Path(sqlx.__file__).parents[1])
    code = "import sys, sqlx; sqlx.Migrator({}).run(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, url],
        env=os.environ | {"PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines()[-1] == (
        f"sqlx.errors.DriverMissing: {module} is not installed; "
        f"run: pip install 'sqlx-py[{extra}]'"
    )
