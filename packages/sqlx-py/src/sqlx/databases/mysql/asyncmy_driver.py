"""MySQL and MariaDB by asyncmy, on a connection or from a pool of the user's."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import asyncmy
from asyncmy.cursors import Cursor
from asyncmy.errors import MySQLError

from sqlx.databases.mysql.dialect import MySqlDialect
from sqlx.databases.mysql.driver import (
    KILL_WITHIN_SECONDS,
    UNREADABLE,
    said,
    unless_cancelled,
)
from sqlx.databases.mysql.message import Reading, messages
from sqlx.errors import ConnectionFailed, ConnectionLost, InTransaction

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlx.engine.steps import Query, Rows, Script

__all__ = ["AsyncmyConnection", "borrowed_asyncmy", "given_asyncmy"]

WRONG_CHARSET = (
    "the connection given sends texts in {}, and files are sent in UTF-8; connect with "
    "charset='utf8mb4'"
)


class AsyncmyConnection:
    """An asyncmy connection that carries out steps.

    Args:
        connection: Open, in autocommit, outside a transaction.
    """

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 -- it has no types.
        self._connection = connection
        self.lost = False

    async def execute(self, step: Query | Script) -> Rows:
        """Carry out a step; when cancelled, end it in the server first.

        asyncmy would close the connection, and the server would go on.
        """
        work = asyncio.ensure_future(self._run(step))
        return await unless_cancelled(work, self._interrupt, work.cancel)

    async def set_autocommit(self, *, yes: bool) -> None:
        """Let each statement commit itself, or not.

        As asyncmy does it: it passes over what the server says of a `SET` of ours.
        """
        try:
            await self._connection.autocommit(yes)
        except MySQLError as error:
            self.lost = True
            code, message = said(error)
            raise ConnectionLost(message, code=code or None) from None

    async def _run(self, step: Query | Script) -> Rows:
        reading, session = Reading(step), self._connection
        # As bytes: a file's rows may be in any character set, or invalid. And a
        # migration may take longer than what an application waits for.
        theirs = session._use_unicode, session._decoders, session._read_timeout  # noqa: SLF001
        session._use_unicode, session._decoders, session._read_timeout = False, {}, None  # noqa: SLF001
        try:
            async with self._connection.cursor(Cursor) as cursor:
                for message in messages(step, together=True):
                    reading.begin(message)
                    await cursor.execute(message.text)
                    more: bool | None = True
                    while more:
                        columns = [column[0] for column in cursor.description or ()]
                        found = await cursor.fetchall() if columns else ()
                        reading.take(columns, found)
                        more = await cursor.nextset()
        except MySQLError as error:
            sqlstate = getattr(error, "sqlstate", None)
            refused = reading.refused(*said(error), sqlstate)
            self.lost = isinstance(refused, ConnectionLost)
            raise refused from None
        except UnicodeDecodeError:
            self.lost = True
            session.close()
            raise ConnectionLost(UNREADABLE) from None
        finally:
            session._use_unicode, session._decoders, session._read_timeout = theirs  # noqa: SLF001
        return reading.rows

    async def _interrupt(self) -> bool:
        """End what the server does for us, over a second connection."""
        try:
            async with asyncio.timeout(KILL_WITHIN_SECONDS):
                await self._kill()
        except (MySQLError, OSError):
            return False
        return True

    async def _kill(self) -> None:
        like = self._connection
        second = await asyncmy.connect(
            host=like._host,  # noqa: SLF001 -- asyncmy has no other way to be asked.
            port=like._port,  # noqa: SLF001
            unix_socket=like._unix_socket,  # noqa: SLF001
            user=like._user.decode(),  # noqa: SLF001
            password=like._password.decode("latin1"),  # noqa: SLF001
            ssl=like._ssl_context,  # noqa: SLF001
        )
        async with second, second.cursor(Cursor) as cursor:
            await cursor.execute(f"KILL QUERY {like.thread_id()}")


@asynccontextmanager
async def given_asyncmy(
    connection: Any,  # noqa: ANN401 -- it has no types.
) -> AsyncIterator[tuple[MySqlDialect, AsyncmyConnection]]:
    """Use a connection of the user's, and leave it as it was.

    Raises:
        ConnectionFailed: It writes texts in another character set than UTF-8.
        InTransaction: It is inside a transaction.
        ConnectionLost: It is closed.
    """
    if not connection.connected:
        raise ConnectionLost("the connection given is closed")
    if connection.get_transaction_status():
        raise InTransaction
    charset, ours = connection.character_set_name(), AsyncmyConnection(connection)
    if not charset.startswith("utf8"):
        raise ConnectionFailed(WRONG_CHARSET.format(charset), final=True)
    mode, autocommit = connection.autocommit_mode, connection.get_autocommit()
    await ours.set_autocommit(yes=True)
    try:
        yield MySqlDialect.of(connection.get_server_info(), owned=False), ours
    finally:
        if connection.connected and not ours.lost:
            with suppress(ConnectionLost):  # What went wrong before counts.
                await ours.set_autocommit(yes=autocommit)
            connection.autocommit_mode = mode


@asynccontextmanager
async def borrowed_asyncmy(
    pool: Any,  # noqa: ANN401 -- it has no types.
    timeout_seconds: float,
) -> AsyncIterator[tuple[MySqlDialect, AsyncmyConnection]]:
    """Take a connection from a pool, and give it back.

    Raises:
        ConnectionFailed: The pool is closed, cannot connect, or has none to give in
            time.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            connection = await pool.acquire()
    except TimeoutError:
        raise ConnectionFailed(
            f"the pool had no connection to give in {timeout_seconds:g} s"
        ) from None
    except (MySQLError, RuntimeError, OSError) as error:
        raise ConnectionFailed(said(error)[1]) from None
    try:
        async with given_asyncmy(connection) as session:
            yield session
    finally:
        await pool.release(connection)
