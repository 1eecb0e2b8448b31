"""A worker that must not migrate waits for who does: read-only, look by look."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool, ConnectionPool

import sqlx
from sqlx import waiting
from sqlx.databases.postgres.advisory import lock_key
from sqlx.engine.news import WaitingForMigrations
from sqlx.errors import StillPending

if TYPE_CHECKING:
    from pathlib import Path

    from support import Database, Door, Write

FALSE = "UPDATE _sqlx_migrations SET success = FALSE WHERE version = 2"


@pytest.fixture(params=["postgres", "mysql"])
def server(request: pytest.FixtureRequest) -> Database:
    """A database on a server, of each kind in turn."""
    found: Database = request.getfixturevalue(f"on_{request.param}")
    return found


@pytest.fixture(autouse=True)
def two_files(write: Write) -> None:
    """Have migrations to wait for."""
    write("1_users.sql", "CREATE TABLE users (id INT);")
    write("2_notes.sql", "CREATE TABLE notes (id INT);")


def test_it_returns_when_all_is_applied(
    database: Database, colour: Door, folder: Path
) -> None:
    """At once, or when somebody has migrated; told that it waits meanwhile."""
    told: list[sqlx.News] = []

    def migrate(news: sqlx.News) -> None:
        told.append(news)
        sqlx.Migrator(folder).run(database.url)

    report = colour(folder, on_event=migrate).wait(database.url, timeout_seconds=60)
    assert (report.applied, report.already_applied) == ((), 2)
    (news,) = told
    assert isinstance(news, WaitingForMigrations)
    assert [migration.version for migration in news.pending] == [1, 2]
    words = str(replace(news, waited_seconds=7.0))
    assert words == "waiting for migrations: 2 pending (7 s so far)"
    again = colour(folder, on_event=migrate).wait(database.url, timeout_seconds=0)
    assert again == report
    assert len(told) == 1


def test_the_time_that_is_up_names_what_is_pending_and_who_migrates(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """What, since when the rest is there, and who holds the lock."""
    with pytest.raises(StillPending) as nothing:
        colour(folder).wait(on_postgres.url, timeout_seconds=0)
    assert str(nothing.value) == (
        "after 0 s, migrations are still pending: 1 (users), 2 (notes); none is "
        "applied; nobody is seen to migrate: run `sqlx migrate run`, or wait longer "
        "(timeout_seconds)"
    )
    colour(folder).run(on_postgres.url)
    for version in (3, 4, 5, 6):
        write(f"{version}_more.sql", "SELECT 1;")
    ((since,),) = on_postgres.rows(
        "SELECT to_char(installed_on AT TIME ZONE 'UTC',"
        " 'YYYY-MM-DD\"T\"HH24:MI:SS.US') FROM _sqlx_migrations WHERE version = 2"
    )
    with psycopg.connect(on_postgres.place, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [lock_key(on_postgres.name)])
        with pytest.raises(StillPending) as caught:
            colour(folder).wait(on_postgres.url, timeout_seconds=0.2)
        pid = holder.info.backend_pid
    assert str(caught.value).startswith(
        "after 0.2 s, migrations are still pending: 3 (more), 4 (more), 5 (more) and "
        f"1 more; the newest applied one is 2 (notes), {since}Z; the migration lock is "
        f"held by pid {pid}, user postgres"
    )
    assert caught.value.versions == (3, 4, 5, 6)


def test_what_no_wait_mends_is_raised_at_once(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """A file that was changed, and a version that has none."""
    colour(folder).run(database.url)
    write("2_notes.sql", "CREATE TABLE notes (id BIGINT);")
    with pytest.raises(sqlx.VersionMismatch):
        colour(folder).wait(database.url)
    (folder / "2_notes.sql").unlink()
    with pytest.raises(sqlx.VersionMissing):
        colour(folder).wait(database.url)
    report = colour(folder, ignore_missing=True).wait(database.url)
    assert report.already_applied == 1


def test_a_row_that_says_false_may_belong_to_somebody_alive(
    on_postgres: Database, colour: Door, folder: Path
) -> None:
    """While the lock is held it is waited for; then it is called by its name."""
    colour(folder).run(on_postgres.url)
    on_postgres.execute(FALSE)
    with psycopg.connect(on_postgres.place, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [lock_key(on_postgres.name)])

        pid = holder.info.backend_pid

        def finish(news: sqlx.News) -> None:
            words = "waiting for migrations: the running one, the lock is held by pid"
            assert str(news).startswith(f"{words} {pid}, user postgres")
            on_postgres.execute("UPDATE _sqlx_migrations SET success = TRUE")

        report = colour(folder, on_event=finish).wait(on_postgres.url)
    assert report.already_applied == 2


def test_a_row_that_stays_false_is_dirty(
    database: Database, colour: Door, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while in which nobody is seen at it; when the time is up, sooner."""
    colour(folder).run(database.url)
    database.execute(FALSE)
    with pytest.raises(sqlx.Dirty):
        colour(folder).wait(database.url, timeout_seconds=0)
    monkeypatch.setattr(waiting, "DIRTY_GRACE_SECONDS", 0.1)
    with pytest.raises(sqlx.Dirty):
        colour(folder).wait(database.url, timeout_seconds=60)


