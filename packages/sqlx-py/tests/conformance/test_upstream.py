"""Every fact that the tests of SQLx prove of its library (migrations.md 10)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from sqlx import Kind, Migrator, Outcome, Report, State
from sqlx.errors import VersionNotPresent, VersionTooNew, VersionTooOld

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support import Database, Door, Write

ADD_TABLE = 20220721124650
MODIFY_COLUMN = 20220721125033
TEST_TABLE = 20220721115250
CONVERT_TYPE = 20220721115524
FIVE = [2023_01_01_00_00_00 + month * 1_00_00_00_00 for month in range(5)]


@pytest.fixture
def simple(write: Write, folder: Path) -> Path:
    """The files of upstream's `migrations_simple`: the second runs only once."""
    write(
        f"{TEST_TABLE}_add_test_table.sql",
        "CREATE TABLE migrations_simple_test (\n"
        "    some_id BIGINT NOT NULL PRIMARY KEY,\n"
        "    some_payload BIGINT NOT NUll\n"
        ");\n\n"
        "INSERT INTO migrations_simple_test (some_id, some_payload)\n"
        "VALUES (1, 100);\n",
    )
    write(
        f"{CONVERT_TYPE}_convert_type.sql",
        "-- Perform a tricky conversion; it fails if executed twice.\n"
        "ALTER TABLE migrations_simple_test ADD some_payload_tmp TEXT;\n"
        "UPDATE migrations_simple_test\n"
        "SET some_payload_tmp = CAST((some_payload + 10) AS CHAR(9)) || '_suffix';\n"
        "ALTER TABLE migrations_simple_test DROP COLUMN some_payload;\n"
        "ALTER TABLE migrations_simple_test ADD some_payload TEXT;\n"
        "UPDATE migrations_simple_test SET some_payload = some_payload_tmp;\n"
        "ALTER TABLE migrations_simple_test DROP COLUMN some_payload_tmp;\n",
    )
    return folder


@pytest.fixture
def reversible(write: Write, folder: Path) -> Path:
    """The files of upstream's `migrations_reversible`."""
    table = "migrations_reversible_test"
    write(
        f"{ADD_TABLE}_add_table.up.sql",
        f"CREATE TABLE {table} (some_id BIGINT PRIMARY KEY, some_payload BIGINT);\n"
        f"INSERT INTO {table} (some_id, some_payload) VALUES (1, 100);\n",
    )
    write(f"{ADD_TABLE}_add_table.down.sql", f"DROP TABLE {table};\n")
    write(
        f"{MODIFY_COLUMN}_modify_column.up.sql",
        f"UPDATE {table} SET some_payload = some_payload + 1;\n",
    )
    write(
        f"{MODIFY_COLUMN}_modify_column.down.sql",
        f"UPDATE {table} SET some_payload = some_payload - 1;\n",
    )
    return folder


@pytest.fixture
def five(write: Write, folder: Path) -> Path:
    """Five reversible pairs, as `sqlx-cli/tests/migrations_reversible` has them."""
    for number, version in enumerate(FIVE, 1):
        up = f"CREATE TABLE test{number} (x INTEGER PRIMARY KEY);\n"
        write(f"{version}_test{number}.up.sql", up)
        write(f"{version}_test{number}.down.sql", f"DROP TABLE test{number};\n")
    return folder


def payload(database: Database) -> list[tuple[object, ...]]:
    """Read the column that the reversible files change."""
    return database.rows("SELECT some_payload FROM migrations_reversible_test")


def outcomes(report: Report) -> list[tuple[int, Outcome]]:
    """Say what became of each version."""
    return [(change.migration.version, change.outcome) for change in report.changes]


def test_simple(database: Database, colour: Door, simple: Path) -> None:
    """A file of several statements runs once; a second run is a no-op."""
    migrator = colour(simple)
    assert len(migrator.run(database.url).applied) == 2
    assert migrator.run(database.url) == Report(already_applied=2)
    assert database.rows("SELECT some_payload FROM migrations_simple_test") == [
        ("110_suffix",)
    ]


@pytest.mark.slow
def test_reversible(database: Database, colour: Door, reversible: Path) -> None:
    """Run; back to the latest changes nothing; back one undoes one."""
    migrator = colour(reversible)
    migrator.run(database.url)
    assert payload(database) == [(101,)]
    report = migrator.revert(database.url, MODIFY_COLUMN)
    assert report.applied == ()
    assert payload(database) == [(101,)]
    report = migrator.revert(database.url, ADD_TABLE)
    assert [m.version for m in report.applied] == [MODIFY_COLUMN]
    assert payload(database) == [(100,)]


