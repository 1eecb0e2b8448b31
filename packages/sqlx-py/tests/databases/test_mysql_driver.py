"""PyMySQL and asyncmy carry out steps, on a MariaDB of the tests' own."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import threading
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qs, urlsplit

import asyncmy
import mysql_server
import pymysql
import pytest
from pymysql.cursors import DictCursor
from support import new_folder

import sqlx
from sqlx.config.url import MySqlUrl, parse_url
from sqlx.databases.mysql.asyncmy_driver import borrowed_asyncmy, given_asyncmy
from sqlx.databases.mysql.connect import (
    Place,
    connect,
    given,
    given_async,
    opened,
    opened_async,
)
from sqlx.databases.mysql.message import Reading
from sqlx.databases.reach import Reach
from sqlx.engine.steps import Query, Rows, Script
from sqlx.errors import (
    ConnectionFailed,
    ConnectionLost,
    DatabaseError,
    InTransaction,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from support import Database

    from sqlx.databases.mysql.driver import MySqlConnection

ONCE = Reach(0.0, lambda _: None)


def place(url: str) -> Place:
    """Read a URL of MySQL's."""
    found = parse_url(url, {})
    assert isinstance(found, MySqlUrl)
    return Place(found)


def socket_of(database: Database) -> str:
    """Name the file of the server's socket."""
    return parse_qs(urlsplit(database.url).query)["socket"][0]


@asynccontextmanager
async def by_asyncmy(database: Database, **options: Any) -> AsyncIterator[Any]:
    """Open a connection of a user's."""
    connection = await asyncmy.connect(
        unix_socket=socket_of(database), user="root", database=database.name, **options
    )
    try:
        yield connection
    finally:
        await connection.ensure_closed()


@contextmanager
def by_pymysql(database: Database, **options: Any) -> Iterator[Any]:
    """Open a connection of a user's."""
    socket = socket_of(database)
    with pymysql.connect(
        unix_socket=socket, user="root", database=database.name, **options
    ) as connection:
        yield connection


@asynccontextmanager
async def _of_ours(database: Database) -> AsyncIterator[Any]:
    async with opened_async(place(database.url), ONCE) as (_, ours):
        yield ours


@asynccontextmanager
async def _given(database: Database, **options: Any) -> AsyncIterator[Any]:
    with by_pymysql(database, **options) as connection:
        async with given_async(connection) as (_, ours):
            yield ours


@asynccontextmanager
async def _given_asyncmy(database: Database, **options: Any) -> AsyncIterator[Any]:
    async with (
        by_asyncmy(database, **options) as connection,
        given_asyncmy(connection) as (_, ours),
    ):
        yield ours


DRIVERS = {"ours": _of_ours, "PyMySQL": _given, "asyncmy": _given_asyncmy}


@pytest.fixture(params=DRIVERS)
def execute(
    request: pytest.FixtureRequest, on_mysql: Database
) -> Iterator[Callable[[Query | Script], Rows]]:
    """Carry out steps with each driver in turn, in one session."""
    with asyncio.Runner() as runner:
        session = DRIVERS[request.param](on_mysql)
        ours = runner.run(session.__aenter__())

        async def ask(step: Query | Script) -> Rows:
            return await ours.execute(step)  # type: ignore[no-any-return]  # a driver.

        yield lambda step: runner.run(ask(step))
        runner.run(session.__aexit__(None, None, None))


def test_all_results_are_read(execute: Callable[[Query | Script], Rows]) -> None:
    """Those of a CALL, too; an error in the middle is an error (C9)."""
    body = "SELECT 1; SELECT 2; DO 0;"
    execute(Script((f"CREATE PROCEDURE p() BEGIN {body} END",)))
    step = Script(
        (
            "CALL p(); SELECT 1; DO 0;",
            "SELECT 5 AS sqlx_version, 6 AS sqlx_execution_time",
        )
    )
    assert execute(step) == [("5", "6")]
    with pytest.raises(DatabaseError) as caught:
        execute(Script(("SELECT 1; CALL p(); SELECT z; DO 0", "DO 1")))
    error = caught.value
    assert str(error) == "1054 (42S22): Unknown column 'z' in 'SELECT'"
    assert (error.part, error.offset, error.completed) == (0, 20, 2)
    assert execute(Query("SELECT 1; SELECT 2, 'é'")) == [("2", "é")]


