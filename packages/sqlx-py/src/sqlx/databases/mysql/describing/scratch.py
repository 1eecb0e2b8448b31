"""A database that lives as long as a describing: made, used, dropped.

Whoever makes one holds a lock of its name for as long as it lives, so what a killed
process left behind can be told from what is in use.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlx.databases.mysql.describing.asking import ask
from sqlx.errors import DatabaseError
from sqlx.queries.values import Description, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.databases.mysql.connect import Connection
    from sqlx.queries.values import Column

__all__ = ["PREFIX", "called", "scratch_database"]

PREFIX = "_sqlx_scratch_"
LEFT_BEHIND = r"""
SELECT SCHEMA_NAME FROM information_schema.SCHEMATA
WHERE SCHEMA_NAME LIKE '\_sqlx\_scratch\_%' AND IS_FREE_LOCK(SCHEMA_NAME)
"""
MEND = (
    "the user must be allowed to CREATE and DROP databases named `_sqlx_scratch_…`; or "
    "ask the database of the URL itself, without a scratch one"
)


@contextmanager
def scratch_database(maintenance: Connection, name: str) -> Iterator[None]:
    """Make an empty database, and drop it at the end.

    Args:
        maintenance: A connection in autocommit, with no database.
        name: The database's, beginning with `PREFIX`.

    Raises:
        DatabaseError: The server does not let us.
    """
    try:
        for (left,) in ask(maintenance, LEFT_BEHIND):
            _drop(maintenance, left)
        ask(maintenance, "SELECT GET_LOCK(%s, 0)", name)
        ask(maintenance, f"CREATE DATABASE `{name}`")
    except DatabaseError as error:
        raise DatabaseError(f"{error.message}; {MEND}", code=error.code) from None
    try:
        yield
    finally:
        _drop(maintenance, name)


def called(
    answer: Description | Refusal, scratch: str, name: str
) -> Description | Refusal:
    """Name a scratch database as another one is named, for which it stands.

    Args:
        answer: Where the scratch database's name may be.
        scratch: That name.
        name: The other one.
    """
    if isinstance(answer, Refusal):
        return replace(answer, message=answer.message.replace(scratch, name))
    columns = (_called(column, f"{scratch}.", f"{name}.") for column in answer.columns)
    return replace(answer, columns=tuple(columns))


def _called(column: Column, scratch: str, name: str) -> Column:
    origin = column.origin
    if origin is None or not origin.table.startswith(scratch):
        return column
    table = name + origin.table.removeprefix(scratch)
    return replace(column, origin=replace(origin, table=table))


def _drop(maintenance: Connection, name: str) -> None:
    ask(maintenance, f"DROP DATABASE IF EXISTS `{name}`")
