"""Many migrators at the same moment: each succeeds, and each file runs once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faults.laws import (
    MIXED,
    OURS,
    check_sqlite,
    complete,
    effects,
    history,
    holders,
    invalid_indexes,
    put,
    wait_for_row,
)
from faults.proxy import Fault, Moment
from faults.starters import Outcome, Starter, herd, migrate, unlocked_peer

import sqlx

if TYPE_CHECKING:
    from pathlib import Path

    from faults.proxy import Proxy
    from faults.servers import Database

STARTERS = 50
THROUGH_A_POOLER = 40
CONCURRENTLY = (
    "-- no-transaction\nCREATE INDEX CONCURRENTLY effects_version ON effects (version);"
)
INDEXED = MIXED | {"5_index.sql": CONCURRENTLY}
both = pytest.mark.parametrize("version", ["18", "15"])
slow = pytest.mark.slow


def applied_once(outcomes: list[Outcome], versions: list[int]) -> None:
    """Assert that nobody failed, and that each version was applied by one of them."""
    assert [one for one in outcomes if one.status or one.error] == []
    assert sorted(v for one in outcomes for v in one.applied) == versions


@pytest.mark.slow
@both
def test_fifty_starters(database: Database, tmp_path: Path) -> None:
    """Of 50 migrators on one empty database none fails, and one applies (L1)."""
    directory = put(tmp_path / "m", MIXED)
    applied_once(herd([migrate(database.url, directory)] * STARTERS), [1, 2, 3, 4])
    complete(database)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["18", pytest.param("15", marks=slow)])
def test_fifty_starters_and_an_index(database: Database, tmp_path: Path) -> None:
    """Waiters hold no snapshot, so CREATE INDEX CONCURRENTLY ends beside them (L2)."""
    directory = put(tmp_path / "m", INDEXED)
    applied_once(herd([migrate(database.url, directory)] * STARTERS), [1, 2, 3, 4, 5])
    assert history(database) == dict.fromkeys(range(1, 6), True)
    assert invalid_indexes(database) == []
    assert holders(database) == []


@slow
@both
def test_fifty_starters_and_an_index_first(database: Database, tmp_path: Path) -> None:
    """The same when the index is the first migration (L2)."""
    database.ask("CREATE TABLE effects (version BIGINT)")
    directory = put(tmp_path / "m", {"1_index.sql": CONCURRENTLY})
    applied_once(herd([migrate(database.url, directory)] * STARTERS), [1])
    assert invalid_indexes(database) == []
    assert holders(database) == []


@pytest.mark.slow
def test_forty_starters_through_a_pooler(
    database: Database, pooled: Database, tmp_path: Path
) -> None:
    """Behind PgBouncer's transaction pooling none fails, and no lock is left (L3)."""
    directory = put(tmp_path / "m", MIXED)
    outcomes = herd([migrate(pooled.url, directory)] * THROUGH_A_POOLER)
    applied_once(outcomes, [1, 2, 3, 4])
    complete(database)


@slow
def test_forty_starters_and_an_index_through_a_pooler(
    database: Database, pooled: Database, tmp_path: Path
) -> None:
    """The guard lets CREATE INDEX CONCURRENTLY end behind a pooler (L3, L17)."""
    directory = put(tmp_path / "m", INDEXED)
    outcomes = herd([migrate(pooled.url, directory)] * THROUGH_A_POOLER)
    applied_once(outcomes, [1, 2, 3, 4, 5])
    assert invalid_indexes(database) == []
    assert holders(database) == []


@slow
def test_starters_on_both_sides_of_a_pooler(
    database: Database, pooled: Database, tmp_path: Path
) -> None:
    """Direct and pooled migrators exclude each other (L3)."""
    directory = put(tmp_path / "m", INDEXED)
    sides = [migrate(database.url, directory), migrate(pooled.url, directory)]
    applied_once(herd(sides * 10), [1, 2, 3, 4, 5])
    assert invalid_indexes(database) == []
    assert holders(database) == []


