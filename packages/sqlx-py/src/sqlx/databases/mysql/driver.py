"""MySQL and MariaDB by PyMySQL: steps out, replies in.

A client that is gone does not stop its statement, nor the rest of its message. So who
is interrupted tells the server to stop, over a second connection.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from socket import SHUT_RDWR
from typing import TYPE_CHECKING, Any, TypeAlias

import pymysql
from pymysql.constants import CLIENT, SERVER_STATUS
from pymysql.cursors import Cursor

from sqlx.databases.mysql.message import Message, Reading, messages
from sqlx.errors import ConnectionLost, DatabaseError, InTransaction, SqlxError

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Awaitable, Callable, Iterator
    from concurrent.futures import ThreadPoolExecutor

    from sqlx.engine.steps import Query, Rows, Script

__all__ = [
    "KILL_WITHIN_SECONDS",
    "UNREADABLE",
    "AsyncMySqlConnection",
    "Connection",
    "MySqlConnection",
    "check_idle",
    "said",
    "unless_cancelled",
]

Connection: TypeAlias = "pymysql.Connection[Any]"
Redact: TypeAlias = "Callable[[str], str]"
KILL_AGAIN_SECONDS = 0.1
KILL_WITHIN_SECONDS = 2.0
LONGEST_SILENCE_SECONDS = 5.0
NO_SESSION = 1094
UTF8 = "utf8mb4"
UNREADABLE = (
    "the file has chosen another character set, and a column's name came in it; "
    "leave SET NAMES away: files are sent in UTF-8"
)
UNSTOPPED = (
    "the server could not be told to stop ({why}): its session {number} may go on to "
    "the end of the file, and hold the lock until then; sqlx migrate info tells"
)


class MySqlConnection:
    """A PyMySQL connection that carries out steps.

    Args:
        connection: Open, in autocommit, outside a transaction.
        another: Opens a second connection to the same server, as the same user.
        redact: Takes secrets out of a message.
    """

    def __init__(
        self, connection: Connection, another: Callable[[], Connection], redact: Redact
    ) -> None:
        self._connection: Any = connection  # Its stubs lack what we ask.
        self._another, self._redact = another, redact
        self._together = bool(connection.client_flag & CLIENT.MULTI_STATEMENTS)
        self._killer: Connection | None = None
        self._ended = False
        self.lost = False

    def execute(self, step: Query | Script) -> Rows:
        """Send the messages of a step and read all their replies."""
        if self._ended:  # The server has tidied up, and gives no reply any more.
            return ()
        reading = Reading(step)
        try:
            with self._as_it_comes():
                # Never closed: that would read what an interruption is to end.
                cursor = self._connection.cursor(Cursor)
                for message in messages(step, together=self._together):
                    self._exchange(cursor, message, reading)
        except pymysql.MySQLError as error:
            raise self._refused(error, reading) from None
        except UnicodeDecodeError:
            self.lost = True
            self._connection._force_close()  # noqa: SLF001 -- as it does when it is lost.
            raise ConnectionLost(UNREADABLE) from None
        except KeyboardInterrupt as stop:
            raise self._end(stop) from None
        return reading.rows

    def interrupt(self) -> bool:
        """End the statement that runs now, on another thread, and all behind it.

        Returns:
            Whether the server has been told.
        """
        try:
            self._kill("QUERY")
        except (SqlxError, pymysql.MySQLError, OSError):
            return False
        return True

    def abandon(self) -> None:
        """Wait no longer for a server that does not answer: the connection is lost."""
        with suppress(OSError, AttributeError):  # It may be closed by now.
            self._connection._sock.shutdown(SHUT_RDWR)  # noqa: SLF001 -- its reader is on another thread.

    def close(self) -> None:
        """Close what we opened; the connection is its owner's to close."""
        if self._killer is not None and self._killer.open:
            self._killer.close()

    @contextmanager
    def _as_it_comes(self) -> Iterator[None]:
        """Read values as bytes: a file's rows may be in any character set, or invalid.

        Nobody needs them, and ours are ASCII. A migration may take longer than what an
        application waits for.
        """
        connection = self._connection
        theirs = connection.use_unicode, connection.decoders
        timeout_seconds = connection._read_timeout  # noqa: SLF001 -- there is no other way to it.
        connection.use_unicode, connection.decoders = False, {}
        connection._read_timeout = None  # noqa: SLF001
        try:
            yield
        finally:
            connection.use_unicode, connection.decoders = theirs
            connection._read_timeout = timeout_seconds  # noqa: SLF001

    def _exchange(self, cursor: Cursor, message: Message, reading: Reading) -> None:
        reading.begin(message)
        cursor.execute(message.text)
        more: bool | None = True
        while more:
            columns = [column[0] for column in cursor.description or ()]
            reading.take(columns, cursor.fetchall() if columns else ())
            more = cursor.nextset()

    def _end(self, stop: KeyboardInterrupt) -> KeyboardInterrupt:
        """End the session in the server; say so where that cannot be done."""
        self._ended = True
        self._connection._force_close()  # noqa: SLF001 -- its replies are out of step.
        try:
            self._kill("CONNECTION")
        except KeyboardInterrupt:
            return self._unstopped("interrupted again")
        except (SqlxError, pymysql.MySQLError, OSError) as error:
            code, why = said(error)
            if code != NO_SESSION:  # An idle one may have ended by itself by now.
                return self._unstopped(self._redact(why))
        return stop

    def _unstopped(self, why: str) -> KeyboardInterrupt:
        number = self._connection.thread_id()
        return KeyboardInterrupt(UNSTOPPED.format(number=number, why=why))

    def _kill(self, what: str) -> None:
        if self._killer is None or not self._killer.open:
            killer: Any = self._another()
            killer._read_timeout = KILL_WITHIN_SECONDS  # noqa: SLF001 -- as above.
            self._killer = killer
        number = self._connection.thread_id()
        with self._killer.cursor(Cursor) as cursor:
            cursor.execute(f"KILL {what} {number}")

    def _refused(self, error: pymysql.MySQLError, reading: Reading) -> DatabaseError:
        code, message = said(error)
        sqlstate = getattr(error, "sqlstate", None)
        refused = reading.refused(code, self._redact(message), sqlstate)
        self.lost = isinstance(refused, ConnectionLost)
        return refused


