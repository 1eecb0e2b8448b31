"""A fresh database for a test, of each kind, and all that is in it as text."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import mysql_server
import psycopg
from psycopg.conninfo import make_conninfo
from pymysql.cursors import DictCursor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import pymysql

__all__ = ["MysqlPlace", "Place", "PostgresPlace", "SqlitePlace"]

HISTORY = re.compile(r"(^|[.])(_sqlx_migrations|my_history|history)$")
MOMENT = re.compile(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d")
PRAGMAS = ("encoding", "user_version", "application_id", "auto_vacuum", "journal_mode")

# Everything in a database that migrations may make: a name, and what it is.
CATALOG = """
SELECT c.oid::regclass::text, c.relname, concat_ws(' ', 'relation', c.relkind,
    c.relpersistence, pg_get_userbyid(c.relowner), c.relacl::text)
FROM pg_class c WHERE c.relnamespace IN (SELECT oid FROM ours)
UNION ALL
SELECT a.attrelid::regclass::text, c.relname, concat_ws(' ', 'column', a.attnum,
    a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
    a.attcollation::regcollation,
    pg_get_expr(d.adbin, d.adrelid))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace IN (SELECT oid FROM ours) AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace IN (SELECT oid FROM ours)
UNION ALL
SELECT indrelid::regclass::text, '',
    concat_ws(' ', pg_get_indexdef(indexrelid), indisvalid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace IN (SELECT oid FROM ours)
ORDER BY 1, 3
"""
OURS = """
WITH ours AS (SELECT oid FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')
"""


class Place(Protocol):
    """Where both tools migrate."""

    @property
    def url(self) -> str:
        """A URL that both understand."""

    def execute(self, sql: str) -> None:
        """Run statements of the test's own."""

    def summary(self) -> str:
        """Name the tables, and show version and success of the history's rows."""

    def has_history(self) -> bool:
        """Whether the history's table is there."""

    def state(self) -> str:
        """Write down the schema and all rows; of the history, not its times.

        A history without rows is left out: it is made when it is first needed.
        """


@dataclass(frozen=True, slots=True)
class SqlitePlace:
    """An SQLite file.

    Args:
        path: It need not be there.
    """

    path: Path

    @property
    def url(self) -> str:
        """A URL that both understand, which creates the file."""
        return f"sqlite://{self.path}?mode=rwc"

    def execute(self, sql: str) -> None:
        """Run statements of the test's own."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(sql)

    def summary(self) -> str:
        """Name the tables, and show version and success of the history's rows."""
        with closing(sqlite3.connect(self.path)) as connection:
            names = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1"
            ).fetchall()
            return _summary([name for (name,) in names], connection.execute)

    def has_history(self) -> bool:
        """Whether the history's table is there."""
        with closing(sqlite3.connect(self.path)) as connection:
            names = connection.execute("SELECT name FROM sqlite_master").fetchall()
            return any(HISTORY.search(name) for (name,) in names)

    def state(self) -> str:
        """Write down the schema, to the byte, and all rows with their types."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.row_factory = sqlite3.Row
            made = connection.execute(
                "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 2"
            ).fetchall()
            lines = [
                f"{name}: {connection.execute(f'PRAGMA {name}').fetchone()[0]}"
                for name in PRAGMAS
            ]
            rows = {
                name: [_row(name, dict(row)) for row in _all(connection, name)]
                for kind, name, *_ in made
                if kind == "table"
            }
        for kind, name, table, sql in made:
            if rows[table] or not HISTORY.search(table):
                lines += [f"{kind} {name}: {sql}", *rows.get(name, ())]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class PostgresPlace:
    """A database of the embedded server.

    Args:
        keywords: libpq's.
    """

    keywords: Mapping[str, str]

    @property
    def url(self) -> str:
        """A URL that both understand: the socket's folder is a parameter."""
        words = "host={host}&port={port}&user={user}".format(**self.keywords)
        return f"postgres:///{self.keywords['dbname']}?{words}"

    def execute(self, sql: str) -> None:
        """Run statements of the test's own."""
        with self._connect() as connection:
            connection.execute(sql.encode())

    def summary(self) -> str:
        """Name the tables, and show version and success of the history's rows."""
        with self._connect() as connection:
            names = _postgres_tables(connection)
            return _summary(names, lambda sql: connection.execute(sql.encode()))

    def has_history(self) -> bool:
        """Whether the history's table is there."""
        with self._connect() as connection:
            return any(HISTORY.search(name) for name in _postgres_tables(connection))

    def state(self) -> str:
        """Write down the schema, as the catalog has it, and all rows."""
        with self._connect() as connection:
            schemas = connection.execute(f"{OURS} SELECT count(*) FROM ours".encode())
            catalog = connection.execute(f"{OURS}{CATALOG}".encode()).fetchall()
            rows = {}
            for table in _postgres_tables(connection):
                cursor = connection.execute(
                    f"SELECT * FROM {table} ORDER BY 1".encode()
                )
                names = [column.name for column in cursor.description or ()]
                found = (dict(zip(names, row, strict=True)) for row in cursor)
                rows[table] = [_row(table, row) for row in found]
            lines = [f"schemas: {schemas.fetchone()}"]
        empty = [table for table in rows if HISTORY.search(table) and not rows[table]]
        for relation, _, text in catalog:
            if not any(relation in (table, f"{table}_pkey") for table in empty):
                lines.append(f"{relation} {text}")
        shown = (f"{table}: {rows[table]}" for table in rows if table not in empty)
        return "\n".join([*lines, *shown])

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(make_conninfo("", **self.keywords), autocommit=True)


@dataclass(frozen=True, slots=True)
class MysqlPlace:
    """A database of a MariaDB server.

    Args:
        url: One that both understand: the socket is a parameter.
    """

    url: str

    def execute(self, sql: str) -> None:
        """Run statements of the test's own."""
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            while cursor.nextset():
                pass

    def summary(self) -> str:
        """Name the tables, and show version and success of the history's rows."""
        with self._connect() as connection:
            names = sorted(_mysql_tables(connection))
            return _summary(names, lambda sql: _mysql_rows(connection, sql))

    def has_history(self) -> bool:
        """Whether the history's table is there."""
        with self._connect() as connection:
            return any(HISTORY.search(name) for name in _mysql_tables(connection))

    def state(self) -> str:
        """Write down the tables, as the server would make them anew, and all rows."""
        lines = []
        with self._connect() as connection:
            for name in _mysql_tables(connection):
                quoted = f"`{name}`"
                ((_, made),) = _mysql_rows(connection, f"SHOW CREATE TABLE {quoted}")
                with connection.cursor(DictCursor) as cursor:
                    cursor.execute(f"SELECT * FROM {quoted} ORDER BY 1")
                    rows = [_row(name, dict(row)) for row in cursor.fetchall()]
                if rows or not HISTORY.search(name):
                    lines += [made, *rows]
        return "\n".join(lines)

    def _connect(self) -> pymysql.Connection[Any]:
        return mysql_server.connect(self.url)


def _mysql_tables(connection: pymysql.Connection[Any]) -> list[str]:
    return [name for (name,) in _mysql_rows(connection, "SHOW TABLES")]


def _mysql_rows(connection: pymysql.Connection[Any], sql: str) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return tuple(cursor.fetchall())


def _postgres_tables(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute(
        f"{OURS} SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace IN (SELECT oid FROM ours) ORDER BY 1".encode()
    )
    return [name for (name,) in rows]


def _all(connection: sqlite3.Connection, table: str) -> sqlite3.Cursor:
    quoted = table.replace('"', '""')
    return connection.execute(f'SELECT * FROM "{quoted}" ORDER BY 1')


def _summary(tables: list[str], execute: Callable[[str], Iterable[Any]]) -> str:
    history = [name for name in tables if HISTORY.search(name)]
    lines = [" ".join(["tables:", *(n for n in tables if n not in history)]) + "\n"]
    for name in history:
        rows = execute(f"SELECT version, success FROM {name} ORDER BY version")
        lines += [f"history: {version} {bool(success)}\n" for version, success in rows]
    return "".join(lines)


def _row(table: str, row: dict[str, Any]) -> str:
    """Show a row; of the history's times only whether they are as they should be."""
    if HISTORY.search(table):
        moment, elapsed = row["installed_on"], row["execution_time"]
        assert isinstance(moment, datetime) or MOMENT.fullmatch(moment), row
        row["installed_on"] = type(moment)
        row["execution_time"] = "measured" if elapsed > 0 else elapsed
    return f"  {row}"
