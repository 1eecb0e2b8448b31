"""MySQL and MariaDB: migrators that are killed or cut off, and a server that crashes.

DDL commits at once. So after a fault a file of rows is applied as a whole or not
at all, and one with DDL may be dirty: by its name, and nothing runs twice.
"""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import pytest
from faults.conftest import create_mysql
from faults.laws import put
from faults.mysql import (
    MIXED,
    check,
    complete,
    effects,
    history,
    holder,
    set_pace,
    wait_for_sleeper,
    wait_until_gone,
)
from faults.proxy import Fault, Moment, MySqlProxy, nth
from faults.starters import Starter, command, migrate

import sqlx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from faults.conftest import FreshMySql
    from faults.mysql import MySqlDatabase
    from faults.starters import Outcome, Work
    from mysql_server import Server

slow = pytest.mark.slow
moments = pytest.mark.parametrize(
    "moment",
    [
        Moment.HALF,  # What is delivered as a whole may go on, and DDL be dirty.
        *(pytest.param(m, marks=slow) for m in (Moment.BEFORE, Moment.AFTER)),
    ],
)
SLEEP = "SELECT SLEEP(seconds) FROM pace;\n"
ROWS = {
    "1_effects.sql": MIXED["1_effects.sql"],
    "2_rows.sql": f"INSERT INTO effects VALUES (20);\n{SLEEP}"
    "UPDATE effects SET version = 2;\n",
}
DDL = {
    "1_effects.sql": MIXED["1_effects.sql"],
    "3_table.sql": f"CREATE TABLE t3 (id BIGINT);\n{SLEEP}"
    "CREATE INDEX i3 ON t3 (id);\n",
}
# How a migrator ends whose connection broke.
FAILED = {(1, "ExecuteMigration"), (1, "ConnectionLost"), (1, "ConnectionFailed")}


def until_clean(
    fresh: FreshMySql, sockets: Path, strike: Callable[[MySqlProxy, int], Outcome]
) -> Iterator[MySqlDatabase]:
    """Strike at message 1, 2, 3 and so on, until a run ends clean."""
    number = 1
    while True:
        database = fresh()
        with MySqlProxy(database, sockets) as proxy:
            outcome = strike(proxy, number)
            proxy.wait_closed()
            wait_until_gone(database)
            if not proxy.fired:
                assert (outcome.status, outcome.text) == (0, "")
                return
        yield database
        number += 1


def settle(database: MySqlDatabase, directory: Path) -> None:
    """End what a fault has left: by another run, or as its message says."""
    dirty = [version for version, done in history(database).items() if not done]
    if dirty:
        assert dirty in ([1], [3]), "what only writes rows is never dirty"
        done = effects(database)
        with pytest.raises(sqlx.Dirty) as caught:
            sqlx.Migrator(directory).run(database.url)
        assert effects(database) == done
        (mend,) = [
            m for m in ways_out(caught.value) if ("UPDATE" in m) is (dirty[0] in done)
        ]
        database.ask(mend)
    check(database)
    sqlx.Migrator(directory).run(database.url)
    complete(database)


def ways_out(dirty: sqlx.Dirty) -> list[str]:
    """Take the statements out of the message: the one, or the other."""
    words = str(dirty).split("complete it by hand and ")[1]
    return words.split(", or undo it by hand and ")


@pytest.mark.slow
@moments
def test_a_migrator_is_killed(
    fresh_mysql: FreshMySql, sockets: Path, tmp_path: Path, moment: Moment
) -> None:
    """Kill -9 at any message: each file is done or not begun, or dirty DDL (C6)."""
    directory = put(tmp_path / "m", MIXED)

    def kill(proxy: MySqlProxy, number: int) -> Outcome:
        starter = Starter(migrate(proxy.database.url, directory), held=True)
        proxy.reset(Fault(nth(number), moment, starter.kill))
        starter.release()
        return starter.outcome()

    reached = set()
    for database in until_clean(fresh_mysql, sockets, kill):
        reached.add(tuple(sorted(history(database))))
        settle(database, directory)
    assert {(), (1,), (1, 2), (1, 2, 3)} <= reached


@slow
@moments
def test_a_session_is_cut(
    fresh_mysql: FreshMySql, sockets: Path, tmp_path: Path, moment: Moment
) -> None:
    """A connection that breaks at any message is an error, and all is well (C6)."""
    directory = put(tmp_path / "m", MIXED)

    def cut(proxy: MySqlProxy, number: int) -> Outcome:
        proxy.reset(Fault(nth(number), moment, lambda: None))
        outcome = Starter(migrate(proxy.database.url, directory)).outcome()
        if proxy.fired:
            assert (outcome.status, outcome.error) in FAILED | {(0, "")}
        return outcome

    for database in until_clean(fresh_mysql, sockets, cut):
        settle(database, directory)


def ended_in_its_sleep(
    database: MySqlDatabase, directory: Path, end: Callable[[int], object]
) -> Outcome:
    """Let a migrator fall asleep in its file, and end its session."""
    set_pace(database, 3600)
    starter = Starter(migrate(database.url, directory))
    end(wait_for_sleeper(database))
    return starter.outcome()


def test_the_server_ends_a_file_of_rows(
    on_either: MySqlDatabase, tmp_path: Path
) -> None:
    """Nothing of it is left, its claim neither: the next run applies it (C6)."""
    directory = put(tmp_path / "m", ROWS)
    outcome = ended_in_its_sleep(
        on_either, directory, lambda number: on_either.ask(f"KILL {number}")
    )
    assert (outcome.status, outcome.error) == (1, "ExecuteMigration")
    assert "it is applied as a whole or not at all: run again" in outcome.text
    assert check(on_either) == [1]
    set_pace(on_either, 0)
    sqlx.Migrator(directory).run(on_either.url)
    assert check(on_either) == [1, 2]


