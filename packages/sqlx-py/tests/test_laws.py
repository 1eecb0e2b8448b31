"""Laws that hold for any migrations (Hypothesis looks for those that break them)."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from support import migration, source

import sqlx
from sqlx import Kind, Migration, Migrator, Outcome, State
from sqlx.engine.plan import Applied, History, plan_revert, plan_run
from sqlx.engine.task import SHARED_FILES, batches, read_task
from sqlx.migrations.statements import Syntax

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from support import Database

on_databases = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
MARKER = "-- no-transaction\n"


@dataclass(frozen=True)
class Step:
    """One version of a project: its number, and how its files are written."""

    version: int
    reversible: bool
    marked: bool
    writes_rows: bool

    def files(self) -> list[Migration]:
        """Write its files."""
        name = f"t{self.version}" if self.version >= 0 else f"m{-self.version}"
        up = f"{MARKER if self.marked else ''}CREATE TABLE {name} (id INT);"
        up += f" INSERT INTO {name} VALUES (1);" if self.writes_rows else ""
        kind = Kind.UP if self.reversible else Kind.SIMPLE
        made = [migration(self.version, up, kind, no_transaction=self.marked)]
        if self.reversible:
            made.append(migration(self.version, f"DROP TABLE {name};", Kind.DOWN))
        return made


def projects(
    versions: some.SearchStrategy[int], *, reversible: bool = False
) -> some.SearchStrategy[list[Step]]:
    """Any project of some versions, in the order in which they came to be."""
    step = some.builds(
        Step,
        version=versions,
        reversible=some.just(value=True) if reversible else some.booleans(),
        marked=some.booleans(),
        writes_rows=some.booleans(),
    )
    return some.lists(step, max_size=6, unique_by=lambda step: step.version)


any_version = some.integers(-(2**63), 2**63 - 1)
positive = some.integers(1, 2**63 - 1)


def of(steps: Sequence[Step]) -> sqlx.Source:
    """Read a project as its directory would be."""
    files = [file for step in steps for file in step.files()]
    order = {Kind.SIMPLE: 0, Kind.UP: 1, Kind.DOWN: 2}
    return source(*sorted(files, key=lambda file: (file.version, order[file.kind])))


class Place:
    """An empty database for each example, by a connection that is kept."""

    def __init__(self, connection: Any, tables: str) -> None:
        self.connection, self.sql = connection, tables

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask."""
        found: list[tuple[Any, ...]] = self.connection.execute(sql).fetchall()
        return found

    def history(self) -> list[tuple[Any, ...]]:
        """Read what is recorded, but for times."""
        return self.rows(
            "SELECT version, description, success, checksum FROM _sqlx_migrations"
            " ORDER BY version"
        )

    def tables(self) -> list[str]:
        """Name what the migrations have made."""
        return sorted(name for (name,) in self.rows(self.sql) if name[:5] != "_sqlx")


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Give a function that makes the database empty again, and opens it."""
    if request.param == "sqlite":
        opened: list[sqlite3.Connection] = []

        def fresh() -> Place:
            opened.append(sqlite3.connect(":memory:"))
            return Place(
                opened[-1],
                "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE TABLE%'",
            )

        yield fresh
        for file in opened:
            file.close()
        return
    database: Database = request.getfixturevalue("on_postgres")
    with psycopg.connect(database.place, autocommit=True) as connection:

        def emptied() -> Place:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            return Place(
                connection,
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
            )

        yield emptied


@on_databases
@given(steps=projects(any_version))
def test_a_second_run_applies_nothing(empty: Any, steps: list[Step]) -> None:
    """Whatever the project, and the history stays as it is."""
    place, migrator = empty(), Migrator(of(steps))
    first = migrator.run(place.connection)
    assert [m.version for m in first.applied] == sorted(s.version for s in steps)
    before = place.history() if steps else []
    second = migrator.run(place.connection)
    assert second == sqlx.Report(already_applied=len(steps))
    assert (place.history() if steps else []) == before
    told = migrator.info(place.connection)
    assert {row.state for row in told.rows} <= {State.INSTALLED}


@pytest.mark.slow
@on_databases
@given(steps=projects(positive, reversible=True))
def test_a_run_and_a_revert_restore_the_history(empty: Any, steps: list[Step]) -> None:
    """All of it: no row, no table; and it can be run again."""
    place, migrator = empty(), Migrator(of(steps))
    migrator.run(place.connection)
    report = migrator.revert(place.connection, 0)
    newest_first = sorted((s.version for s in steps), reverse=True)
    assert [m.version for m in report.applied] == newest_first
    assert place.tables() == []
    assert not steps or place.history() == []
    assert len(migrator.run(place.connection).applied) == len(steps)


@pytest.mark.slow
@on_databases
@given(steps=projects(positive, reversible=True), data=some.data())
def test_a_revert_to_a_target_is_as_if_the_rest_had_never_run(
    empty: Any, steps: list[Step], data: some.DataObject
) -> None:
    """The history of a run to the target and of a revert to it are the same."""
    targets = [0, *(step.version for step in steps)]
    target = data.draw(some.sampled_from(targets))
    migrator = Migrator(of(steps))
    place = empty()
    migrator.run(place.connection)
    migrator.revert(place.connection, target)
    reverted = (place.tables(), place.history() if steps else [])
    place = empty()
    migrator.run(place.connection, target or None, dry_run=not target)
    run = (place.tables(), place.history() if target else [])
    assert reverted == run


@pytest.mark.slow
@on_databases
@given(steps=projects(any_version), data=some.data())
def test_files_may_come_in_any_order(
    empty: Any, steps: list[Step], data: some.DataObject
) -> None:
    """Run after each new file or once at the end: the history is the same."""
    place = empty()
    for number in range(1, len(steps) + 1):
        if data.draw(some.booleans()):
            Migrator(of(steps[:number])).run(place.connection)
    Migrator(of(steps)).run(place.connection)
    one_by_one = (place.tables(), place.history() if steps else [])
    place = empty()
    Migrator(of(steps)).run(place.connection)
    assert (place.tables(), place.history() if steps else []) == one_by_one


def history_of(steps: Sequence[Step]) -> History:
    """Make the history of some steps."""
    files = [step.files()[0] for step in steps]
    rows = [Applied(f.version, f.description, True, f.checksum) for f in files]  # noqa: FBT003 -- a row.
    return History(tuple(sorted(rows, key=lambda row: row.version)), "h")


@given(steps=projects(positive), data=some.data())
def test_a_plan_is_what_is_left_up_to_the_target(
    steps: list[Step], data: some.DataObject
) -> None:
    """Applied and planned make all of it, in order, and nothing twice."""
    done = data.draw(some.lists(some.sampled_from(steps), unique=True)) if steps else []
    history = history_of(done)
    later = [s.version for s in steps if s.version >= history.latest]
    target = data.draw(some.sampled_from([None, *later]))
    plan = plan_run(of(steps), history, target)
    left = sorted({s.version for s in steps} - {s.version for s in done})
    assert [change.migration.version for change in plan.changes] == left
    assert [m.version for m in plan.todo] == [
        version for version in left if target is None or version <= target
    ]
    assert plan.already_applied == len(done)


@given(steps=projects(positive, reversible=True), data=some.data())
def test_a_way_back_is_the_way_forth_reversed(
    steps: list[Step], data: some.DataObject
) -> None:
    """What a run to the newest would apply from a target, a revert to it undoes."""
    target = data.draw(some.sampled_from([0, *(s.version for s in steps)]))
    kept = [step for step in steps if step.version <= target]
    back = plan_revert(of(steps), history_of(steps), target)
    forth = plan_run(of(steps), history_of(kept))
    assert [m.version for m in back.todo] == [m.version for m in forth.todo][::-1]
    skipped = [c for c in back.changes if c.outcome is Outcome.SKIPPED]
    assert len(skipped) == len(kept)


@given(steps=some.lists(some.booleans(), max_size=80), sharing=some.booleans())
def test_batches_are_all_files_in_order(steps: list[bool], *, sharing: bool) -> None:
    """None is lost or moved; only DDL shares a message, 32 at most."""
    texts = {True: "CREATE TABLE t (id INT)", False: "INSERT INTO t VALUES (1)"}
    tasks = [
        read_task(migration(number, texts[plain]), Syntax.POSTGRES)
        for number, plain in enumerate(steps)
    ]
    found = list(batches(tasks, sharing=sharing))
    assert [task for batch in found for task in batch] == tasks
    for batch in found:
        assert 1 <= len(batch) <= SHARED_FILES
        assert len(batch) == 1 or (sharing and all(task.plain for task in batch))
    if sharing:
        for one, two in pairwise(found):
            full = len(one) == SHARED_FILES
            assert full or not (one[-1].plain and two[0].plain)
