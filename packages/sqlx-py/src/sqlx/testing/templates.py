"""Template databases: made once for a digest of migrations, sealed, and then cloned.

A template is complete when it is sealed: nobody may connect to it. Until then it is
nobody's but its maker's, who holds a lock; what a killed maker leaves is made anew.

How it is cloned is measured when it is made, for it depends on the disk. PostgreSQL
copies the files (`FILE_COPY`; version 18 by reflinks, where there are any) or writes
every page into its log (`WAL_LOG`). The choice stands in the template's comment.
"""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from sqlx.testing.names import MAKING, TEMPLATES, lock_key, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    Connection: TypeAlias = psycopg.Connection[Any]

__all__ = [
    "EMPTY",
    "Copying",
    "Maker",
    "Template",
    "clone",
    "open_template",
    "template_name",
]

FIRST_WITH_STRATEGY, FIRST_WITH_METHOD = 150000, 180000
SLOWER = 1.5  # a way that takes so many times the best one's time is not tried again
GONE_PAUSE_SECONDS = 0.002
GONE_SECONDS = 5.0  # as long as the server itself waits

SEALED = "IS_TEMPLATE true ALLOW_CONNECTIONS false"
STARTED = "SELECT extract(epoch FROM pg_catalog.pg_postmaster_start_time())::bigint"
# While a template is refreshed, connections are allowed; it is a template all the same.
STATE = """\
SELECT datistemplate,
       coalesce(pg_catalog.shobj_description(oid, 'pg_database'), '')
FROM pg_catalog.pg_database WHERE datname = %s"""
USERS = "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datname = %s"
# What belongs to a database and yet lies outside of it, so that a clone lacks it.
SETTINGS = """\
SELECT rolname, split_part(setting, '=', 1),
       substr(setting, strpos(setting, '=') + 1)
FROM pg_catalog.pg_db_role_setting
CROSS JOIN LATERAL unnest(setconfig) AS setting
LEFT JOIN pg_catalog.pg_roles ON pg_roles.oid = setrole
WHERE setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = %s)"""
GRANTS = """\
SELECT coalesce(quote_ident(rolname), 'PUBLIC'), privilege_type, is_grantable
FROM pg_catalog.pg_database
CROSS JOIN LATERAL pg_catalog.aclexplode(datacl) AS acl
LEFT JOIN pg_catalog.pg_roles ON pg_roles.oid = grantee
WHERE datname = %s AND grantee <> datdba"""
HAS_GRANTS = "SELECT datacl IS NOT NULL FROM pg_catalog.pg_database WHERE datname = %s"


class Maker(Protocol):
    """Does for a template what needs other connections."""

    def migrate(self, name: str) -> None:
        """Apply the migrations to a database."""

    def visit(self, name: str) -> None:
        """Connect to a database, and leave it."""

    def try_clone(self, template: Template) -> None:
        """Make a clone, which may be used."""


@dataclass(frozen=True, slots=True)
class Copying:
    """One way to clone a database.

    Args:
        strategy: PostgreSQL's `STRATEGY`; empty where there is no choice.
        method: Its `file_copy_method`; empty for what is set.
    """

    strategy: str = ""
    method: str = ""

    @property
    def text(self) -> str:
        """The two, as a template's comment says them."""
        return f"{self.strategy}/{self.method}"

    @classmethod
    def ways(cls, server_version: int) -> tuple[Copying, ...]:
        """List what a server can do."""
        if server_version < FIRST_WITH_STRATEGY:
            return (cls(),)
        ways = cls("FILE_COPY"), cls("WAL_LOG")
        if server_version < FIRST_WITH_METHOD:
            return ways
        return (cls("FILE_COPY", "clone"), cls("FILE_COPY", "copy"), ways[1])


@dataclass(frozen=True, slots=True)
class Template:
    """A database that tests get copies of.

    Args:
        name: Its name.
        copying: How it is cloned.
        settings: Role (None for all), name and value of what `ALTER DATABASE … SET`
            has set in it.
        grants: Grantee, privilege and grant option of what is granted on it; None when
            nobody has changed what a database begins with.
    """

    name: str
    copying: Copying = Copying()
    settings: tuple[tuple[str | None, str, str], ...] = ()
    grants: tuple[tuple[str, str, bool], ...] | None = None


# For a test without migrations; it is what `CREATE DATABASE` copies by itself.
EMPTY = Template("template1")


def template_name(digest: str, owner: int) -> str:
    """Name the template of a digest; who owns it owns what the migrations have made."""
    return f"_sqlx_template_{digest[:16]}_{owner}"


def open_template(connection: Connection, name: str, maker: Maker) -> Template:
    """Find a template, or make it; nobody drops it while the connection lives.

    Args:
        connection: To the server's maintenance database.
        name: The template's.
        maker: Makes what is missing.

    Raises:
        MigrationError: A migration fails.
        psycopg.Error: The server refuses something.
    """
    key = lock_key(name)
    connection.execute("SELECT pg_advisory_lock_shared(%s, %s)", (TEMPLATES, key))
    note = _note(connection, name)
    if not _is_current(connection, note):
        with _making(connection, key):
            note = _note(connection, name)
            if note is None:
                _make(connection, name, maker)
            if not _is_current(connection, note):
                _refresh(connection, name, maker)
                note = _note(connection, name)
    return _template(connection, name, note or "")


