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
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from sqlx.testing.postgres.words import (
    MAKING,
    TEMPLATES,
    literal,
    lock_key,
    quoted,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    Connection: TypeAlias = psycopg.Connection[Any]

__all__ = ["Cloner", "Copying", "Maker", "Template", "open_template"]

FIRST_WITH_STRATEGY, FIRST_WITH_METHOD = 150000, 180000
SLOWER = 1.5  # a way that takes so many times the best one's time is not tried again
GONE_PAUSE_SECONDS = 0.002
LEAVE_SECONDS = 1.0  # for who is in a template; then their sessions are ended
GONE_SECONDS = 5.0  # as long as the server itself waits

# While a template is refreshed, connections are allowed; it is a template all the same.
STATE = """\
SELECT coalesce(pg_catalog.shobj_description(oid, 'pg_database'), ''),
       (extract(epoch FROM pg_catalog.pg_postmaster_start_time()) * 1e6)::bigint,
       datconnlimit, datacl IS NOT NULL
FROM pg_catalog.pg_database WHERE datname = %s AND datistemplate"""
# The server itself sends autovacuum away.
USERS = """\
SELECT count(*) FROM pg_catalog.pg_stat_activity
WHERE datname = %s AND backend_type <> 'autovacuum worker'"""
END_USERS = """\
SELECT pg_catalog.pg_terminate_backend(pid)
FROM pg_catalog.pg_stat_activity WHERE datname = %s"""
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
WHERE datname = %s"""
# Settings whose value is a list of quoted names.
# Source: PostgreSQL 18, src/bin/pg_dump/dumputils.c, variable_is_guc_list_quote.
LISTS = frozenset(
    {
        "local_preload_libraries",
        "search_path",
        "session_preload_libraries",
        "shared_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    }
)
LISTED = re.compile(r'"((?:[^"]|"")*)"|([^\s,"]+)')


class Maker(Protocol):
    """Does for a template what needs other connections."""

    def migrate(self, name: str) -> None:
        """Apply the migrations to a database."""

    def visit(self, name: str) -> None:
        """Connect to a database, if that can be done, and leave it."""

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
    def parse(cls, text: str) -> Copying:
        """Read what `text` has written."""
        strategy, _, method = text.partition("/")
        return cls(strategy, method)

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
        limit: How many connections it allows; -1 for any number.
        settings: Role (None for all), name and value of what `ALTER DATABASE … SET`
            has set in it.
        grants: Grantee, privilege and grant option of what is granted on it; None when
            nobody has changed what a database begins with.
    """

    name: str
    copying: Copying = Copying()
    limit: int = -1
    settings: tuple[tuple[str | None, str, str], ...] = ()
    grants: tuple[tuple[str, str, bool], ...] | None = None

    def create(self, name: str) -> str:
        """Write the statement that copies it."""
        strategy = f" STRATEGY {self.copying.strategy}" if self.copying.strategy else ""
        limit = "" if self.limit < 0 else f" CONNECTION LIMIT {self.limit}"
        source = quoted(self.name)
        return f"CREATE DATABASE {quoted(name)} TEMPLATE {source}{strategy}{limit}"

    def complete(self, name: str) -> str:
        """Write the statements that add to a copy what lies outside; often none."""
        target = quoted(name)
        lines = []
        for role, setting, value in self.settings:
            whose = f"ROLE {quoted(role)} IN DATABASE" if role else "DATABASE"
            lines.append(f"ALTER {whose} {target} SET {_setting(setting, value)}")
        if self.grants is not None:
            lines.append(f"REVOKE ALL ON DATABASE {target} FROM PUBLIC, CURRENT_USER")
        for grantee, privilege, grantable in self.grants or ():
            option = " WITH GRANT OPTION" if grantable else ""
            lines.append(f"GRANT {privilege} ON DATABASE {target} TO {grantee}{option}")
        return "; ".join(lines)


@dataclass(slots=True)
class Cloner:
    """Clones templates on one connection: by one statement, as a rule.

    Args:
        connection: To the server's maintenance database, in autocommit.
        method: The `file_copy_method` that we have set in it; empty for none.
    """

    connection: Connection
    method: str = field(default="", init=False)

    def clone(self, template: Template, name: str) -> None:
        """Copy a template, with what belongs to it and lies outside of it."""
        method = template.copying.method
        if method and method != self.method:
            self.connection.execute(f"SET file_copy_method = {method}".encode())
            self.method = method
        self.connection.execute(template.create(name).encode())
        if rest := template.complete(name):
            self.connection.execute(rest.encode())


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
    state = _State.of(connection, name)
    if state is None or not state.is_current:
        with _making(connection, key):
            state = _made(connection, name, maker)
    return Template(
        name,
        state.copying,
        state.limit,
        tuple(connection.execute(SETTINGS, (name,))),
        tuple(connection.execute(GRANTS, (name,))) if state.has_grants else None,
    )


@dataclass(frozen=True, slots=True)
class _State:
    """What a server tells of a template that is complete.

    Args:
        note: Its comment: how it is cloned, on which day it was last used, and for
            which start of the server its catalogs are cached.
        started: When the server was started, in microseconds.
        limit: How many connections it allows.
        has_grants: Whether privileges on it have been changed.
    """

    note: str
    started: int
    limit: int
    has_grants: bool

    @classmethod
    def of(cls, connection: Connection, name: str) -> _State | None:
        """Look for a template; None when there is none that is complete."""
        row = connection.execute(STATE, (name,)).fetchone()
        return None if row is None else cls(*row)

    @property
    def copying(self) -> Copying:
        """How it is cloned."""
        return Copying.parse(self.note.partition(" ")[0])

    @property
    def is_cached(self) -> bool:
        """Whether the server's catalogs are cached in it since the last start."""
        return self.note.endswith(f" since {self.started}")

    @property
    def is_current(self) -> bool:
        """Whether nothing is to be done before it is used."""
        return self.note == self.current_note

    @property
    def current_note(self) -> str:
        """Its comment, were it brought up to date now."""
        day = time.strftime("%Y-%m-%d")
        return f"{self.copying.text} used {day} since {self.started}"


@contextmanager
def _making(connection: Connection, key: int) -> Iterator[None]:
    """Let one process make a template, while the others wait for it."""
    connection.execute("SELECT pg_advisory_lock(%s, %s)", (MAKING, key))
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s, %s)", (MAKING, key))


