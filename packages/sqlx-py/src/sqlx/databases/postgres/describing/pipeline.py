"""Many questions in one round trip: libpq's pipeline mode on a psycopg connection.

psycopg's own pipeline prepares what it likes and raises what the server says; here the
messages are ours, and each result is kept. A unit of messages ends with a Sync of its
own, so that an error ends its unit and no other.

Neither side can block the other: the connection is non-blocking, so libpq keeps what
the socket does not take, and reads what comes while it sends. `at_once` bounds what
either keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
from psycopg import generators, pq

from sqlx.databases.postgres.replies import one_line
from sqlx.errors import ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from psycopg.pq.abc import PGconn, PGresult

__all__ = [
    "Describe",
    "Execute",
    "Message",
    "Prepare",
    "Reply",
    "ServerError",
    "Unit",
    "ask",
]

Field = pq.DiagnosticField
GOING_DOWN = "57P0"  # admin shutdown, crash shutdown, cannot connect now


@dataclass(frozen=True, slots=True)
class Prepare:
    """Parse a statement; its parameters' types are the server's to find."""

    name: str
    sql: str

    def send(self, pgconn: PGconn) -> None:
        """Put the message into libpq's buffer."""
        pgconn.send_prepare(self.name.encode(), self.sql.encode())


@dataclass(frozen=True, slots=True)
class Describe:
    """Ask for the parameters and the columns of a prepared statement."""

    name: str

    def send(self, pgconn: PGconn) -> None:
        """Put the message into libpq's buffer."""
        pgconn.send_describe_prepared(self.name.encode())


@dataclass(frozen=True, slots=True)
class Execute:
    """Run one statement; parameters and results are text."""

    sql: str
    parameters: tuple[str | None, ...] = ()

    def send(self, pgconn: PGconn) -> None:
        """Put the message into libpq's buffer."""
        values = [None if p is None else p.encode() for p in self.parameters]
        pgconn.send_query_params(self.sql.encode(), values)


Message: TypeAlias = Prepare | Describe | Execute
Unit: TypeAlias = tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class ServerError:
    """What the server said when it refused a message.

    Args:
        message: In the server's words.
        sqlstate: Five characters.
        position: Characters into the message's SQL, from 1; None when not known.
        hint: The server's advice.
        detail: More of its words.
    """

    message: str
    sqlstate: str | None = None
    position: int | None = None
    hint: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a unit brought.

    Args:
        results: Of the messages that were carried out, in their order.
        refusal: Why the next one was not; None when all were.
    """

    results: tuple[PGresult, ...]
    refusal: ServerError | None = None


def ask(
    connection: psycopg.Connection[Any], units: Sequence[Unit], at_once: int = 100
) -> list[Reply]:
    """Send units of messages, and read what each brought.

    Each unit is a transaction of its own, unless it begins one in SQL: that one stays
    open, after an error too, until a later unit ends it.

    Args:
        connection: In autocommit, outside a transaction and a pipeline.
        units: In the order they are carried out in.
        at_once: How many are under way together.

    Raises:
        ConnectionLost: The connection ended, or the exchange was broken off.
    """
    replies: list[Reply] = []
    with connection.lock:
        try:
            for start in range(0, len(units), at_once):
                some = units[start : start + at_once]
                replies += connection.wait(_exchange(connection.pgconn, some))
        except psycopg.Error as error:
            connection.pgconn.finish()
            raise ConnectionLost(one_line(str(error))) from None
        except BaseException:
            # Replies that nobody read are still under way: nothing can follow them.
            connection.pgconn.finish()
            raise
    return replies


def _exchange(
    pgconn: PGconn, units: Sequence[Unit]
) -> Generator[Any, Any, list[Reply]]:
    """Send some units, and read their replies."""
    pgconn.enter_pipeline_mode()
    for unit in units:
        for message in unit:
            message.send(pgconn)
        pgconn.pipeline_sync()
    yield from generators.send(pgconn)
    replies = []
    for unit in units:
        reply = yield from _reply(pgconn, unit)
        replies.append(reply)
    pgconn.exit_pipeline_mode()
    return replies


def _reply(pgconn: PGconn, unit: Unit) -> Generator[Any, Any, Reply]:
    """Read the results of one unit, and the end of it."""
    results: list[PGresult] = []
    refusal: ServerError | None = None
    for _message in unit:
        for result in (yield from generators.fetch_many(pgconn)):
            if result.status == pq.ExecStatus.FATAL_ERROR:
                refusal = _refusal(pgconn, result)
            elif refusal is None:
                results.append(result)
    yield from generators.fetch_many(pgconn)  # the answer to the unit's Sync
    return Reply(tuple(results), refusal)


def _refusal(pgconn: PGconn, result: PGresult) -> ServerError:
    """Read what the server said.

    Raises:
        ConnectionLost: It said that it is going.
    """

    def field(which: Field) -> str | None:
        value = result.error_field(which)
        return None if value is None else value.decode(errors="replace")

    sqlstate, position = field(Field.SQLSTATE), field(Field.STATEMENT_POSITION)
    said = field(Field.MESSAGE_PRIMARY) or one_line(result.get_error_message())
    if pgconn.status == pq.ConnStatus.BAD or (sqlstate or "").startswith(GOING_DOWN):
        raise ConnectionLost(said, sqlstate=sqlstate)
    return ServerError(
        said,
        sqlstate,
        None if position is None else int(position),
        field(Field.MESSAGE_HINT),
        field(Field.MESSAGE_DETAIL),
    )
