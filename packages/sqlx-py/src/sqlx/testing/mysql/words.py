"""How the plugin speaks with MySQL and MariaDB: connections, locks, messages, notes."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from sqlx.databases.mysql import connect as mysql
from sqlx.databases.mysql.session import quoted
from sqlx.databases.reach import Reach
from sqlx.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlx.databases.mysql.connect import Connection, Place

__all__ = [
    "NOTE",
    "ask",
    "ask_all",
    "connect",
    "locked",
    "note",
    "number_of",
    "prepare",
    "read_notes",
    "send",
    "try_lock",
    "unlock",
    "version_of",
]

# A database has no comment on each of the servers. So it is that of a table in it.
NOTE = "_sqlx_note"
CREATE_NOTE = """\
CREATE TABLE IF NOT EXISTS {} (
    number INT PRIMARY KEY,
    kind VARCHAR(16) NOT NULL,
    name VARCHAR(255) NOT NULL,
    text LONGTEXT NOT NULL
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"""
READ_NOTES = """\
SELECT table_schema, table_comment
FROM information_schema.tables
WHERE table_name = %s AND table_comment <> ''
ORDER BY create_time, table_schema"""
# A comment cannot be given as bytes, and how backslashes are read may be set.
PLAIN = "".join(set(map(chr, range(ord(" "), ord("~") + 1))) - set("%'\\"))
IDLE_SECONDS = 2_147_483  # the most that the servers take everywhere
LOCK_SECONDS = 3600  # MariaDB takes a negative time for none
MESSAGE_BYTES = 1 << 19  # half of the smallest `max_allowed_packet` that is usual
BETWEEN = ";\n"
MAY_BE_COMMENT = re.compile(r"(--|#)[^\n]*\Z")


def connect(place: Place, database: str, timeout_seconds: float = 30.0) -> Connection:
    """Connect to a database of a server, or with "" to none, in autocommit.

    Raises:
        ConnectionFailed: It cannot be reached in that time.
    """
    return mysql.connect(place, Reach(timeout_seconds, lambda _: None), database)


def number_of(connection: Any) -> int:  # noqa: ANN401 -- its stubs lack a type.
    """Tell the number that the server has given to a connection."""
    return int(connection.thread_id())


def version_of(connection: Any) -> str:  # noqa: ANN401 -- its stubs lack a type.
    """Name a server and its version, as a person does."""
    told = str(connection.get_server_info()).removeprefix("5.5.5-")
    make = "MariaDB" if "mariadb" in told.lower() else "MySQL"
    return f"{make} {told.partition('-')[0]}"


def prepare(connection: Connection, wait_seconds: int) -> None:
    """Let a connection of ours live, and wait, whatever is set for others.

    Args:
        connection: Ours.
        wait_seconds: How long a statement may wait for somebody's transaction.
    """
    is_mariadb = version_of(connection).startswith("MariaDB")
    longest = "max_statement_time" if is_mariadb else "max_execution_time"
    settings = f"wait_timeout = {IDLE_SECONDS}, lock_wait_timeout = {wait_seconds}"
    send(connection, [f"SET {settings}, {longest} = 0"])


def ask(connection: Connection, sql: str, *params: object) -> list[tuple[Any, ...]]:
    """Send one statement, and give its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        return list(cursor.fetchall())


def ask_all(
    connection: Connection, statements: Iterable[str]
) -> list[list[tuple[Any, ...]]]:
    """Send statements that all have rows, in few messages, and give each one's."""
    found = []
    for message in _messages(statements):
        with connection.cursor() as cursor:
            cursor.execute(message)
            found.append(list(cursor.fetchall()))
            while cursor.nextset():
                found.append(list(cursor.fetchall()))
    return found


def send(connection: Connection, statements: Iterable[str]) -> None:
    """Send statements in few messages."""
    for message in _messages(statements):
        with connection.cursor() as cursor:
            cursor.execute(message)
            while cursor.nextset():
                pass


def _messages(statements: Iterable[str]) -> Iterator[str]:
    """Join statements to messages that each server takes.

    Nothing stands behind what may be a comment.
    """
    group: list[str] = []
    size_bytes = 0
    for statement in statements:
        size_bytes += len(statement.encode()) + len(BETWEEN)
        if group and size_bytes > MESSAGE_BYTES:
            yield BETWEEN.join(group)
            group, size_bytes = [], 0
        group.append(statement)
        if MAY_BE_COMMENT.search(statement):
            yield BETWEEN.join(group)
            group, size_bytes = [], 0
    if group:
        yield BETWEEN.join(group)


def try_lock(connection: Connection, name: str, wait_seconds: int = 0) -> bool:
    """Try to get one of the server's locks, which are this connection's alone.

    Raises:
        DatabaseError: The server cannot tell.
    """
    ((granted,),) = ask(connection, "SELECT GET_LOCK(%s, %s)", name, wait_seconds)
    if granted is None:
        raise DatabaseError(f"GET_LOCK({name!r}) failed")
    return bool(granted)


def unlock(connection: Connection, name: str) -> None:
    """Give a lock back, unless the connection is lost, and the lock with it."""
    if connection.open:
        ask(connection, "SELECT RELEASE_LOCK(%s)", name)


@contextmanager
def locked(connection: Connection, name: str) -> Iterator[None]:
    """Hold a lock; who comes later waits."""
    while not try_lock(connection, name, LOCK_SECONDS):
        pass
    try:
        yield
    finally:
        unlock(connection, name)


def note(connection: Connection, database: str, text: str) -> None:
    """Write a comment on a database, in place of an earlier one.

    Comments have no more than the first plane of Unicode, and tests have any name.
    """
    table = f"{quoted(database)}.{NOTE}"
    comment = quote(text, safe=PLAIN)
    alter = f"ALTER TABLE {table} COMMENT = '{comment}'"
    send(connection, [CREATE_NOTE.format(table), alter])


def read_notes(connection: Connection) -> dict[str, str]:
    """Read the comments on all databases, the oldest first."""
    found = ask(connection, READ_NOTES, NOTE)
    return {database: unquote(comment) for database, comment in found}
