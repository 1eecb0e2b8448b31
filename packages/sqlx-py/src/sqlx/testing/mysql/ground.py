"""A server of MySQL or MariaDB, as the sweepers see it."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pymysql

from sqlx.databases.mysql.driver import said
from sqlx.databases.mysql.session import quoted
from sqlx.testing.mysql.words import ask, note, read_notes, try_lock, unlock
from sqlx.testing.names import TestName, is_template
from sqlx.testing.sweeping import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.databases.mysql.connect import Connection

__all__ = ["MySqlGround", "session_locks"]

FIND = """\
SELECT schema_name FROM information_schema.schemata
WHERE schema_name LIKE '|_sqlx|_te%' ESCAPE '|' ORDER BY schema_name"""
WAITED_TOO_LONG = 1205
ATTEMPTS = 3


class MySqlGround:
    """The databases that our user can see.

    Args:
        connection: Beside any database, in autocommit.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self) -> list[Found]:
        """List the databases that are ours, those with a comment by their age."""
        found = [name for (name,) in ask(self._connection, FIND)]
        comments = read_notes(self._connection)
        visited = {database for _, database in self._visitors()}
        ages = {name: age for age, name in enumerate(comments)}
        return [
            Found(name, comments.get(name, ""), name in visited)
            for name in sorted(found, key=lambda name: ages.get(name, -1))
            if TestName.parse(name) or is_template(name)
        ]

    def drop(self, name: str, *, force: bool = False) -> list[str]:
        """Drop a database, with whoever is connected or only without.

        Who is connected is in nobody's way, unless he is in a transaction.

        Returns:
            What the server refuses; not that somebody is connected, who may be.
        """
        for _ in range(ATTEMPTS):
            try:
                ask(self._connection, f"DROP DATABASE IF EXISTS {quoted(name)}")
            except pymysql.MySQLError as error:
                code, message = said(error)
                if not self._connection.open:
                    raise
                if code != WAITED_TOO_LONG:
                    return [f"{name}: {message}"]
                if not force:
                    break
                self._end_visitors(name)
            else:
                return []
        return [f"{name}: a transaction holds one of its tables"]

    def drop_template(self, name: str) -> list[str]:
        """Drop a template that nobody uses.

        Returns:
            What the server refuses.
        """
        return self.drop(name)

    def note(self, name: str, text: str) -> None:
        """Write a comment on a database."""
        note(self._connection, name, text)

    @contextmanager
    def without_session(self, number: int) -> Iterator[bool]:
        """Try to hold what a living process holds, and tell whether it is held."""
        holder, maker = session_locks(number)
        with self._alone(holder) as nobody_holds, self._alone(maker) as nobody_makes:
            yield nobody_holds and nobody_makes

    @contextmanager
    def without_users(self, template: str) -> Iterator[bool]:
        """Try to hold what users and makers of a template hold, and tell so."""
        with self._alone(template) as is_unused:
            yield is_unused

    @contextmanager
    def _alone(self, lock: str) -> Iterator[bool]:
        granted = try_lock(self._connection, lock)
        try:
            yield granted
        finally:
            if granted:
                unlock(self._connection, lock)

    def _visitors(self) -> list[tuple[int, str]]:
        """List the connections that we may know of, and their databases."""
        listed = ask(self._connection, "SHOW PROCESSLIST")
        return [(number, database) for number, _, _, database, *_ in listed]

    def _end_visitors(self, name: str) -> None:
        for number, database in self._visitors():
            if database == name:
                with suppress(pymysql.MySQLError):  # It ends by itself.
                    ask(self._connection, f"KILL {number}")


def session_locks(number: int) -> tuple[str, str]:
    """Name the locks by which a process shows that it lives, one for a connection."""
    return f"_sqlx_test_{number:08x}", f"_sqlx_test_{number:08x}_maker"
