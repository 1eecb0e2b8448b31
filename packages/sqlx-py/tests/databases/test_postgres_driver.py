"""psycopg carries out steps: one message each, and errors say where they stand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncpg
import psycopg
import pytest
from databases.given import sleeping
from psycopg.rows import dict_row

import sqlx
from sqlx.databases.postgres.asyncpg_driver import AsyncpgConnection
from sqlx.databases.postgres.asyncpg_driver import given_async as asyncpg_given
from sqlx.databases.postgres.connect import Place, connect, given, given_async, opened
from sqlx.databases.postgres.driver import (
    AsyncPostgresConnection,
    PostgresConnection,
    _drain,
    check_idle,
    keywords_of,
)
from sqlx.databases.reach import Reach
from sqlx.engine.steps import Query, Rows, Script
from sqlx.errors import ConnectionFailed, ConnectionLost, DatabaseError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from support import Database


def no_guard() -> Any:
    """Be the second connection that no test here needs."""
    raise AssertionError


def hush(message: str) -> str:
    """Take a secret out."""
    return message.replace("S3cret", "***")


@pytest.fixture(params=["sync", "async", "asyncpg"])
def execute(
    request: pytest.FixtureRequest, on_postgres: Database
) -> Iterator[Callable[[Query | Script], Rows]]:
    """Carry out a step on a connection, in each colour."""
    if request.param == "sync":
        with psycopg.connect(on_postgres.place, autocommit=True) as connection:
            yield PostgresConnection(connection, no_guard, hush).execute
        return
    place = on_postgres.place
    with asyncio.Runner() as runner:
        if request.param == "asyncpg":
            theirs = runner.run(asyncpg.connect(place))
            by_asyncpg = AsyncpgConnection(theirs, no_guard)
            yield lambda step: runner.run(by_asyncpg.execute(step))
            runner.run(by_asyncpg.close())
            runner.run(theirs.close())
            return
        opening = psycopg.AsyncConnection.connect(place, autocommit=True)
        another = runner.run(opening)
        driver = AsyncPostgresConnection(another, no_guard, hush)
        yield lambda step: runner.run(driver.execute(step))
        runner.run(another.close())


def test_a_query_replies_with_the_rows_of_its_last_statement(
    execute: Callable[[Query | Script], Rows],
) -> None:
    """Texts and None, whatever the types; a command has no rows."""
    assert execute(
        Query("SELECT 1; SELECT 2, NULL, 'é' UNION ALL SELECT 3, 'x', ''")
    ) == [
        ("2", None, "é"),
        ("3", "x", ""),
    ]
    assert execute(Query("SET my.setting = 'x'")) == []


def test_a_script_replies_with_what_ends_our_migrations(
    execute: Callable[[Query | Script], Rows],
) -> None:
    """Only rows with our two columns, cut to them, in order."""
    script = Script(
        (
            "SELECT 1 AS other;",
            "SELECT 5 AS sqlx_version, 6 AS sqlx_execution_time, 7 AS more;",
            "CREATE TABLE a ();",
            "SELECT 8 AS sqlx_version, NULL AS sqlx_execution_time",
        )
    )
    assert execute(script) == [("5", "6"), ("8", None)]


def refused(
    execute: Callable[[Query | Script], Rows], step: Query | Script
) -> DatabaseError:
    """Let a step be refused."""
    with pytest.raises(DatabaseError) as caught:
        execute(step)
    return caught.value


def test_an_error_has_all_that_the_server_says(
    execute: Callable[[Query | Script], Rows],
) -> None:
    """Its words, SQLSTATE, detail, hint, context, table; and what was complete."""
    execute(Script(("CREATE TABLE u (e TEXT UNIQUE);",)))
    step = Script(("INSERT INTO u VALUES ('a');", "INSERT INTO u VALUES ('a')"))
    error = refused(execute, step)
    assert error.message == ('duplicate key value violates unique constraint "u_e_key"')
    assert (error.sqlstate, error.code) == ("23505", None)
    assert error.detail == "Key (e)=(a) already exists."
    assert (error.table, error.completed) == ("u", 1)
    assert (error.part, error.offset) == (None, None)
    raising = "DO $$ BEGIN RAISE 'no' USING HINT = 'do it otherwise'; END $$"
    error = refused(execute, Query(raising))
    assert error.message == "no"
    assert str(error) == "no [P0001]"
    assert error.hint == "do it otherwise"
    assert error.context == "PL/pgSQL function inline_code_block line 1 at RAISE"


def test_a_secret_of_a_url_is_taken_out_of_what_the_server_says(
    on_postgres: Database,
) -> None:
    """It may stand in any message."""
    with psycopg.connect(on_postgres.place) as connection:
        ours = PostgresConnection(connection, no_guard, hush)
        step = Query("DO $$ BEGIN RAISE 'no S3cret'; END $$")
        assert str(refused(ours.execute, step)) == "no *** [P0001]"


@pytest.mark.parametrize(
    ("parts", "part", "offset"),
    [
        (("SELECT 'é'; ", "SELECT é;"), 1, 7),
        (("SELEKT 1;", "SELECT 2;"), 0, 0),
        (("SELECT 1;", "SELECT (", ""), 2, 0),
    ],
)
def test_a_place_is_told_by_part_and_character(
    execute: Callable[[Query | Script], Rows],
    parts: tuple[str, ...],
    part: int,
    offset: int,
) -> None:
    """The server counts in the whole message; behind its end means its end."""
    error = refused(execute, Script(parts))
    assert (error.part, error.offset) == (part, offset)
    error = refused(execute, Query("SELECT nowhere"))
    assert (error.part, error.offset) == (0, 7)


def test_a_copy_that_nobody_answers_ends_the_connection(
    execute: Callable[[Query | Script], Rows],
) -> None:
    """One that our lexer did not see: the server would wait for ever."""
    execute(Query("CREATE TABLE c (a INT)"))
    error = refused(execute, Script(("COPY c FROM STDIN",)))
    assert isinstance(error, ConnectionLost)
    assert str(error) == "COPY with STDIN or STDOUT cannot be answered here"
    assert isinstance(refused(execute, Query("SELECT 1")), ConnectionLost)


def test_a_session_that_is_terminated_is_a_lost_connection(
    execute: Callable[[Query | Script], Rows],
) -> None:
    """While it works, and when it is used after that."""
    error = refused(execute, Query("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert isinstance(error, ConnectionLost)
    assert "terminating connection due to administrator command" in error.message
    error = refused(execute, Query("SELECT 1"))
    assert isinstance(error, ConnectionLost)
    assert "\n" not in error.message


def test_a_statement_that_ctrl_c_met_while_it_was_sent_is_ended(
    on_postgres: Database,
) -> None:
    """Nobody reads its reply, and the connection is good for the next statement."""
    with psycopg.connect(on_postgres.place, autocommit=True) as connection:
        _drain(connection)
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
        connection.pgconn.send_query(b"SELECT pg_sleep(60)")
        _drain(connection)
        assert connection.execute("SELECT 2").fetchall() == [(2,)]


def test_a_cancellation_that_came_too_early_is_sent_again(
    on_postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server, idle still, has done nothing with the first one."""
    with psycopg.connect(on_postgres.place, autocommit=True) as connection:
        real, sent = connection.cancel, 0

        def cancel() -> None:
            nonlocal sent
            sent += 1
            if sent > 1:
                real()

        monkeypatch.setattr(connection, "cancel", cancel)
        connection.pgconn.send_query(b"SELECT pg_sleep(60)")
        _drain(connection)
        assert sent > 1
        assert connection.execute("SELECT 2").fetchall() == [(2,)]


