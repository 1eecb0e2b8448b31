"""What the library's tests share: databases, doors, migrations in code."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

import asyncmy
import asyncpg
import mysql_server
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

import sqlx
from sqlx.databases.postgres.dialect import PostgresDialect
from sqlx.engine.steps import Event, Rows, Step, Steps
from sqlx.migrations.migration import checksum

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlx import Info, Kind, Migration, News, Report, Source

__all__ = [
    "ADVISORY_LOCKS",
    "DIALECT",
    "USER_LOCKS",
    "Asked",
    "Awaited",
    "Database",
    "Door",
    "Given",
    "Watched",
    "Write",
    "history_reply",
    "lock_reply",
    "migration",
    "new_folder",
    "source",
]

T = TypeVar("T")
DIALECT = PostgresDialect("test", backend_pid=7, server_version=180000)
TABLE = "public._sqlx_migrations"
# Those of the test's database: who makes the databases has locks of its own.
ADVISORY_LOCKS = (
    "pg_locks WHERE locktype = 'advisory' AND granted AND database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())"
)
# Those of the server: it has one test at a time.
USER_LOCKS = (
    "performance_schema.metadata_locks"
    " WHERE object_type = 'USER LEVEL LOCK' AND lock_status = 'GRANTED'"
)
_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgres": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
    "mysql": (
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
    ),
}


class Write(Protocol):
    """Writes a file into the test's folder of migrations."""

    def __call__(self, name: str, sql: str) -> Path:
        """Write it, and give its path."""


@dataclass(frozen=True, slots=True)
class Database:
    """An empty database of one test.

    Args:
        kind: "sqlite", "postgres" or "mysql".
        url: Where it is, as a caller of ours writes it.
        place: What the driver's own `connect` is given: a path, or the same URL.
    """

    kind: str
    url: str
    place: str

    @property
    def is_postgres(self) -> bool:
        """Whether PostgreSQL's SQL is understood."""
        return self.kind == "postgres"

    @property
    def is_mysql(self) -> bool:
        """Whether MySQL's and MariaDB's SQL is understood."""
        return self.kind == "mysql"

    @property
    def rolls_back(self) -> bool:
        """Whether a transaction undoes DDL."""
        return not self.is_mysql

    @property
    def history(self) -> str:
        """The history's table as our messages write it."""
        if self.is_mysql:
            return f"`{self.name}`._sqlx_migrations"
        return "public._sqlx_migrations" if self.is_postgres else "_sqlx_migrations"

    @property
    def name(self) -> str:
        """Its name on the server."""
        if self.is_mysql:
            return urlsplit(self.place).path[1:]
        return str(conninfo_to_dict(self.place)["dbname"])

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask on a connection of the test's own."""
        if self.is_postgres:
            with psycopg.connect(self.place, autocommit=True) as connection:
                return connection.execute(sql.encode()).fetchall()
        if self.is_mysql:
            with mysql_server.connect(self.place) as asked, asked.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall())
        with closing(sqlite3.connect(self.place, isolation_level=None)) as file:
            return file.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        """Run statements on a connection of the test's own."""
        if self.is_postgres:
            with psycopg.connect(self.place, autocommit=True) as connection:
                connection.execute(sql.encode())
            return
        if self.is_mysql:
            with mysql_server.connect(self.place) as asked, asked.cursor() as cursor:
                cursor.execute(sql)
                while cursor.nextset():
                    pass
            return
        with closing(sqlite3.connect(self.place, isolation_level=None)) as file:
            file.executescript(sql)

    def versions(self, table: str = "_sqlx_migrations") -> list[tuple[int, bool]]:
        """List version and success of each row of the history."""
        return self.rows(f"SELECT version, success FROM {table} ORDER BY version")

    def locks(self) -> int:
        """Count the advisory locks that somebody holds in it."""
        held = USER_LOCKS if self.is_mysql else ADVISORY_LOCKS
        ((count,),) = self.rows(f"SELECT count(*) FROM {held}")
        return int(count)

    def tables(self) -> list[str]:
        """Name the tables that migrations have made, the history left out."""
        return sorted(name for name in self.all_tables() if name[:5] != "_sqlx")

    def all_tables(self) -> list[str]:
        """Name all its tables."""
        return [name for (name,) in self.rows(_TABLES[self.kind])]


class Door(Protocol):
    """Makes a migrator of one colour, seen as a `Migrator`."""

    def __call__(self, source: object, **options: Any) -> sqlx.Migrator:
        """Make it."""


