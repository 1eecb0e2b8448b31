"""Many migrators at the same moment: each succeeds, and each file runs once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faults.laws import MIXED, complete, history, holders, invalid_indexes, put
from faults.starters import Outcome, herd, migrate, unlocked_peer

if TYPE_CHECKING:
    from pathlib import Path

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


@both
def test_fifty_starters(database: Database, tmp_path: Path) -> None:
    """Of 50 migrators on one empty database none fails, and one applies (L1)."""
    directory = put(tmp_path / "m", MIXED)
    applied_once(herd([migrate(database.url, directory)] * STARTERS), [1, 2, 3, 4])
    complete(database)


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


def test_fifty_starters_on_sqlite(tmp_path: Path) -> None:
    """On SQLite none of 50 fails: BEGIN IMMEDIATE, then a second look (T13)."""
    directory = put(tmp_path / "m", MIXED)
    url = f"sqlite://{tmp_path}/test.db?mode=rwc"
    applied_once(herd([migrate(url, directory)] * STARTERS), [1, 2, 3, 4])
