"""What SQLx refuses is refused, before anything is applied, with the mend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sqlx import (
    Dirty,
    MigrationError,
    Migrator,
    Outcome,
    SourceError,
    State,
    VersionMismatch,
    VersionMissing,
)
from sqlx.errors import DuplicateVersion, Irreversible

if TYPE_CHECKING:
    from support import Database, Door, Write


def table(name: str) -> str:
    """Write the SQL of a small migration."""
    return f"CREATE TABLE {name} (id INT);\n"


@pytest.fixture
def applied(database: Database, write: Write, folder: Path) -> Database:
    """A database to which versions 1 and 3 are applied."""
    write("1_one.sql", table("one"))
    write("3_three.sql", table("three"))
    Migrator(folder).run(database.url)
    return database


def test_an_applied_file_that_was_changed_stops_everything(
    applied: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Pending files before and after it are not applied, SQLx's words begin it."""
    path = write("3_three.sql", table("other"))
    write("2_two.sql", table("two"))
    write("4_four.sql", table("four"))
    for attempt in (False, True):
        with pytest.raises(VersionMismatch) as caught:
            colour(folder).run(applied.url, dry_run=attempt)
        assert str(caught.value) == (
            "migration 3 was previously applied but has been modified: "
            f"{path}; restore the file, or put the change in a new migration"
        )
    assert applied.tables() == ["one", "three"]
    assert applied.versions() == [(1, True), (3, True)]
    rows = colour(folder).info(applied.url).rows
    assert [row.state for row in rows] == [
        State.INSTALLED,
        State.PENDING,
        State.CHANGED,
        State.PENDING,
    ]


@pytest.mark.parametrize("change", ["\n", "-- a comment\n", " "])
def test_every_byte_of_a_file_counts(
    applied: Database, colour: Door, write: Write, folder: Path, change: str
) -> None:
    """A comment or a space is a change."""
    write("1_one.sql", table("one") + change)
    with pytest.raises(VersionMismatch):
        colour(folder).run(applied.url)


def test_a_file_with_other_line_endings_is_accepted_with_a_warning(
    applied: Database, colour: Door, write: Write, folder: Path
) -> None:
    """It is never rewritten: the checksum in the history stays."""
    before = applied.rows("SELECT checksum FROM _sqlx_migrations WHERE version = 1")
    path = write("1_one.sql", "\ufeff" + table("one").replace("\n", "\r\n"))
    report = colour(folder).run(applied.url)
    assert [(w.code, w.path) for w in report.warnings if w.code == "line-endings"] == [
        ("line-endings", str(path))
    ]
    assert before == applied.rows(
        "SELECT checksum FROM _sqlx_migrations WHERE version = 1"
    )


def test_an_applied_version_without_a_file_stops_everything(
    applied: Database, colour: Door, write: Write, folder: Path
) -> None:
    """All such versions are named; the pending file is not applied."""
    for name in ("1_one.sql", "3_three.sql"):
        (folder / name).unlink()
    write("4_four.sql", table("four"))
    migrator = colour(folder)
    for call in (migrator.run, migrator.skip, migrator.revert):
        with pytest.raises(VersionMissing) as caught:
            call(applied.url)
        assert str(caught.value) == (
            "migration 1 was previously applied but is missing in the resolved "
            "migrations: the history knows 1 (one), 3 (three), "
            f"{folder} does not; deploy a release that has the files, or restore them; "
            "if this one runs with them, pass --ignore-missing (ignore_missing=True), "
            "and mark such files `-- sqlx: compatible` before they are applied"
        )
    assert applied.tables() == ["one", "three"]


def test_missing_versions_may_be_ignored(
    applied: Database, colour: Door, write: Write, folder: Path
) -> None:
    """What is there is applied; `info` shows what is missing."""
    (folder / "3_three.sql").unlink()
    write("4_four.sql", table("four"))
    migrator = colour(folder, ignore_missing=True)
    assert [m.version for m in migrator.run(applied.url).applied] == [4]
    rows = migrator.info(applied.url).rows
    assert [(row.version, row.description, row.state) for row in rows] == [
        (1, "one", State.INSTALLED),
        (3, "three", State.MISSING),
        (4, "four", State.INSTALLED),
    ]


def test_out_of_order_files_are_applied(
    applied: Database, colour: Door, write: Write, folder: Path
) -> None:
    """A version below the newest applied one is applied, in order."""
    write("2_two.sql", table("two"))
    write("0_zero.sql", table("zero"))
    report = colour(folder).run(applied.url)
    assert [m.version for m in report.applied] == [0, 2]
    assert [version for version, _ in applied.versions()] == [0, 1, 2, 3]


