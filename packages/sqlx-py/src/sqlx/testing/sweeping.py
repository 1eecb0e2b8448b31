"""Drop what dead processes have left on a server, and nothing of a living one's.

A process lives as long as it holds the lock on its number. Whoever gets that lock may
drop the databases with the number in their names, except those that are kept; and even
these only while nobody is connected.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlx.testing.names import (
    KEPT,
    MAKING,
    SESSIONS,
    TEMPLATES,
    TestName,
    lock_key,
    quoted,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import psycopg

    Connection: TypeAlias = psycopg.Connection[Any]

__all__ = ["Found", "drop_all", "find", "sweep"]

MOST_KEPT = 50
MOST_TEMPLATES = 10
UNUSED_DAYS = 14
DAY_SECONDS = 86_400

FIND = r"""
SELECT datname, coalesce(pg_catalog.shobj_description(oid, 'pg_database'), ''),
       EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a WHERE a.datid = d.oid)
FROM pg_catalog.pg_database AS d
WHERE datname ~ '^_sqlx_(test|template)_'
  AND datdba = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
ORDER BY oid"""
TRY_LOCK = "SELECT pg_try_advisory_lock(%s, %s)"
UNLOCK = "SELECT pg_advisory_unlock(%s, %s)"


@dataclass(frozen=True, slots=True)
class Found:
    """A database of ours on the server.

    Args:
        name: Its name.
        comment: What its owner says of it.
        in_use: Whether somebody is connected.
    """

    name: str
    comment: str
    in_use: bool

    @property
    def session(self) -> int:
        """The number of the process that has made it for a test; -1 for a template."""
        parsed = TestName.parse(self.name)
        return -1 if parsed is None else parsed.session

    @property
    def kept_for(self) -> str:
        """The test that it is kept for; empty when it is not."""
        is_kept = self.comment.startswith(KEPT)
        return self.comment.removeprefix(KEPT) if is_kept else ""


def find(connection: Connection) -> list[Found]:
    """List the databases that are ours, the oldest first."""
    return [Found(*row) for row in connection.execute(FIND)]


def sweep(connection: Connection, own: int, using: Collection[str]) -> None:
    """Drop what dead processes have left; of what they kept, the newest stay.

    Args:
        connection: To the server's maintenance database; it holds this process's locks.
        own: The number of this process.
        using: The names of its templates.
    """
    found = find(connection)
    too_old = {f.name for f in [f for f in found if f.kept_for][:-MOST_KEPT]}
    left = [f for f in found if f.session not in {-1, own}]
    unwanted = [f for f in left if not f.kept_for or f.name in too_old]
    _drop_of_dead(connection, unwanted)
    templates = [f for f in found if f.session == -1 and f.name not in using]
    newest = sorted(templates, key=_last_used)[-MOST_TEMPLATES:]
    limit = time.strftime(
        "%Y-%m-%d", time.localtime(time.time() - UNUSED_DAYS * DAY_SECONDS)
    )
    for template in templates:
        if template not in newest or _last_used(template) < limit:
            _drop_template(connection, template)


def drop_all(connection: Connection) -> list[str]:
    """Drop all that no living process uses: templates, kept databases, leavings.

    Returns:
        The names of the templates that are in use, and so are still there.
    """
    found = find(connection)
    _drop_of_dead(connection, [f for f in found if f.session != -1])
    templates = [f for f in found if f.session == -1]
    return [f.name for f in templates if not _drop_template(connection, f)]


def _drop_of_dead(connection: Connection, found: Sequence[Found]) -> None:
    by_session = sorted(found, key=lambda f: f.session)
    for session, theirs in groupby(by_session, key=lambda f: f.session):
        with _alone(connection, (SESSIONS, session)) as is_dead:
            for database in theirs if is_dead else ():
                if not database.in_use:
                    drop = f"DROP DATABASE IF EXISTS {quoted(database.name)}"
                    connection.execute(drop.encode())


def _drop_template(connection: Connection, template: Found) -> bool:
    """Drop a template unless somebody uses it or makes it."""
    key, name = lock_key(template.name), quoted(template.name)
    with (
        _alone(connection, (MAKING, key)) as nobody_makes,
        _alone(connection, (TEMPLATES, key)) as nobody_clones,
    ):
        if not (nobody_makes and nobody_clones):
            return False
        if (template.name,) in connection.execute(
            "SELECT datname FROM pg_catalog.pg_database"
        ).fetchall():
            connection.execute(f"ALTER DATABASE {name} IS_TEMPLATE false".encode())
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        return True


def _last_used(template: Found) -> str:
    return template.comment.partition(" used ")[2].partition(" ")[0]


@contextmanager
def _alone(connection: Connection, lock: tuple[int, int]) -> Iterator[bool]:
    """Try to hold a lock, and tell whether it is held."""
    granted = connection.execute(TRY_LOCK, lock).fetchone() == (True,)
    try:
        yield granted
    finally:
        if granted and not connection.closed:
            connection.execute(UNLOCK, lock)