def test_what_is_doubtful_is_sent_alone(
    execute: Callable[[Query | Script], Rows],
) -> None:
    """The server refuses it, and what stands before it is done."""
    step = Script(("CREATE TABLE t (id INT);", "INSERT INTO t VALUES (1", "DO 1"))
    with pytest.raises(DatabaseError) as caught:
        execute(step)
    assert (caught.value.code, caught.value.part) == (1064, 1)
    assert caught.value.offset == len(step.parts[1])
    assert execute(Query("SELECT count(*) FROM t")) == [("0",)]


def test_an_interruption_ends_a_statement(on_mysql: Database) -> None:
    """Cancelled, the server stops, and the connection goes on."""

    async def cancelled(driver: str) -> None:
        async with DRIVERS[driver](on_mysql) as ours:
            work = asyncio.ensure_future(ours.execute(Query("DO 1; SELECT SLEEP(60)")))
            await asyncio.to_thread(sleeping, on_mysql)
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work
            assert await ours.execute(Query("SELECT 1")) == [("1",)]

    for driver in DRIVERS:
        asyncio.run(cancelled(driver))


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_second_interruption_waits_for_the_first(
    on_mysql: Database, driver: str
) -> None:
    """The reply is read to its end, or the next statement would be given it."""

    async def cancelled() -> None:
        async with DRIVERS[driver](on_mysql) as ours:
            work = asyncio.ensure_future(ours.execute(Query("DO 1; SELECT SLEEP(60)")))
            await asyncio.to_thread(sleeping, on_mysql)
            work.cancel()
            await asyncio.sleep(0)  # It has begun to end the statement.
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work
            others = "SELECT 1 FROM information_schema.processlist WHERE info LIKE"
            assert on_mysql.rows(f"{others} '%SLEEP(6%' AND state = 'User sleep'") == []
            assert await ours.execute(Query("SELECT 1")) == [("1",)]

    asyncio.run(cancelled())


def sleeping(database: Database) -> None:
    """Wait until a statement sleeps."""
    asked = "SELECT 1 FROM information_schema.processlist WHERE state = 'User sleep'"
    with mysql_server.connect(database.url) as watcher, watcher.cursor() as cursor:
        while not cursor.execute(asked):
            pass


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "given"])
def test_ctrl_c_ends_a_session(on_mysql: Database, *, ours: bool) -> None:
    """PyMySQL closes the connection, so the server ends it, and nothing is left to do.

    Whoever tidies up behind the interruption hears no second error.
    """
    main_thread = threading.main_thread().ident
    assert main_thread is not None

    def interrupt() -> None:
        sleeping(on_mysql)
        signal.pthread_kill(main_thread, signal.SIGINT)

    with ExitStack() as stack:
        if ours:
            dialect, driver = stack.enter_context(opened(place(on_mysql.url), ONCE))
        else:
            connection = stack.enter_context(by_pymysql(on_mysql))
            dialect, driver = stack.enter_context(given(connection))
        interrupting = threading.Thread(target=interrupt)
        interrupting.start()
        with pytest.raises(KeyboardInterrupt):
            driver.execute(Query("SELECT SLEEP(60)"))
        interrupting.join()
        assert driver.execute(Script((dialect.rollback,))) == ()
    until_alone(on_mysql)


def until_alone(database: Database) -> None:
    """Wait until no other session is in a database."""
    others = "information_schema.processlist WHERE db = DATABASE()"
    while database.rows(f"SELECT 1 FROM {others} AND id <> CONNECTION_ID()"):
        pass