def make_dirty(database: Database, version: int) -> None:
    """Leave a migration's end unrecorded."""
    database.execute(
        f"UPDATE _sqlx_migrations SET success = FALSE WHERE version = {version}"
    )


@pytest.mark.parametrize("call", ["run", "revert"])
def test_a_dirty_version_stops_everything(
    on_postgres: Database, colour: Door, write: Write, folder: Path, call: str
) -> None:
    """The message has SQL for both ways out, and the lock is given back."""
    path = write("1_one.sql", table("one"))
    migrator = colour(folder)
    migrator.run(on_postgres.url)
    make_dirty(on_postgres, 1)
    write("2_two.sql", table("two"))
    with pytest.raises(Dirty) as caught:
        getattr(colour(folder), call)(on_postgres.url)
    message = str(caught.value)
    assert message == (
        f"migration 1 is partially applied (how much of {path} was committed is not "
        "recorded); fix and remove row from `public._sqlx_migrations` table: complete "
        "it by hand and UPDATE public._sqlx_migrations SET success = TRUE WHERE "
        "version = 1, or undo it by hand and DELETE FROM public._sqlx_migrations WHERE "
        "version = 1"
    )
    assert on_postgres.locks() == 0
    assert on_postgres.tables() == ["one"]
    way_out = message[message.index("UPDATE") : message.index(", or undo")]
    on_postgres.execute(way_out)
    assert [m.version for m in colour(folder).run(on_postgres.url).applied] == [2]