def test_the_second_connection_is_opened_when_it_is_needed(
    on_postgres: Database,
) -> None:
    """Once; and it is closed with ours, which stays open."""
    opened_second: list[psycopg.Connection[Any]] = []

    def another() -> psycopg.Connection[Any]:
        opened_second.append(psycopg.connect(on_postgres.place))
        return opened_second[-1]

    with psycopg.connect(on_postgres.place) as connection:
        ours = PostgresConnection(connection, another, hush)
        ((first,),) = ours.execute(Query("SELECT pg_backend_pid()"))
        assert opened_second == []
        ((guard,),) = ours.execute(Query("SELECT pg_backend_pid()", guard=True))
        assert ours.execute(Query("SELECT pg_backend_pid()", guard=True)) == [(guard,)]
        assert first != guard
        ours.close()
        assert [second.closed for second in opened_second] == [True]
        assert not connection.closed


def test_the_second_async_connection_is_opened_when_it_is_needed(
    on_postgres: Database,
) -> None:
    """The same in `asyncio`."""

    async def twice() -> None:
        connecting = psycopg.AsyncConnection.connect
        async with await connecting(on_postgres.place) as connection:
            ours = AsyncPostgresConnection(
                connection, lambda: connecting(on_postgres.place), hush
            )
            ((first,),) = await ours.execute(Query("SELECT pg_backend_pid()"))
            ask = Query("SELECT pg_backend_pid()", guard=True)
            ((guard,),) = await ours.execute(ask)
            assert await ours.execute(ask) == [(guard,)]
            assert first != guard
            await ours.close()
            assert not connection.closed

    asyncio.run(twice())


