"""`-- sqlx: compatible`: an older release runs on a newer schema, and says so."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from sqlx import (
    DatabaseError,
    Dirty,
    Migrator,
    Outcome,
    SourceWarning,
    State,
    VersionMissing,
    VersionTooOld,
)
from sqlx.errors import ExecuteMigration, Irreversible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support import Database, Door, Write

MARK = "-- sqlx: compatible\n"
MARKS = (
    "SELECT m.version FROM _sqlx_compatible m JOIN _sqlx_migrations h"
    " ON h.version = m.version AND h.checksum = m.checksum ORDER BY 1"
)
ALL_MARKS = "SELECT version FROM _sqlx_compatible ORDER BY 1"


def table(name: str) -> str:
    """Write the SQL of a small migration."""
    return f"CREATE TABLE {name} (id INT);\n"


def has_marks(database: Database) -> bool:
    """Tell whether our table is there."""
    return "_sqlx_compatible" in database.all_tables()


def going_on(folder: Path, version: int, description: str) -> SourceWarning:
    """Expect an older release to say what it runs with."""
    return SourceWarning(
        "compatible",
        str(folder),
        f"migration {version} ({description}) is applied and has no file here; it is "
        "marked compatible, so a run goes on",
    )


@pytest.fixture
def newer(database: Database, write: Write, folder: Path) -> Database:
    """A database that a newer release has migrated: its file 2 is not here."""
    write("1_one.sql", table("one"))
    path = write("2_two.sql", MARK + table("two"))
    Migrator(folder).run(database.url)
    path.unlink()
    return database


def test_an_older_release_starts_and_says_so(
    newer: Database, colour: Door, folder: Path
) -> None:
    """Run after run; nothing is changed, and `info` shows what there is."""
    told: list[object] = []
    before = newer.versions()
    warning = going_on(folder, 2, "two")
    for dry_run in (False, True):
        told.clear()
        migrator = colour(folder, on_event=told.append)
        report = migrator.run(newer.url, dry_run=dry_run)
        assert (report.already_applied, report.changes) == (1, ())
        assert report.warnings == (warning,)
        assert told == ([] if dry_run else [warning])
    found = colour(folder).info(newer.url)
    assert [(row.version, row.state, row.compatible) for row in found.rows] == [
        (1, State.INSTALLED, False),
        (2, State.COMPATIBLE, True),
    ]
    assert found.warnings == (warning,)
    assert newer.versions() == before
    assert newer.rows(MARKS) == [(2,)]


def test_an_older_release_applies_its_own_file(
    newer: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Also one that is older than what it runs with, as SQLx does out of order."""
    write("0_zero.sql", table("zero"))
    write("3_three.sql", MARK + table("three"))
    report = colour(folder).run(newer.url)
    assert [m.version for m in report.applied] == [0, 3]
    assert report.warnings == (going_on(folder, 2, "two"),)
    assert newer.rows(MARKS) == [(2,), (3,)]


def test_a_target_is_judged_by_what_is_applied(
    newer: Database, colour: Door, write: Write, folder: Path
) -> None:
    """As with `ignore_missing`: below the newest version is too old."""
    with pytest.raises(VersionTooOld):
        colour(folder).run(newer.url, target=1)
    write("3_three.sql", table("three"))
    write("4_four.sql", table("four"))
    report = colour(folder).run(newer.url, target=3)
    assert [change.outcome for change in report.changes] == [
        Outcome.APPLIED,
        Outcome.SKIPPED,
    ]


def test_nothing_older_is_reverted_in_its_place(
    newer: Database, colour: Door, write: Write, folder: Path
) -> None:
    """A release that has no file for the newest version leaves everything as it is."""
    write("1_one.down.sql", "DROP TABLE one;\n")
    report = colour(folder).revert(newer.url)
    assert (report.changes, report.warnings) == ((), ())
    assert report.blocked_by == (
        "migration 2 is the newest applied one and has no file here; restore its files,"
        " or write a new migration that reverses it"
    )
    with pytest.raises(Irreversible):
        colour(folder).revert(newer.url, 0)
    assert newer.tables() == ["one", "two"]