def test_the_other_way_out_of_a_dirty_version(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Undone by hand and its row deleted, it is applied again."""
    write("1_one.sql", table("one"))
    migrator = colour(folder)
    migrator.run(on_postgres.url)
    make_dirty(on_postgres, 1)
    with pytest.raises(Dirty) as caught:
        migrator.run(on_postgres.url)
    message = str(caught.value)
    on_postgres.execute(f"DROP TABLE one; {message[message.index('DELETE') :]}")
    assert [m.version for m in migrator.run(on_postgres.url).applied] == [1]


@pytest.mark.slow
def test_a_dirty_version_on_sqlite_is_certain_after_five_seconds(
    on_sqlite: Database, write: Write, folder: Path
) -> None:
    """Somebody may be at work between statements of a file without a transaction."""
    path = write("1_one.sql", table("one"))
    migrator = Migrator(folder)
    migrator.run(on_sqlite.url)
    make_dirty(on_sqlite, 1)
    with pytest.raises(Dirty) as caught:
        migrator.run(on_sqlite.url)
    assert str(caught.value) == (
        f"migration 1 is partially applied (how much of {path} was committed is not "
        "recorded); fix and remove row from `_sqlx_migrations` table: complete it by "
        "hand and UPDATE _sqlx_migrations SET success = TRUE WHERE version = 1, or "
        "undo it by hand and DELETE FROM _sqlx_migrations WHERE version = 1"
    )


def test_what_only_reads_does_not_wait_for_a_dirty_version(
    applied: Database, colour: Door, folder: Path
) -> None:
    """`info` shows it, and a dry run refuses it, without the lock."""
    make_dirty(applied, 3)
    rows = colour(folder).info(applied.url).rows
    assert [row.state for row in rows] == [State.INSTALLED, State.DIRTY]
    for call in (colour(folder).run, colour(folder).revert, colour(folder).skip):
        with pytest.raises(Dirty) as caught:
            call(applied.url, dry_run=True)
        assert caught.value.table == applied.history


def test_nothing_is_applied_when_a_later_file_cannot_run(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Every pending file is looked into before the first is sent."""
    write("1_one.sql", table("one"))
    path = write("2_copy.sql", "SELECT 1;\nCOPY one FROM STDIN;\n1\n\\.\n")
    with pytest.raises(SourceError) as caught:
        colour(folder).run(on_postgres.url)
    assert str(caught.value) == (
        f"while resolving migrations: {path}:2:1: COPY with STDIN or STDOUT needs a "
        "client that carries the data, and a migration has none; use INSERT, or COPY "
        "from a file of the server's"
    )
    assert on_postgres.tables() == []


class Unreachable:
    """A database that nobody may ask for."""


def refusal(colour: Door, folder: Path) -> str:
    """Run, and give the error's text: it comes before any connection."""
    with pytest.raises(MigrationError) as caught:
        colour(folder).run(Unreachable())
    assert isinstance(caught.value, SourceError)
    return str(caught.value)


def test_two_files_of_one_version_are_refused(
    colour: Door, write: Write, folder: Path
) -> None:
    """Both are named; SQLx runs the first and stumbles over the second."""
    paths = [write("2_a.sql", "SELECT 1;"), write("02_b.up.sql", "SELECT 2;")]
    message = refusal(colour, folder)
    assert message == (
        "while resolving migrations: migration 2 stands in two files: "
        f"{paths[0]} and {paths[1]}; give one of them another version"
    )
    with pytest.raises(DuplicateVersion):
        colour(folder).info(Unreachable())


def test_a_pair_is_one_version_and_so_is_a_down_file_beside_a_simple_one(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Neither is a duplicate, and both can be reverted."""
    write("1_a.up.sql", table("a"))
    write("1_a.down.sql", "DROP TABLE a;")
    write("2_b.sql", table("b"))
    write("2_b.down.sql", "DROP TABLE b;")
    migrator = colour(folder)
    migrator.run(database.url)
    assert database.tables() == ["a", "b"]
    migrator.revert(database.url, 0)
    assert database.tables() == []


def test_a_file_that_is_not_utf_8_is_refused(colour: Door, folder: Path) -> None:
    """With SQLx's words, before any connection."""
    path = folder / "1_latin.sql"
    path.write_bytes("SELECT 'é';".encode("latin-1"))
    assert refusal(colour, folder).startswith(
        f"while resolving migrations: error reading contents of migration {path}: "
        "stream did not contain valid UTF-8"
    )


def test_a_nul_byte_is_refused(colour: Door, folder: Path) -> None:
    """A driver would cut the script there and report success."""
    path = folder / "1_nul.sql"
    path.write_bytes(b"SELECT 1;\nSELECT \x00 2;")
    message = refusal(colour, folder)
    assert message.startswith(f"while resolving migrations: {path}:2:8: ")
    assert "NUL" in message


def test_a_broken_link_is_refused(colour: Door, write: Write, folder: Path) -> None:
    """Whatever its name: SQLx stats every entry."""
    write("1_a.sql", "SELECT 1;")
    link = folder / "README"
    link.symlink_to("nowhere")
    assert refusal(colour, folder).startswith(
        f"while resolving migrations: error getting metadata of migration path {link}"
    )


def test_a_link_to_a_file_has_the_link_s_name(
    database: Database, colour: Door, folder: Path, tmp_path: Path
) -> None:
    """Version and description are the link's; what is no file is passed over."""
    (tmp_path / "elsewhere.sql").write_text(table("linked"))
    (folder / "7_link.sql").symlink_to(tmp_path / "elsewhere.sql")
    (folder / "8_folder.sql").mkdir()
    (folder / "notes.txt").write_text("no migration")
    report = colour(folder).run(database.url)
    assert [(m.version, m.description) for m in report.applied] == [(7, "link")]


@pytest.mark.parametrize(
    "name", ["foo_bar.sql", "_x.sql", "1e3_x.sql", "9223372036854775808_x.sql"]
)
def test_a_name_without_a_version_is_refused(
    colour: Door, write: Write, folder: Path, name: str
) -> None:
    """One stray file stops the whole directory, as in SQLx, and is named."""
    write("1_a.sql", "SELECT 1;")
    path = write(name, "SELECT 1;")
    assert refusal(colour, folder) == (
        f'while resolving migrations: error parsing migration filename "{name}"; '
        f"expected integer version prefix (e.g. `01_foo.sql`); rename {path}, or move "
        "it to another directory"
    )


def test_a_directory_that_is_not_there_is_refused(colour: Door, tmp_path: Path) -> None:
    """With SQLx's words and the mend."""
    missing = tmp_path / "nowhere"
    assert refusal(colour, missing).startswith(
        f"while resolving migrations: error canonicalizing path {missing}"
    )


def test_a_target_is_judged_before_any_connection(
    colour: Door, write: Write, folder: Path
) -> None:
    """An unknown target needs no database to be refused, except 0 in a revert."""
    write("1_a.sql", "SELECT 1;")
    migrator = colour(folder)
    for call in (migrator.run, migrator.skip, migrator.revert):
        with pytest.raises(MigrationError, match="migration 5 is not present"):
            call(Unreachable(), 5)
    with pytest.raises(MigrationError, match="migration 0 is not present"):
        migrator.run(Unreachable(), 0)
    with pytest.raises(TypeError):
        migrator.revert(Unreachable(), 0)


def test_a_revert_names_what_has_no_way_back(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """The newest has no down file: nothing is undone, and the ways out are told."""
    write("1_a.up.sql", table("a"))
    write("1_a.down.sql", "DROP TABLE a;")
    path = write("2_b.sql", table("b"))
    migrator = colour(folder)
    migrator.run(database.url)
    reason = (
        f"{path}: migration 2 has no down file; write a new migration that reverses "
        f"it, or put the SQL that does into {path.with_suffix('.down.sql')}"
    )
    report = migrator.revert(database.url)
    assert (report.changes, report.blocked_by) == ((), reason)
    with pytest.raises(Irreversible) as caught:
        migrator.revert(database.url, 0)
    assert str(caught.value) == f"{reason}; nothing was reverted"
    assert database.tables() == ["a", "b"]


def test_a_dry_run_and_info_leave_an_empty_database_empty(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Neither makes the table."""
    write("1_a.sql", table("a"))
    migrator = colour(folder)
    report = migrator.run(database.url, dry_run=True)
    assert [change.outcome for change in report.changes] == [Outcome.CAN_APPLY]
    assert [row.state for row in migrator.info(database.url).rows] == [State.PENDING]
    migrator.skip(database.url, dry_run=True)
    migrator.revert(database.url, dry_run=True)
    assert database.all_tables() == []


def test_what_only_reads_works_for_a_role_that_may_only_read(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """A dry run, `info`, and a run with nothing to do need SELECT alone."""
    write("1_a.sql", table("a"))
    role = f"reader_{on_postgres.name}"
    colour(folder).run(on_postgres.url)
    on_postgres.execute(
        f"CREATE ROLE {role} LOGIN; GRANT SELECT ON _sqlx_migrations TO {role}"
    )
    try:
        url = f"{on_postgres.url}&user={role}"
        migrator = colour(folder)
        assert migrator.run(url).already_applied == 1
        assert migrator.run(url, dry_run=True).changes == ()
        assert [row.state for row in migrator.info(url).rows] == [State.INSTALLED]
        write("2_b.sql", table("b"))
        with pytest.raises(Exception, match="permission denied"):
            colour(folder).run(url)
    finally:
        on_postgres.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_a_read_only_database_that_is_up_to_date_is_fine(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """With something pending it is refused at once, and says why."""
    write("1_a.sql", table("a"))
    colour(folder).run(on_postgres.url)
    url = f"{on_postgres.url}&options=-c%20default_transaction_read_only%3Don"
    assert colour(folder).run(url).already_applied == 1
    write("2_b.sql", table("b"))
    with pytest.raises(MigrationError) as caught:
        colour(folder).run(url)
    assert str(caught.value) == (
        "migrations are pending and the database is read-only (transaction_read_only "
        "is on); connect to the primary, or as a role that may write"
    )


def test_a_read_only_file_that_is_up_to_date_is_fine(
    on_sqlite: Database, colour: Door, write: Write, folder: Path
) -> None:
    """The same on SQLite, where only a write tells."""
    write("1_a.sql", table("a"))
    colour(folder).run(on_sqlite.url)
    url = f"sqlite://{on_sqlite.place}?mode=ro"
    assert colour(folder).run(url).already_applied == 1
    write("2_b.sql", table("b"))
    with pytest.raises(MigrationError) as caught:
        colour(folder).run(url)
    assert str(caught.value) == (
        "migrations are pending and the database is read-only (attempt to write a "
        "readonly database); connect to the primary, or as a role that may write"
    )


def test_a_view_is_no_history(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """What has the table's name and is no table is refused; nothing is changed."""
    write("1_a.sql", table("a"))
    on_postgres.execute(
        "CREATE VIEW _sqlx_migrations AS SELECT 1::bigint AS version, ''::text AS"
        " description, now() AS installed_on, true AS success, ''::bytea AS checksum,"
        " 1::bigint AS execution_time"
    )
    with pytest.raises(Exception, match="is not a table") as caught:
        colour(folder).run(on_postgres.url)
    assert str(caught.value) == (
        "public._sqlx_migrations is not a table, so it cannot be the history of "
        "migrations; rename it, or choose another table name"
    )
    assert on_postgres.tables() == []


def test_a_path_may_be_any_path(
    database: Database, colour: Door, tmp_path: Path
) -> None:
    """A string, a Path, with spaces and other letters in it."""
    place = tmp_path / "my migrations ü"
    place.mkdir()
    (place / "1_a.sql").write_text(table("a"))
    assert len(colour(str(place)).run(database.url).applied) == 1
    assert colour(Path(place)).run(database.url).already_applied == 1


def test_a_file_that_cannot_run_here_can_be_skipped(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """What psql has done by hand is recorded, and is no reason to refuse it."""
    write("1_a.sql", "CREATE TABLE a (id INT);\nCOPY a FROM STDIN;\n1\n\\.\n")
    migrator = colour(folder)
    assert len(migrator.skip(database.url, dry_run=True).changes) == 1
    (change,) = migrator.skip(database.url).changes
    assert change.outcome is Outcome.SKIPPED_ON_REQUEST
    assert database.versions() == [(1, True)]
    assert migrator.run(database.url).already_applied == 1
