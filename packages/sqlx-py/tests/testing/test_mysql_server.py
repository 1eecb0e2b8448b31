"""What one process of a test session asks of a server of MySQL's kind."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import mysql_server
import pymysql
import pytest
from testing.live_mysql import admin, databases, place_of, using

import sqlx
from sqlx.errors import (
    ConfigurationError,
    ConnectionFailed,
    DatabaseError,
    ExecuteMigration,
)
from sqlx.testing import server as common
from sqlx.testing import sweeping
from sqlx.testing.mysql import server as under_test
from sqlx.testing.mysql.ground import MySqlGround, session_locks
from sqlx.testing.mysql.server import MySqlServer
from sqlx.testing.mysql.words import number_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE = sqlx.Migrator({"1_users.sql": "CREATE TABLE users (name TEXT)"})
USERS = "SELECT count(*) FROM {}.users"
DEAD, LIVING = "_sqlx_test_0000000a_1", "_sqlx_test_0000000b_1"
TEMPLATES = [f"_sqlx_template_{number:016x}_1" for number in range(11)]


@pytest.fixture
def server(either_mysql: mysql_server.Server) -> mysql_server.Server:
    """Give a MariaDB, and a MySQL, on which nothing of ours is."""
    return either_mysql


def test_each_database_is_fresh(server: mysql_server.Server) -> None:
    """Each has the migrations and nothing of another; in the end all are gone."""
    with using(server) as ours:
        first, second = ours.take(ONE), ours.take(ONE)
        server.ask(f"INSERT INTO {first}.users VALUES ('ada')")
        assert server.ask(USERS.format(first)) == [(1,)]
        assert server.ask(USERS.format(second)) == [(0,)]
        assert ours.version.startswith(f"{server.flavour.name} ")
        assert sqlx.Migrator(ONE.source).run(ours.url(second)).changes == ()
    assert databases(server, "test") == set()
    assert ours.problems == []
    with using(server) as later:
        template = later._name(ONE)
        assert later.take(ONE) in databases(server)
        assert later.take(None) in databases(server)
    assert databases(server) == {template, later._name(None)}


def test_a_migration_that_fails_leaves_nothing(server: mysql_server.Server) -> None:
    """The error is the migration's, and the next one makes the template anew."""
    with using(server) as ours:
        for _ in "12":
            with pytest.raises(ExecuteMigration):
                ours.take(sqlx.Migrator({"1_a.sql": "CREATE TABLE a ()"}))
        assert databases(server) == set()


@pytest.mark.slow
def test_eight_processes_make_one_template(server: mysql_server.Server) -> None:
    """Those who start together wait for the first one's template."""
    made = "SHOW GLOBAL STATUS LIKE 'Com_create_db'"
    ((_, before),) = server.ask(made)

    def take(_: int) -> str:
        with using(server) as ours:
            assert server.ask(USERS.format(ours.take(ONE))) == [(0,)]
            return ours._name(ONE)

    with ThreadPoolExecutor(8) as threads:
        (name,) = {*threads.map(take, range(8))}
    ((_, after),) = server.ask(made)
    # A template and its trial; for each process its rows and a test's database.
    assert int(after) - int(before) == 2 + 8 * 2
    assert databases(server) == {name}


def test_the_next_database_is_made_ahead(server: mysql_server.Server) -> None:
    """It is there before it is taken; one that nobody takes is dropped at the end."""
    with using(server) as ours:
        ours.make_ahead(ONE)
        assert ours._coming == {}  # There may be no template yet.
        ours.take(ONE)
        ours.make_ahead(ONE)
        (coming,) = ours._coming.values()
        assert coming.result() in databases(server)
        ours.make_ahead(ONE)
        assert ours.take(ONE) == coming.result()


