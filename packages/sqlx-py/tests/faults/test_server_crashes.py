"""Servers that end at once, and poolers before them: recorded is what took effect."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest
from faults.conftest import bouncer, create
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
    wait_until_idle,
)
from faults.proxy import Fault, Moment, Proxy, nth
from faults.starters import Starter, command, migrate

import sqlx

if TYPE_CHECKING:
    from pathlib import Path

    from faults.conftest import Fresh
    from faults.servers import Database, Server

slow = pytest.mark.slow
both = pytest.mark.parametrize("version", ["18", pytest.param("15", marks=slow)])
LOOSE = "-- no-transaction\nCREATE INDEX CONCURRENTLY t2_id ON t2 (id);\n"


@pytest.mark.slow
@pytest.mark.parametrize("place", ["first", "middle", "last"])
@both
def test_a_server_ends_in_a_file(fragile: Server, tmp_path: Path, place: str) -> None:
    """The server stops in the middle of a file: an error, and all is well (C3)."""
    database = create(fragile.database("postgres"))
    nap = "SELECT pg_sleep(seconds) FROM pace;\n"
    number = {"first": 1, "middle": 2, "last": 4}[place]
    name = sorted(MIXED)[number - 1]
    sql = nap + MIXED[name] if place == "first" else MIXED[name] + "\n" + nap
    directory = put(tmp_path / "m", MIXED | {name: sql})
    set_pace(database, 3600)
    starter = Starter(migrate(database.url, directory))
    wait_for_sleeper(database)
    fragile.crash()
    outcome = starter.outcome()
    fragile.start()
    assert (outcome.status, outcome.error) == (1, "ExecuteMigration")
    assert outcome.text.startswith(f"{directory}/{name}")
    assert f"while executing migration {number}: " in outcome.text
    assert check(database) == list(range(1, number))
    set_pace(database, 0)
    sqlx.Migrator(directory).run(database.url)
    complete(database)


def test_the_command_meets_the_end_of_a_server(fragile: Server, tmp_path: Path) -> None:
    """The command says what happened, where and what to do, and exits 1 (C3)."""
    database = create(fragile.database("postgres"))
    nap = "SELECT pg_sleep(seconds) FROM pace;\n"
    directory = put(tmp_path / "m", MIXED | {"2_second.sql": nap})
    output = tmp_path / "output"
    set_pace(database, 3600)
    source = ("--source", str(directory), "--database-url", database.url)
    starter = Starter(command("migrate", "run", *source, output=output))
    wait_for_sleeper(database)
    fragile.crash()
    assert starter.outcome().status == 1
    fragile.start()
    printed = output.read_text()
    assert f"error: {directory}/2_second.sql" in printed
    assert "while executing migration 2: " in printed
    assert "run again" in printed
    assert "Traceback" not in printed


@both
def test_a_server_ends_in_a_shared_message(fragile: Server, tmp_path: Path) -> None:
    """A crash among files that share a message leaves the first of them, whole (C3).

    Their commits do not wait for the disk, so that some may be lost, the last ones.
    """
    database = create(fragile.database("postgres"))
    slow_one = "CREATE INDEX pace_nap ON pace (nap(seconds));\n"
    files = MIXED | {"3_third.sql": slow_one + MIXED["3_third.sql"]}
    directory = put(tmp_path / "m", files)
    set_pace(database, 3600)
    database.ask(
        "CREATE FUNCTION nap(float8) RETURNS float8 IMMUTABLE LANGUAGE plpgsql"
        " AS $$ BEGIN PERFORM pg_sleep($1); RETURN $1; END $$"
    )
    starter = Starter(migrate(database.url, directory))
    begun = next(news for news in iter(starter.hear, "") if "second" in news)
    assert "third" in begun
    wait_for_sleeper(database)
    fragile.crash()
    outcome = starter.outcome()
    fragile.start()
    assert (outcome.status, outcome.error) in FAILED
    assert check(database) in ([1], [1, 2])
    set_pace(database, 0)
    sqlx.Migrator(directory).run(database.url)
    complete(database)


@slow
@pytest.mark.parametrize(
    ("version", "moment"),
    [
        ("18", Moment.BEFORE),
        ("18", Moment.AFTER),
        ("18", Moment.ANSWERED),
        ("15", Moment.AFTER),
    ],
)
def test_a_server_ends_at_any_message(
    fragile: Server, sockets: Path, tmp_path: Path, moment: Moment
) -> None:
    """A crash of the server at any message leaves what is recorded (C3)."""
    directory = put(tmp_path / "m", MIXED | {"5_loose.sql": LOOSE})
    for number in count(1):
        database = create(fragile.database("postgres"))
        with Proxy(database, sockets) as proxy:
            proxy.reset(Fault(nth(number), moment, fragile.crash))
            outcome = Starter(migrate(proxy.database.url, directory)).outcome()
            proxy.wait_closed()
        if not proxy.fired:
            assert (outcome.status, outcome.text) == (0, "")
            break
        fragile.start()
        # The last message says goodbye, and nobody waits for an answer.
        assert (outcome.status, outcome.error) in FAILED | {(0, "")}
        finish(database, directory)
    assert number >= 10


@slow
@pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.AFTER])
def test_a_migrator_is_killed_behind_a_pooler(
    fresh: Fresh, sockets: Path, tmp_path: Path, moment: Moment
) -> None:
    """Kill -9 behind PgBouncer leaves what is recorded, and no lock (C1, C4, L3)."""
    directory = put(tmp_path / "m", MIXED | {"5_loose.sql": LOOSE})
    reached = set()
    for number in count(1):
        with (
            fresh() as database,
            bouncer(database, {}) as pooled,
            Proxy(pooled, sockets) as proxy,
        ):
            starter = Starter(migrate(proxy.database.url, directory), held=True)
            proxy.reset(Fault(nth(number), moment, starter.kill))
            starter.release()
            outcome = starter.outcome()
            if not proxy.fired:
                assert (outcome.status, outcome.text) == (0, "")
                break
            proxy.wait_closed()
            wait_until_idle(database)
            assert holders(database) == []
            reached.add(len(history(database)))
            finish(database, directory)
    assert reached == {0, 1, 3, 4, 5}


def finish(database: Database, directory: Path) -> None:
    """Run again after a crash; a person decides about a dirty version 5."""
    recorded = history(database)
    if recorded.pop(5, None) is False:
        with pytest.raises(sqlx.Dirty):
            sqlx.Migrator(directory).run(database.url)
        database.ask("DROP INDEX IF EXISTS t2_id")
        database.ask("DELETE FROM _sqlx_migrations WHERE version = 5")
    assert effects(database) == sorted(recorded)
    assert all(recorded.values())
    sqlx.Migrator(directory).run(database.url)
    assert history(database) == dict.fromkeys(range(1, 6), True)
    assert effects(database) == [1, 2, 3, 4]