def clone(connection: Connection, template: Template, name: str) -> None:
    """Copy a template, with what belongs to it and lies outside of it."""
    copying, target = template.copying, quoted(name)
    if copying.method:
        connection.execute(f"SET file_copy_method = '{copying.method}'".encode())
    strategy = f" STRATEGY {copying.strategy}" if copying.strategy else ""
    source = quoted(template.name)
    connection.execute(f"CREATE DATABASE {target} TEMPLATE {source}{strategy}".encode())
    for role, setting, value in template.settings:
        whose = f"ROLE {quoted(role)} IN DATABASE" if role else "DATABASE"
        # What is a list needs no quoting this way.
        connection.execute("SELECT set_config(%s, %s, false)", (setting, value))
        connection.execute(
            f"ALTER {whose} {target} SET {setting} FROM CURRENT;"
            f"RESET {setting}".encode()
        )
    if template.grants is not None:
        connection.execute(f"REVOKE ALL ON DATABASE {target} FROM PUBLIC".encode())
    for grantee, privilege, grantable in template.grants or ():
        option = " WITH GRANT OPTION" if grantable else ""
        connection.execute(
            f"GRANT {privilege} ON DATABASE {target} TO {grantee}{option}".encode()
        )


@contextmanager
def _making(connection: Connection, key: int) -> Iterator[None]:
    """Let one process make a template, while the others wait for it."""
    connection.execute("SELECT pg_advisory_lock(%s, %s)", (MAKING, key))
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s, %s)", (MAKING, key))


def _make(connection: Connection, name: str, maker: Maker) -> None:
    target = quoted(name)
    drop = f"DROP DATABASE IF EXISTS {target} WITH (FORCE)".encode()
    connection.execute(drop)
    connection.execute(f"CREATE DATABASE {target}".encode())
    try:
        maker.migrate(name)
        _await_gone(connection, name)
        copying = _fastest(connection, name, maker)
        connection.execute(f"COMMENT ON DATABASE {target} IS '{copying.text}'".encode())
        connection.execute(f"ALTER DATABASE {target} {SEALED}".encode())
    except BaseException:
        if not connection.closed:
            connection.execute(drop)
        raise


def _refresh(connection: Connection, name: str, maker: Maker) -> None:
    """Let a server that has started anew cache the template's catalogs in a file.

    The file is copied then: the first connection to a clone takes half the time. The
    comment says for which start of the server that was done, and on which day: old
    templates are dropped.
    """
    target = quoted(name)
    connection.execute(f"ALTER DATABASE {target} ALLOW_CONNECTIONS true".encode())
    try:
        maker.visit(name)
        _await_gone(connection, name)
    finally:
        connection.execute(f"ALTER DATABASE {target} ALLOW_CONNECTIONS false".encode())
    way = (_note(connection, name) or "").partition(" ")[0]
    comment = f"{way} used {_today()} since {_started(connection)}"
    connection.execute(f"COMMENT ON DATABASE {target} IS '{comment}'".encode())


def _is_current(connection: Connection, note: str | None) -> bool:
    ending = f" used {_today()} since {_started(connection)}"
    return note is not None and note.endswith(ending)


def _started(connection: Connection) -> int:
    row = connection.execute(STARTED).fetchone()
    return 0 if row is None else int(row[0])


def _today() -> str:
    return time.strftime("%Y-%m-%d")


def _await_gone(connection: Connection, name: str) -> None:
    """Wait until a session that was closed is gone: a clone would wait longer."""
    latest = time.monotonic() + GONE_SECONDS
    while connection.execute(USERS, (name,)).fetchone() != (0,):
        if time.monotonic() > latest:
            return  # Somebody stays; the server will say who may not.
        time.sleep(GONE_PAUSE_SECONDS)


def _fastest(connection: Connection, name: str, maker: Maker) -> Copying:
    """Measure the ways to clone a template; the clones are not wasted."""
    left = Copying.ways(connection.info.server_version)
    if len(left) == 1:
        return left[0]
    took: dict[Copying, float] = {}
    for _ in range(2):
        for copying in left:
            begun = time.perf_counter()
            if _tried(maker, Template(name, copying)):
                elapsed = time.perf_counter() - begun
                took[copying] = min(elapsed, took.get(copying, elapsed))
        best = min(took.values())
        left = tuple(way for way, seconds in took.items() if seconds < best * SLOWER)
    return min(took, key=took.__getitem__)


def _tried(maker: Maker, template: Template) -> bool:
    """Tell whether a server can clone so: not each one has reflinks."""
    import psycopg

    try:
        maker.try_clone(template)
    except psycopg.Error:
        if template.copying.method != "clone":
            raise
        return False
    return True


def _note(connection: Connection, name: str) -> str | None:
    """Read the comment of a template that is complete; None when there is none."""
    row = connection.execute(STATE, (name,)).fetchone()
    return str(row[1]) if row is not None and row[0] else None


def _template(connection: Connection, name: str, note: str) -> Template:
    found = re.match(r"(\w*)/(\w*)", note)
    copying = Copying(*found.groups()) if found else Copying()
    changed = connection.execute(HAS_GRANTS, (name,)).fetchone() == (True,)
    return Template(
        name,
        copying,
        tuple(connection.execute(SETTINGS, (name,))),
        tuple(connection.execute(GRANTS, (name,))) if changed else None,
    )
