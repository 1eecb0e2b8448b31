"""Questions of our own to the server: one statement, all of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.cursors import Cursor

from sqlx.databases.mysql.driver import said
from sqlx.databases.mysql.message import LOST
from sqlx.errors import ConnectionLost, DatabaseError

if TYPE_CHECKING:
    from sqlx.databases.mysql.connect import Connection

__all__ = ["ask"]


def ask(connection: Connection, sql: str, *values: str) -> list[tuple[Any, ...]]:
    """Run a statement.

    Args:
        connection: Ours.
        sql: The statement; `%s` is a value.
        values: Names of databases and the like.

    Raises:
        ConnectionLost: The connection ended.
        DatabaseError: The server refused it.
    """
    try:
        with connection.cursor(Cursor) as cursor:
            cursor.execute(sql, values or None)
            return list(cursor.fetchall())
    except pymysql.MySQLError as error:
        code, message = said(error)
        kind = ConnectionLost if code in LOST else DatabaseError
        raise kind(message, code=code) from None