def test_skip(database: Database, colour: Door, reversible: Path) -> None:
    """A step done by hand is recorded; the rest runs, and can be undone."""
    migrator = colour(reversible)
    database.execute(
        "CREATE TABLE migrations_reversible_test (some_id BIGINT, some_payload BIGINT);"
        "INSERT INTO migrations_reversible_test VALUES (1, 100)"
    )
    report = migrator.skip(database.url, ADD_TABLE)
    assert outcomes(report) == [
        (ADD_TABLE, Outcome.SKIPPED_ON_REQUEST),
        (MODIFY_COLUMN, Outcome.SKIPPED),
    ]
    migrator.run(database.url)
    assert payload(database) == [(101,)]
    migrator.revert(database.url, ADD_TABLE)
    assert payload(database) == [(100,)]


def test_no_tx(
    transactional: Database, colour: Door, write: Write, folder: Path
) -> None:
    """A statement that no transaction bears works with the marker."""
    database = transactional
    name = f"{database.name}_made" if database.is_postgres else ""
    statement = f"CREATE DATABASE {name}" if name else "VACUUM"
    write("0_outside.sql", f"-- no-transaction\n\n{statement};\n")
    try:
        colour(folder).run(database.url)
        assert database.versions() == [(0, True)]
    finally:
        if name:
            database.execute(f"DROP DATABASE IF EXISTS {name}")


def test_without_the_marker_it_does_not(
    transactional: Database, colour: Door, write: Write, folder: Path
) -> None:
    """So the test above proves something."""
    database = transactional
    statement = "CREATE DATABASE never" if database.is_postgres else "VACUUM"
    write("0_outside.sql", f"{statement};\n")
    with pytest.raises(Exception, match=r"cannot (run inside|VACUUM from within)"):
        colour(folder).run(database.url)


def test_no_tx_reversible(
    on_sqlite: Database, colour: Door, write: Write, folder: Path
) -> None:
    """The marker is honoured in down files, and version 0 can be reverted."""
    write("0_mode.up.sql", "-- no-transaction\nPRAGMA journal_mode = WAL;\n")
    write("0_mode.down.sql", "-- no-transaction\nPRAGMA journal_mode = DELETE;\n")
    migrator = colour(folder)
    migrator.run(on_sqlite.url)
    assert on_sqlite.rows("PRAGMA journal_mode") == [("wal",)]
    migrator.revert(on_sqlite.url)
    assert on_sqlite.rows("PRAGMA journal_mode") == [("delete",)]
    assert on_sqlite.versions() == []


def test_run_reversible_migrations(
    database: Database, colour: Door, five: Path
) -> None:
    """All; the latest as a target twice; an older one fails; an unknown one fails."""
    migrator = colour(five)
    assert len(migrator.run(database.url).applied) == 5
    for _ in range(2):
        assert migrator.run(database.url, FIVE[-1]).changes == ()
    with pytest.raises(VersionTooOld) as old:
        migrator.run(database.url, FIVE[2])
    assert str(old.value) == (
        "migration 20230301000000 is older than the latest applied migration "
        "20230501000000; to go back, use revert"
    )
    with pytest.raises(VersionNotPresent) as unknown:
        migrator.run(database.url, 3)
    assert str(unknown.value) == (
        f"migration 3 is not present in the migration source: {five}; choose a version "
        "that `sqlx migrate info` lists"
    )
    assert database.tables() == ["test1", "test2", "test3", "test4", "test5"]


@pytest.mark.slow
def test_run_to_one_target_after_the_other(
    database: Database, colour: Door, five: Path
) -> None:
    """Each target is included; a dry run changes nothing."""
    migrator = colour(five)
    for number, version in enumerate(FIVE, 1):
        dry = migrator.run(database.url, version, dry_run=True)
        later = [(v, Outcome.SKIPPED) for v in FIVE[number:]]
        assert outcomes(dry) == [(version, Outcome.CAN_APPLY), *later]
        assert len(database.tables()) == number - 1
        report = migrator.run(database.url, version)
        assert outcomes(report) == [(version, Outcome.APPLIED), *later]
        assert len(database.tables()) == number


