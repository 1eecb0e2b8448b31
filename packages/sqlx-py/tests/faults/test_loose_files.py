"""`-- no-transaction` files: statement by statement, and no INVALID index unnoticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faults.laws import (
    OURS,
    history,
    holders,
    invalid_indexes,
    put,
    wait_for_row,
    wait_until_gone,
)
from faults.starters import Starter, migrate

import sqlx

if TYPE_CHECKING:
    from pathlib import Path

    from faults.servers import Database

TABLE = "CREATE TABLE t (id INT, name TEXT);\nINSERT INTO t VALUES (1, 'a'), (1, 'b');"
INDEX = "CREATE INDEX CONCURRENTLY t_id ON t (id);"
UNIQUE = "CREATE UNIQUE INDEX CONCURRENTLY t_id ON t (id);"
WAITS = f"SELECT 1 FROM pg_stat_activity WHERE {OURS} AND wait_event = 'virtualxid'"


def loose(sql: str) -> dict[str, str]:
    """Make a table with two equal rows, then a no-transaction file."""
    return {"1_table.sql": TABLE, "2_loose.sql": f"-- no-transaction\n{sql}\n"}


@pytest.mark.parametrize(
    "sql",
    [
        INDEX + " SELECT 1;",
        INDEX + " CREATE INDEX CONCURRENTLY t_name ON t (name);",
        "COMMIT; " + INDEX,
        "VACUUM t; VACUUM t",
        INDEX + ";; /* ; */ -- ;",
        "CREATE DATABASE {0}_more; DROP DATABASE {0}_more",
    ],
)
def test_statements_go_one_by_one(database: Database, tmp_path: Path, sql: str) -> None:
    """What the server refuses to run beside others in a message runs (N1)."""
    directory = put(tmp_path / "m", loose(sql.format(database.name)))
    sqlx.Migrator(directory).run(database.url)
    assert history(database) == {1: True, 2: True}
    assert invalid_indexes(database) == []


def test_a_failed_index_is_named(database: Database, tmp_path: Path) -> None:
    """An index that could not be built is INVALID: the error names it (N2)."""
    directory = put(tmp_path / "m", loose(UNIQUE))
    with pytest.raises(sqlx.ExecuteMigration) as caught:
        sqlx.Migrator(directory).run(database.url)
    assert str(caught.value) == (
        f"{directory}/2_loose.sql:2:1: while executing migration 2: could not create"
        ' unique index "t_id" [23505]\n'
        f"  {UNIQUE}\n  ^\n"
        "detail: Key (id)=(1) is duplicated.\n"
        "state: public.t_id is INVALID, remove it with: DROP INDEX CONCURRENTLY"
        " public.t_id; complete it by hand and UPDATE public._sqlx_migrations SET"
        " success = TRUE WHERE version = 2, or undo it by hand and DELETE FROM"
        " public._sqlx_migrations WHERE version = 2"
    )
    assert history(database) == {1: True, 2: False}
    assert invalid_indexes(database) == ["t_id"]
    assert holders(database) == []
    # The way that the message shows.
    database.ask("DROP INDEX CONCURRENTLY public.t_id")
    database.ask("DELETE FROM public._sqlx_migrations WHERE version = 2")
    database.ask("DELETE FROM t WHERE name = 'b'")
    sqlx.Migrator(directory).run(database.url)
    assert history(database) == {1: True, 2: True}


@pytest.mark.parametrize(
    ("sql", "left"),
    [
        ("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS t_id ON t (id);", ["t_id"]),
        ("CREATE INDEX CONCURRENTLY t_name ON t (name);", ["t_id"]),
    ],
)
def test_an_invalid_index_is_not_passed_over(
    database: Database, tmp_path: Path, sql: str, left: list[str]
) -> None:
    """IF NOT EXISTS is content with an INVALID index, and we are not (N3)."""
    directory = put(tmp_path / "m", loose(UNIQUE))
    with pytest.raises(sqlx.ExecuteMigration):
        sqlx.Migrator(directory).run(database.url)
    database.ask("DELETE FROM _sqlx_migrations WHERE version = 2")
    put(directory, loose(sql))
    with pytest.raises(sqlx.ExecuteMigration) as caught:
        sqlx.Migrator(directory).run(database.url)
    first = str(caught.value).partition("\n")[0]
    path = directory / "2_loose.sql"
    assert first == f"{path}: while executing migration 2: public.t_id is INVALID"
    assert "remove it with: DROP INDEX CONCURRENTLY public.t_id" in str(caught.value)
    assert invalid_indexes(database) == left
    assert history(database) == {1: True, 2: False}


def test_a_first_statement_that_fails_leaves_nothing(
    database: Database, tmp_path: Path
) -> None:
    """When nothing was done the claim is taken back, and a mended file runs (N1)."""
    directory = put(tmp_path / "m", loose("SELECT 1/0;\nSELECT 2;"))
    with pytest.raises(sqlx.ExecuteMigration) as caught:
        sqlx.Migrator(directory).run(database.url)
    assert caught.value.state == (
        "the first statement failed and left nothing behind; mend it and run again"
    )
    assert history(database) == {1: True}
    put(directory, loose("SELECT 1;\nSELECT 1/0;"))
    with pytest.raises(sqlx.ExecuteMigration) as caught:
        sqlx.Migrator(directory).run(database.url)
    assert (caught.value.line, caught.value.column) == (3, 1)
    assert caught.value.state.startswith("the statements before it are committed; ")
    assert history(database) == {1: True, 2: False}


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["lock_timeout", "statement_timeout"])
def test_no_timeout_cuts_an_index(
    database: Database, tmp_path: Path, setting: str
) -> None:
    """Limits of the role or the database do not cut CREATE INDEX CONCURRENTLY (N5)."""
    sqlx.Migrator(put(tmp_path / "m", {"1_table.sql": TABLE})).run(database.url)
    database.ask(f"ALTER DATABASE {database.name} SET {setting} = '100ms'")
    directory = put(tmp_path / "m", loose(INDEX))
    with database.connect() as writer:
        writer.execute("BEGIN")
        writer.execute("INSERT INTO t VALUES (2, 'c')")
        starter = Starter(migrate(database.url, directory))
        wait_for_row(database, WAITS)
        # By the server's own clock the limit is over, and it waits on.
        over = "clock_timestamp() - query_start > interval '300 ms'"
        wait_for_row(database, f"{WAITS} AND {over}")
        writer.execute("COMMIT")
    assert starter.outcome().applied == (2,)
    assert invalid_indexes(database) == []


@pytest.mark.slow
def test_a_migrator_is_killed_in_an_index(database: Database, tmp_path: Path) -> None:
    """The server ends what a dead client began; the next run says so (N6)."""
    sqlx.Migrator(put(tmp_path / "m", {"1_table.sql": TABLE})).run(database.url)
    directory = put(tmp_path / "m", loose(INDEX))
    with database.connect() as writer:
        writer.execute("BEGIN")
        writer.execute("INSERT INTO t VALUES (2, 'c')")
        starter = Starter(migrate(database.url, directory))
        wait_for_row(database, WAITS)
        starter.kill()
        wait_until_gone(database)
        writer.execute("COMMIT")
    assert invalid_indexes(database) == ["t_id"]
    with pytest.raises(sqlx.Dirty) as caught:
        sqlx.Migrator(directory).run(database.url)
    assert caught.value.committed == (
        f"how much of {directory}/2_loose.sql was committed is not recorded;"
        " public.t_id is INVALID, remove it with: DROP INDEX CONCURRENTLY public.t_id"
    )
