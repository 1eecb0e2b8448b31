"""A PostgreSQL server, as the sweepers see it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg

from sqlx.testing.names import is_template
from sqlx.testing.postgres.words import (
    MAKING,
    SESSIONS,
    TEMPLATES,
    literal,
    lock_key,
    quoted,
)
from sqlx.testing.sweeping import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    Connection: TypeAlias = psycopg.Connection[Any]

__all__ = ["PostgresGround"]

FIND = r"""
SELECT datname, coalesce(pg_catalog.shobj_description(oid, 'pg_database'), ''),
       EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a WHERE a.datid = d.oid),
       (SELECT min(gid) FROM pg_catalog.pg_prepared_xacts WHERE database = datname)
FROM pg_catalog.pg_database AS d
WHERE datname ~ '^_sqlx_(test|template)_'
  AND datdba = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
ORDER BY oid"""
TRY_LOCK = "SELECT pg_try_advisory_lock(%s, %s)"
UNLOCK = "SELECT pg_advisory_unlock(%s, %s)"
PREPARED = "has a prepared transaction; to end it, ROLLBACK PREPARED {} in it"


class PostgresGround:
    """The databases of our user.

    Args:
        connection: To the server's maintenance database, in autocommit.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self) -> list[Found]:
        """List the databases that are ours, the oldest first."""
        found = [_found(*row) for row in self._connection.execute(FIND)]
        return [f for f in found if f.session is not None or is_template(f.name)]

    def drop(self, name: str, *, force: bool = False) -> list[str]:
        """Drop a database, with whoever is connected or only without.

        Returns:
            What the server refuses; not that somebody is connected, who may be.
        """
        how = " WITH (FORCE)" if force else ""
        text = f"DROP DATABASE IF EXISTS {quoted(name)}{how}"
        try:
            self._connection.execute(text.encode())
        except psycopg.errors.QueryCanceled:
            raise  # It hangs, and so would the next one.
        except psycopg.Error as error:
            if self._connection.closed:
                raise
            visited = {f.name for f in self.find() if f.in_use}
            is_visited = name in visited and not force
            return [] if is_visited else [" ".join(str(error).split())]
        return []

    def drop_template(self, name: str) -> list[str]:
        """Drop a template that nobody uses.

        Returns:
            What the server refuses.
        """
        alter = f"ALTER DATABASE {quoted(name)} IS_TEMPLATE false"
        self._connection.execute(alter.encode())
        return self.drop(name)

    def note(self, name: str, text: str) -> None:
        """Write a comment on a database."""
        statement = f"COMMENT ON DATABASE {quoted(name)} IS {literal(text)}"
        self._connection.execute(statement.encode())

    @contextmanager
    def without_session(self, number: int) -> Iterator[bool]:
        """Try to hold what a living process holds, and tell whether it is held."""
        with self._alone(SESSIONS, number) as is_dead:
            yield is_dead

    @contextmanager
    def without_users(self, template: str) -> Iterator[bool]:
        """Try to hold what users and makers of a template hold, and tell so."""
        key = lock_key(template)
        with (
            self._alone(MAKING, key) as nobody_makes,
            self._alone(TEMPLATES, key) as nobody_clones,
        ):
            yield nobody_makes and nobody_clones

    @contextmanager
    def _alone(self, *lock: int) -> Iterator[bool]:
        granted = self._connection.execute(TRY_LOCK, lock).fetchone() == (True,)
        try:
            yield granted
        finally:
            if granted and not self._connection.closed:
                self._connection.execute(UNLOCK, lock)


def _found(name: str, comment: str, in_use: bool, prepared: str | None) -> Found:  # noqa: FBT001 -- a row.
    obstacle = "" if prepared is None else PREPARED.format(literal(prepared))
    return Found(name, comment, in_use, obstacle)