def test_a_second_connection_is_made_as_the_first_was(on_postgres: Database) -> None:
    """The same server, database, user and password."""
    with psycopg.connect(f"{on_postgres.place}&password=x") as connection:
        check_idle(connection)
        with psycopg.connect(keywords_of(connection)) as another:
            assert another.info.dbname == connection.info.dbname
            assert [another.info.password] == ["x"]
        with given(connection) as (_, ours):
            assert ours.execute(Query("SELECT 1", guard=True)) == [("1",)]
    with psycopg.connect(on_postgres.place, row_factory=dict_row) as connection_too:
        assert "password" not in keywords_of(connection_too)

    async def the_same() -> None:
        connecting = psycopg.AsyncConnection.connect(on_postgres.place)
        async with await connecting as theirs, given_async(theirs) as (_, ours):
            assert await ours.execute(Query("SELECT 1", guard=True)) == [("1",)]

    asyncio.run(the_same())


def test_a_guard_that_cannot_be_opened_is_a_failed_connection(
    on_postgres: Database,
) -> None:
    """No error of psycopg's gets out of a step."""
    with psycopg.connect(on_postgres.place) as connection:

        def refuse() -> psycopg.Connection[Any]:
            return psycopg.connect("host=/nowhere S3cret=1")

        ours = PostgresConnection(connection, refuse, hush)
        with pytest.raises(DatabaseError) as caught:
            ours.execute(Query("SELECT 1", guard=True))
        assert "***" in str(caught.value)


def test_a_session_of_ours_says_who_it_is(on_postgres: Database) -> None:
    """Its name is `sqlx-migrate`, unless the user chose one."""
    told: list[object] = []
    words = psycopg.conninfo.conninfo_to_dict(on_postgres.place)
    keywords = {key: str(value) for key, value in words.items()}
    ask = Query("SELECT current_setting('application_name')")
    with opened(Place(keywords, str), Reach(0, told.append)) as (_, ours):
        assert ours.execute(ask) == [("sqlx-migrate",)]
    mine = {**keywords, "application_name": "mine"}
    with opened(Place(mine, str), Reach(0, told.append)) as (_, ours):
        assert ours.execute(ask) == [("mine",)]
    with pytest.raises(ConnectionFailed, match="invalid connection option"):
        connect(Place({**keywords, "nonsense": "1"}, str), Reach(60, told.append))
    assert told == []


def test_a_long_message_and_a_long_reply_of_asyncpg_s(on_postgres: Database) -> None:
    """They come in pieces, and the socket makes the sender wait."""

    async def exchanged() -> None:
        theirs = await asyncpg.connect(on_postgres.place)
        ours = AsyncpgConnection(theirs, no_guard)
        text = "é" * 3_000_000
        ((length,),) = await ours.execute(Query(f"SELECT length($a${text}$a$)::text"))
        assert length == "3000000"
        ((back,),) = await ours.execute(Query("SELECT repeat('é', 3000000)"))
        assert back == text
        await ours.close()
        assert await theirs.fetchval("SELECT 1") == 1
        await theirs.close()

    asyncio.run(exchanged())


