"""Who holds the lock is told, whatever the sessions of the server are busy with."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import mysql_server
import pymysql
import pytest

import sqlx
from sqlx.databases.mysql.lock import lock_name

if TYPE_CHECKING:
    from support import Database, Write

BYTES = b"SELECT SLEEP(60), _binary '\x80\xeb\x82\xd9'"
BUSY = "SELECT 1 FROM performance_schema.threads WHERE processlist_state = 'User sleep'"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mysql", "real_mysql"])
def test_a_session_with_bytes_in_its_statement_hides_nobody(
    kind: str, request: pytest.FixtureRequest, write: Write
) -> None:
    """MySQL cannot list such a session where it lists all; the waiter is told all."""
    database: Database = request.getfixturevalue(f"on_{kind}")
    file = write("1_one.sql", "CREATE TABLE one (id INT)")
    migrator = sqlx.Migrator(file.parent, lock_timeout_seconds=0)
    with mysql_server.connect(database.place) as holder, holder.cursor() as cursor:
        cursor.execute(
            f"SELECT GET_LOCK({lock_name(database.name)}, 0), CONNECTION_ID()"
        )
        ((_, number),) = cursor.fetchall()
        sleeping = threading.Thread(target=sleep, args=[cursor])
        sleeping.start()
        while not database.rows(BUSY):
            pass
        with pytest.raises(sqlx.LockTimeout) as caught:
            migrator.run(database.url)
        database.execute(f"KILL QUERY {number}")
        sleeping.join()
    assert f"connection {number}, user root, from localhost, Query" in str(caught.value)


def sleep(cursor: Any) -> None:
    """Run a statement with bytes in it until it is ended."""
    with suppress(pymysql.MySQLError):
        cursor.execute(BYTES)
