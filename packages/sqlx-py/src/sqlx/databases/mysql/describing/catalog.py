"""What the tables of the server know of columns: labels, JSON, NULL; and of views."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.databases.mysql.describing.asking import ask
from sqlx.queries.values import Kind, TypeInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlx.databases.mysql.connect import Connection

__all__ = ["TableColumn", "read_columns", "read_views", "server_version"]

COLUMNS = """
SELECT c.TABLE_NAME, c.COLUMN_NAME, c.COLUMN_TYPE, c.IS_NULLABLE, t.TABLE_TYPE
FROM information_schema.COLUMNS c
JOIN information_schema.TABLES t USING (TABLE_SCHEMA, TABLE_NAME)
WHERE c.TABLE_SCHEMA = %s
"""
# MariaDB's JSON is a LONGTEXT with a check, which has the column's name.
JSON = """
SELECT TABLE_NAME, CONSTRAINT_NAME FROM information_schema.CHECK_CONSTRAINTS
WHERE CONSTRAINT_SCHEMA = %s AND CHECK_CLAUSE = CONCAT(
    'json_valid(`', REPLACE(CONSTRAINT_NAME, '`', '``'), '`)'
)
"""
VIEWS = """
SELECT TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS
WHERE TABLE_SCHEMA NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')
"""
VERSION = re.compile(r"[\d.]+(?:-MariaDB)?")
LABEL = re.compile(r"'((?:[^'\\]|''|\\.)*)'")
ESCAPED = re.compile(r"''|\\(.)")
CONTROL = {"0": "\0", "n": "\n", "r": "\r"}


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table or a view.

    Args:
        declared: Its type, as the table was made with it.
        nullable: Whether it allows NULL.
        is_base: Whether it is a table's, and no view's.
        is_json: Whether it holds nothing but JSON, as text.
    """

    declared: str
    nullable: bool
    is_base: bool
    is_json: bool

    @property
    def known_type(self) -> TypeInfo | None:
        """What it is, beyond what the protocol tells."""
        if self.is_json:
            return TypeInfo("JSON")
        if not self.declared.lower().startswith("enum("):
            return None
        labels = tuple(map(_label, LABEL.findall(self.declared)))
        return TypeInfo(self.declared, Kind.ENUM, labels=labels)


def server_version(connection: Connection) -> str:
    """Tell what the server is: `10.11.19-MariaDB`, `8.4.3`."""
    ((told,),) = ask(connection, "SELECT VERSION()")
    found = VERSION.match(told)
    return found[0] if found is not None else told


def read_columns(
    connection: Connection, schemas: Iterable[str], *, is_mariadb: bool
) -> Mapping[tuple[str, str, str], TableColumn]:
    """Read all columns of databases, by database, table and column."""
    found: dict[tuple[str, str, str], TableColumn] = {}
    for schema in schemas:
        json = {*ask(connection, JSON, schema)} if is_mariadb else set()
        for table, name, declared, nullable, kind in ask(connection, COLUMNS, schema):
            found[schema, table, name] = TableColumn(
                declared,
                nullable == "YES",
                kind == "BASE TABLE",
                (table, name) in json,
            )
    return found


def read_views(connection: Connection) -> dict[str, str]:
    """Read what views are made of, by name; empty where we may not see it."""
    return dict(ask(connection, VIEWS))


def _label(written: str) -> str:
    """Read a label as `COLUMN_TYPE` writes it."""
    return ESCAPED.sub(lambda m: CONTROL.get(m[1], m[1]) if m[1] else "'", written)