@pytest.mark.slow
def test_a_transaction_does_not_keep_a_database(server: mysql_server.Server) -> None:
    """Who is still in one when his test is over is sent away, or told of."""
    with using(server) as ours, ExitStack() as stack:
        name = ours.take(ONE)
        left = stack.enter_context(closing(ours.connect(name)))
        left.begin()
        left.cursor().execute("SELECT * FROM users")
        ours.drop(name)
        ours.drop("the next test's")
        ours._holder.submit(lambda _: None).result()
        assert name not in databases(server)
        with pytest.raises(pymysql.OperationalError):
            left.ping(reconnect=False)
        assert ours.problems == []
        name = ours.take(ONE)
        elsewhere = stack.enter_context(admin(server))
        elsewhere.begin()
        elsewhere.cursor().execute(f"SELECT * FROM {name}.users")
        ours.close()
    assert ours.problems == [f"{name}: a transaction holds one of its tables"]


@pytest.fixture
def left(server: mysql_server.Server) -> Iterator[ExitStack]:
    """Leave a database of a dead process and one of a living; it may be let die."""
    with ExitStack() as living:
        connection = living.enter_context(admin(server))
        connection.cursor().execute(f"SELECT GET_LOCK('{session_locks(11)[1]}', 0)")
        for name in (DEAD, LIVING):
            server.ask(f"CREATE DATABASE {name}")
        yield living


def test_what_dead_processes_left_is_dropped(
    server: mysql_server.Server, left: ExitStack
) -> None:
    """A session drops it when it begins or ends; what a living one has stays.

    So does what somebody looks at; `--sqlx-fresh` is no exception.
    """
    with using(server):
        pass
    assert databases(server) == {LIVING}
    with using(server, fresh=True):
        pass
    assert databases(server) == {LIVING}
    with closing(mysql_server.connect(server.url(LIVING))), using(server) as ours:
        left.close()
        ours.close()
        assert databases(server) == {LIVING}
    with using(server):
        pass
    assert databases(server) == set()


def test_a_template_in_the_making_is_not_dropped(server: mysql_server.Server) -> None:
    """Who makes or reads one holds a lock."""
    server.ask(f"CREATE DATABASE {TEMPLATES[0]}")
    with admin(server) as connection:
        connection.cursor().execute(f"SELECT GET_LOCK('{TEMPLATES[0]}', 0)")
        with using(server, fresh=True):
            pass
        assert databases(server) == {TEMPLATES[0]}


def test_templates_unused_for_long_are_dropped(server: mysql_server.Server) -> None:
    """Of those that are used only the ten newest stay."""
    today = time.strftime("%Y-%m-%d")
    with admin(server) as connection:
        ground = MySqlGround(connection)
        for name in TEMPLATES:
            server.ask(f"CREATE DATABASE {name}")
            ground.note(name, f"template used {today}")
        ground.note(TEMPLATES[3], "template used 2020-01-01")
    with using(server):
        pass
    assert databases(server) == {*TEMPLATES} - {TEMPLATES[3]}


