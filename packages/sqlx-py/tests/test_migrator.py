"""`Migrator` and `AsyncMigrator` take what one has, and read it once."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest
from support import migration, source

import sqlx
from sqlx import AsyncMigrator, Change, Migrator, Starting

if TYPE_CHECKING:
    from pathlib import Path

    from support import Database, Door, Write


def test_migrations_may_be_given_in_code(database: Database, colour: Door) -> None:
    """A list in any order, an iterator, or a `Source`."""
    one, two = migration(1), migration(2, "CREATE TABLE two (id INT)")
    migrator = colour([two, one])
    assert migrator.source.migrations == (one, two)
    assert [m.version for m in migrator.run(database.url).applied] == [1, 2]
    assert migrator.run(database.url).already_applied == 2
    assert colour(iter([one, two])).run(database.url).already_applied == 2
    given = source(one, two)
    assert colour(given).source is given
    assert colour(given).run(database.url).already_applied == 2


def test_the_files_are_read_when_they_are_needed_and_once(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """A migrator that was made is not changed by what happens to the folder later."""
    migrator = colour(folder)
    path = write("1_a.sql", "CREATE TABLE a (id INT);")
    assert len(migrator.run(database.url).applied) == 1
    path.unlink()
    assert migrator.run(database.url).already_applied == 1
    with pytest.raises(sqlx.VersionMissing):
        colour(folder).run(database.url)


def test_the_default_is_the_folder_migrations(
    on_sqlite: Database, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the working directory, as for the command."""
    write("1_a.sql", "CREATE TABLE a (id INT);")
    monkeypatch.chdir(write("2_b.sql", "SELECT 1;").parents[1])
    assert len(Migrator().run(on_sqlite.url).applied) == 2
    assert len(AsyncMigrator().source.migrations) == 2


def test_a_configuration_says_where_and_how(
    on_sqlite: Database, write: Write, folder: Path
) -> None:
    """`sqlx.toml`: directory, table, ignored characters; keywords go before it."""
    write("1_a.sql", "CREATE TABLE a (id INT);\r\n")
    project = folder.parent
    (project / "sqlx.toml").write_text(
        "[migrate]\n"
        'migrations-dir = "migrations"\n'
        'table-name = "history"\n'
        'create-schemas = ["main"]\n'
        'ignored-chars = ["\\r"]\n'
    )
    migrator = Migrator.from_config(project)
    assert len(migrator.run(on_sqlite.url).applied) == 1
    assert on_sqlite.versions("history") == [(1, True)]
    write("1_a.sql", "CREATE TABLE a (id INT);\n")
    same = AsyncMigrator.from_config(str(project), table_name="history")
    assert same.source.ignored_chars == {"\r"}
    assert Migrator.from_config(project).run(on_sqlite.url).already_applied == 1
    other = Migrator.from_config(project, table_name="other", source=[migration(2)])
    assert [m.version for m in other.run(on_sqlite.url).applied] == [2]
    assert on_sqlite.versions("other") == [(2, True)]


def test_without_a_configuration_the_defaults_hold(write: Write, folder: Path) -> None:
    """No file is needed."""
    write("1_a.sql", "SELECT 1;")
    assert len(Migrator.from_config(folder.parent).source.migrations) == 1


def test_what_happens_is_told_as_it_happens(
    database: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Before a file is sent and after it is done; the same changes are reported."""
    write("1_a.sql", "CREATE TABLE a (id INT); INSERT INTO a VALUES (1);")
    write("2_b.sql", "INSERT INTO a VALUES (2);")
    told: list[sqlx.News] = []
    report = colour(folder, on_event=told.append).run(database.url)
    assert [type(news) for news in told] == [Starting, Change, Starting, Change]
    assert [news for news in told if isinstance(news, Change)] == list(report.changes)


def test_a_listener_that_fails_ends_the_run_cleanly(
    on_postgres: Database, colour: Door, write: Write, folder: Path
) -> None:
    """Its error comes out; what was done is done, and no lock is left."""
    write("1_a.sql", "CREATE TABLE a (id INT); INSERT INTO a VALUES (1);")
    write("2_b.sql", "INSERT INTO a VALUES (2);")

    class FailedError(Exception):
        """An error of the user's."""

    def fail(news: sqlx.News) -> None:
        if isinstance(news, Change):
            raise FailedError

    with pytest.raises(FailedError):
        colour(folder, on_event=fail).run(on_postgres.url)
    assert on_postgres.versions() == [(1, True)]
    assert on_postgres.locks() == 0


def test_both_colours_have_the_same_methods() -> None:
    """Names, arguments and defaults."""

    def methods(kind: type) -> dict[str, inspect.Signature]:
        found = inspect.getmembers(kind, inspect.isroutine)
        return {
            name: inspect.signature(method)
            for name, method in found
            if name[:1] != "_" or name == "__init__"
        }

    assert methods(Migrator) == methods(AsyncMigrator)
    assert {"run", "revert", "skip", "info"} <= {*methods(Migrator)}