def test_the_second_connection_of_asyncpg_s(on_postgres: Database) -> None:
    """Opened once, as the first one was; closed with ours, which stays open."""

    async def twice() -> None:
        theirs = await asyncpg.connect(
            f"{on_postgres.place}&password=x", server_settings={"work_mem": "7MB"}
        )
        ask = Query("SHOW work_mem; SELECT pg_backend_pid()", guard=True)
        async with asyncpg_given(theirs) as (_, ours):
            assert await ours.execute(Query("SHOW work_mem", guard=True)) == [("7MB",)]
            ((guard,),) = await ours.execute(ask)
            assert await ours.execute(ask) == [(guard,)]
            assert guard != str(theirs.get_server_pid())
        assert await theirs.fetch(
            "SELECT FROM pg_stat_activity WHERE pid = $1", int(str(guard))
        ) in ([], [()])
        assert not theirs.is_closed()
        await theirs.close()

    asyncio.run(twice())


def test_a_second_connection_of_asyncpg_s_that_fails_is_a_lost_one(
    on_postgres: Database,
) -> None:
    """No error of asyncpg's gets out of a step."""

    async def failed() -> None:
        theirs = await asyncpg.connect(on_postgres.place)
        ours = AsyncpgConnection(theirs, lambda: asyncpg.connect(host="/nowhere"))
        with pytest.raises(ConnectionLost, match="No such file or directory"):
            await ours.execute(Query("SELECT 1", guard=True))
        await ours.close()
        await theirs.close()

    asyncio.run(failed())


def test_a_connection_of_asyncpg_s_that_is_busy_says_so(on_postgres: Database) -> None:
    """Somebody else's statement goes on, and the connection is as it was."""

    async def busy() -> None:
        theirs = await asyncpg.connect(on_postgres.place)
        sleeping = asyncio.create_task(theirs.fetchval("SELECT pg_sleep(0.1)::text"))
        await asyncio.sleep(0)
        with pytest.raises(DatabaseError, match="another operation is in progress"):
            await sqlx.AsyncMigrator({}).run(theirs)
        assert await sleeping == ""
        assert (await sqlx.AsyncMigrator({}).run(theirs)).changes == ()
        await theirs.close()

    asyncio.run(busy())


async def end_its_pool(pool: Any, _: Any) -> None:
    """Take a connection back that is in use."""
    pool.terminate()


async def close_it(_: Any, connection: Any) -> None:
    """Close a connection that is in use."""
    await connection.close(timeout=1)


@pytest.mark.parametrize("end", [end_its_pool, close_it])
def test_a_connection_of_asyncpg_s_that_ends_meanwhile_is_lost(
    on_postgres: Database, end: Callable[[Any, Any], Awaitable[None]]
) -> None:
    """No error of asyncpg's gets out, whoever ends it."""

    async def ended() -> None:
        async with asyncpg.create_pool(on_postgres.place, min_size=1) as pool:
            theirs = await pool.acquire()
            async with asyncpg_given(theirs) as (_, ours):
                task = asyncio.create_task(ours.execute(Query("SELECT pg_sleep(60)")))
                await asyncio.to_thread(sleeping, on_postgres)
                await end(pool, theirs)
                with pytest.raises(ConnectionLost):
                    await task
                with pytest.raises(ConnectionLost):
                    await ours.execute(Query("SELECT 1"))
            await pool.release(theirs)

    asyncio.run(ended())


class Overtaking(asyncpg.Connection):  # type: ignore[misc]  # it has no types.
    """A connection whose first cancellation reaches a server that is idle still."""

    sent = 0

    def _cancel_current_command(self, waiter: Any, *_: object) -> None:
        waiter.set_result(None)

    async def _cancel(self, waiter: Any, *rest: Any) -> None:
        self.sent += 1
        await super()._cancel(waiter, *rest)


def test_a_cancellation_of_asyncpg_s_that_came_too_early_is_sent_again(
    on_postgres: Database,
) -> None:
    """The statement does not go on, and the connection is good for the next one.

    Who is cancelled once more meanwhile sends it again as well.
    """

    async def cancelled() -> None:
        theirs = await asyncpg.connect(on_postgres.place, connection_class=Overtaking)
        ours = AsyncpgConnection(theirs, no_guard)
        task = asyncio.create_task(ours.execute(Query("SELECT pg_sleep(60)")))
        await asyncio.to_thread(sleeping, on_postgres)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert theirs.sent >= 1
        assert await ours.execute(Query("SELECT 2")) == [("2",)]
        await ours.close()
        await theirs.close()

    asyncio.run(cancelled())
