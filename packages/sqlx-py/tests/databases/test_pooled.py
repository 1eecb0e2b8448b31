"""Behind a transaction pooler (the URL says so) all is the same, and more careful.

The pooler itself is in the fault suite: a server needs none to be used like that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from support import ADVISORY_LOCKS

import sqlx
from sqlx.databases.postgres.advisory import lock_key

if TYPE_CHECKING:
    from pathlib import Path

    from support import Database, Door, Write


@pytest.fixture
def url(on_postgres: Database) -> str:
    """The database's URL, which says that a pooler stands in between."""
    return f"{on_postgres.url}&pooled=true"


def test_every_kind_of_file_runs_and_goes_back(
    on_postgres: Database, url: str, colour: Door, write: Write, folder: Path
) -> None:
    """DDL together, rows alone, no transaction under a guard, own control."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    write("2_b.sql", "CREATE TABLE b (id INT);")
    write("3_c.sql", "INSERT INTO a VALUES (1); SET search_path = nowhere;")
    write(
        "4_d.sql", "-- no-transaction\nCREATE INDEX CONCURRENTLY i ON a (id); VACUUM a;"
    )
    write("5_e.sql", "CREATE TABLE e (id INT); COMMIT; CREATE TABLE e2 (id INT);")
    write("6_f.up.sql", "CREATE TABLE f (id INT);")
    write("6_f.down.sql", "-- no-transaction\nDROP TABLE f;")
    migrator = colour(folder)
    assert len(migrator.run(url).applied) == 6
    assert migrator.run(url).already_applied == 6
    assert len(migrator.revert(url).applied) == 1
    assert on_postgres.tables() == ["a", "b", "e", "e2"]
    assert on_postgres.locks() == 0


def test_the_guard_holds_the_lock_while_a_marked_file_runs(
    on_postgres: Database, url: str, colour: Door, write: Write, folder: Path
) -> None:
    """One lock, held by another session than the one that works."""
    write(
        "1_a.sql",
        "-- no-transaction\nCREATE TABLE seen AS SELECT pid <> pg_backend_pid() AS"
        f" other FROM {ADVISORY_LOCKS};",
    )
    colour(folder).run(url)
    assert on_postgres.rows("SELECT other FROM seen") == [(True,)]


def test_a_marked_file_that_fails_ends_the_guard(
    on_postgres: Database, url: str, colour: Door, write: Write, folder: Path
) -> None:
    """Its error comes out, and no lock stays."""
    write("1_a.sql", "-- no-transaction\nSELECT 1/0;")
    with pytest.raises(sqlx.ExecuteMigration, match="division by zero"):
        colour(folder).run(url)
    assert on_postgres.locks() == 0
    assert on_postgres.versions() == []


def test_a_lock_that_somebody_holds_is_respected(
    on_postgres: Database, url: str, colour: Door, write: Write, folder: Path
) -> None:
    """Rust's session lock keeps ours out, transaction or not."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    migrator = colour(folder, lock_timeout_seconds=0)
    with psycopg.connect(on_postgres.place, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [lock_key(on_postgres.name)])
        with pytest.raises(sqlx.LockTimeout) as caught:
            migrator.run(url)
        assert f"held by pid {holder.info.backend_pid}, " in str(caught.value)
    assert len(migrator.run(url).applied) == 1