@pytest.mark.slow
@pytest.mark.parametrize("attempt", [1, *[pytest.param(n, marks=slow) for n in (2, 3)]])
def test_peers_without_a_lock(database: Database, tmp_path: Path, attempt: int) -> None:
    """Among peers that take no lock, as Rust's command, none of ours fails (L18)."""
    del attempt
    directory = put(tmp_path / "m", MIXED)
    ours, theirs = (
        migrate(database.url, directory),
        unlocked_peer(database.url, directory),
    )
    outcomes = herd([ours, theirs] * 8)
    assert [one for one in outcomes[::2] if one.status or one.error] == []
    complete(database)


def test_a_history_that_moved(proxy: Proxy, tmp_path: Path) -> None:
    """When a peer without a lock records something, the plan is made anew (L18).

    Here by one that knows a file that we do not: what we had planned is not done.
    """
    directory = put(tmp_path / "m", MIXED)
    row = "INSERT INTO _sqlx_migrations VALUES (99, 'theirs', now(), true, '', 0)"
    proxy.fault = Fault(
        lambda message: "ALTER TABLE t2" in message.text,
        Moment.BEFORE,
        lambda: proxy.target.ask(row),
        cut=False,
    )
    with pytest.raises(sqlx.VersionMissing) as caught:
        sqlx.Migrator(directory).run(proxy.database.url)
    assert caught.value.versions == (99,)
    assert history(proxy.target) == {1: True, 2: True, 3: True, 99: True}
    assert effects(proxy.target) == [1, 2, 3]


def test_a_peer_that_is_about_to_commit(database: Database, tmp_path: Path) -> None:
    """A version that a peer has not yet committed is waited for, then passed (L18).

    The wait counts as one for the migration lock, not as one for a table.
    """
    directory = put(tmp_path / "m", MIXED)
    migrator = sqlx.Migrator(directory)
    migrator.run(database.url, target=1)
    (second,) = (m for m in migrator.source if m.version == 2)
    with database.connect() as peer:
        peer.execute("BEGIN")
        peer.execute(second.sql.encode())
        peer.execute(
            "INSERT INTO _sqlx_migrations VALUES (2, 'second', now(), true, %s, -1)",
            [second.checksum],
        )
        starter = Starter(migrate(database.url, directory))
        while not starter.hear().startswith("WaitingForLock: "):
            pass
        queued = f"SELECT 1 FROM pg_stat_activity WHERE {OURS}"
        wait_for_row(database, f"{queued} AND wait_event_type = 'Lock'")
        peer.execute("COMMIT")
    assert starter.outcome().applied == (3, 4)
    complete(database)


@pytest.mark.slow
def test_fifty_starters_on_sqlite(tmp_path: Path) -> None:
    """On SQLite none of 50 fails: BEGIN IMMEDIATE, then a second look (T13)."""
    directory = put(tmp_path / "m", MIXED)
    url = f"sqlite://{tmp_path}/test.db?mode=rwc"
    applied_once(herd([migrate(url, directory)] * STARTERS), [1, 2, 3, 4])
    assert check_sqlite(tmp_path / "test.db") == [1, 2, 3, 4]


@slow
@pytest.mark.parametrize("attempt", range(3))
def test_fifty_starters_on_sqlite_with_a_log(tmp_path: Path, attempt: int) -> None:
    """The same with a write-ahead log, as a database that we create has one (T13)."""
    del attempt
    directory = put(tmp_path / "m", MIXED)
    url = f"sqlite://{tmp_path}/test.db?mode=rwc"
    sqlx.create_database(url)
    applied_once(herd([migrate(url, directory)] * STARTERS), [1, 2, 3, 4])
    assert check_sqlite(tmp_path / "test.db") == [1, 2, 3, 4]
