"""A PostgreSQL server, asked by psycopg.

A test costs our connections two statements, `CREATE DATABASE` and `DROP DATABASE`.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg

from sqlx.databases.postgres.connect import Place
from sqlx.errors import (
    ConfigurationError,
    ConnectionFailed,
    DatabaseError,
    DriverMissing,
)
from sqlx.opening import connect, connect_async
from sqlx.testing import server as common
from sqlx.testing.places import url_of
from sqlx.testing.postgres.ground import TRY_LOCK, PostgresGround
from sqlx.testing.postgres.making import Making
from sqlx.testing.postgres.templates import Cloner, Template, open_template
from sqlx.testing.postgres.words import SESSIONS
from sqlx.testing.server import Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlx.migrator import Migrator

    Connection: TypeAlias = psycopg.Connection[Any]

__all__ = ["PostgresServer"]

MAINTENANCE = "postgres"
CANCEL_SECONDS = 2.0
BUSY = ("too many clients", "too many connections", "connection slots", "starting up")
NO_RIGHT = (
    "test databases are made on this server: give its user CREATEDB, or leave the URL "
    "away for an embedded PostgreSQL"
)
NO_MAINTENANCE = (
    "test databases are made from the database postgres: its user must be allowed to "
    "connect to it"
)
NO_POOL = "psycopg_pool is not installed; run: pip install 'sqlx-py[testing]'"
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
SHARE_ALONE = "SELECT pg_advisory_lock_shared(%s, %s), pg_advisory_unlock(%s, %s)"


class PostgresServer(Server[Place, "Connection", Template]):
    """A PostgreSQL server."""

    def url(self, name: str) -> str:
        """Write the URL of one of its databases."""
        return url_of({**self.place.keywords, "dbname": name})

    def connect(self, name: str) -> Connection:
        """Connect to one of its databases, in autocommit."""
        connection: Connection = connect(self.place, name)
        return connection

    @asynccontextmanager
    async def connected_async(
        self, name: str
    ) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """Connect in asyncio."""
        async with await connect_async(self.place, name) as connection:
            yield connection

    def pool(self, name: str) -> Any:  # noqa: ANN401 -- its package may be absent.
        """Make a `ConnectionPool` that opens when it is entered.

        Raises:
            DriverMissing: psycopg_pool is missing.
        """
        return self._pool("ConnectionPool", name)

    @asynccontextmanager
    async def pool_async(self, name: str) -> AsyncIterator[Any]:
        """Open an `AsyncConnectionPool`.

        Raises:
            DriverMissing: psycopg_pool is missing.
        """
        async with self._pool("AsyncConnectionPool", name) as made:
            yield made

    def _pool(self, kind: str, name: str) -> Any:  # noqa: ANN401 -- the same.
        try:
            import psycopg_pool
        except ImportError:
            raise DriverMissing(NO_POOL) from None
        return getattr(psycopg_pool, kind)(
            self.url(name),
            kwargs={"autocommit": True},
            min_size=1,
            max_size=self.pool_size,
            open=False,
        )

    def _wire(self) -> _Psycopg:
        return _Psycopg()

    def _attempt(self) -> Connection:
        seconds = common.ATTEMPT_SECONDS
        connection: Connection = connect(
            self.place, MAINTENANCE, timeout_seconds=seconds
        )
        connection.prepare_threshold = None
        return connection

    def _is_busy(self, error: ConnectionFailed) -> bool:
        return any(word in error.message for word in BUSY)

    def _explained(self, error: ConnectionFailed) -> ConnectionFailed:
        """Say what the database `postgres` is for, if that is what is wrong."""
        if f'database "{MAINTENANCE}"' not in error.message:
            return error
        return ConnectionFailed(f"{error.message}; {NO_MAINTENANCE}", final=error.final)

    def _begin(self, connection: Connection) -> tuple[int, int]:
        row = connection.execute(FACTS).fetchone()
        assert row is not None  # noqa: S101 -- everybody has a role.
        pid, owner, limit = row
        info = connection.info
        if self.place.pooled or (self.place.pooled is None and pid != info.backend_pid):
            raise ConfigurationError(POOLER)
        told = info.parameter_status("server_version") or ""
        self.version = told.partition(" ")[0]
        return owner, limit

    def _be_holder(self, connection: Connection) -> None:
        connection.execute(PREPARE, (DROP_TIMEOUT,))
        if self.session >= 0:
            connection.execute(SHARE, (SESSIONS, self.session))
            return

        def is_free(number: int) -> bool:
            row = connection.execute(TRY_LOCK, (SESSIONS, number)).fetchone()
            return row == (True,)

        number = self._drawn(is_free)
        connection.execute(SHARE_ALONE, (SESSIONS, number) * 2)
        self.session = number

    def _be_maker(self, connection: Connection) -> None:
        connection.execute(PREPARE, ("0",))
        connection.execute(SHARE, (SESSIONS, self.session))
        self._cloner = Cloner(connection)

    def _ground(self, connection: Connection) -> PostgresGround:
        return PostgresGround(connection)

    def _template(
        self, connection: Connection, name: str, migrator: Migrator | None
    ) -> Template:
        """Give a template that is locked by this connection, made if need be."""
        maker = Making(self.place, self.url, migrator, self._stock_up)
        return open_template(connection, name, maker)

    def _copy(self, template: Template, name: str) -> None:
        self._cloner.clone(template, name)

    def _stock_up(self, template: Template) -> None:
        """Make a clone that is taken later."""
        self._ready.setdefault(template.name, []).append(self._clone(template))

    def _refusal(self, error: Exception) -> DatabaseError | None:
        if not isinstance(error, psycopg.Error):
            return None
        message, state = self._told(str(error)), error.sqlstate
        may_not_create = state == "42501" and "create database" in message
        hint = NO_RIGHT if may_not_create else None
        text = f"{message}; {hint}" if hint else message
        return DatabaseError(text, sqlstate=state, hint=hint)

    def _told(self, message: str) -> str:
        return self.place.redact(" ".join(message.split()))


class _Psycopg:
    """What psycopg knows of its connections."""

    def is_lost(self, connection: Connection) -> bool:
        """Read what the server has said by itself; its last word is that it ends."""
        for _ in range(2):  # That word, and then the end.
            with suppress(psycopg.OperationalError):
                if not connection.closed:
                    connection.pgconn.consume_input()
        return connection.closed

    def cancel(self, connection: Connection) -> None:
        """Break off the statement that runs on another thread, if one does."""
        with suppress(psycopg.Error):
            connection.cancel_safe(timeout=CANCEL_SECONDS)
