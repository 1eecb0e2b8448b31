"""MySQL and MariaDB: many migrators at once, and what they wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pymysql
import pytest
from faults.laws import put
from faults.mysql import (
    MIXED,
    complete,
    effects,
    history,
    holder,
    set_pace,
    unlocked_peer,
    wait_for_row,
    wait_for_sleeper,
)
from faults.proxy import Fault, Moment
from faults.starters import Starter, herd, migrate
from faults.test_starters import applied_once
from mysql_server import connect
from support import Awaited

import sqlx
from sqlx.databases.mysql.lock import lock_name

if TYPE_CHECKING:
    from pathlib import Path

    from faults.conftest import FreshMySql
    from faults.mysql import MySqlDatabase
    from faults.proxy import MySqlProxy

slow = pytest.mark.slow
ROWS = "CREATE TABLE t{0} (id BIGINT);\nINSERT INTO t{0} VALUES ({0});\n"


def files(last: int) -> dict[str, str]:
    """Make files of a number of versions."""
    return {f"{n:03}_t.sql": ROWS.format(n) for n in range(1, last + 1)}


def test_nothing_to_do_is_one_round_trip(
    mysql_proxy: MySqlProxy, tmp_path: Path
) -> None:
    """A start with nothing to do asks one question: from a URL, and in asyncio."""
    directory = put(tmp_path / "m", files(3))
    sqlx.Migrator(directory).run(mysql_proxy.database.url)
    mysql_proxy.wait_closed()
    for run in (sqlx.Migrator(directory).run, Awaited(directory).run):
        mysql_proxy.reset()
        run(mysql_proxy.database.url)
        mysql_proxy.wait_closed()
        asked = [text for text in mysql_proxy.texts if "_sqlx_migrations" in text]
        assert len(asked) == 1
        assert asked[0].startswith("SELECT ")
        assert ";" not in asked[0]


def test_nothing_to_do_on_a_connection_of_the_users(
    mysql_proxy: MySqlProxy, tmp_path: Path
) -> None:
    """It is one round trip there, too."""
    directory = put(tmp_path / "m", files(3))
    with connect(mysql_proxy.database.url) as connection:
        sqlx.Migrator(directory).run(connection)
        mysql_proxy.reset()
        sqlx.Migrator(directory).run(connection)
        assert mysql_proxy.round_trips == 1
    mysql_proxy.wait_closed()


@pytest.mark.parametrize("number", [1, 5])
def test_files_one_by_one(mysql_proxy: MySqlProxy, tmp_path: Path, number: int) -> None:
    """Applying n files takes at most n + 4 round trips."""
    migrator = sqlx.Migrator(put(tmp_path / "m", files(number)))
    with connect(mysql_proxy.database.url) as connection:
        mysql_proxy.reset()
        migrator.run(connection)
        assert mysql_proxy.round_trips <= number + 4
    mysql_proxy.wait_closed()
    assert history(mysql_proxy.target) == dict.fromkeys(range(1, number + 1), True)


@pytest.mark.slow
@pytest.mark.parametrize("starters", [20, pytest.param(50, marks=slow)])
def test_many_starters(on_either: MySqlDatabase, tmp_path: Path, starters: int) -> None:
    """On one empty database none of them fails, and each file runs once (M1)."""
    directory = put(tmp_path / "m", MIXED)
    work = migrate(on_either.url, directory)
    applied_once(herd([work] * starters), [1, 2, 3, 4])
    complete(on_either)


@pytest.mark.slow
@pytest.mark.parametrize("attempt", [1, *[pytest.param(n, marks=slow) for n in (2, 3)]])
def test_peers_without_a_lock(
    on_either: MySqlDatabase, tmp_path: Path, attempt: int
) -> None:
    """Among peers that take no lock, as SQLx on MariaDB, none of ours fails (M1)."""
    del attempt
    directory = put(tmp_path / "m", MIXED)
    works = [
        migrate(on_either.url, directory),
        unlocked_peer(on_either, directory),
    ]
    outcomes = herd(works * 5)
    assert [one for one in outcomes[::2] if one.status or one.error] == []
    complete(on_either)


def test_a_history_that_moved(mysql_proxy: MySqlProxy, tmp_path: Path) -> None:
    """When a peer without a lock records something, the plan is made anew."""
    directory = put(tmp_path / "m", MIXED)
    row = "INSERT INTO _sqlx_migrations VALUES (99, 'theirs', now(), true, '', 0)"
    mysql_proxy.fault = Fault(
        lambda message: "CREATE TABLE t3" in message.text,
        Moment.BEFORE,
        lambda: mysql_proxy.target.ask(row),
        cut=False,
    )
    with pytest.raises(sqlx.VersionMissing) as caught:
        sqlx.Migrator(directory).run(mysql_proxy.database.url)
    assert caught.value.versions == (99,)
    assert history(mysql_proxy.target) == {1: True, 2: True, 99: True}
    assert effects(mysql_proxy.target) == [1, 2]


def test_the_lock_is_sqlxs(fresh_mysql: FreshMySql, tmp_path: Path) -> None:
    """It is held while files run, one for each database, and given back (M2)."""
    here, there = fresh_mysql(), fresh_mysql()
    assert lock_name(here.name) != lock_name(there.name)
    sleeps = "SELECT SLEEP(seconds) FROM pace; INSERT INTO effects VALUES (2);\n"
    directory = put(tmp_path / "m", MIXED | {"2_rows.sql": sleeps})
    set_pace(here, 3600)
    set_pace(there, 0)
    starter = Starter(migrate(here.url, directory))
    number = wait_for_sleeper(here)
    assert holder(here) == number
    sqlx.Migrator(directory).run(there.url)
    complete(there)
    waiting = Starter(migrate(here.url, directory))
    assert f"held by connection {number}, user root" in waiting.hear()
    set_pace(here, 0)
    here.ask(f"KILL QUERY {number}")
    assert starter.outcome().error == "ExecuteMigration"
    assert waiting.outcome().applied == (2, 3, 4)
    complete(here)


def test_somebody_who_holds_the_lock_is_waited_for(
    on_either: MySqlDatabase, tmp_path: Path
) -> None:
    """SQLx on MySQL holds it like this; who waits says for whom (L4)."""
    with on_either.connect() as rust, rust.cursor() as cursor:
        cursor.execute(f"SELECT GET_LOCK({lock_name(on_either.name)}, 0)")
        number = holder(on_either)
        starter = Starter(migrate(on_either.url, put(tmp_path / "m", MIXED)))
        assert f"held by connection {number}, user root" in starter.hear()
        assert history(on_either) == {}
    assert starter.outcome().applied == (1, 2, 3, 4)
    complete(on_either)


@slow
def test_readers_do_not_stand_behind_a_waiting_alter(
    on_either: MySqlDatabase, tmp_path: Path
) -> None:
    """An ALTER that has to wait lets readers pass, and is tried again (T2)."""
    on_either.ask("CREATE TABLE t (id INT); INSERT INTO t VALUES (1)")
    directory = put(tmp_path / "m", {"1_t.sql": "ALTER TABLE t ADD a INT"})
    with on_either.connect() as old, old.cursor() as reading:
        reading.execute("BEGIN")
        reading.execute("SELECT * FROM t")
        starter = Starter(migrate(on_either.url, directory))
        waits = "SELECT id FROM information_schema.processlist WHERE state LIKE"
        wait_for_row(on_either, f"{waits} 'Waiting for table metadata lock%'")
        with on_either.connect() as new, new.cursor() as reader:
            reader.execute("SET lock_wait_timeout = 10")
            reader.execute("SELECT * FROM t")
            assert reader.fetchall() == ((1,),)
        wait_for_row(on_either, f"{waits} 'Waiting for table metadata lock%'")
        reading.execute("COMMIT")
    assert starter.outcome().applied == (1,)
    assert on_either.ask("SELECT a FROM t") == [(None,)]


def test_a_file_that_is_too_big_is_refused_before_anything_runs(
    on_either: MySqlDatabase, tmp_path: Path
) -> None:
    """`max_allowed_packet` is asked first: both sizes are told, and the mend (F12)."""
    big = f"INSERT INTO effects VALUES ({'1' * 50_000});\n"
    directory = put(tmp_path / "m", MIXED | {"4_rows.sql": big})
    on_either.ask("SET GLOBAL max_allowed_packet = 32768")
    try:
        with pytest.raises(sqlx.SourceError) as caught:
            sqlx.Migrator(directory).run(on_either.url)
    finally:
        on_either.ask("SET GLOBAL max_allowed_packet = DEFAULT")
    assert str(caught.value) == (
        f"while resolving migrations: {directory}/4_rows.sql: it has {len(big)} bytes,"
        " and the server takes messages of 32768 (8192 of them are ours); raise"
        " max_allowed_packet on the server, or split the file"
    )
    assert history(on_either) == {}
    assert effects(on_either) == []


def test_an_edge_of_drivers_is_none(on_either: MySqlDatabase, tmp_path: Path) -> None:
    """Marks of drivers mean nothing, and a description is only text (F9, F10)."""
    name = 'it\'s %s {} ? \\x41 "q"; DROP TABLE t; -- übel'
    marks = "%s % ? $1 :a {0} {} %(b)s"
    sql = f"CREATE TABLE t (word TEXT);\nINSERT INTO t VALUES ('{marks}');"
    sqlx.Migrator(put(tmp_path / "m", {f"1_{name}.sql": sql})).run(on_either.url)
    assert on_either.ask("SELECT word FROM t") == [(marks,)]
    with pymysql.connect(
        unix_socket=on_either.socket,
        user="root",
        database=on_either.name,
        charset="utf8mb4",
        ssl_disabled=True,
    ) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT description FROM _sqlx_migrations")
        assert cursor.fetchall() == ((name,),)