def test_what_is_not_marked_stops_the_older_release(
    newer: Database, colour: Door, write: Write, folder: Path
) -> None:
    """One of two is marked: the other is named, and the ways out."""
    path = write("3_three.sql", table("three"))
    colour(folder).run(newer.url)
    path.unlink()
    for call in (colour(folder).run, colour(folder).skip, colour(folder).revert):
        with pytest.raises(VersionMissing) as caught:
            call(newer.url)
        assert str(caught.value) == (
            "migration 3 was previously applied but is missing in the resolved "
            f"migrations: the history knows 3 (three), {folder} does not; deploy a "
            "release that has the files, or restore them; if this one runs with them, "
            "pass --ignore-missing (ignore_missing=True), and mark such files "
            "`-- sqlx: compatible` before they are applied"
        )
    states = [row.state for row in colour(folder).info(newer.url).rows]
    assert states == [State.INSTALLED, State.COMPATIBLE, State.MISSING]


def test_a_dirty_version_stops_the_older_release(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Its mark stands since it was claimed, and does not clean it."""
    write("1_one.sql", table("one"))
    path = write("2_two.sql", f"-- no-transaction\n{MARK}{table('two')}SELECT 1 / 0;\n")
    with pytest.raises(ExecuteMigration):
        colour(folder).run(on_postgres.url)
    assert on_postgres.versions() == [(1, True), (2, False)]
    assert on_postgres.rows(MARKS) == [(2,)]
    path.unlink()
    with pytest.raises(Dirty):
        colour(folder).run(on_postgres.url)
    on_postgres.execute("UPDATE _sqlx_migrations SET success = TRUE WHERE version = 2")
    report = colour(folder).run(on_postgres.url)
    assert report.warnings == (going_on(folder, 2, "two"),)


def test_without_a_mark_there_is_no_table_of_ours(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """It is made when it is first needed; the history has SQLx's columns alone."""
    write("1_one.sql", table("one"))
    write("2_two.up.sql", table("two"))
    write("2_two.down.sql", "DROP TABLE two;\n")
    migrator = colour(folder)
    migrator.run(database.url)
    migrator.revert(database.url)
    assert not has_marks(database)
    write("3_three.sql", MARK + table("three"))
    colour(folder).run(database.url)
    assert database.rows(MARKS) == [(3,)]


@pytest.mark.parametrize(
    "sql",
    [
        f"{MARK}INSERT INTO one VALUES (1);\nINSERT INTO nowhere VALUES (1);\n",
        f"-- no-transaction\n{MARK}SELECT 1 FROM nowhere;\n",
        f"{MARK}INSERT INTO nowhere VALUES (1);\nCOMMIT;\nSELECT 1;\n",
    ],
    ids=["transaction", "no transaction", "own control"],
)
@pytest.mark.parametrize("there", [False, True], ids=["fresh", "table"])
def test_a_file_that_fails_leaves_no_mark(
    database: Database,
    colour: Door,
    write: Write,
    folder: Path,
    sql: str,
    *,
    there: bool,
) -> None:
    """Neither its row nor its mark is left; mended, both are there."""
    write("1_one.sql", (MARK if there else "") + table("one"))
    colour(folder).run(database.url)
    write("2_two.sql", sql)
    with pytest.raises(ExecuteMigration):
        colour(folder).run(database.url)
    assert database.versions() == [(1, True)]
    if has_marks(database):
        assert database.rows(ALL_MARKS) == [(1,)] * there
    write("2_two.sql", sql.replace("nowhere", "one"))
    colour(folder).run(database.url)
    assert database.rows(ALL_MARKS) == [(1,)] * there + [(2,)]


@pytest.mark.parametrize("down", ["", "-- no-transaction\n"])
@pytest.mark.parametrize("up", ["", "-- no-transaction\n"])
def test_a_mark_goes_and_comes_with_its_row(
    database: Database, colour: Door, write: Write, folder: Path, up: str, down: str
) -> None:
    """Reverted it is gone, applied again it is back; others stay."""
    write("1_one.sql", MARK + table("one"))
    write("2_two.up.sql", up + MARK + table("two"))
    write("2_two.down.sql", f"{down}DROP TABLE two;\n")
    migrator = colour(folder)
    for _ in range(2):
        migrator.run(database.url)
        assert database.rows(ALL_MARKS) == [(1,), (2,)]
        assert migrator.run(database.url).already_applied == 2
        migrator.revert(database.url)
        assert database.rows(ALL_MARKS) == [(1,)]
    assert database.versions() == [(1, True)]


def test_a_skip_records_the_mark(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """As for a file that ran."""
    for number in (1, 2):
        write(f"{number}_t.sql", MARK + table("t"))
    colour(folder).skip(database.url)
    assert database.rows(MARKS) == [(1,), (2,)]
    assert database.tables() == []


def test_a_mark_is_that_of_the_text_that_was_applied(
    newer: Database, colour: Door, write: Write, folder: Path
) -> None:
    """What SQLx reverts and applies anew, unmarked, is not compatible by mistake."""
    newer.execute("DELETE FROM _sqlx_migrations WHERE version = 2; DROP TABLE two;")
    path = write("2_two.sql", table("two"))
    colour(folder).run(newer.url)
    path.unlink()
    assert newer.rows(ALL_MARKS) == [(2,)]
    with pytest.raises(VersionMissing):
        colour(folder).run(newer.url)
    newer.execute("DELETE FROM _sqlx_migrations WHERE version = 2; DROP TABLE two;")
    write("2_two.sql", MARK + table("two"))
    colour(folder).run(newer.url)
    assert newer.rows(MARKS) == [(2,)]


def test_a_mark_may_be_recorded_by_hand(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """For what SQLx has applied, by the statements of the documentation."""
    write("1_one.sql", MARK + table("one"))
    path = write("2_two.sql", table("two"))
    colour(folder).run(database.url)
    path.unlink()
    database.execute(
        "INSERT INTO _sqlx_compatible (version, checksum)"
        " SELECT version, checksum FROM _sqlx_migrations WHERE version = 2"
    )
    assert colour(folder).run(database.url).warnings == (going_on(folder, 2, "two"),)


def test_the_table_stands_beside_the_history(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """In its schema, also when a file leaves another `search_path` behind."""
    write("1_one.sql", f"{MARK}CREATE SCHEMA other; SET search_path = other;\n")
    path = write("2_two.sql", f"{MARK}{table('other.two')}SET search_path = other;\n")
    options = {"table_name": 'ops."My History"', "create_schemas": ["ops"]}
    colour(folder, **options).run(on_postgres.url)
    assert on_postgres.rows("SELECT version FROM ops._sqlx_compatible ORDER BY 1") == [
        (1,),
        (2,),
    ]
    path.unlink()
    report = colour(folder, **options).run(on_postgres.url)
    assert report.warnings == (going_on(folder, 2, "two"),)
    assert not on_postgres.rows("SELECT 1 FROM pg_tables WHERE schemaname = 'public'")


def test_two_histories_share_the_table(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """The mark of the one's version is not that of the other's."""
    write("1_one.sql", MARK + table("one"))
    colour(folder, table_name="a").run(database.url)
    (folder / "1_one.sql").unlink()
    path = write("1_uno.sql", table("uno"))
    colour(folder, table_name="b").run(database.url)
    path.unlink()
    with pytest.raises(VersionMissing):
        colour(folder, table_name="b").run(database.url)
    report = colour(folder, table_name="a").run(database.url)
    assert report.warnings == (going_on(folder, 1, "one"),)


@pytest.mark.parametrize("pooled", ["", "&pooled=true"], ids=["direct", "pooled"])
def test_files_of_every_kind_are_marked(
    on_postgres: Database, colour: Door, write: Write, folder: Path, pooled: str
) -> None:
    """Together in one message, alone, without a transaction, with its own control."""
    url = on_postgres.url + pooled
    write("1_a.sql", MARK + table("a"))
    write("2_b.sql", table("b"))
    write("3_c.sql", MARK + table("c"))
    write("4_d.sql", f"{MARK}INSERT INTO a VALUES (1);\n")
    write("5_e.sql", f"-- no-transaction\n{MARK}CREATE INDEX CONCURRENTLY e ON a (id);")
    write("6_f.sql", f"{MARK}{table('f')}COMMIT;\n{table('f2')}")
    write("7_g.up.sql", MARK + table("g"))
    write("7_g.down.sql", "DROP TABLE g;\n")
    migrator = colour(folder)
    assert len(migrator.run(url).applied) == 7
    assert on_postgres.rows(MARKS) == [(1,), (3,), (4,), (5,), (6,), (7,)]
    migrator.revert(url)
    assert on_postgres.rows(ALL_MARKS) == [(1,), (3,), (4,), (5,), (6,)]


def test_two_migrators_at_once_record_it_once(
    database: Database, write: Write, folder: Path
) -> None:
    """Four start together; none fails, with or without the lock."""
    for number in range(1, 6):
        write(f"{number}_t.sql", MARK + table(f"t{number}"))
    for locking in (True, False):
        errors: list[BaseException] = []
        together = threading.Barrier(4)

        def start(
            *,
            locking: bool = locking,
            together: threading.Barrier = together,
            errors: list[BaseException] = errors,
        ) -> None:
            together.wait()
            try:
                Migrator(folder, locking=locking).run(database.url)
            except BaseException as error:  # noqa: BLE001 -- the test shows it.
                errors.append(error)

        threads = [threading.Thread(target=start) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert database.rows(MARKS) == [(number,) for number in range(1, 6)]
        for number in range(1, 6):
            database.execute(f"DROP TABLE t{number}")
        database.execute("DROP TABLE _sqlx_migrations; DROP TABLE _sqlx_compatible")


@pytest.fixture
def poor(on_postgres: Database) -> Iterator[str]:
    """A role that may read the history of a database and write nothing: its name."""
    name = f"poor_{on_postgres.name}"
    on_postgres.execute(f"CREATE ROLE {name} LOGIN")
    yield name
    on_postgres.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_a_role_that_may_only_read_starts(
    on_postgres: Database, colour: Door, write: Write, folder: Path, poor: str
) -> None:
    """With a right to read both tables; without the second it hears which one."""
    write("1_one.sql", table("one"))
    path = write("2_two.sql", MARK + table("two"))
    Migrator(folder).run(on_postgres.url)
    on_postgres.execute(f"GRANT SELECT ON _sqlx_migrations TO {poor}")
    url = f"{on_postgres.url}&user={poor}"
    assert colour(folder).run(url).already_applied == 2
    path.unlink()
    for call in (colour(folder).run, colour(folder).info):
        with pytest.raises(DatabaseError) as caught:
            call(url)
        assert str(caught.value) == (
            "permission denied for table _sqlx_compatible; public._sqlx_compatible "
            "records which migrations are compatible; let the role read it [42501]"
        )
    assert colour(folder, ignore_missing=True).run(url).already_applied == 1
    on_postgres.execute(f"GRANT SELECT ON _sqlx_compatible TO {poor}")
    assert colour(folder).run(url).warnings == (going_on(folder, 2, "two"),)
    assert colour(folder).info(url).rows[1].state is State.COMPATIBLE


def test_a_role_that_may_not_make_tables_is_told(
    on_postgres: Database, colour: Door, write: Write, folder: Path, poor: str
) -> None:
    """The file is rolled back; once the table is there, it may be written."""
    write("1_one.sql", table("one"))
    Migrator(folder).run(on_postgres.url)
    on_postgres.execute(
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
        f"GRANT ALL ON one, _sqlx_migrations TO {poor}"
    )
    write("2_two.sql", f"{MARK}INSERT INTO one VALUES (1);\n")
    url = f"{on_postgres.url}&user={poor}"
    with pytest.raises(ExecuteMigration) as caught:
        colour(folder).run(url)
    assert str(caught.value) == (
        f"{folder}/2_two.sql: while executing migration 2: permission denied for "
        "schema public [42501]\n"
        "state: rolled back, nothing of this migration is applied: "
        "public._sqlx_compatible records that it is compatible; let the role make and "
        "write that table, and run again"
    )
    assert on_postgres.versions() == [(1, True)]
    on_postgres.execute(
        "CREATE TABLE _sqlx_compatible (version BIGINT, checksum BYTEA,"
        " PRIMARY KEY (version, checksum));"
        f"GRANT ALL ON _sqlx_compatible TO {poor}"
    )
    assert [m.version for m in colour(folder).run(url).applied] == [2]
    assert on_postgres.rows(MARKS) == [(2,)]


def test_nothing_is_written_for_a_version_without_a_file(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """A standby may be asked: a start with nothing to do reads, and no more."""
    write("1_one.sql", MARK + table("one"))
    path = write("2_two.sql", MARK + table("two"))
    Migrator(folder).run(on_postgres.url)
    url = f"{on_postgres.url}&options=-c%20default_transaction_read_only%3Don"
    assert colour(folder).run(url).already_applied == 2
    path.unlink()
    assert colour(folder).run(url).warnings == (going_on(folder, 2, "two"),)
