"""Queries are described as SQLx does it, nothing is run, and what is known is told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import mysql_server
import pymysql
import pytest
from databases.mysql_describe.golden import SCHEMA, written
from pymysql.protocol import FieldDescriptorPacket

import sqlx
from sqlx.databases.mysql.describing.describe import Look, describe, description
from sqlx.databases.mysql.describing.prepared import Field, Statement, prepare
from sqlx.databases.mysql.describing.proofs import Known
from sqlx.queries.values import (
    Column,
    Database,
    Description,
    Kind,
    Nullability,
    Origin,
    Refusal,
    TypeInfo,
    Wire,
)

if TYPE_CHECKING:
    from sqlx.databases.mysql.connect import Connection

JOIN = (
    "SELECT t.id, d.one FROM tweet t LEFT JOIN"
    " (SELECT tweet_id, 1 AS one FROM tweet_reply) d ON d.tweet_id = t.id"
)


def test_a_description_has_all_that_is_known(connection: Connection) -> None:
    """What SQLx says stands beside what was proved, and beside labels."""
    sql = "SELECT t.id, x.tier FROM tweet t LEFT JOIN texts x ON x.called = ?"
    labels = ("free", "it's", "b\\c")
    assert describe(connection, [sql]) == [
        Description(
            Database.MYSQL,
            sql,
            (
                Column(
                    "id",
                    TypeInfo("LongLong", wire=Wire(0b1000000011, 20, 63)),
                    Origin("described.tweet", "id"),
                    nullable=False,
                    proof=Nullability(may_be_null=False),
                ),
                Column(
                    "tier",
                    TypeInfo("String", wire=Wire(0b100000000, 16, 45)),
                    Origin("described.texts", "tier"),
                    nullable=True,
                    proof=Nullability(may_be_null=True, reason="outer join"),
                    known_type=TypeInfo(
                        r"enum('free','it''s','b\\c')", Kind.ENUM, labels=labels
                    ),
                ),
            ),
            1,
        )
    ]


def test_nothing_is_run(connection: Connection, described_url: str) -> None:
    """What writes is prepared, and that is all."""
    writes = [
        "INSERT INTO tweet (text) VALUES ('x')",
        "DELETE FROM tweet",
        "CREATE TABLE new (id INT)",
        "DROP TABLE tweet",
        "SELECT GET_LOCK('described', 0) AS locked, @described := 1 AS set_",
        "SET @described = 1",
    ]
    for one in describe(connection, writes):
        assert isinstance(one, Description), one
    with mysql_server.connect(described_url) as other, other.cursor() as cursor:
        cursor.execute("SELECT IS_FREE_LOCK('described'), COUNT(*) FROM tweet")
        assert cursor.fetchall() == ((1, 0),)
    with connection.cursor() as cursor:
        cursor.execute("SELECT @described")
        assert cursor.fetchall() == ((None,),)


def test_every_statement_is_closed(connection: Connection) -> None:
    """What was prepared is not kept by the server."""
    describe(connection, ["SELECT ? + 1"] * 250)
    with connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'")
        assert cursor.fetchall() == (("Prepared_stmt_count", "0"),)


def test_long_texts_do_not_block(connection: Connection) -> None:
    """Many of them are more than sockets take; each has its answer."""
    long = f"SELECT '{'x' * 300_000}' AS x, nope"
    wide = "SELECT " + ", ".join(f"{n} AS c{n}" for n in range(1500))
    found = prepare(connection, [long, wide] * 3, 100)
    assert [type(one) for one in found] == [Refusal, Statement] * 3


def test_one_refusal_does_not_stop_the_others(connection: Connection) -> None:
    """Each query has an answer of its own, in its place."""
    half = "SELECT '\ud800'"
    first, refused, surrogate, last = describe(
        connection, ["SELECT 1", "SELEC", half, "SELECT 2"]
    )
    assert isinstance(first, Description)
    assert isinstance(last, Description)
    assert written(refused)[0].startswith("error at 0: 1064 (42000): You have an error")
    message = "a query cannot contain half of a surrogate pair (U+D800)"
    assert surrogate == Refusal(half, message, 8)


def test_a_connection_that_ends_is_said_to_be_lost(connection: Connection) -> None:
    """And another error leaves none behind on which nobody could go on."""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION wait_timeout = 1")
        cursor.execute("SELECT CONNECTION_ID()")
        ((number,),) = cursor.fetchall()
        other = pymysql.connect(unix_socket=connection.unix_socket, user="root")
        with other, other.cursor() as killer:
            killer.execute(f"KILL {number}")
    with pytest.raises(sqlx.ConnectionLost):
        prepare(connection, ["SELECT 1"])
    with pytest.raises(sqlx.ConnectionLost):
        describe(connection, ["SELECT 1"])


def test_an_exchange_that_is_broken_off_ends_the_connection(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers that nobody read would be taken for those of the next question."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(FieldDescriptorPacket, "_parse_field_descriptor", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(connection, ["SELECT 1"])
    assert not connection.open


def test_a_type_that_sqlx_has_no_word_for() -> None:
    """MySQL 9 has one, VECTOR: SQLx refuses it in these words."""
    field = Field("v", 0xF2, Wire(0, 4, 63), ("", "", ""))
    found = description(Statement("", 0, (field,)), Look(Known({}, {}), {}, {}))
    assert found.sqlx_refusal == (
        "encountered unexpected or invalid data: unknown column type 0xf2"
    )


def test_a_view_that_we_may_not_see_is_not_believed(
    described_url: str, mariadb: mysql_server.Server
) -> None:
    """It may hold anything, so what comes out of it may be NULL."""
    mariadb.ask("CREATE USER reader@localhost")
    mariadb.ask("GRANT SELECT ON described.tweet_view TO reader@localhost")
    url = described_url.replace("root@", "reader@")
    with mysql_server.connect(url) as connection:
        (found,) = describe(connection, ["SELECT one FROM tweet_view"])
    mariadb.ask("DROP USER reader@localhost")
    assert written(found) == [
        "one BOOLEAN! <- tweet_view.one, proved ? the server is wrong about tweet_view"
    ]


@pytest.mark.slow
def test_on_mysql_itself(mysql: mysql_server.Server) -> None:
    """It has a type for JSON, is right about functions, and wrong about some joins."""
    mysql.ask("CREATE DATABASE described")
    with mysql_server.connect(mysql.url("described")) as connection:
        with connection.cursor() as cursor:
            cursor.execute(SCHEMA)
        functions, texts, join, group = describe(
            connection,
            [
                "SELECT id, JSON_QUOTE(id) AS q, TRUE AS t FROM tweet",
                "SELECT json, tier, tags, by_bytes FROM texts",
                JOIN,
                "SELECT id FROM tweet GROUP BY id WITH ROLLUP",
            ],
        )
    assert written(functions) == [
        "id BIGINT! <- described.tweet.id",
        "q VARCHAR?",
        "t BOOLEAN!",
    ]
    assert written(texts) == [
        "json JSON? <- described.texts.json",
        r"tier enum('free','it''s','b\\c')! <- described.texts.tier",
        "tags SET? <- described.texts.tags",
        "by_bytes VARCHAR? <- described.texts.by_bytes",
    ]
    assert written(join) == [
        "id BIGINT! <- described.tweet.id",
        "one BIGINT!, proved ? outer join",
    ]
    assert written(group) == ["id BIGINT?"]


def test_an_order_of_labels_is_that_of_the_table(connection: Connection) -> None:
    """Of a sub-query's column nobody tells them; then any text fits."""
    sql = "SELECT tier FROM texts UNION SELECT 'x'"
    (found,) = describe(connection, [sql])
    assert isinstance(found, Description)
    assert [replace(c.sure_type, wire=None).name for c in found.columns] == [
        "VarString"
    ]