def test_ctrl_c_between_two_replies_ends_the_rest(
    on_mysql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has not been read yet is not waited for, and not committed."""
    on_mysql.execute("CREATE TABLE a (x INT)")

    def interrupted(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(Reading, "take", interrupted)
    rest = "INSERT INTO a VALUES (1);\nDO SLEEP(5);\nCOMMIT"
    with (
        opened(place(on_mysql.url), ONCE) as (_, ours),
        pytest.raises(KeyboardInterrupt),
    ):
        ours.execute(Script(("START TRANSACTION", rest)))
    until_alone(on_mysql)
    assert on_mysql.rows("SELECT * FROM a") == []


def test_ctrl_c_finds_a_session_that_has_ended(
    on_mysql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing to stop any more, so nothing is said of it."""

    def ended(*_: object) -> NoReturn:
        on_mysql.execute(f"KILL {ours._connection.thread_id()}")
        until_alone(on_mysql)
        raise KeyboardInterrupt

    monkeypatch.setattr(Reading, "take", ended)
    with (
        opened(place(on_mysql.url), ONCE) as (_, ours),
        pytest.raises(KeyboardInterrupt) as caught,
    ):
        ours.execute(Query("SELECT 1"))
    assert caught.value.args == ()


@pytest.fixture
def stopped(
    mariadb: mysql_server.Server,
) -> Iterator[Callable[[], None]]:
    """Give what stops the server, so that it accepts and does not answer."""
    number = int(Path(mariadb.folder, "pid").read_text())
    yield lambda: os.kill(number, signal.SIGSTOP)
    os.kill(number, signal.SIGCONT)


@pytest.mark.slow
@pytest.mark.parametrize("driver", DRIVERS)
def test_a_cancellation_ends_where_the_server_does_not_answer(
    on_mysql: Database, driver: str, stopped: Callable[[], None]
) -> None:
    """Nobody waits for ever: the connection is given up."""

    async def cancelled() -> None:
        async with DRIVERS[driver](on_mysql) as ours:
            work = asyncio.ensure_future(ours.execute(Query("SELECT SLEEP(600)")))
            await asyncio.to_thread(sleeping, on_mysql)
            stopped()
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work

    asyncio.run(cancelled())


@pytest.mark.slow
@pytest.mark.parametrize("again", [False, True], ids=["once", "twice"])
def test_ctrl_c_says_so_where_the_server_does_not_answer(
    on_mysql: Database, stopped: Callable[[], None], *, again: bool
) -> None:
    """It may go on to the end of the file; a second Ctrl-C waits no longer."""
    main_thread = threading.main_thread().ident
    assert main_thread is not None

    def interrupt() -> None:
        sleeping(on_mysql)
        stopped()
        signal.pthread_kill(main_thread, signal.SIGINT)

    with opened(place(on_mysql.url), ONCE) as (_, ours):
        if again:

            def another() -> NoReturn:
                raise KeyboardInterrupt

            ours._another = another
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt) as caught:
            ours.execute(Query("SELECT SLEEP(600)"))
    why = "interrupted again" if again else r".*timed out.*"
    assert re.fullmatch(
        rf"the server could not be told to stop \({why}\): its session \d+ may go on "
        "to the end of the file, and hold the lock until then; sqlx migrate info tells",
        str(caught.value),
    )


@pytest.mark.slow
def test_a_server_that_accepts_and_says_nothing_is_given_up() -> None:
    """The greeting is waited for as long as the connection."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(ConnectionFailed, match="timed out"):
            connect(place(f"mysql://root@127.0.0.1:{port}/app"), ONCE)


def test_a_connection_that_ends_is_lost(on_mysql: Database) -> None:
    """Killed by somebody, and when it is asked again."""
    with opened(place(on_mysql.url), ONCE) as (_, ours):
        ((number,),) = ours.execute(Query("SELECT CONNECTION_ID()"))

        def kill() -> None:
            sleeping(on_mysql)
            on_mysql.execute(f"KILL {number!s}")

        killing = threading.Thread(target=kill)
        killing.start()
        for _ in range(2):
            with pytest.raises(ConnectionLost):
                ours.execute(Query("SELECT SLEEP(60)"))
        killing.join()


def test_an_asyncmy_connection_that_ends_is_lost(on_mysql: Database) -> None:
    """The same without a thread."""

    async def lost() -> None:
        async with (
            by_asyncmy(on_mysql) as connection,
            given_asyncmy(connection) as (_, ours),
        ):
            on_mysql.execute(f"KILL {connection.thread_id()}")
            with pytest.raises(ConnectionLost):
                await ours.execute(Query("SELECT 1"))

    asyncio.run(lost())


@pytest.mark.parametrize("charset", ["utf8mb4", "latin1"])
def test_a_connection_that_the_server_has_closed_is_lost(
    on_mysql: Database, charset: str
) -> None:
    """While it is made ready, and while it is put back behind another error."""

    def fail(connection: Any) -> NoReturn:
        on_mysql.execute(f"KILL {connection.thread_id()}")
        raise ZeroDivisionError

    with (
        pymysql_left_open(on_mysql, charset) as connection,
        pytest.raises(ZeroDivisionError),
        given(connection),
    ):
        fail(connection)
    with pymysql_left_open(on_mysql, charset) as connection:
        on_mysql.execute(f"KILL {connection.thread_id()}")
        with pytest.raises(ConnectionLost), given(connection):
            pass


@contextmanager
def pymysql_left_open(database: Database, charset: str) -> Iterator[Any]:
    """Open a connection of a user's that the server closes."""
    connection: Any = pymysql.connect(
        unix_socket=socket_of(database), user="root", charset=charset
    )
    try:
        yield connection
    finally:
        connection._force_close()