class AsyncMySqlConnection:
    """The same for `asyncio`: one hop to a thread a step.

    Args:
        connection: What the thread works on.
        thread: The one thread.
    """

    def __init__(self, connection: MySqlConnection, thread: ThreadPoolExecutor) -> None:
        self._connection, self._thread = connection, thread

    async def execute(self, step: Query | Script) -> Rows:
        """Carry out a step; when cancelled, end it in the server first."""
        import asyncio

        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._thread, self._connection.execute, step)
        return await unless_cancelled(work, self._interrupt, self._connection.abandon)

    async def _interrupt(self) -> bool:
        import asyncio

        return await asyncio.to_thread(self._connection.interrupt)


async def unless_cancelled(
    work: Future[Rows],
    interrupt: Callable[[], Awaitable[bool]],
    abandon: Callable[[], object],
) -> Rows:
    """Await a step; when cancelled, have the server end it, and its replies read.

    Args:
        work: Carries it out.
        interrupt: Tells the server to end it, and whether it was told; in vain when it
            overtakes the statement.
        abandon: Ends the work where the server is silent. One that was told may take
            its time: it rolls back.
    """
    import asyncio

    from sqlx.databases.held import held

    async def end() -> None:
        told = time.monotonic()
        while not work.done():
            if await interrupt():
                told = time.monotonic()
            elif time.monotonic() > told + LONGEST_SILENCE_SECONDS:
                abandon()
            await asyncio.wait([work], timeout=KILL_AGAIN_SECONDS)
        with suppress(asyncio.CancelledError):
            work.exception()

    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await held(end())
        raise


def said(error: Exception) -> tuple[int, str]:
    """Read the number and the words of a driver's error; 0 when it has none."""
    match error.args:
        case [int() as code, str() as message]:
            return code, message
        case _:
            return 0, str(error)


def check_idle(connection: Any) -> None:  # noqa: ANN401 -- its stubs lack what we ask.
    """Refuse a connection that is not ours to use now.

    Raises:
        ConnectionLost: It is closed.
        InTransaction: It is inside a transaction.
    """
    if not connection.open:
        raise ConnectionLost("the connection given is closed")
    if connection.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS:
        raise InTransaction