@pytest.mark.parametrize(("mend", "left"), [(0, []), (1, [3])])
@slow
def test_the_server_ends_a_file_of_ddl(
    on_either: MySqlDatabase, tmp_path: Path, mend: int, left: list[int]
) -> None:
    """It is dirty, by its name, until a person decides; both ways out work (C6, C8)."""
    directory = put(tmp_path / "m", DDL)
    outcome = ended_in_its_sleep(
        on_either, directory, lambda number: on_either.ask(f"KILL {number}")
    )
    assert (outcome.status, outcome.error) == (1, "ExecuteMigration")
    assert "the server may still be running the file" in outcome.text
    for _ in range(2):
        with pytest.raises(sqlx.Dirty) as caught:
            sqlx.Migrator(directory).run(on_either.url)
        assert f"(how much of {directory}/3_table.sql was committed" in str(
            caught.value
        )
    assert history(on_either) == {1: True, 3: False}
    on_either.ask(ways_out(caught.value)[mend])
    if left:
        on_either.ask("DROP TABLE t3")
    set_pace(on_either, 0)
    report = sqlx.Migrator(directory).run(on_either.url)
    assert [migration.version for migration in report.applied] == left
    assert check(on_either) == [1, 3]


@pytest.mark.slow
@pytest.mark.parametrize(
    "files", [ROWS, pytest.param(DDL, marks=slow)], ids=["rows", "ddl"]
)
def test_the_server_crashes(
    fragile_mysql: Server, tmp_path: Path, files: dict[str, str]
) -> None:
    """After recovery the same holds as for a session that was ended."""
    database = create_mysql(fragile_mysql)
    directory = put(tmp_path / "m", files)

    def crash(_number: int) -> None:
        fragile_mysql.crash()
        fragile_mysql.start()

    outcome = ended_in_its_sleep(database, directory, crash)
    assert (outcome.status, outcome.error) == (1, "ExecuteMigration")
    set_pace(database, 0)
    if files is ROWS:
        assert check(database) == [1]
        sqlx.Migrator(directory).run(database.url)
        assert check(database) == [1, 2]
    else:
        assert history(database) == {1: True, 3: False}
        with pytest.raises(sqlx.Dirty):
            sqlx.Migrator(directory).run(database.url)
        assert effects(database) == [1, 3]


def test_what_a_failed_file_has_set_hides_nothing(
    on_either: MySqlDatabase, tmp_path: Path
) -> None:
    """It is set back before the history is asked what the file has left (C7)."""
    broken = "SET sql_select_limit = 1;\nCREATE TABLE t3 (id INT);\nBROKEN"
    directory = put(tmp_path / "m", MIXED | {"3_table.sql": broken})
    with pytest.raises(sqlx.ExecuteMigration) as caught:
        sqlx.Migrator(directory).run(on_either.url)
    table = f"`{on_either.name}`._sqlx_migrations"
    assert caught.value.state == (
        "DDL commits at once here: lines 1 to 2 are committed for good; the statement"
        " that failed may be done in part; complete it by"
        f" hand and UPDATE {table} SET success = TRUE WHERE version = 3, or undo it by"
        f" hand and DELETE FROM {table} WHERE version = 3"
    )
    assert history(on_either) == {1: True, 2: True, 3: False}


def test_ctrl_c_ends_a_statement(on_either: MySqlDatabase, tmp_path: Path) -> None:
    """The server goes on for no client that is gone: rolled back, the lock free."""
    directory = put(tmp_path / "m", ROWS)
    starter = asleep(on_either, migrate(on_either.url, directory))
    starter.send(signal.SIGINT)
    assert starter.outcome().status != 0
    left_nothing(on_either)


@slow
def test_a_signal_ends_the_command(on_either: MySqlDatabase, tmp_path: Path) -> None:
    """SIGTERM in a long statement does the same as Ctrl-C."""
    directory = put(tmp_path / "m", ROWS)
    words = ["migrate", "run", "--source", str(directory)]
    work = command(*words, "--database-url", on_either.url, output=tmp_path / "output")
    starter = asleep(on_either, work)
    starter.send(signal.SIGTERM)
    assert starter.outcome().status == 143
    left_nothing(on_either)


def asleep(database: MySqlDatabase, work: Work) -> Starter:
    """Start a migrator, and wait until its file sleeps."""
    set_pace(database, 3600)
    starter = Starter(work)
    wait_for_sleeper(database)
    return starter


def left_nothing(database: MySqlDatabase) -> None:
    """Assert that the second file of `ROWS` was given up."""
    wait_until_gone(database)
    assert check(database) == [1]
    assert holder(database) is None


def test_a_cancelled_task_ends_a_statement(
    on_either: MySqlDatabase, tmp_path: Path
) -> None:
    """Cancelling a task in asyncio ends the statement, and gives the lock back."""
    directory = put(tmp_path / "m", ROWS)
    set_pace(on_either, 3600)

    async def cancel() -> None:
        migrator = sqlx.AsyncMigrator(directory)
        task = asyncio.create_task(migrator.run(on_either.url))
        await asyncio.to_thread(wait_for_sleeper, on_either)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    left_nothing(on_either)
