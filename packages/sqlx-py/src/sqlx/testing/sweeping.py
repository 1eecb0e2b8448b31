"""Drop what dead processes have left on a server, and nothing of a living one's.

A process lives as long as it holds the lock on its number. Whoever gets that lock may
drop the databases with the number in their names, except those that are kept; and even
these only while nobody is connected. What a list tells may be over when the lock is
held, so the list is made again then: a process that was just ending may have kept one.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlx.testing.names import (
    KEPT,
    MAKING,
    SESSIONS,
    TEMPLATES,
    TestName,
    is_template,
    literal,
    lock_key,
    quoted,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    import psycopg

    Connection: TypeAlias = psycopg.Connection[Any]

__all__ = ["Found", "drop", "drop_all", "drop_kept", "drop_own", "find", "sweep"]

MOST_KEPT = 50
MOST_TEMPLATES = 10
UNUSED_DAYS = 14
DAY_SECONDS = 86_400
# The server itself looks again for somebody who is just leaving after 0.1 s.
LEAVE_SECONDS, LEAVE_PAUSE_SECONDS = 0.1, 0.002

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


@dataclass(frozen=True, slots=True)
class Found:
    """A database of ours on the server.

    Args:
        name: Its name.
        comment: What its owner says of it.
        in_use: Whether somebody is connected.
        prepared: A transaction that was prepared in it, and is not ended.
    """

    name: str
    comment: str
    in_use: bool
    prepared: str | None = None

    @property
    def session(self) -> int | None:
        """The number of the process that made it for a test; None for a template."""
        parsed = TestName.parse(self.name)
        return None if parsed is None else parsed.session

    @property
    def kept_for(self) -> str:
        """The test that it is kept for; empty when it is not."""
        is_kept = self.comment.startswith(KEPT)
        return self.comment.removeprefix(KEPT) if is_kept else ""

    @property
    def last_used(self) -> str:
        """The day on which a template was last used; empty when it is not complete."""
        return self.comment.partition(" used ")[2].partition(" ")[0]


def find(connection: Connection) -> list[Found]:
    """List the databases that are ours, the oldest first."""
    found = [Found(*row) for row in connection.execute(FIND)]
    return [f for f in found if f.session is not None or is_template(f.name)]


def sweep(connection: Connection, own: int) -> list[str]:
    """Drop what dead processes have left; of what they kept, the newest stay.

    Args:
        connection: To the server's maintenance database.
        own: The number of this process, whose databases are left alone.

    Returns:
        What the server refuses.
    """
    found = find(connection)
    too_old = [f.name for f in found if f.kept_for][:-MOST_KEPT]
    left = [f for f in found if f.name in too_old or not f.kept_for]
    problems = _drop_of_dead(connection, left, {own}, too_old)
    oldest_seconds = time.time() - UNUSED_DAYS * DAY_SECONDS
    limit = time.strftime("%Y-%m-%d", time.localtime(oldest_seconds))
    templates = [f for f in found if f.session is None]
    templates.sort(key=lambda f: f.last_used)
    for index, template in enumerate(templates):
        if template.last_used < limit or index < len(templates) - MOST_TEMPLATES:
            problems += _drop_template(connection, template)
    return problems


def drop(connection: Connection, name: str, *, force: bool = False) -> list[str]:
    """Drop a database, with whoever is connected or only without.

    Returns:
        What the server refuses; not that somebody is connected, who may be.
    """
    import psycopg

    how = " WITH (FORCE)" if force else ""
    try:
        connection.execute(f"DROP DATABASE IF EXISTS {quoted(name)}{how}".encode())
    except psycopg.errors.QueryCanceled:
        raise  # It hangs, and so would the next one.
    except psycopg.Error as error:
        if connection.closed:
            raise
        visited = {f.name for f in find(connection) if f.in_use}
        return [] if name in visited and not force else [" ".join(str(error).split())]
    return []


def drop_own(connection: Connection, own: int) -> list[str]:
    """Drop what this process has made and not kept, with whoever is connected.

    Returns:
        What the server refuses.
    """
    latest = time.monotonic() + LEAVE_SECONDS
    while True:
        ours = [f for f in find(connection) if f.session == own and not f.kept_for]
        if time.monotonic() > latest or not any(f.in_use for f in ours):
            return [text for f in ours for text in drop(connection, f.name, force=True)]
        time.sleep(LEAVE_PAUSE_SECONDS)


def drop_kept(connection: Connection, names: Collection[str], own: int) -> list[str]:
    """Drop what was kept, unless its process lives, and is not this one.

    Returns:
        What the server refuses.
    """
    found = [f for f in find(connection) if f.name in names]
    ours = [f for f in found if f.session == own]
    problems = [text for f in ours for text in _drop_unused(connection, f)]
    return problems + _drop_of_dead(connection, found, {own}, names)


def drop_all(connection: Connection) -> list[str]:
    """Drop all that no living process uses: templates, kept databases, leavings.

    Returns:
        What the server refuses.
    """
    found = find(connection)
    problems = _drop_of_dead(connection, found, set(), {f.name for f in found})
    for template in found:
        if template.session is None:
            problems += _drop_template(connection, template)
    return problems


def _drop_of_dead(
    connection: Connection,
    found: Iterable[Found],
    living: set[int],
    unwanted: Collection[str],
) -> list[str]:
    """Drop databases of processes that do not live; of those kept, the unwanted."""
    problems: list[str] = []
    names = {f.name for f in found}
    sessions = {f.session for f in found if f.session is not None}
    for session in sorted(sessions - living):
        with _alone(connection, (SESSIONS, session)) as is_dead:
            for f in find(connection) if is_dead else ():
                wanted = f.kept_for and f.name not in unwanted
                if f.session == session and f.name in names and not wanted:
                    problems += _drop_unused(connection, f)
    return problems


def _drop_unused(connection: Connection, found: Found) -> list[str]:
    """Drop a database unless it is held: the server would wait for seconds then."""
    if found.in_use:
        return []
    if found.prepared is not None:
        end = f"ROLLBACK PREPARED {literal(found.prepared)}"
        return [f"{found.name} has a prepared transaction; to end it, {end} in it"]
    return drop(connection, found.name)


def _drop_template(connection: Connection, template: Found) -> list[str]:
    """Drop a template unless somebody uses it or makes it, or has used it since."""
    name, key = template.name, lock_key(template.name)
    with (
        _alone(connection, (MAKING, key)) as nobody_makes,
        _alone(connection, (TEMPLATES, key)) as nobody_clones,
    ):
        is_unused = nobody_makes and nobody_clones and not template.in_use
        if not (is_unused and template in find(connection)):
            return []
        alter = f"ALTER DATABASE {quoted(name)} IS_TEMPLATE false"
        connection.execute(alter.encode())
        return drop(connection, name)


@contextmanager
def _alone(connection: Connection, lock: tuple[int, int]) -> Iterator[bool]:
    """Try to hold a lock, and tell whether it is held."""
    granted = connection.execute(TRY_LOCK, lock).fetchone() == (True,)
    try:
        yield granted
    finally:
        if granted and not connection.closed:
            connection.execute(UNLOCK, lock)
