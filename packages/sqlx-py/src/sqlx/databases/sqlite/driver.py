"""SQLite by the standard library: statement by statement, on one thread.

`executescript` is never used: it commits an open transaction behind our back.
"""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from sqlx.databases.sqlite.dialect import IF_OPEN
from sqlx.engine.steps import Query, Row, Rows, Script
from sqlx.errors import DatabaseError
from sqlx.migrations.statements import Syntax, split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["AsyncSqliteConnection", "SqliteConnection"]

REPLY = ("sqlx_version", "sqlx_execution_time")
NEAR = re.compile(r'near "(.+?)": syntax error')
INTERRUPTED = 9  # SQLITE_INTERRUPT
OPCODES_BETWEEN_SIGNALS = 100_000
INTERRUPT_AGAIN_SECONDS = 0.01


class SqliteConnection:
    """A connection of the standard library's that carries out steps.

    Args:
        connection: Open, in autocommit, outside a transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._watching = False
        clock = _Clock()  # It knows no connection: functions may outlive us there.
        self._define("sqlx_start_clock", clock.start)
        self._define("sqlx_elapsed_ns", clock.elapsed_ns)

    def execute(self, step: Query | Script) -> Rows:
        """Run the statements one by one; the first error stops."""
        if isinstance(step, Query):
            *_, (_, rows) = self._run((step.sql,), keep=True)
            return rows
        results = self._run(step.parts, keep=False)
        return [row for names, rows in results if names == REPLY for row in rows]

    def watch_signals(self) -> None:
        """Let Ctrl-C end a long statement, which Python would see only after it."""
        self._watching = True
        self._connection.set_progress_handler(_breathe, OPCODES_BETWEEN_SIGNALS)

    def close(self) -> None:
        """Take our functions off the connection; it is its owner's to close."""
        self._define("sqlx_start_clock", None)
        self._define("sqlx_elapsed_ns", None)

    def interrupt(self) -> None:
        """End the statement that runs now, on another thread."""
        self._connection.interrupt()

    def _define(self, name: str, function: Callable[[], int] | None) -> None:
        """Put a function on the connection, or make it useless.

        SQLite lets nobody change one while a cursor of the user's has rows to give:
        those of a run before stay then, and do as well.
        """
        with suppress(sqlite3.OperationalError):
            self._connection.create_function(name, 0, function)

    def _run(
        self, parts: tuple[str, ...], *, keep: bool
    ) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
        completed = 0
        for number, part in enumerate(parts):
            statements = split(part, Syntax.SQLITE)
            for item in statements.items:
                sql = statements.sql(item)
                if sql in IF_OPEN and not self._connection.in_transaction:
                    continue
                try:
                    yield self._statement(sql, keep=keep)
                except sqlite3.Error as error:
                    if self._watching and _is_interruption(error):
                        raise KeyboardInterrupt from None
                    offset = item.start + _offset(str(error), sql)
                    raise _refused(error, number, offset, completed) from None
                completed += 1

    def _statement(self, sql: str, *, keep: bool) -> tuple[tuple[str, ...], list[Row]]:
        with closing(self._connection.execute(sql)) as cursor:
            names = tuple(str(column[0]) for column in cursor.description or ())
            if keep or names == REPLY:
                return names, cursor.fetchall()
            for _ in cursor:  # stepped to its end, as SQLx does
                pass
            return names, []


class _Clock:
    """How long a migration takes."""

    def __init__(self) -> None:
        self._begun_ns = time.perf_counter_ns()

    def start(self) -> int:
        self._begun_ns = time.perf_counter_ns()
        return -1

    def elapsed_ns(self) -> int:
        return time.perf_counter_ns() - self._begun_ns


def _is_interruption(error: sqlite3.Error) -> bool:
    """Tell whether a signal came while SQLite ran, or ran a function of ours."""
    in_function = str(error) == "user-defined function raised exception"
    return in_function or error.sqlite_errorcode == INTERRUPTED


def _breathe() -> int:
    """Give Python a chance to see a signal: an error here ends the statement."""
    return 0


class AsyncSqliteConnection:
    """The same for `asyncio`: one hop to a thread a step.

    Args:
        connection: What the thread works on.
        thread: The one thread; None when the connection may not leave its own.
    """

    def __init__(
        self, connection: SqliteConnection, thread: ThreadPoolExecutor | None
    ) -> None:
        self._connection, self._thread = connection, thread

    async def execute(self, step: Query | Script) -> Rows:
        """Run the statements one by one; when cancelled, end the statement first."""
        if self._thread is None:
            return self._connection.execute(step)
        import asyncio

        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._thread, self._connection.execute, step)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            while not work.done():  # between two statements an interrupt is in vain
                self._connection.interrupt()
                await asyncio.wait([work], timeout=INTERRUPT_AGAIN_SECONDS)
            work.exception()
            raise


def _refused(
    error: sqlite3.Error, part: int, offset: int, completed: int
) -> DatabaseError:
    code = getattr(error, "sqlite_errorcode", None)
    return DatabaseError(
        str(error), code=code, part=part, offset=offset, completed=completed
    )


def _offset(message: str, sql: str) -> int:
    """Find the token that SQLite names, when there is only one of it; or the end."""
    if message == "incomplete input":
        return len(sql)
    near = NEAR.match(message)
    token = near.group(1) if near else ""
    return sql.index(token) if token and sql.count(token) == 1 else 0
