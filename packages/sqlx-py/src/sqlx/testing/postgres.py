"""A PostgreSQL server, as one process of a test session uses it.

Three connections at most: one holds the locks that tell the others that we live, and
drops; one makes clones, ahead of the test that will ask for them; the third is the
test's. Both of ours work on a thread of their own, so that a test waits for neither the
end of the last one's database nor, as a rule, for the beginning of its own.
"""

from __future__ import annotations

import itertools
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import psycopg

from sqlx.errors import ConnectionFailed, DatabaseError, SqlxError
from sqlx.opening import connect
from sqlx.testing.names import KEPT, SESSIONS, TEMPLATES, TestName, lock_key, quoted
from sqlx.testing.places import url_of
from sqlx.testing.sweeping import drop_all, find, sweep
from sqlx.testing.templates import (
    EMPTY,
    Template,
    clone,
    open_template,
    template_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from sqlx.databases.postgres.connect import Place
    from sqlx.migrator import Migrator

    Connection: TypeAlias = psycopg.Connection[Any]

__all__ = ["Server"]

T = TypeVar("T")
SERVICE_CONNECTIONS = 2
MOST_POOLED = 5  # as in SQLx
MAINTENANCE = "postgres"
REACH_SECONDS = 10.0  # for a server that is just starting
SLOT_SECONDS = 60.0  # for one whose connections are all in use
NO_RIGHT = (
    "test databases are made on this server: give its user CREATEDB, or leave the URL "
    "away for an embedded PostgreSQL"
)

LIMIT = """\
SELECT sum(CASE name WHEN 'max_connections' THEN setting::int ELSE -setting::int END)
FROM pg_catalog.pg_settings
WHERE name IN ('max_connections', 'superuser_reserved_connections',
               'reserved_connections')"""
OWNER = "SELECT oid::bigint FROM pg_catalog.pg_roles WHERE rolname = current_user"


class Server:
    """A server that gives each test a database of its own.

    Args:
        place: Where it is.
        processes: How many there are in this test session, which share what
            connections the server has.
        fresh: Whether to drop first what nobody uses.

    Raises:
        ConnectionFailed: It cannot be reached.
    """

    def __init__(
        self, place: Place, processes: int = 1, *, fresh: bool = False
    ) -> None:
        self.place = place
        self.session = secrets.randbits(31)
        self.problems: list[str] = []
        self._numbers = itertools.count(1)
        self._templates: dict[str, Template] = {}
        self._ready: dict[str, list[str]] = {}
        self._coming: dict[str, Future[str]] = {}
        self._lock = Lock()
        self._holder = self._held()
        self._maker: Connection | None = None
        self.pool_size = self._share(processes)
        self._owner = self._one(OWNER)
        if fresh:
            drop_all(self._holder)
        self._kept = self._find_kept()
        self._making = ThreadPoolExecutor(1, "sqlx-clone")
        self._dropping = ThreadPoolExecutor(1, "sqlx-drop")
        self._drop_by(lambda: sweep(self._alive(), self.session, self._templates))

    @cached_property
    def _empty(self) -> Template:
        """What has no migrations is copied from where every database comes from.

        A connection lets the server cache its catalogs in a file, which is copied then.
        """
        with suppress(ConnectionFailed):  # Not each one may be connected to.
            self.visit(EMPTY.name)
        return EMPTY

    @property
    def version(self) -> str:
        """The server's version, as it tells it."""
        told = self._holder.info.parameter_status("server_version") or ""
        return told.partition(" ")[0]

    def url(self, name: str) -> str:
        """Write the URL of one of its databases."""
        return url_of({**self.place.keywords, "dbname": name})

    def template(self, migrator: Migrator | None) -> Template:
        """Find the template of some migrations, or make it.

        Raises:
            MigrationError: A migration fails.
            DatabaseError: The server refuses or goes away.
        """
        if migrator is None:
            return self._empty
        name = template_name(migrator.digest, self._owner)
        if name not in self._templates:
            with self._translated():
                maker = _Maker(self, migrator)
                self._templates[name] = open_template(self._alive(), name, maker)
        return self._templates[name]

    def make_ahead(self, template: Template) -> None:
        """Begin to make a clone that `take` will be asked for."""
        if not self._ready.get(template.name) and template.name not in self._coming:
            self._coming[template.name] = self._making.submit(self._clone, template)

    def take(self, template: Template) -> str:
        """Give a clone's name: one that is ready, or a new one.

        Raises:
            DatabaseError: The server refuses it.
        """
        if ready := self._ready.get(template.name):
            return ready.pop()
        self.make_ahead(template)
        with self._translated():
            return self._coming.pop(template.name).result()

    def drop(self, name: str) -> None:
        """Drop a clone, soon, with whoever is connected."""
        self._drop_by(partial(self._drop, name))

    def keep(self, name: str, test: str) -> None:
        """Let a clone outlive this process, for somebody to look at."""
        text = psycopg.sql.SQL("COMMENT ON DATABASE {} IS {}").format(
            psycopg.sql.Identifier(name), psycopg.sql.Literal(KEPT + test)
        )
        self._drop_by(lambda: self._alive().execute(text))

    def drop_kept(self, test: str) -> None:
        """Drop what was kept of a test when it ran before: it runs again."""
        for name in self._kept.pop(test, ()):
            self._drop_by(partial(self._drop, name))

    def close(self) -> None:
        """Drop what nobody took, and what others left; then let the locks go."""
        unused = [name for names in self._ready.values() for name in names]
        for coming in self._coming.values():
            with suppress(psycopg.Error, SqlxError):
                unused.append(coming.result())
        self._making.shutdown()
        for name in unused:
            self.drop(name)
        self._drop_by(lambda: sweep(self._alive(), self.session, self._templates))
        self._dropping.shutdown()
        if self._maker is not None:
            self._maker.close()
        self._holder.close()

    def _clone(self, template: Template) -> str:
        name = str(TestName(self.session, next(self._numbers)))
        if self._maker is None or self._maker.closed:
            self._maker = self._connect()
        clone(self._maker, template, name)
        return name

    def _drop(self, name: str) -> None:
        text = f"DROP DATABASE IF EXISTS {quoted(name)} WITH (FORCE)"
        self._alive().execute(text.encode())

    def visit(self, name: str) -> None:
        """Connect to a database, and leave it."""
        connect(self.place, name, timeout_seconds=SLOT_SECONDS).close()

    def stock_up(self, template: Template) -> None:
        """Make a clone now, to be taken later."""
        name = self._making.submit(self._clone, template).result()
        self._ready.setdefault(template.name, []).append(name)

    def _drop_by(self, work: Callable[[], object]) -> None:
        """Let the other thread do something; what goes wrong is told at the end."""

        def run() -> None:
            try:
                work()
            except (psycopg.Error, SqlxError) as error:
                self.problems.append(self.place.redact(" ".join(str(error).split())))

        self._dropping.submit(run)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Say in our words what the server refuses."""
        try:
            yield
        except psycopg.Error as error:
            message = self.place.redact(" ".join(str(error).split()))
            raise DatabaseError(
                message,
                sqlstate=error.sqlstate,
                hint=NO_RIGHT if error.sqlstate == "42501" else None,
            ) from None

    def _alive(self) -> Connection:
        """Give the connection with the locks; after a restart of the server, anew."""
        with self._lock:
            if self._holder.closed:
                self._holder = self._held()
            return self._holder

    def _held(self) -> Connection:
        connection = self._connect(REACH_SECONDS)
        lock = "SELECT pg_advisory_lock(%s, %s)"
        connection.execute(lock.encode(), (SESSIONS, self.session))
        for name in self._templates:
            shared = "SELECT pg_advisory_lock_shared(%s, %s)"
            connection.execute(shared.encode(), (TEMPLATES, lock_key(name)))
        return connection

    def _connect(self, timeout_seconds: float = SLOT_SECONDS) -> Connection:
        connection: Connection = connect(
            self.place, MAINTENANCE, timeout_seconds=timeout_seconds
        )
        connection.prepare_threshold = None
        return connection

    def _share(self, processes: int) -> int:
        """Give each process its part of half of the server's connections."""
        part = self._one(LIMIT) // 2 // processes
        return max(1, min(MOST_POOLED, part - SERVICE_CONNECTIONS))

    def _one(self, sql: str) -> int:
        row = self._holder.execute(sql.encode()).fetchone()
        assert row is not None  # noqa: S101 -- these always have one.
        return int(row[0])

    def _find_kept(self) -> dict[str, list[str]]:
        kept: dict[str, list[str]] = {}
        for database in find(self._holder):
            if database.kept_for:
                kept.setdefault(database.kept_for, []).append(database.name)
        return kept


class _Maker:
    """Makes the template of some migrations on a server."""

    def __init__(self, server: Server, migrator: Migrator) -> None:
        self._server, self._migrator = server, migrator

    def migrate(self, name: str) -> None:
        """Apply the migrations to a database."""
        self._migrator.run(self._server.url(name))

    def visit(self, name: str) -> None:
        """Connect to a database, and leave it."""
        self._server.visit(name)

    def try_clone(self, template: Template) -> None:
        """Make a clone, which will be used."""
        self._server.stock_up(template)