@pytest.mark.slow
def test_revert_migrations(database: Database, colour: Door, five: Path) -> None:
    """Dry; one at a time; to a target; wrong targets fail; again; all."""
    migrator = colour(five)
    migrator.run(database.url)
    dry = migrator.revert(database.url, dry_run=True)
    assert outcomes(dry) == [(FIVE[4], Outcome.CAN_APPLY)]
    assert len(database.tables()) == 5
    assert outcomes(migrator.revert(database.url)) == [(FIVE[4], Outcome.APPLIED)]
    assert outcomes(migrator.revert(database.url)) == [(FIVE[3], Outcome.APPLIED)]
    assert outcomes(migrator.revert(database.url, FIVE[0])) == [
        (FIVE[2], Outcome.APPLIED),
        (FIVE[1], Outcome.APPLIED),
        (FIVE[0], Outcome.SKIPPED),
    ]
    assert database.tables() == ["test1"]
    assert outcomes(migrator.revert(database.url, FIVE[0])) == [
        (FIVE[0], Outcome.SKIPPED)
    ]
    with pytest.raises(VersionTooNew) as new:
        migrator.revert(database.url, FIVE[3])
    assert str(new.value) == (
        "migration 20230401000000 is newer than the latest applied migration "
        "20230101000000; to go forward, use run"
    )
    with pytest.raises(VersionNotPresent):
        migrator.revert(database.url, 3)
    migrator.run(database.url)
    migrator.revert(database.url, 0)
    assert database.tables() == []
    assert database.versions() == []
    assert migrator.revert(database.url) == Report()


def test_skip_reversible_migrations(
    database: Database, colour: Door, five: Path
) -> None:
    """The same matrix for a skip: rows, and no tables."""
    migrator = colour(five)
    dry = migrator.skip(database.url, FIVE[1], dry_run=True)
    assert outcomes(dry)[:3] == [
        (FIVE[0], Outcome.CAN_APPLY),
        (FIVE[1], Outcome.CAN_APPLY),
        (FIVE[2], Outcome.SKIPPED),
    ]
    migrator.skip(database.url, FIVE[1])
    assert database.versions() == [(FIVE[0], True), (FIVE[1], True)]
    with pytest.raises(VersionTooOld):
        migrator.skip(database.url, FIVE[0])
    with pytest.raises(VersionNotPresent):
        migrator.skip(database.url, 3)
    assert outcomes(migrator.skip(database.url)) == [
        (version, Outcome.SKIPPED_ON_REQUEST) for version in FIVE[2:]
    ]
    assert migrator.skip(database.url) == Report(already_applied=5)
    assert database.tables() == []
    assert database.rows("SELECT DISTINCT execution_time FROM _sqlx_migrations") == [
        (-1,)
    ]


VARIANTS: dict[str, Callable[[str], str]] = {
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "BOM": lambda text: f"\ufeff{text}",
    "oops-all-tabs": lambda text: text.replace(" ", "\t"),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_ignored_chars(
    database: Database, colour: Door, write: Write, folder: Path, variant: str
) -> None:
    """What was applied with LF is installed for those who write it otherwise."""
    texts = {
        f"{number}_{name}.sql": f"CREATE TABLE {name}s (\n    id INT\n);\n"
        for number, name in enumerate(("user", "post", "comment"), 1)
    }
    for name, text in texts.items():
        write(name, text)
    ignored = {"ignored_chars": " \t\r\n\ufeff"}
    colour(folder, **ignored).run(database.url)
    for name, text in texts.items():
        write(name, VARIANTS[variant](text))
    migrator = colour(folder, **ignored)
    assert migrator.run(database.url) == Report(already_applied=3)
    assert [
        (row.version, row.state, row.description)
        for row in (migrator.info(database.url).rows)
    ] == [
        (1, State.INSTALLED, "user"),
        (2, State.INSTALLED, "post"),
        (3, State.INSTALLED, "comment"),
    ]


@pytest.mark.parametrize("files", ["simple", "reversible"])
def test_same_output(
    request: pytest.FixtureRequest,
    files: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A directory, a link to it and a package's resources are the same migrations."""
    folder: Path = request.getfixturevalue(files)
    package = tmp_path / "embedding"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "migrations").symlink_to(folder)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "embedding", raising=False)
    link = tmp_path / "link"
    link.symlink_to(folder)

    def told(migrator: Migrator) -> list[tuple[int, str, Kind, str, bytes, bool]]:
        return [
            (m.version, m.description, m.kind, m.sql, m.checksum, m.no_transaction)
            for m in migrator.source
        ]

    runtime = told(Migrator(folder))
    assert len(runtime) == {"simple": 2, "reversible": 4}[files]
    assert told(Migrator(link)) == runtime
    assert told(Migrator.from_package("embedding")) == runtime


def test_migrations_given_in_code(database: Database) -> None:
    """File names and SQL do as a directory does, whatever their order."""
    texts = {"2_b.sql": "INSERT INTO a VALUES (7)", "1_a.sql": "CREATE TABLE a (x INT)"}
    migrator = Migrator(texts, ignored_chars=" ")
    report = migrator.run(database.url)
    assert [m.description for m in report.applied] == ["a", "b"]
    assert database.rows("SELECT x FROM a") == [(7,)]
    squeezed = {name: sql.replace(" ", "  ") for name, sql in texts.items()}
    assert Migrator(squeezed, ignored_chars=" ").run(database.url).already_applied == 2
