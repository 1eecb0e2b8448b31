"""A server of MySQL or MariaDB, asked by PyMySQL.

A test costs our connections two messages as a rule: the statements that make its
database, and `DROP DATABASE`.
"""

from __future__ import annotations

import select
import textwrap
import zlib
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pymysql

from sqlx.databases.mysql.connect import Connection, Place
from sqlx.databases.mysql.driver import said
from sqlx.databases.reach import Reach
from sqlx.errors import (
    ConfigurationError,
    ConnectionFailed,
    DatabaseError,
    DriverMissing,
)
from sqlx.testing import server as common
from sqlx.testing.mysql.ground import MySqlGround, session_locks
from sqlx.testing.mysql.templates import Template, open_template
from sqlx.testing.mysql.words import (
    ask,
    connect,
    number_of,
    prepare,
    try_lock,
    version_of,
)
from sqlx.testing.names import DENIED, renamed
from sqlx.testing.places import mysql_url_of
from sqlx.testing.server import Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlx.migrator import Migrator

__all__ = ["MySqlServer"]

CANCEL_SECONDS = 2.0
FOREVER_SECONDS = 31_536_000  # the most that `lock_wait_timeout` takes
LOCK_SECONDS = 5  # for one of ours whose connection is lost
DROP_SECONDS = 1  # then whoever is in a transaction is sent away
BUSY = {1040, 1203, 1226}  # too many connections: the server's, the user's
NO_RIGHT = (
    "test databases are made on this server: "
    r"GRANT ALL ON `\_sqlx\_%`.* TO {}, and what the migrations need besides"
)
NO_POOL = (
    "PyMySQL has no pool; ask for db, or apool, or make a pool of another package's "
    "with db_url"
)
NO_ASYNCMY = "asyncmy is not installed; run: pip install 'sqlx-py[asyncmy]'"
POOLER = (
    "a proxy such as ProxySQL or MaxScale stands before the server, and test databases "
    "are made on the server itself: set the URL that the proxy connects to"
)
NO_COPY = "a test's database is migrated, for no copy can be made: "
NOTE_LENGTH = 400
FORMAT = 1  # of what a template has; with another it is another template
FACTS = """\
SELECT CONNECTION_ID(), CURRENT_USER(),
       LEAST(COALESCE(NULLIF(@@max_user_connections, 0), @@max_connections),
             @@max_connections)"""
OF_ASYNCMY = ("user", "password", "host", "port", "unix_socket", "database", "ssl")


class MySqlServer(Server[Place, Connection, Template]):
    """A server of MySQL or MariaDB."""

    _account = ""  # what grants call our user

    def url(self, name: str) -> str:
        """Write the URL of one of its databases."""
        return mysql_url_of(self.place.url.with_database(name))

    def connect(self, name: str) -> Connection:
        """Connect to one of its databases, in autocommit."""
        return connect(self.place, name)

    @asynccontextmanager
    async def connected_async(self, name: str) -> AsyncIterator[Any]:
        """Connect by asyncmy.

        Raises:
            DriverMissing: asyncmy is missing.
        """
        words = self._asyncmy(name)
        import asyncmy

        async with asyncmy.connect(**words) as connection:
            yield connection

    def pool(self, name: str) -> Any:  # noqa: ANN401, ARG002 -- there is none.
        """Tell that there is none.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError(NO_POOL)

    @asynccontextmanager
    async def pool_async(self, name: str) -> AsyncIterator[Any]:
        """Open a pool of asyncmy's.

        Raises:
            DriverMissing: asyncmy is missing.
        """
        words = self._asyncmy(name)
        import asyncmy

        async with asyncmy.create_pool(
            minsize=1, maxsize=self.pool_size, **words
        ) as made:
            yield made

    def _asyncmy(self, name: str) -> dict[str, Any]:
        """Give the keywords of asyncmy."""
        if find_spec("asyncmy") is None:
            raise DriverMissing(NO_ASYNCMY)
        words = self.place.arguments(Reach(0.0, lambda _: None), name)
        chosen = {key: words[key] for key in OF_ASYNCMY if words.get(key)}
        return {**chosen, "charset": "utf8mb4", "autocommit": True}

    def _wire(self) -> _PyMySql:
        return _PyMySql(self.place)

    def _attempt(self) -> Connection:
        return connect(self.place, "", common.ATTEMPT_SECONDS)

    def _is_busy(self, error: ConnectionFailed) -> bool:
        return error.code in BUSY

    def _begin(self, connection: Connection) -> tuple[int, int]:
        ((number, account, limit),) = ask(connection, FACTS)
        if number != number_of(connection):
            raise ConfigurationError(POOLER)
        self._account, self.version = account, version_of(connection)
        # What runs with its maker's rights, and is written in its server's words.
        owner = f"{account} {self.version} {FORMAT}"
        return zlib.crc32(owner.encode()), limit

    def _be_holder(self, connection: Connection) -> None:
        prepare(connection, DROP_SECONDS)

        def is_free(number: int) -> bool:
            return try_lock(connection, session_locks(number)[0])

        if self.session < 0:
            self.session = self._drawn(is_free)
        else:  # The server may not know yet that the lock's old holder is gone.
            try_lock(connection, session_locks(self.session)[0], LOCK_SECONDS)

    def _be_maker(self, connection: Connection) -> None:
        prepare(connection, FOREVER_SECONDS)
        try_lock(connection, session_locks(self.session)[1], LOCK_SECONDS)
        self._making = connection

    def _ground(self, connection: Connection) -> MySqlGround:
        return MySqlGround(connection)

    def _template(
        self, connection: Connection, name: str, migrator: Migrator | None
    ) -> Template:
        def migrate(database: str) -> None:
            if migrator is not None:
                migrator.run(self.url(database))

        template = open_template(connection, name, migrate, self._new_name)
        if template.obstacle:
            known = renamed(template.obstacle, self.place.url.database)
            note = textwrap.shorten(NO_COPY + known, NOTE_LENGTH, placeholder=" …")
            self.notes.append(note)
        return template

    def _copy(self, template: Template, name: str) -> None:
        template.copy(self._making, name)

    def _refusal(self, error: Exception) -> DatabaseError | None:
        if not isinstance(error, pymysql.MySQLError):
            return None
        code, message = said(error)
        hint = NO_RIGHT.format(self._account) if code in DENIED else None
        text = self._told(f"{message}; {hint}" if hint else message)
        state = getattr(error, "sqlstate", None)
        return DatabaseError(text, sqlstate=state, code=code, hint=hint)

    def _told(self, message: str) -> str:
        return self.place.redact(" ".join(message.split()))


@dataclass(frozen=True, slots=True)
class _PyMySql:
    """What PyMySQL knows of its connections.

    Args:
        place: Where the server is.
    """

    place: Place

    def is_lost(self, connection: Any) -> bool:  # noqa: ANN401 -- its stubs lack a type.
        """Tell whether the server has said something unasked: it is its last word."""
        if not connection.open:
            return True
        return bool(select.select([connection._sock], [], [], 0)[0])  # noqa: SLF001 -- PyMySQL asks the server.

    def cancel(self, connection: Connection) -> None:
        """Break off the statement that runs on another thread, if one does."""
        with (
            suppress(ConnectionFailed, pymysql.MySQLError),
            connect(self.place, "", CANCEL_SECONDS) as second,
        ):
            ask(second, f"KILL QUERY {number_of(connection)}")
