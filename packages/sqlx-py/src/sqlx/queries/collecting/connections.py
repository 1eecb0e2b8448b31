"""What a connection's annotation tells: the kind of database, or that it is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlx.queries.annotations import Form
from sqlx.queries.values import Database

if TYPE_CHECKING:
    from sqlx.queries.annotations import Annotation

__all__ = ["database_of", "driver_of", "is_value"]

_DRIVERS = {
    "asyncmy": Database.MYSQL,
    "asyncpg": Database.POSTGRES,
    "psycopg": Database.POSTGRES,
    "psycopg_pool": Database.POSTGRES,
    "pymysql": Database.MYSQL,
    "sqlite3": Database.SQLITE,
}
_VALUES = {"builtins", "datetime", "decimal", "ipaddress", "uuid"}
_NO_CONNECTION = {Form.ARRAY, Form.ENUM, Form.LITERAL, Form.MAPPING, Form.TUPLE}


def database_of(annotation: Annotation) -> Database | None:
    """Name the kind of database; None for a Protocol, or where a union disagrees."""
    if annotation.form is Form.UNION:
        kinds = {database_of(item) for item in annotation.items}
        return kinds.pop() if len(kinds) == 1 else None
    packages = (name.partition(".")[0] for name in annotation.names)
    return next((_DRIVERS[p] for p in packages if p in _DRIVERS), None)


def driver_of(annotation: Annotation) -> str:
    """Name the driver; empty for a Protocol, or where a union disagrees.

    psycopg's pools lend its connections.
    """
    if annotation.form is Form.UNION:
        drivers = {driver_of(item) for item in annotation.items}
        return drivers.pop() if len(drivers) == 1 else ""
    packages = (name.partition(".")[0] for name in annotation.names)
    found = next((p for p in packages if p in _DRIVERS), "")
    return found.removesuffix("_pool")


def is_value(annotation: Annotation) -> bool:
    """Tell a value, which is sent to the database, from what could be a connection."""
    if annotation.form in _NO_CONNECTION:
        return True
    nearest = annotation.names[:1]
    return any(name.partition(".")[0] in _VALUES for name in nearest)
