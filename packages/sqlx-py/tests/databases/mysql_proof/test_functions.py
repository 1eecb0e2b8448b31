"""All functions of MariaDB: what it says of NULL is so, but of those we know of."""

from __future__ import annotations

import itertools
import os
from random import Random
from typing import TYPE_CHECKING

import mysql_server
import pymysql
import pytest

from sqlx.databases.mysql.describing.prepared import Statement, prepare
from sqlx.databases.mysql.describing.proofs import LIARS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mysql_server import Server

    from sqlx.databases.mysql.connect import Connection

MANY = int(os.environ.get("SQLX_PROOF_CALLS", "30000"))
AT_ONCE = 100
# They wait, lock, or read files.
LEFT_OUT = {
    "BENCHMARK",
    "GET_LOCK",
    "LOAD_FILE",
    "MASTER_GTID_WAIT",
    "MASTER_POS_WAIT",
    "RELEASE_ALL_LOCKS",
    "SLEEP",
}
ODD = """
CREATE TABLE odd (
    i INT NOT NULL, u BIGINT UNSIGNED NOT NULL, x DECIMAL(10, 3) NOT NULL,
    f DOUBLE NOT NULL, s VARCHAR(30) NOT NULL, b BLOB NOT NULL, d DATE NOT NULL,
    m DATETIME NOT NULL, t TIME NOT NULL, e ENUM('a', 'b') NOT NULL
);
INSERT INTO odd VALUES
    (0, 0, 0, 0, '', '', '0000-00-00', '0000-00-00', '0:0:0', 'a'),
    (-5, 18446744073709551615, -9999999, -1e300, 'zz!', x'ff00', '2026-01-00',
     '2026-01-01', '-838:59:59', 'b'),
    (2147483647, 5, 1, 1e308, '2026-01-01', '{}', '9999-12-31', '9999-12-31 23:59:59',
     '838:59:59', 'a'),
    (1, 1, 1.5, 1, '[1, {"a": null}]', '[1', '2026-01-01', '2026-01-01', '1:0:0', 'a')
"""
ARGUMENTS = (
    *("i", "u", "x", "f", "s", "b", "d", "m", "t", "e"),
    *("0", "-1", "2", "''", "'x'", "'$.a'", "5", "1e300", "'%Y-%m'"),
)


@pytest.fixture
def connection(mariadb: Server) -> Iterator[Connection]:
    """Make a table of odd values, which a server that is not strict lets in."""
    mariadb.ask("CREATE DATABASE functions")
    with mysql_server.connect(mariadb.url("functions")) as opened:
        with opened.cursor() as cursor:
            cursor.execute("SET sql_mode = ''")
            cursor.execute(ODD)
        yield opened
    mariadb.ask("DROP DATABASE functions")


def calls(names: list[str]) -> Iterator[str]:
    """Call functions with random arguments, one of which may be a call, too."""
    chance = Random(int(os.environ.get("SQLX_PROOF_SEED", "1")))  # noqa: S311 -- no secret.

    def call(arguments: tuple[str, ...]) -> str:
        count = chance.choice((0, 1, 1, 2, 2, 2, 3, 3, 4))
        given = ", ".join(chance.choice(arguments) for _ in range(count))
        return f"{chance.choice(names)}({given})"

    while True:
        inner = call(ARGUMENTS)
        yield call((*ARGUMENTS, inner)) if chance.random() < 0.3 else inner


def lies(connection: Connection, statements: list[Statement]) -> set[str]:
    """Run what the server calls NOT NULL; name the functions that gave NULL."""
    found = set()
    for statement in statements:
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement.sql)
                rows = cursor.fetchall()
        except pymysql.MySQLError:
            continue
        if (None,) in rows:
            found.add(statement.sql)
    return found


@pytest.mark.slow
def test_only_the_liars_lie(connection: Connection) -> None:
    """With arguments of all sorts, strange ones among them, calls among them, too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FUNCTION FROM information_schema.SQL_FUNCTIONS")
        names = [name for (name,) in cursor.fetchall() if name not in LEFT_OUT]
    made = (f"SELECT {call} FROM odd" for call in calls(names))
    found: set[str] = set()
    tried = 0
    for _ in range(MANY // AT_ONCE):
        told = prepare(connection, list(itertools.islice(made, AT_ONCE)), AT_ONCE)
        sure = [
            one for one in told if isinstance(one, Statement) and one.fields[0].not_null
        ]
        found |= lies(connection, sure)
        tried += len(sure)
    assert tried > MANY / 20
    assert [sql for sql in found if LIARS.search(sql) is None] == []
    named = {name for sql in found for name in LIARS.findall(sql)}
    assert named >= {"JSON_DEPTH", "JSON_QUOTE", "JSON_MERGE_PATCH"}