def test_an_asyncmy_connection_that_the_server_has_closed_is_lost(
    on_mysql: Database,
) -> None:
    """The same without a thread."""

    async def fail(*, early: bool) -> None:
        async with by_asyncmy(on_mysql) as connection:
            if early:
                on_mysql.execute(f"KILL {connection.thread_id()}")
            async with given_asyncmy(connection):
                on_mysql.execute(f"KILL {connection.thread_id()}")
                raise ZeroDivisionError

    with pytest.raises(ConnectionLost):
        asyncio.run(fail(early=True))
    with pytest.raises(ZeroDivisionError):
        asyncio.run(fail(early=False))


def test_a_user_s_connection_may_have_its_own_ways(on_mysql: Database) -> None:
    """Another cursor, bytes for texts, Latin-1, one statement at a time."""
    with by_pymysql(
        on_mysql, cursorclass=DictCursor, use_unicode=False, charset="latin1"
    ) as connection:
        assert isinstance(connection.cursor(), DictCursor)
        with connection.cursor() as cursor:
            cursor.execute("SET collation_connection = 'latin1_german1_ci'")
        with given(connection) as (dialect, ours):
            assert dialect.mariadb
            step = Script(("CREATE TABLE é (id INT)", "INSERT INTO é VALUES (1), (2)"))
            assert ours.execute(step) == []
            assert ours.execute(Query("SELECT '日'; SELECT id, '日' FROM é")) == [
                ("1", "日"),
                ("2", "日"),
            ]
            with pytest.raises(DatabaseError) as caught:
                ours.execute(Script(("DO 1;", "\nDO 2; SELECT z")))
        assert (caught.value.part, caught.value.offset) == (1, 7)
        assert caught.value.completed == 2
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@collation_connection AS it, '\u00e9' AS e")
            assert cursor.fetchall() == [{"it": b"latin1_german1_ci", "e": b"\xe9"}]


@pytest.mark.slow
@pytest.mark.parametrize("connected", [_given, _given_asyncmy])
def test_a_statement_may_take_longer_than_the_user_waits(
    on_mysql: Database,
    connected: Callable[..., AbstractAsyncContextManager[Any]],
) -> None:
    """Who gave up would leave a server that goes on."""

    async def asked() -> Rows:
        async with connected(on_mysql, read_timeout=0.5) as ours:
            rows: Rows = await ours.execute(Query("SELECT SLEEP(0.7)"))
            return rows

    assert asyncio.run(asked()) == [("0",)]


def test_the_user_s_own_wait_is_put_back(on_mysql: Database) -> None:
    """It is what the application has chosen for its own statements."""
    with by_pymysql(on_mysql, read_timeout=7) as connection:
        sqlx.Migrator({"1_a.sql": "SELECT 1;"}).run(connection)
        assert connection._read_timeout == 7

    async def other() -> None:
        async with by_asyncmy(on_mysql, read_timeout=7) as connection:
            await sqlx.AsyncMigrator({"1_a.sql": "SELECT 1;"}).run(connection)
            assert connection._read_timeout == 7

    asyncio.run(other())


def test_a_connection_that_is_not_idle_is_refused(on_mysql: Database) -> None:
    """Inside a transaction, or closed."""

    async def refused() -> None:
        async with by_asyncmy(on_mysql) as connection:
            await connection.begin()
            with pytest.raises(InTransaction):
                await given_asyncmy(connection).__aenter__()
            await connection.rollback()
            await connection.ensure_closed()
            with pytest.raises(ConnectionLost, match="the connection given is closed"):
                await given_asyncmy(connection).__aenter__()

    asyncio.run(refused())
    with by_pymysql(on_mysql) as connection:
        connection.begin()
        with pytest.raises(InTransaction), given(connection):
            pass
    closed = "the connection given is closed"
    with pytest.raises(ConnectionLost, match=closed), given(connection):
        pass