def test_where_nobody_can_be_seen_the_time_decides(
    on_postgres: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A standby, or whoever may only read, sees no locks of the primary's."""
    sqlx.Migrator(folder).run(on_postgres.url)
    on_postgres.execute(FALSE)
    monkeypatch.setattr(waiting, "DIRTY_GRACE_SECONDS", 0.0)
    options = "options=-c%20default_transaction_read_only%3Don"
    with pytest.raises(sqlx.Dirty):
        sqlx.Migrator(folder).wait(on_postgres.url, timeout_seconds=60)
    told: list[sqlx.News] = []
    migrator = sqlx.Migrator(folder, on_event=told.append)
    with pytest.raises(sqlx.Dirty):
        migrator.wait(f"{on_postgres.url}&{options}", timeout_seconds=0.2)
    assert len(told) == 1


def test_the_right_to_read_is_enough(on_postgres: Database, folder: Path) -> None:
    """Of the history alone."""
    sqlx.Migrator(folder).run(on_postgres.url)
    role = f"reader_{on_postgres.name}"
    on_postgres.execute(
        f"CREATE ROLE {role} LOGIN; GRANT SELECT ON _sqlx_migrations TO {role}"
    )
    try:
        url = on_postgres.url.replace("user=postgres", f"user={role}")
        report = asyncio.run(sqlx.wait_until_migrated(url, folder))
        assert report.already_applied == 2
        with psycopg.connect(url) as connection, pytest.raises(psycopg.Error):
            connection.execute("CREATE TABLE public.mine (id INT)")
    finally:
        on_postgres.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_a_pool_of_one_is_free_between_two_looks(
    on_postgres: Database, folder: Path
) -> None:
    """Whoever waits holds nothing that others need."""
    with ConnectionPool(on_postgres.place, min_size=1, max_size=1) as pool:
        migrator = sqlx.Migrator(folder, on_event=lambda _: waits.set())
        waits = threading.Event()
        result: list[sqlx.Report] = []
        waiter = threading.Thread(target=lambda: result.append(migrator.wait(pool)))
        waiter.start()
        waits.wait()
        sqlx.Migrator(folder).run(pool)
        waiter.join()
    assert result[0].already_applied == 2


def test_a_connection_that_is_lost_is_waited_for_where_there_is_another(
    on_postgres: Database, folder: Path
) -> None:
    """A pool or a URL gives a new one; a connection that is gone stays gone."""

    def end(_: object) -> None:
        on_postgres.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        sqlx.Migrator(folder).run(on_postgres.url)

    migrator = sqlx.Migrator(folder, on_event=end)
    given = psycopg.connect(on_postgres.place)
    with given as connection, pytest.raises(sqlx.ConnectionLost):
        migrator.wait(connection)

    async def pooled() -> sqlx.Report:
        import asyncpg

        (folder / "3_more.sql").write_text("SELECT 1;")
        async with asyncpg.create_pool(on_postgres.place, min_size=1) as pool:
            return await sqlx.wait_until_migrated(pool, folder, on_event=end)

    assert asyncio.run(pooled()).already_applied == 3


def test_a_pool_that_is_used_up_is_not_waited_for_longer_than_told(
    on_mysql: Database, folder: Path
) -> None:
    """Its own wait has no end."""
    (path,) = parse_qs(urlsplit(on_mysql.url).query)["socket"]
    migrator = sqlx.AsyncMigrator(folder, connect_timeout_seconds=0.05)

    async def pooled() -> None:
        import asyncmy

        pool = asyncmy.create_pool(maxsize=1, unix_socket=path, user="root")
        async with pool as lending, lending.acquire():
            await sqlx.wait_until_migrated(lending, migrator, timeout_seconds=0)

    with pytest.raises(sqlx.ConnectionFailed) as caught:
        asyncio.run(pooled())
    assert str(caught.value) == "the pool had no connection to give in 0.05 s"


def test_the_wait_of_a_pool_of_psycopg_s_is_shortened(
    on_postgres: Database, folder: Path
) -> None:
    """It has an end of its own, half a minute away."""
    options: dict[str, Any] = {"connect_timeout_seconds": 0.05}
    said = "couldn't get a connection after 0.05 sec"
    with (
        ConnectionPool(on_postgres.place, min_size=1, max_size=1) as given,
        given.connection(),
        pytest.raises(sqlx.ConnectionFailed) as caught,
    ):
        sqlx.Migrator(folder, **options).wait(given, timeout_seconds=0)
    assert str(caught.value) == said

    async def other() -> None:
        async with (
            AsyncConnectionPool(
                on_postgres.place, min_size=1, max_size=1, open=False
            ) as lending,
            lending.connection(),
        ):
            await sqlx.AsyncMigrator(folder, **options).run(lending)

    with pytest.raises(sqlx.ConnectionFailed) as caught:
        asyncio.run(other())
    assert str(caught.value) == said


def test_a_database_that_is_not_there_yet_is_waited_for(
    tmp_path: Path, colour: Door, folder: Path
) -> None:
    """As a server is that starts; when the time is up, that is what is said."""
    url = f"sqlite:{tmp_path}/later.db"
    with pytest.raises(sqlx.ConnectionFailed, match="unable to open database file"):
        colour(folder).wait(url, timeout_seconds=0)
    maker = threading.Timer(0.1, lambda: sqlx.Migrator(folder).run(f"{url}?mode=rwc"))
    maker.start()
    assert colour(folder).wait(url, timeout_seconds=60).already_applied == 2
    maker.join()


def test_a_database_that_somebody_is_about_to_create_is_waited_for(
    server: Database, colour: Door, folder: Path
) -> None:
    """A worker may be started before who creates it; the time that is up says so."""
    url = server.url.replace(server.name, f"{server.name}_later")
    with pytest.raises(sqlx.ConnectionFailed, match=f"{server.name}_later"):
        colour(folder).wait(url, timeout_seconds=0)

    def create() -> None:
        sqlx.create_database(url)
        sqlx.Migrator(folder).run(url)

    maker = threading.Timer(0.1, create)
    maker.start()
    assert colour(folder).wait(url, timeout_seconds=60).already_applied == 2
    maker.join()
    sqlx.drop_database(url)


def test_a_database_that_refuses_is_not_waited_for(
    on_postgres: Database, colour: Door, folder: Path
) -> None:
    """A wrong name of a role stays wrong."""
    url = on_postgres.url.replace("user=postgres", "user=nobody")
    with pytest.raises(sqlx.ConnectionFailed, match='role "nobody" does not exist'):
        colour(folder).wait(url)


def test_a_worker_that_is_cancelled_leaves_at_once(
    on_postgres: Database, folder: Path
) -> None:
    """Its pool is whole."""

    async def cancelled() -> None:
        import asyncpg

        async with asyncpg.create_pool(on_postgres.place, min_size=1) as pool:
            begun = asyncio.Event()
            migrator: Any = sqlx.AsyncMigrator(folder, on_event=lambda _: begun.set())
            task = asyncio.create_task(sqlx.wait_until_migrated(pool, migrator))
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert pool.get_idle_size() == pool.get_size()

    asyncio.run(cancelled())


def test_a_migrator_has_its_options_already(folder: Path) -> None:
    """They are not given twice."""
    migrator = sqlx.AsyncMigrator(folder)
    with pytest.raises(TypeError) as caught:
        asyncio.run(
            sqlx.wait_until_migrated("sqlite::memory:", migrator, table_name="x")
        )
    assert str(caught.value) == "an AsyncMigrator has its options: give it table_name"
