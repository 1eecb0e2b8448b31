"""A PostgreSQL server, as one process of a test session uses it.

Three connections at most: one tells the others that we live, and drops; one makes
templates and clones, ahead of the test that will ask for them; the third is the test's.
Both of ours work on a thread of their own, so that a test waits for neither the end of
the last one's database nor, as a rule, for the beginning of its own.

A test costs our connections two statements, `CREATE DATABASE` and `DROP DATABASE`.
"""

from __future__ import annotations

import itertools
import os
import secrets
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg

from sqlx.errors import (
    ConfigurationError,
    ConnectionFailed,
    DatabaseError,
)
from sqlx.opening import connect
from sqlx.testing.making import Making
from sqlx.testing.names import (
    KEPT,
    SESSIONS,
    TestName,
    literal,
    quoted,
    template_name,
)
from sqlx.testing.places import url_of
from sqlx.testing.service import Service
from sqlx.testing.sweeping import drop, drop_all, drop_kept, drop_own, find, sweep
from sqlx.testing.templates import Cloner, Template, open_template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from sqlx.databases.postgres.connect import Place
    from sqlx.migrator import Migrator

    Connection: TypeAlias = psycopg.Connection[Any]

__all__ = ["Server"]

SERVICE_CONNECTIONS = 2
MOST_POOLED = 5  # as in SQLx
MAINTENANCE = "postgres"
ATTEMPT_SECONDS = 1.0
REACH_SECONDS = 10.0  # for a server that does not answer
BUSY_SECONDS = 60.0  # for one that is starting, or whose connections are all in use
BUSY = ("too many clients", "too many connections", "connection slots", "starting up")
NO_RIGHT = (
    "test databases are made on this server: give its user CREATEDB, or leave the URL "
    "away for an embedded PostgreSQL"
)
NO_MAINTENANCE = (
    "test databases are made from the database postgres: its user must be allowed to "
    "connect to it"
)
FORKED = "a child that was forked from a test session has no server for databases"
POOLER = (
    "a connection pooler such as PgBouncer stands before the server, and test "
    "databases are made on the server itself: set the URL that the pooler connects to"
)

# Whatever is set for the user or the server: our connections wait, and write. Not each
# server knows each of these.
PREPARE = """\
SELECT set_config(name, value, false)
FROM (VALUES ('default_transaction_read_only', 'off'), ('idle_session_timeout', '0'),
             ('lock_timeout', '0'), ('statement_timeout', %s),
             ('transaction_timeout', '0')) AS ours (name, value)
JOIN pg_catalog.pg_settings USING (name)"""
DROP_TIMEOUT = "60s"  # for a server where something hangs: then the session ends
FACTS = """\
SELECT pg_catalog.pg_backend_pid(), oid::bigint, least(
    nullif(rolconnlimit, -1),
    (SELECT sum(CASE name WHEN 'max_connections' THEN setting::int
                ELSE -setting::int END)
     FROM pg_catalog.pg_settings
     WHERE name IN ('max_connections', 'superuser_reserved_connections',
                    'reserved_connections')))::int
FROM pg_catalog.pg_roles WHERE rolname = current_user"""
SHARE = "SELECT pg_advisory_lock_shared(%s, %s)"
# Who has the number alone may share it; the sweepers of other sessions ask so, too.
TRY_ALONE = "SELECT pg_try_advisory_lock(%s, %s)"
SHARE_ALONE = "SELECT pg_advisory_lock_shared(%s, %s), pg_advisory_unlock(%s, %s)"