def test_an_asyncmy_connection_must_speak_utf_8(on_mysql: Database) -> None:
    """It cannot change its character set: `set_charset` of asyncmy is broken."""

    async def refused() -> None:
        async with by_asyncmy(on_mysql, charset="latin1") as connection:
            with pytest.raises(ConnectionFailed) as caught:
                await given_asyncmy(connection).__aenter__()
            assert str(caught.value) == (
                "the connection given sends texts in latin1, and files are sent in "
                "UTF-8; connect with charset='utf8mb4'"
            )

    asyncio.run(refused())


def test_a_pool_lends_and_gets_back(on_mysql: Database) -> None:
    """Also when the work fails; one that is closed, or used up, lends nothing."""

    async def lent() -> None:
        pool = await asyncmy.create_pool(
            unix_socket=socket_of(on_mysql), user="root", minsize=1, maxsize=1
        )
        for _ in range(2):
            with pytest.raises(DatabaseError):
                async with borrowed_asyncmy(pool, 60) as (_, ours):
                    await ours.execute(Query("SELECT z"))
        async with pool.acquire():
            with pytest.raises(ConnectionFailed) as caught:
                await borrowed_asyncmy(pool, 0.05).__aenter__()
        assert str(caught.value) == "the pool had no connection to give in 0.05 s"
        pool.close()
        await pool.wait_closed()
        with pytest.raises(ConnectionFailed) as caught:
            await borrowed_asyncmy(pool, 60).__aenter__()
        assert str(caught.value) == "Cannot acquire connection after closing pool"

    asyncio.run(lent())


DENIED = "Access denied for user 'nobody'@'localhost' (using password: YES) [code 1045]"
UNKNOWN = (
    "Unknown database 'nowhere_{number}'; make it with `sqlx database create` "
    "[code 1049]"
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("root@", "nobody:S3cr3t@"), DENIED),
        (("/test_", "/nowhere_"), UNKNOWN),
        (("/socket", "/none"), "cannot connect to {folder}/none: No such file or dir"),
    ],
    ids=["user", "database", "socket"],
)
def test_a_connection_that_cannot_be_made_says_why(
    on_mysql: Database, change: tuple[str, str], expected: str
) -> None:
    """And whether waiting would help: nobody may be listening yet."""
    with pytest.raises(ConnectionFailed) as caught:
        connect(place(on_mysql.url.replace(*change)), ONCE)
    number = on_mysql.name.removeprefix("test_")
    folder = socket_of(on_mysql).removesuffix("/socket")
    told = expected.format(number=number, folder=folder)
    assert str(caught.value).startswith(told)
    assert caught.value.final is ("none" not in change[1])


def test_certificates_that_are_not_there_are_told(on_mysql: Database) -> None:
    """Before anybody is asked for a password."""
    url = f"{on_mysql.url}&ssl-mode=verify_ca&ssl-ca=nowhere.pem"
    with pytest.raises(ConnectionFailed) as caught:
        connect(place(url), ONCE)
    assert str(caught.value) == "TLS: [Errno 2] No such file or directory"
    assert caught.value.final


def test_tls_that_is_required_and_not_there_is_told(on_mysql: Database) -> None:
    """This server has no certificate."""
    with pytest.raises(ConnectionFailed) as caught:
        connect(place(f"{on_mysql.url}&ssl-mode=required"), ONCE)
    assert str(caught.value) == (
        "SSL is required but the server doesn't support it [code 2026]"
    )
    assert caught.value.final


def test_a_server_that_is_late_is_waited_for(on_mysql: Database) -> None:
    """In asyncio without a loop that stands still."""
    url = on_mysql.url.replace("/socket", "/none")

    async def wait() -> None:
        begun = Reach(0.2, lambda _: None)
        async with opened_async(place(url), begun):
            raise AssertionError

    with pytest.raises(ConnectionFailed, match="No such file or directory"):
        asyncio.run(wait())
    nowhere = connect(place(on_mysql.url), ONCE, "")
    with closing(nowhere), nowhere.cursor() as cursor:
        cursor.execute("SELECT DATABASE()")
        assert cursor.fetchall() == ((None,),)