class Awaited:
    """An `AsyncMigrator` with the methods of a `Migrator`; each call has its loop."""

    def __init__(self, source: Any, **options: Any) -> None:
        self.migrator = sqlx.AsyncMigrator(source, **options)

    @property
    def source(self) -> Source:
        """The migrations."""
        return self.migrator.source

    def run(
        self, database: object, target: int | None = None, *, dry_run: bool = False
    ) -> Report:
        """Apply what is pending."""
        run = partial(self.migrator.run, target=target, dry_run=dry_run)
        return asyncio.run(self.asked(run, database))

    def skip(
        self, database: object, target: int | None = None, *, dry_run: bool = False
    ) -> Report:
        """Record what is pending."""
        skip = partial(self.migrator.skip, target=target, dry_run=dry_run)
        return asyncio.run(self.asked(skip, database))

    def revert(
        self, database: object, target: int | None = None, *, dry_run: bool = False
    ) -> Report:
        """Undo what is applied."""
        revert = partial(self.migrator.revert, target=target, dry_run=dry_run)
        return asyncio.run(self.asked(revert, database))

    def info(self, database: object) -> Info:
        """List what is applied and what is not."""
        return asyncio.run(self.asked(self.migrator.info, database))

    def wait(self, database: object, *, timeout_seconds: float = 300.0) -> Report:
        """Wait until somebody else has applied everything."""
        wait = partial(self.migrator.wait, timeout_seconds=timeout_seconds)
        return asyncio.run(self.asked(wait, database))

    async def asked(self, ask: Callable[[object], Awaitable[T]], database: object) -> T:
        """Ask of what a test names."""
        return await ask(database)


class Given(Awaited):
    """The same on a connection that a user would have made: asyncpg's, asyncmy's."""

    async def asked(self, ask: Callable[[object], Awaitable[T]], database: object) -> T:
        """Connect to what a URL names, and ask of the connection."""
        if not isinstance(database, str):
            return await ask(database)
        known = sqlx.parse_url(database, {})
        if isinstance(known, sqlx.MySqlUrl):
            async with asyncmy.connect(**known.keywords()) as by_asyncmy:
                return await ask(by_asyncmy)
        if "pooled=" in database:
            pytest.skip("nobody tells it of a pooler: it is found out")
        try:
            by_asyncpg = await asyncpg.connect(database)
        except (OSError, asyncpg.PostgresError):
            pytest.skip("it is the user who connects")
        try:
            return await ask(by_asyncpg)
        finally:
            await by_asyncpg.close()


def migration(
    version: int,
    sql: str = "CREATE TABLE t (id BIGINT)",
    kind: Kind = sqlx.Kind.SIMPLE,
    *,
    no_transaction: bool = False,
    compatible: bool = False,
) -> Migration:
    """Make a migration in code, with the path of a file that is not there."""
    path = f"migrations/{version}_m{kind.value}"
    summed = checksum(sql)
    return sqlx.Migration(
        version, "m", kind, sql, summed, no_transaction, path, compatible
    )


def source(*migrations: Migration) -> Source:
    """Put migrations together, as a directory of theirs would."""
    return sqlx.Source(migrations, "migrations")


def lock_reply(
    granted: str | None = "true",
    *,
    pid: int = 7,
    read_only: str = "off",
    standard: str = "on",
) -> Rows:
    """Reply to `try_lock` as PostgreSQL does."""
    return [(granted, str(pid), "test", TABLE, read_only, standard, None)]


def new_folder(prefix: str = "sqlx-") -> Path:
    """Make a folder for a server: in memory where there is room, with a short path."""
    memory = Path("/dev/shm")  # noqa: S108 -- a fresh folder in it.
    # Containers give 64 MB, too little for a server.
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 1 << 30
    return Path(tempfile.mkdtemp(prefix=prefix, dir=memory if roomy else None))


def history_reply(
    *migrations: Migration,
    dirty: Migration | None = None,
    read_only: str = "off",
    marks: str = "false",
) -> Rows:
    """Reply to `look` or `prepare` as PostgreSQL does.

    Args:
        migrations: What is applied.
        dirty: One whose end is not recorded, the newest.
        read_only: "on" where nothing can be written.
        marks: "true" where the table of marks is there.
    """
    told = ("7", "test", TABLE, "r", read_only, marks)
    found = [(m, "true") for m in migrations] + ([(dirty, "false")] if dirty else [])
    rows = [
        (*told, str(m.version), m.description, done, m.checksum.hex(), None, "5")
        for m, done in found
    ]
    return rows or [(*told, None, None, None, None, None, None)]


class Asked(Generic[T]):
    """An engine that is driven by hand: the test replies, no database is there.

    Args:
        steps: Not started yet.
    """

    def __init__(self, steps: Steps[T]) -> None:
        self.news: list[News] = []
        self.result: list[T] = []
        self._steps = steps
        self.step = self._next(steps.__next__)

    def reply(self, rows: Rows = ()) -> Step | None:
        """Reply to the step; give the next one, None when the engine has ended."""
        return self._next(lambda: self._steps.send(rows))

    def refuse(self, error: BaseException) -> Step | None:
        """Let the step fail; give the next one, None when the engine has ended."""
        return self._next(lambda: self._steps.throw(error))

    def _next(self, advance: Callable[[], Step]) -> Step | None:
        try:
            step = advance()
            while isinstance(step, Event):
                self.news.append(step.news)
                step = self._steps.send(())
        except StopIteration as stop:
            self.result.append(stop.value)
            self.step = None
        else:
            self.step = step
        return self.step


class Watched:
    """What stands before a connection to watch it, as OpenTelemetry's proxies do."""

    def __init__(self, connection: object) -> None:
        object.__setattr__(self, "watched", connection)

    def __getattribute__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "watched"), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(object.__getattribute__(self, "watched"), name, value)