class Server:
    """A server that gives each test a database of its own.

    Args:
        place: Where it is.
        processes: How many there are in this test session, which share what
            connections the server has.
        fresh: Whether to drop first what nobody uses.

    Attributes:
        session: The number of this process.
        version: The server's, as it tells it.
        pool_size: How many connections a test's pool may have.
        problems: What could not be dropped or kept, and why.

    Raises:
        ConnectionFailed: It cannot be reached.
        ConfigurationError: It is no server, but a pooler.
        DatabaseError: It refuses something.
    """

    def __init__(
        self, place: Place, processes: int = 1, *, fresh: bool = False
    ) -> None:
        self.place = place
        self.session = -1
        self.version = ""
        self.problems: list[str] = []
        self._process = os.getpid()
        self._numbers = itertools.count(1)
        self._names: dict[Migrator | None, str] = {}
        self._templates: dict[str, Template] = {}
        self._ready: dict[str, list[str]] = {}
        self._coming: dict[str, Future[str]] = {}
        self._gone: ConnectionFailed | None = None
        self._closing = False
        self._losses = 0
        self._over = ""  # what is to be dropped next
        self._holder = Service("sqlx-drop", self._open_holder)
        self._maker = Service("sqlx-clone", self._open_maker)
        try:
            with self._translated():
                self._owner, limit = self._holder.run(self._begin)
                if fresh:
                    self.problems += map(self._told, self._holder.run(drop_all))
                self._kept = self._holder.run(_kept)
        except BaseException:
            self._holder.close()
            raise
        part = limit // 2 // processes  # Another session may want the other half.
        self.pool_size = max(1, min(MOST_POOLED, part - SERVICE_CONNECTIONS))
        self._later(lambda connection: sweep(connection, self.session))

    def url(self, name: str) -> str:
        """Write the URL of one of its databases."""
        return url_of({**self.place.keywords, "dbname": name})

    def make_ahead(self, migrator: Migrator | None) -> None:
        """Begin to make a clone that `take` will be asked for.

        Nothing happens before the first `take`, when there may be no template yet.
        """
        name = self._name(migrator)
        if name in self._templates and not self._ready.get(name):
            self._begin_clone(name, migrator)

    def take(self, migrator: Migrator | None) -> str:
        """Give the name of a database with some migrations applied.

        Raises:
            MigrationError: A migration fails.
            DatabaseError: The server refuses it, or is gone.
        """
        if os.getpid() != self._process:
            raise DatabaseError(FORKED)
        name = self._name(migrator)
        with self._translated():
            self._forget_unguarded()
            if name not in self._templates:
                self._maker.run(partial(self._open, name, migrator))
            if ready := self._ready.get(name):
                return ready.pop()
            self._begin_clone(name, migrator)
            return self._coming.pop(name).result()

    def drop(self, name: str) -> None:
        """Drop a clone with whoever is connected, when the next one is to be dropped.

        For who has just left is still seen for a moment, and the server waits 0.1 s.
        """
        self._over, name = name, self._over

        def work(connection: Connection) -> list[str]:
            drop(connection, name, force=True)
            return []  # What is refused is tried again, and told, at the end.

        if name:
            self._later(work)

    def keep(self, name: str, test: str) -> None:
        """Let a clone outlive this process, for somebody to look at."""
        text = f"COMMENT ON DATABASE {quoted(name)} IS {literal(KEPT + test)}"

        def work(connection: Connection) -> list[str]:
            connection.execute(text.encode())
            return []

        self._kept.setdefault(test, []).append(name)
        self._later(work)

    def drop_kept(self, test: str) -> None:
        """Drop what was kept of a test when it ran before: it runs again."""
        if names := self._kept.pop(test, None):
            self._later(lambda connection: drop_kept(connection, names, self.session))

    def close(self) -> None:
        """Drop what is left of this process and of dead ones; then let the locks go.

        What is wrong is in `problems`. In a child that was forked nothing happens: what
        it has of this server is its parent's.
        """
        if self._closing or os.getpid() != self._process:
            return
        self._closing = True
        self._maker.cancel()
        self._maker.close()
        self._submit(lambda connection: drop_own(connection, self.session))
        self._submit(lambda connection: sweep(connection, self.session))
        self._holder.close()

    def _name(self, migrator: Migrator | None) -> str:
        """Name the template of some migrations; a digest takes time, so only once."""
        if migrator not in self._names:
            digest = migrator.digest if migrator else ""
            self._names[migrator] = template_name(digest, self._owner)
        return self._names[migrator]

    def _open(
        self, name: str, migrator: Migrator | None, connection: Connection
    ) -> Template:
        """Give a template that is locked by this connection, made if need be."""
        if name not in self._templates:
            maker = Making(self.place, self.url, migrator, self._stock_up)
            self._templates[name] = open_template(connection, name, maker)
        return self._templates[name]

    def _begin_clone(self, name: str, migrator: Migrator | None) -> None:
        if name not in self._coming:
            work = partial(self._clone_of, name, migrator)
            self._coming[name] = self._maker.submit(work)

    def _clone_of(
        self, name: str, migrator: Migrator | None, connection: Connection
    ) -> str:
        return self._clone(self._open(name, migrator, connection))

    def _clone(self, template: Template) -> str:
        name = str(TestName(self.session, next(self._numbers)))
        self._cloner.clone(template, name)
        return name

    def _stock_up(self, template: Template) -> None:
        """Make a clone that is taken later."""
        self._ready.setdefault(template.name, []).append(self._clone(template))

    def _forget_unguarded(self) -> None:
        """Take no clone that was made before the locks were lost for a while.

        A session that began meanwhile may have dropped it. What it has left is dropped
        at the end.
        """
        losses = self._holder.look() + self._maker.look()
        if losses != self._losses:
            self._losses = losses
            self._ready.clear()
            self._coming.clear()

    def _later(self, work: Callable[[Connection], list[str]]) -> None:
        """Let the other thread do something; what goes wrong is told at the end."""
        if not self._closing and os.getpid() == self._process:
            self._submit(work)

    def _submit(self, work: Callable[[Connection], list[str]]) -> None:
        self._holder.submit(work).add_done_callback(self._hear)

    def _hear(self, done: Future[list[str]]) -> None:
        error = done.exception()
        found = done.result() if error is None else [str(error)]
        self.problems += map(self._told, found)

    def _told(self, message: str) -> str:
        return self.place.redact(" ".join(message.split()))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Say in our words what the server refuses."""
        try:
            yield
        except psycopg.Error as error:
            message, state = self._told(str(error)), error.sqlstate
            may_not_create = state == "42501" and "create database" in message
            hint = NO_RIGHT if may_not_create else None
            text = f"{message}; {hint}" if hint else message
            raise DatabaseError(text, sqlstate=state, hint=hint) from None

    def _begin(self, connection: Connection) -> tuple[int, int]:
        """Find out who our user is, and how many connections there may be."""
        row = connection.execute(FACTS).fetchone()
        assert row is not None  # noqa: S101 -- everybody has a role.
        pid, owner, limit = row
        info = connection.info
        if self.place.pooled or (self.place.pooled is None and pid != info.backend_pid):
            raise ConfigurationError(POOLER)
        told = info.parameter_status("server_version") or ""
        self.version = told.partition(" ")[0]
        return owner, limit

    def _open_holder(self) -> Connection:
        """Connect, and show by a lock that we live, as the maker does too."""
        with _closed_on_error(self._connect()) as connection:
            connection.execute(PREPARE, (DROP_TIMEOUT,))
            if self.session >= 0:
                connection.execute(SHARE, (SESSIONS, self.session))
                return connection
            granted, number = False, -1
            while not granted:
                number = secrets.randbits(31)
                row = connection.execute(TRY_ALONE, (SESSIONS, number)).fetchone()
                granted = row == (True,)
            connection.execute(SHARE_ALONE, (SESSIONS, number) * 2)
            self.session = number
            return connection

    def _open_maker(self) -> Connection:
        """Connect; what an earlier connection has locked, it has lost."""
        with _closed_on_error(self._connect()) as connection:
            connection.execute(PREPARE, ("0",))
            connection.execute(SHARE, (SESSIONS, self.session))
            self._templates.clear()
            self._cloner = Cloner(connection)
            return connection

    def _connect(self) -> Connection:
        """Connect, and wait for a server that starts or is busy, but not twice."""
        if self._gone is not None:
            raise self._gone
        begun = time.monotonic()
        while True:
            try:
                connection: Connection = connect(
                    self.place, MAINTENANCE, timeout_seconds=ATTEMPT_SECONDS
                )
            except ConnectionFailed as error:
                is_busy = any(word in error.message for word in BUSY)
                limit_seconds = BUSY_SECONDS if is_busy else REACH_SECONDS
                waited_seconds = time.monotonic() - begun
                if error.final or self._closing or waited_seconds > limit_seconds:
                    self._gone = _explained(error)
                    raise self._gone from None
            else:
                connection.prepare_threshold = None
                return connection


def _explained(error: ConnectionFailed) -> ConnectionFailed:
    """Say what the database `postgres` is for, if that is what is wrong."""
    if f'database "{MAINTENANCE}"' not in error.message:
        return error
    return ConnectionFailed(f"{error.message}; {NO_MAINTENANCE}", final=error.final)


@contextmanager
def _closed_on_error(connection: Connection) -> Iterator[Connection]:
    """Let a connection live on, unless something fails."""
    try:
        yield connection
    except BaseException:
        connection.close()
        raise


def _kept(connection: Connection) -> dict[str, list[str]]:
    """List what is kept, by test."""
    kept: dict[str, list[str]] = {}
    for database in find(connection):
        if database.kept_for:
            kept.setdefault(database.kept_for, []).append(database.name)
    return kept