def test_rows_of_a_file_may_be_of_any_type(
    execute: Callable[[Query | Script], Rows],
) -> None:
    """They are read to their end, and nobody converts them."""
    values = "1.5, 0.1e0, x'ff', b'101', CAST('1.50' AS DECIMAL(5, 2)), NULL, 'é',"
    dates = (
        "CAST('2026-01-02' AS DATE), CAST('-100:00:01' AS TIME), NOW(6), YEAR(NOW())"
    )
    texts = "_latin1 x'e9', JSON_OBJECT('a', 1), ST_GeomFromText('POINT(1 1)')"
    step = Script((f"SELECT {values} {dates}, {texts}",))
    assert execute(step) == []
    assert execute(Query("SELECT 1")) == [("1",)]


def test_texts_may_come_in_another_character_set(
    execute: Callable[[Query | Script], Rows],
) -> None:
    """What a file's SELECT gives is not read; a column's name must be, or is told."""
    execute(
        Script(("CREATE TABLE t (a TEXT, `é` TEXT)", "INSERT INTO t VALUES ('é', 1)"))
    )
    assert execute(Script(("SET NAMES latin1; SELECT a FROM t",))) == []
    with pytest.raises(ConnectionLost) as caught:
        execute(Script(("SET NAMES latin1; SELECT * FROM t",)))
    assert str(caught.value) == (
        "the file has chosen another character set, and a column's name came in it; "
        "leave SET NAMES away: files are sent in UTF-8"
    )
    with pytest.raises(ConnectionLost):
        execute(Query("SELECT 1"))


SECURED = (
    "SELECT variable_value FROM performance_schema.session_status"
    " WHERE variable_name = 'Ssl_cipher'"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "secured"),
    [
        ("preferred", False),  # a socket's file is secure by itself
        ("disabled", False),
        ("required", True),
        ("verify_ca", True),
        ("verify_identity", None),
    ],
)
def test_a_connection_is_protected_as_the_url_says(
    on_real_mysql: Database, mode: str, *, secured: bool | None
) -> None:
    """MySQL makes certificates for itself, of a name that is not the server's."""
    data = Path(socket_of(on_real_mysql)).parent / "data"
    files = f"&ssl-cert={data}/client-cert.pem&ssl-key={data}/client-key.pem"
    url = f"{on_real_mysql.url}&ssl-mode={mode}&ssl-ca={data}/ca.pem"
    if secured is None:
        with pytest.raises(
            ConnectionFailed, match="CERTIFICATE_VERIFY_FAILED"
        ) as caught:
            connect(place(url), ONCE)
        assert caught.value.final
        return
    for text in (url, url + files * bool(secured)):
        with opened(place(text), ONCE) as (dialect, ours):
            assert not dialect.mariadb
            assert (ours.execute(Query(SECURED)) != [("",)]) is secured


@pytest.mark.slow
def test_a_server_is_reached_over_tcp(sockets: Path) -> None:
    """And a second connection is made as the first, to end what it does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    there = {"skip-networking": "0", "bind-address": "127.0.0.1", "port": str(port)}
    server = mysql_server.Server(sockets, settings=there)
    try:
        server.ask("CREATE DATABASE app")
        url = f"mysql://root@127.0.0.1:{port}/app"
        with opened(place(url), ONCE) as (_, ours):
            assert ours.execute(Query("SELECT DATABASE()")) == [("app",)]
        theirs = pymysql.connect(host="127.0.0.1", port=port, user="root")
        with theirs, given(theirs) as (_, ours):
            stopping = threading.Thread(target=stop, args=(server, ours))
            stopping.start()
            with pytest.raises(DatabaseError, match="execution was interrupted"):
                ours.execute(Query("SELECT SLEEP(60)"))
            stopping.join()
    finally:
        server.stop()


def stop(server: mysql_server.Server, ours: MySqlConnection) -> None:
    """End a statement when it sleeps."""
    while not server.ask(
        "SELECT 1 FROM information_schema.processlist WHERE state = 'User sleep'"
    ):
        pass
    ours.interrupt()


@pytest.fixture
def sockets() -> Iterator[Path]:
    """Give a folder for a server."""
    folder = new_folder()
    yield folder
    shutil.rmtree(folder)
