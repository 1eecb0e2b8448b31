"""The doors to migrations: `Migrator` and `AsyncMigrator`.

Here the engine meets a driver: each method is one `drive`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar

from sqlx.databases.drive import drive, drive_async
from sqlx.engine.plan import check_target
from sqlx.engine.run import Options, info, revert, run, skip
from sqlx.engine.standing import stand
from sqlx.migrations.files import from_list, from_text, read_directory, read_package
from sqlx.migrations.migration import Migration, Source
from sqlx.opening import Setting, open_async, open_sync
from sqlx.waiting import Patience, wait, wait_async

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlx.engine.dialect import Dialect
    from sqlx.engine.news import Info, News, Report
    from sqlx.engine.standing import Standing
    from sqlx.engine.steps import Steps

__all__ = ["AsyncMigrator", "Migrator"]

T = TypeVar("T")
Given: TypeAlias = (
    str | os.PathLike[str] | Source | Mapping[str, str] | Iterable[Migration]
)


class _Migrator:
    """What both colours are: a source of migrations, and how a database is met."""

    def __init__(  # noqa: PLR0913 -- a keyword for each thing one may choose.
        self,
        source: Given = "migrations",
        *,
        table_name: str = "_sqlx_migrations",
        create_schemas: Iterable[str] = (),
        ignored_chars: Iterable[str] = (),
        ignore_missing: bool = False,
        locking: bool = True,
        lock_timeout_seconds: float | None = 300.0,
        retry_seconds: float = 600.0,
        connect_timeout_seconds: float = 10.0,
        on_event: Callable[[News], None] | None = None,
    ) -> None:
        self._given = source
        self._ignored_chars = frozenset(ignored_chars)
        self._source: Source | None = None
        self._ignore_missing = ignore_missing
        self._retry_seconds = retry_seconds
        self._setting = Setting(
            table_name=table_name,
            create_schemas=tuple(create_schemas),
            locking=locking,
            lock_timeout_seconds=lock_timeout_seconds,
            connect_timeout_seconds=connect_timeout_seconds,
            tell=on_event or _silent,
        )

    @classmethod
    def from_package(
        cls,
        package: str,
        directory: str = "migrations",
        **options: Any,  # noqa: ANN401 -- the keywords of the class.
    ) -> Self:
        """Take the migrations that are installed with a package.

        Args:
            package: Its name, as it is imported; from a wheel, or from a zip.
            directory: The directory inside it.
            options: The keywords of the class.

        Raises:
            SourceError: A file cannot be used, or there is no such directory.
        """
        ignored_chars = options.get("ignored_chars", ())
        return cls(read_package(package, directory, ignored_chars), **options)

    @classmethod
    def from_config(
        cls,
        directory: str | os.PathLike[str] = ".",
        **options: Any,  # noqa: ANN401 -- the keywords of the class.
    ) -> Self:
        """Take directory, table, schemas and ignored characters from `sqlx.toml`.

        Args:
            directory: Where `sqlx.toml` is; without one, SQLx's defaults hold.
            options: The keywords of the class, which go before the file's.

        Raises:
            ConfigurationError: `sqlx.toml` is wrong.
        """
        from sqlx.config.settings import settings_in

        settings = settings_in(os.fspath(directory))
        chosen: dict[str, Any] = {
            "source": os.path.join(directory, settings.migrations_dir),
            "table_name": settings.table_name,
            "create_schemas": settings.create_schemas,
            "ignored_chars": settings.ignored_chars,
        }
        return cls(**(chosen | options))

    @property
    def source(self) -> Source:
        """The migrations; they are read and checked when they are first needed.

        Raises:
            SourceError: A file cannot be used.
        """
        if self._source is None:
            match self._given:
                case Source() as source:
                    self._source = source
                case str() | os.PathLike() as path:
                    self._source = read_directory(path, self._ignored_chars)
                case Mapping() as texts:
                    ignored = self._ignored_chars
                    found = [from_text(*item, ignored) for item in texts.items()]
                    self._source = from_list(found, ignored)
                case migrations:
                    self._source = from_list(migrations, self._ignored_chars)
        return self._source

    @property
    def digest(self) -> str:
        """A SHA-256 over all that decides what `run` makes of an empty database.

        Raises:
            SourceError: A file cannot be used.
        """
        from hashlib import sha256

        setting = self._setting
        parts: list[object] = [setting.table_name, setting.create_schemas]
        for m in self.source:
            parts += [m.version, m.kind.value, m.description, m.sql]
        return sha256(repr(parts).encode()).hexdigest()

    def _options(self, target: int | None, *, dry_run: bool) -> Options:
        """Read the files and check the target, before anything is connected."""
        check_target(self.source, target)
        return Options(
            target=target,
            dry_run=dry_run,
            ignore_missing=self._ignore_missing,
            lock_wait_seconds=self._setting.lock_timeout_seconds,
            retry_seconds=self._retry_seconds,
        )


class Migrator(_Migrator):
    """Keep a database's schema at what the migrations say.

    Safe to run any number of times, by any number of processes at once.

    Args:
        source: A directory, or migrations given in code: each one's file name and SQL.
        table_name: The history's table, raw, as SQLx's `table-name`.
        create_schemas: Schemas that are made when they are missing.
        ignored_chars: Characters that checksums leave out.
        ignore_missing: Let pass what the history knows and the source does not.
        locking: False leaves the server's lock alone.
        lock_timeout_seconds: How long to wait for another migrator; 0 tries once, None
            waits for ever.
        retry_seconds: How long a migration is tried again that cannot lock a table in
            time; 0 waits for the table without a limit, as SQLx does.
        connect_timeout_seconds: How long to wait for a database that is not there yet.
        on_event: Hears of each change, of waits and of warnings, as they happen.
    """

    def run(
        self, database: object, target: int | None = None, *, dry_run: bool = False
    ) -> Report:
        """Apply what is pending, oldest first.

        Args:
            database: A URL, a connection or pool of psycopg, PyMySQL or sqlite3, or a
                SQLAlchemy `Engine`; yours are left as they were.
            target: Last version to apply, inclusive; None for the newest.
            dry_run: Report what would be applied, and change nothing.

        Raises:
            MigrationError: Nothing is applied unless all files are good.
            DatabaseError: The database refused or went away.
        """
        return self._drive(database, run, self._options(target, dry_run=dry_run))

    def skip(
        self, database: object, target: int | None = None, *, dry_run: bool = False
    ) -> Report:
        """Record what is pending as applied, without running it.

        Args:
            database: As for `run`.
            target: Last version to record, inclusive; None for the newest.
            dry_run: Report what would be recorded, and change nothing.

        Raises:
            MigrationError: As for `run`.
            DatabaseError: The database refused or went away.
        """
        return self._drive(database, skip, self._options(target, dry_run=dry_run))

    def revert(
        self, database: object, target: int | None = None, *, dry_run: bool = False
    ) -> Report:
        """Undo by the down files, newest first.

        Args:
            database: As for `run`.
            target: Newest version that stays (0: none does); None undoes the newest
                applied one alone.
            dry_run: Report what would be undone, and change nothing.

        Raises:
            Irreversible: A version on the way to the target has no down file.
            MigrationError: As for `run`.
            DatabaseError: The database refused or went away.
        """
        options = replace(self._options(target or None, dry_run=dry_run), target=target)
        return self._drive(database, revert, options)

    def info(self, database: object) -> Info:
        """List what is applied, pending, changed or missing; read-only.

        Args:
            database: As for `run`.

        Raises:
            SourceError: A file cannot be used.
            DatabaseError: The database refused or went away.
        """
        return self._drive(database, info, self._options(None, dry_run=True))

    def wait(self, database: object, *, timeout_seconds: float = 300.0) -> Report:
        """Wait until somebody else has applied everything; read-only.

        Args:
            database: As for `run`; each look borrows a connection and gives it back.
            timeout_seconds: How long, also for a database that is not there yet; 0
                looks once.

        Raises:
            StillPending: The time is up; says what is pending and who holds the lock.
            MigrationError: Waiting does not help: what is applied is not what the
                files say, or a migration never ended.
            DatabaseError: The database refused, or could not be reached in time.
        """
        patience = Patience(database, timeout_seconds, self._setting.tell)
        options = self._options(None, dry_run=True)

        def look() -> Standing:
            return self._drive(database, stand, options, patience.left_seconds)

        return wait(look, patience)

    def _drive(
        self,
        database: object,
        ask: Callable[[Source, Dialect, Options], Steps[T]],
        options: Options,
        at_most_seconds: float = inf,
    ) -> T:
        with open_sync(database, self._setting.within(at_most_seconds)) as (
            dialect,
            connection,
        ):
            steps = ask(self.source, dialect, options)
            return drive(steps, connection, self._setting.tell)


class AsyncMigrator(_Migrator):
    """Keep a database's schema at what the migrations say, in `asyncio`.

    The arguments, methods and errors are those of `Migrator`.
    """

    async def run(
        self, database: object, target: int | None = None, *, dry_run: bool = False
    ) -> Report:
        """Apply what is pending, oldest first.

        Args:
            database: A URL, a connection or pool of psycopg, asyncpg, asyncmy, PyMySQL
                or sqlite3, or a SQLAlchemy `AsyncEngine`; yours are left as they were.
            target: Last version to apply, inclusive; None for the newest.
            dry_run: Report what would be applied, and change nothing.

        Raises:
            MigrationError: Nothing is applied unless all files are good.
            DatabaseError: The database refused or went away.
        """
        return await self._drive(database, run, self._options(target, dry_run=dry_run))

    async def skip(
        self, database: object, target: int | None = None, *, dry_run: bool = False
    ) -> Report:
        """Record what is pending as applied, without running it.

        Args:
            database: As for `run`.
            target: Last version to record, inclusive; None for the newest.
            dry_run: Report what would be recorded, and change nothing.

        Raises:
            MigrationError: As for `run`.
            DatabaseError: The database refused or went away.
        """
        return await self._drive(database, skip, self._options(target, dry_run=dry_run))

    async def revert(
        self, database: object, target: int | None = None, *, dry_run: bool = False
    ) -> Report:
        """Undo by the down files, newest first.

        Args:
            database: As for `run`.
            target: Newest version that stays (0: none does); None undoes the newest
                applied one alone.
            dry_run: Report what would be undone, and change nothing.

        Raises:
            Irreversible: A version on the way to the target has no down file.
            MigrationError: As for `run`.
            DatabaseError: The database refused or went away.
        """
        options = replace(self._options(target or None, dry_run=dry_run), target=target)
        return await self._drive(database, revert, options)

    async def info(self, database: object) -> Info:
        """List what is applied, pending, changed or missing; read-only.

        Args:
            database: As for `run`.

        Raises:
            SourceError: A file cannot be used.
            DatabaseError: The database refused or went away.
        """
        return await self._drive(database, info, self._options(None, dry_run=True))

    async def wait(self, database: object, *, timeout_seconds: float = 300.0) -> Report:
        """Wait until somebody else has applied everything; read-only.

        Args:
            database: As for `run`; each look borrows a connection and gives it back.
            timeout_seconds: How long, also for a database that is not there yet; 0
                looks once.

        Raises:
            StillPending: The time is up; says what is pending and who holds the lock.
            MigrationError: Waiting does not help: what is applied is not what the
                files say, or a migration never ended.
            DatabaseError: The database refused, or could not be reached in time.
        """
        patience = Patience(database, timeout_seconds, self._setting.tell)
        options = self._options(None, dry_run=True)

        async def look() -> Standing:
            return await self._drive(database, stand, options, patience.left_seconds)

        return await wait_async(look, patience)

    async def _drive(
        self,
        database: object,
        ask: Callable[[Source, Dialect, Options], Steps[T]],
        options: Options,
        at_most_seconds: float = inf,
    ) -> T:
        setting = self._setting.within(at_most_seconds)
        async with open_async(database, setting) as (dialect, connection):
            steps = ask(self.source, dialect, options)
            return await drive_async(steps, connection, self._setting.tell)


def _silent(_: News) -> None:
    """Hear, and say nothing."""
