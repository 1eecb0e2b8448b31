"""The reason that is named for NULL is one that the text has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mysql_server
import pytest

from sqlx.databases.mysql.describing.describe import describe
from sqlx.queries.values import Description

if TYPE_CHECKING:
    from sqlx.databases.mysql.connect import Connection

TABLES = (
    "CREATE TABLE tweet (id BIGINT PRIMARY KEY, text TEXT NOT NULL);"
    "CREATE TABLE tweet_reply (id BIGINT PRIMARY KEY, tweet_id BIGINT NOT NULL)"
)
WINDOW = "MariaDB cannot tell beside a window function"
NO_ROWS = "an aggregate without GROUP BY, where there are no rows"
SUBQUERY = "MySQL cannot tell beside an aggregate in a subquery"
JOIN = "tweet t LEFT OUTER JOIN tweet_reply r ON r.tweet_id = t.id"
COUNTED = (
    "SELECT t.id, (SELECT COUNT(*) FROM tweet_reply r WHERE r.tweet_id = t.id) AS n"
    " FROM tweet t"
)
BOTH = {
    f"SELECT r.id FROM {JOIN}": "outer join",
    "SELECT MAX(id) FROM tweet": "",
    "SELECT id FROM tweet": None,
}
ON_MARIADB = {
    "SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS r FROM tweet": WINDOW,
    "SELECT id, SUM(id) OVER () AS s, 'LEFT JOIN' FROM tweet -- ROLLUP": WINDOW,
    f"SELECT t.id, COUNT(*) OVER () AS c FROM {JOIN}": f"outer join, or {WINDOW}",
    "SELECT one, ROW_NUMBER() OVER () AS r FROM (SELECT 1 AS one FROM tweet) d": WINDOW,
    "SELECT id, COUNT(*) AS c FROM tweet": NO_ROWS,
    f"SELECT t.id, GROUP_CONCAT(r.id) FROM {JOIN}": f"outer join, or {NO_ROWS}",
    "SELECT id, COUNT(*) AS c FROM tweet GROUP BY id": None,
    "SELECT id, COUNT(*) AS c FROM tweet GROUP BY id WITH ROLLUP": "ROLLUP",
    COUNTED: None,
}
ON_MYSQL = {
    "SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS r FROM tweet": None,
    COUNTED: SUBQUERY,
    f"{COUNTED} WHERE t.text = ''": SUBQUERY,
    COUNTED.replace("COUNT(*)", "r.id"): None,
    (
        "SELECT one, CASE WHEN (SELECT COUNT(*) FROM tweet_reply r WHERE"
        " r.tweet_id = d.one) THEN 1 END AS c FROM (SELECT 1 AS one FROM tweet) d"
    ): "",
}


def reasons(connection: Connection, queries: dict[str, str | None]) -> object:
    """Say of each text's first column why it may be NULL; None where it may not."""
    told = {}
    for found in describe(connection, [*queries]):
        assert isinstance(found, Description)
        proof = found.columns[0].proof
        assert proof is not None
        told[found.sql] = proof.reason if proof.may_be_null else None
    return told


def test_on_mariadb(connection: Connection) -> None:
    """A window function is no outer join."""
    queries = BOTH | ON_MARIADB
    assert reasons(connection, queries) == queries


@pytest.mark.slow
def test_on_mysql(mysql: mysql_server.Server) -> None:
    """It is as careful with aggregates in subqueries."""
    mysql.ask("CREATE DATABASE reasons")
    with mysql_server.connect(mysql.url("reasons")) as connection:
        with connection.cursor() as cursor:
            cursor.execute(TABLES)
        queries = BOTH | ON_MYSQL
        assert reasons(connection, queries) == queries