def _made(connection: Connection, name: str, maker: Maker) -> _State:
    """Make a template unless another process has, and bring it up to date."""
    state = _State.of(connection, name)
    if state is None:
        _make(connection, name, maker)
        state = _State.of(connection, name)
        assert state is not None  # noqa: S101 -- nobody drops it: we hold locks.
    elif not state.is_cached:
        _refresh(connection, name, maker)
    if not state.is_current:
        note = literal(state.current_note)
        connection.execute(f"COMMENT ON DATABASE {quoted(name)} IS {note}".encode())
    return state


def _make(connection: Connection, name: str, maker: Maker) -> None:
    """Make a template; what has its name was left by somebody who was killed."""
    target = quoted(name)
    drop = f"DROP DATABASE IF EXISTS {target} WITH (FORCE)"
    connection.execute(drop.encode())
    connection.execute(f"CREATE DATABASE {target}".encode())
    try:
        maker.migrate(name)
        maker.visit(name)
        _seal(connection, name)
        note = literal(_fastest(connection, name, maker).text)
        connection.execute(f"COMMENT ON DATABASE {target} IS {note}".encode())
        connection.execute(f"ALTER DATABASE {target} IS_TEMPLATE true".encode())
    except BaseException as error:
        _undo(connection, drop, error)
        raise


def _undo(connection: Connection, drop: str, error: BaseException) -> None:
    """Drop what has failed; that this fails too is a note to the error."""
    import psycopg

    try:
        connection.execute(drop.encode())
    except psycopg.Error as second:
        error.add_note(f"{drop}: {' '.join(str(second).split())}")


def _refresh(connection: Connection, name: str, maker: Maker) -> None:
    """Let a server that has started anew cache the template's catalogs in a file.

    The file is copied then: the first connection to a clone takes half the time.
    """
    target = quoted(name)
    connection.execute(f"ALTER DATABASE {target} ALLOW_CONNECTIONS true".encode())
    try:
        maker.visit(name)
    finally:
        _seal(connection, name)


def _seal(connection: Connection, name: str) -> None:
    """Let nobody in any more, and wait until all are gone: a clone would wait longer.

    Who stays is sent away, for example a monitor that looks into each database.
    """
    import psycopg

    alter = f"ALTER DATABASE {quoted(name)} ALLOW_CONNECTIONS false"
    connection.execute(alter.encode())
    begun = time.monotonic()
    while connection.execute(USERS, (name,)).fetchone() != (0,):
        waited = time.monotonic() - begun
        if waited > GONE_SECONDS:
            return  # The server will say who may not stay.
        if waited > LEAVE_SECONDS:
            with suppress(psycopg.errors.InsufficientPrivilege):
                connection.execute(END_USERS, (name,))
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
            if _tried(connection, maker, Template(name, copying)):
                elapsed = time.perf_counter() - begun
                took[copying] = min(elapsed, took.get(copying, elapsed))
        best = min(took.values())
        left = tuple(way for way, seconds in took.items() if seconds < best * SLOWER)
    return min(took, key=took.__getitem__)


def _tried(connection: Connection, maker: Maker, template: Template) -> bool:
    """Tell whether a server can clone so: not each one has reflinks."""
    import psycopg

    try:
        maker.try_clone(template)
    except psycopg.Error:
        if template.copying.method != "clone" or connection.closed:
            raise
        return False
    return True


def _setting(name: str, value: str) -> str:
    """Write a setting, as `ALTER DATABASE … SET` takes it."""
    parts = [value]
    if name.lower() in LISTS:
        found = LISTED.finditer(value)
        parts = [m[2] or m[1].replace('""', '"') for m in found] or [""]
    words = ".".join(quoted(word) for word in name.split("."))
    return f"{words} TO {', '.join(literal(part) for part in parts)}"
