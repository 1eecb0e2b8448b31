"""Migrators that are killed or cut off: recorded is what took effect, once."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

import pytest
from faults.laws import (
    FAILED,
    MIXED,
    check,
    complete,
    effects,
    history,
    holders,
    put,
    set_pace,
    wait_for_sleeper,
    wait_until_gone,
)
from faults.proxy import Fault, Moment, Proxy, nth
from faults.starters import Starter, command, migrate

import sqlx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from faults.conftest import Fresh
    from faults.servers import Database
    from faults.starters import Outcome

slow = pytest.mark.slow
both = pytest.mark.parametrize("version", ["18", pytest.param("15", marks=slow)])
moments = pytest.mark.parametrize(
    "moment",
    [
        Moment.AFTER,
        *(pytest.param(m, marks=slow) for m in Moment if m is not Moment.AFTER),
    ],
)

NO_TRANSACTION = {
    "1_effects.sql": MIXED["1_effects.sql"],
    "2_loose.sql": "-- no-transaction\n"
    "CREATE TABLE t2 (id BIGINT);\n"
    "CREATE INDEX CONCURRENTLY t2_id ON t2 (id);\n"
    "INSERT INTO effects VALUES (20);\n",
}
OWN_COMMIT = {
    "1_effects.sql": MIXED["1_effects.sql"],
    "2_own.sql": "CREATE TABLE t2 (id BIGINT);\n"
    "COMMIT;\nBEGIN;\n"
    "INSERT INTO effects VALUES (20);\n",
}


def kill_at(
    proxy: Proxy, directory: Path, number: int, moment: Moment, **options: Any
) -> Outcome:
    """Kill a migrator at one of its messages, and wait until its session is gone."""
    starter = Starter(migrate(proxy.database.url, directory, **options), held=True)
    proxy.reset(Fault(nth(number), moment, starter.kill))
    starter.release()
    outcome = starter.outcome()
    proxy.wait_closed()
    wait_until_gone(proxy.target)
    return outcome


def until_clean(
    fresh: Fresh, sockets: Path, strike: Callable[[Proxy, int], Outcome]
) -> Iterator[tuple[Database, int]]:
    """Strike at message 1, 2, 3 and so on, until a run ends clean."""
    number = 1
    while True:
        with fresh() as database, Proxy(database, sockets) as proxy:
            outcome = strike(proxy, number)
            if not proxy.fired:
                assert (outcome.status, outcome.text) == (0, "")
                return
            yield database, number
        number += 1


@pytest.mark.slow
@both
@moments
def test_a_migrator_is_killed(
    fresh: Fresh, sockets: Path, tmp_path: Path, moment: Moment
) -> None:
    """Kill -9 at any message leaves what is recorded, and the next run ends it (C1)."""
    directory = put(tmp_path / "m", MIXED)
    reached = []
    for database, _ in until_clean(
        fresh, sockets, lambda proxy, number: kill_at(proxy, directory, number, moment)
    ):
        reached.append(check(database))
        sqlx.Migrator(directory).run(database.url)
        complete(database)
    # Whether a message that was just sent still counts is the server's to win or lose.
    states = {tuple(versions) for versions in reached}
    assert {()} < states <= {(), (1,), (1, 2, 3), (1, 2, 3, 4)}
    assert len(reached) >= 6


@pytest.mark.slow
@both
@moments
def test_a_migrator_is_killed_in_a_loose_file(
    fresh: Fresh, sockets: Path, tmp_path: Path, moment: Moment
) -> None:
    """Kill -9 in a no-transaction file: done, not begun, or dirty by its name (C4)."""
    path = put(tmp_path / "m", NO_TRANSACTION) / "2_loose.sql"
    states = loose_ends(fresh, sockets, path, moment)
    assert states == {None, False, True}


@pytest.mark.slow
@both
@moments
def test_a_migrator_is_killed_in_a_file_that_commits(
    fresh: Fresh, sockets: Path, tmp_path: Path, moment: Moment
) -> None:
    """The same holds for a file with a COMMIT of its own (T7, C4)."""
    path = put(tmp_path / "m", OWN_COMMIT) / "2_own.sql"
    states = loose_ends(fresh, sockets, path, moment)
    assert states == {None, False, True}


@slow
def test_a_migrator_is_killed_in_marked_files(
    fresh: Fresh, sockets: Path, tmp_path: Path
) -> None:
    """Kill -9 at any message leaves a row with its mark, or neither of them."""
    marked = {name: f"-- sqlx: compatible\n{sql}" for name, sql in MIXED.items()}
    directory = put(tmp_path / "m", marked)
    for database, _ in until_clean(
        fresh,
        sockets,
        lambda proxy, number: kill_at(proxy, directory, number, Moment.AFTER),
    ):
        reached = check(database)
        there = database.ask("SELECT to_regclass('_sqlx_compatible') IS NOT NULL")
        assert there == [(bool(reached),)]
        if reached:
            marks = database.ask("SELECT version FROM _sqlx_compatible ORDER BY 1")
            assert marks == [(version,) for version in sorted(reached)]
        sqlx.Migrator(directory).run(database.url)
        complete(database)


def loose_ends(
    fresh: Fresh, sockets: Path, path: Path, moment: Moment
) -> set[bool | None]:
    """Kill at every message; what the row of version 2 said afterwards, in all."""
    states, directory = set(), path.parent
    for database, _ in until_clean(
        fresh, sockets, lambda proxy, number: kill_at(proxy, directory, number, moment)
    ):
        state = history(database).get(2)
        states.add(state)
        done = effects(database)
        if state is False:
            with pytest.raises(sqlx.Dirty) as caught:
                sqlx.Migrator(directory).run(database.url)
            assert str(caught.value) == dirty_words(path)
            assert effects(database) == done
        else:
            assert {2, 20} & set(done) == ({2, 20} if state else set())
            sqlx.Migrator(directory).run(database.url)
            assert effects(database) == [1, 2, 20]
        assert holders(database) == []
    return states


def dirty_words(path: Path) -> str:
    """What a person is told who must decide about version 2."""
    table, row = "public._sqlx_migrations", "WHERE version = 2"
    return (
        f"migration 2 is partially applied (how much of {path} was committed is not"
        f" recorded); fix and remove row from `{table}` table: complete it by hand and"
        f" UPDATE {table} SET success = TRUE {row}, or undo it by hand and DELETE FROM"
        f" {table} {row}"
    )


@pytest.mark.slow
@both
def test_a_killed_migrators_loose_file_is_not_run_twice(
    database: Database, tmp_path: Path
) -> None:
    """A statement that outlives its client is not repeated, however often (C4)."""
    loose = (
        "-- no-transaction\nINSERT INTO effects VALUES (20);\n"
        "DO $$ BEGIN PERFORM pg_sleep(seconds) FROM pace; END $$;\n"
        "INSERT INTO effects VALUES (21);\n"
    )
    files = {"1_effects.sql": MIXED["1_effects.sql"], "2_loose.sql": loose}
    directory = put(tmp_path / "m", files)
    set_pace(database, 0.5)
    starter = Starter(migrate(database.url, directory))
    wait_for_sleeper(database)
    starter.kill()
    for _ in range(3):
        with pytest.raises(sqlx.Dirty) as caught:
            sqlx.Migrator(directory).run(database.url)
        assert str(caught.value) == dirty_words(directory / "2_loose.sql")
        assert effects(database) == [1, 20]
    wait_until_gone(database)
    assert effects(database) == [1, 20]


@pytest.mark.parametrize(
    ("mend", "applied"),
    [
        ("UPDATE public._sqlx_migrations SET success = TRUE WHERE version = 2", [3]),
        ("DELETE FROM public._sqlx_migrations WHERE version = 2", [2, 3]),
    ],
)
def test_the_way_out_of_dirty(
    database: Database, tmp_path: Path, mend: str, applied: list[int]
) -> None:
    """The statements of the message are the two ways out, and both work (C8)."""
    directory = put(tmp_path / "m", MIXED)
    migrator = sqlx.Migrator(directory)
    migrator.run(database.url, target=2)
    database.ask("UPDATE _sqlx_migrations SET success = FALSE WHERE version = 2")
    with pytest.raises(sqlx.Dirty) as caught:
        migrator.run(database.url)
    assert mend in str(caught.value)
    database.ask(mend)
    if 2 in applied:
        database.ask("DROP TABLE t2")
    report = migrator.run(database.url, target=3)
    assert [migration.version for migration in report.applied] == applied


@both
@pytest.mark.parametrize("moment", ["INSERT", "UPDATE"])
def test_a_migrator_ends_while_it_records(
    database: Database, tmp_path: Path, moment: str
) -> None:
    """File and row are one transaction: there is no moment between them (C2)."""
    directory = put(tmp_path / "m", MIXED)
    sqlx.Migrator(directory).run(database.url, target=1)
    set_pace(database, 3600)
    database.ask(
        "CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(seconds) FROM public.pace; RETURN NEW; END $$;"
        f"CREATE TRIGGER nap BEFORE {moment} ON _sqlx_migrations"
        " FOR EACH ROW EXECUTE FUNCTION nap()"
    )
    starter = Starter(migrate(database.url, directory))
    pid = wait_for_sleeper(database)
    database.ask(f"SELECT pg_terminate_backend({pid}, 60000)")
    assert starter.outcome().status == 1
    assert check(database) == [1]
    set_pace(database, 0)
    sqlx.Migrator(directory).run(database.url)
    complete(database)


@slow
@pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.AFTER, Moment.ANSWERED])
def test_a_session_is_cut(
    fresh: Fresh, sockets: Path, tmp_path: Path, moment: Moment
) -> None:
    """A connection that breaks at any message is an error, and all is well (C1)."""
    directory = put(tmp_path / "m", MIXED)

    def cut(proxy: Proxy, number: int) -> Outcome:
        proxy.reset(Fault(nth(number), moment, lambda: None))
        outcome = Starter(migrate(proxy.database.url, directory)).outcome()
        proxy.wait_closed()
        wait_until_gone(proxy.target)
        if proxy.fired:
            assert (outcome.status, outcome.error) in FAILED | {(0, "")}
        return outcome

    for database, _ in until_clean(fresh, sockets, cut):
        check(database)
        sqlx.Migrator(directory).run(database.url)
        complete(database)


@pytest.mark.parametrize(
    "order", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=slow)]
)
def test_a_signal_ends_a_statement(
    database: Database, tmp_path: Path, order: signal.Signals
) -> None:
    """A signal in a long statement ends it: rolled back, the lock given back."""
    set_pace(database, 3600)
    slow_one = MIXED["2_second.sql"] + "SELECT pg_sleep(seconds) FROM pace;\n"
    directory = put(tmp_path / "m", MIXED | {"2_second.sql": slow_one})
    starter = Starter(migrate(database.url, directory))
    wait_for_sleeper(database)
    starter.send(order)
    assert starter.outcome().status != 0
    wait_until_gone(database)
    assert check(database) == [1]
    assert holders(database) == []


def test_a_signal_behind_the_commit_takes_nothing_back(
    database: Database, proxy: Proxy, tmp_path: Path
) -> None:
    """The command does not say so, either: the server was faster."""
    directory, output = put(tmp_path / "m", MIXED), tmp_path / "output"
    words = ["migrate", "run", "--source", str(directory)]
    url = proxy.database.url
    starter = Starter(command(*words, "--database-url", url, output=output), held=True)
    last = Fault(
        lambda message: "VALUES (4)" in message.text,
        Moment.ANSWERED,
        lambda: starter.send(signal.SIGINT),
        cut=False,
    )
    proxy.reset(last)
    starter.release()
    assert starter.outcome().status == 130
    assert output.read_text().endswith(
        "\ninterrupted; transaction ended, lock given back\n"
    )
    complete(database)


def test_a_cancelled_task_ends_a_statement(database: Database, tmp_path: Path) -> None:
    """Cancelling a task in asyncio ends the statement, and gives the lock back."""
    set_pace(database, 3600)
    slow_one = MIXED["2_second.sql"] + "SELECT pg_sleep(seconds) FROM pace;\n"
    directory = put(tmp_path / "m", MIXED | {"2_second.sql": slow_one})

    async def cancel() -> None:
        task = asyncio.create_task(sqlx.AsyncMigrator(directory).run(database.url))
        await asyncio.to_thread(wait_for_sleeper, database)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    wait_until_gone(database)
    assert check(database) == [1]
    assert holders(database) == []