def test_what_is_kept_outlives_its_process(
    server: mysql_server.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found by its test, whatever its name; of too many the oldest go."""
    test = "/ä/test_it.py::test['\\ 100% \U0001f40d `x`]"
    with using(server) as ours:
        kept = ours.take(ONE)
        ours.keep(kept, test)
        ours.drop("another")
    assert databases(server, "test") == {kept}
    with using(server) as later:
        assert later._kept == {test: [kept]}
        other = later.take(ONE)
        later.keep(other, "other")
        later.drop_kept(test)
        later.drop_kept("other")
        assert later._holder.submit(lambda _: None).result() is None
        assert not {kept, other} & databases(server)
    with using(server) as last:
        for number in range(3):
            last.keep(last.take(ONE), f"{test}{number}")
    assert len(databases(server, "test")) == 3
    monkeypatch.setattr(sweeping, "MOST_KEPT", 1)
    with using(server):
        pass
    assert len(databases(server, "test")) == 1


def numbers(ours: MySqlServer) -> list[int]:
    """Give the server's numbers of our two connections."""
    services = (ours._holder._connection, ours._maker._connection)
    return [number_of(each) for each in services if each is not None]


@pytest.mark.parametrize("which", [[0], [1], [0, 1]], ids=["holder", "maker", "both"])
def test_a_cut_connection_is_opened_anew(
    server: mysql_server.Server, which: list[int]
) -> None:
    """The next database is made, the locks are held again, nothing guarded is taken."""
    with using(server) as ours:
        ours.take(ONE)
        ours.make_ahead(ONE)
        ready = [coming.result() for coming in ours._coming.values()]
        old = numbers(ours)
        for index in which:
            server.ask(f"KILL {old[index]}")
        taken = ours.take(ONE)
        assert taken not in ready
        assert server.ask(USERS.format(taken)) == [(0,)]
        locks = [
            server.ask(f"SELECT IS_USED_LOCK('{lock}')")
            for lock in session_locks(ours.session)
        ]
        assert locks == [[(number,)] for number in numbers(ours)]
        assert [old[i] != numbers(ours)[i] for i in (0, 1)] == [
            i in which for i in (0, 1)
        ]
    assert ours.problems == []


def test_rows_are_there_when_others_drop_a_template(
    server: mysql_server.Server,
) -> None:
    """A process needs the template when it begins, and not later."""
    with using(server) as ours:
        ours.take(ONE)
        with using(server, fresh=True):
            assert databases(server, "template") == set()
        rows = f"SELECT version FROM {ours.take(ONE)}._sqlx_migrations"
        assert server.ask(rows) == [(1,)]


@pytest.mark.slow
def test_a_server_that_is_gone_is_waited_for_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A wrong password or name is told at once."""
    monkeypatch.setattr(common, "REACH_SECONDS", 0.0)
    with pytest.raises(ConnectionFailed) as caught:
        MySqlServer(place_of("mysql://u:secret@localhost/d?socket=/nowhere"))
    assert str(caught.value) == (
        "cannot connect to /nowhere: No such file or directory"
    )


@pytest.fixture
def poor(server: mysql_server.Server) -> Iterator[str]:
    """Make a user without any right."""
    server.ask("CREATE USER poor@localhost")
    yield "poor"
    server.ask("DROP USER poor@localhost")


def test_a_user_without_a_right_is_told(server: mysql_server.Server, poor: str) -> None:
    """The mend is a grant on names like ours, and no more is needed."""
    with using(server, poor) as ours, pytest.raises(DatabaseError) as caught:
        ours.take(ONE)
    assert caught.value.message == (
        f"Access denied for user 'poor'@'localhost' to database '{ours._name(ONE)}'; "
        r"test databases are made on this server: GRANT ALL ON `\_sqlx\_%`.* TO "
        "poor@localhost, and what the migrations need besides"
    )
    assert caught.value.code == 1044
    server.ask(r"GRANT ALL ON `\_sqlx\_%`.* TO poor@localhost")
    with using(server, poor) as ours:
        assert server.ask(USERS.format(ours.take(PLAIN))) == [(0,)]
        assert ours._templates[ours._name(PLAIN)].obstacle == ""
    assert ours.problems == []
    with using(server, poor, fresh=True):
        assert databases(server) == set()


PLAIN = sqlx.Migrator(
    {
        "1_all.sql": "CREATE TABLE users (name TEXT); CREATE VIEW v AS SELECT 1;"
        "CREATE PROCEDURE p() SELECT 1; CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DO 1;"
        "CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW SET NEW.name = 'a'"
    }
)


@pytest.mark.parametrize(
    ("processes", "limit", "size"), [(1, 0, 5), (1, 12, 4), (4, 20, 1)]
)
def test_a_pool_has_its_part_of_the_connections(
    server: mysql_server.Server, poor: str, processes: int, limit: int, size: int
) -> None:
    """What a user may have is shared by all processes, and half is another's."""
    server.ask(f"ALTER USER poor@localhost WITH MAX_USER_CONNECTIONS {limit}")
    place = place_of(server.url("", poor))
    with closing(MySqlServer(place, processes)) as ours:
        assert ours.pool_size == size


def test_a_proxy_is_refused(
    server: mysql_server.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind it a session's locks are nobody's: the mend is its server's URL."""
    elsewhere = under_test.FACTS.replace("CONNECTION_ID()", "-1")
    monkeypatch.setattr(under_test, "FACTS", elsewhere)
    with pytest.raises(ConfigurationError) as caught, using(server):
        pass
    assert str(caught.value) == (
        "a proxy such as ProxySQL or MaxScale stands before the server, and test "
        "databases are made on the server itself: set the URL that the proxy "
        "connects to"
    )
