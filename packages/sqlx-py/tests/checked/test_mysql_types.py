"""The table of MySQL's types, held against what MariaDB and the drivers give."""

from __future__ import annotations

import builtins
import collections.abc
import datetime as dt
import decimal
import uuid
from typing import TYPE_CHECKING, Any

import mysql_server
import pytest

from sqlx import checked
from sqlx.databases.mysql.describing.describe import describe
from sqlx.queries.checking.fitting import TABLES, rule_of, type_name
from sqlx.queries.values import Database, Description

if TYPE_CHECKING:
    from checked.clients import Client

MODULES = (builtins, collections.abc, dt, decimal, uuid)
ID = "'01234567-89ab-1def-8123-456789abcdef'"
NUMBER, SOME = "-1", "X'0123456789abcdef0123456789abcdef'"
COLUMNS = {
    "BOOLEAN": "1",
    **dict.fromkeys(("TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT"), NUMBER),
    "TINYINT UNSIGNED": "255",
    "SMALLINT UNSIGNED": "65535",
    "MEDIUMINT UNSIGNED": "16777215",
    "INT UNSIGNED": "4294967295",
    "BIGINT UNSIGNED": "18446744073709551615",
    "YEAR": "2026",
    **dict.fromkeys(("FLOAT", "DOUBLE"), "1"),
    "DECIMAL(9, 2)": "1",
    "CHAR(36)": ID,
    "VARCHAR(36)": ID,
    "VARCHAR(36) COLLATE utf8mb4_bin": ID,
    **dict.fromkeys(("TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT", "UUID"), ID),
    "INET6": "'::1'",
    "JSON": "'[1]'",
    "ENUM('a', 'b')": "'a'",
    "SET('a', 'b')": "'a,b'",
    "BINARY(16)": SOME,
    "VARBINARY(16)": SOME,
    **dict.fromkeys(("TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB"), SOME),
    "BIT(1)": "1",
    "BIT(9)": "257",
    "POINT": "POINT(1, 2)",
    "DATE": "'2026-01-31'",
    "TIME(6)": "'-838:59:58.5'",
    "DATETIME(6)": "'2026-01-31 01:02:03.5'",
    "TIMESTAMP": "'2026-01-31'",
}
# A text is read as JSON, a text of 36 characters as a UUID.
FITTING = {"dict": "'{}'", "Mapping": "'{}'", "list": "'[]'", "Sequence": "'[]'"}
NOT_OF = {("INET6", "UUID")}  # an address is none


@pytest.fixture(scope="module")
def described(mysql_url: str) -> dict[str, Description]:
    """Make a table with a column of each type, and describe them one by one."""
    names = [f"`{name}` {name}" for name in COLUMNS]
    texts = [f"SELECT `{name}` FROM every_type" for name in COLUMNS]
    with mysql_server.connect(mysql_url) as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE every_type ({', '.join(names)})")
            cursor.execute(
                f"INSERT INTO every_type VALUES ({', '.join(COLUMNS.values())})"
            )
        found = describe(connection, texts)
    return {
        name: one
        for name, one in zip(COLUMNS, found, strict=True)
        if isinstance(one, Description)
    }


def class_of(name: str) -> Any:
    """Find a class by its whole name."""
    module, _, short = name.rpartition(".")
    return getattr(next(m for m in MODULES if m.__name__ == module), short)


def test_every_rule_is_that_of_a_column(described: dict[str, Description]) -> None:
    """No rule is for a type that MariaDB does not have, but JSON's own and NULL."""
    met = {
        id(rule_of(one.columns[0].sure_type, Database.MYSQL))
        for one in described.values()
    }
    rules = TABLES[Database.MYSQL].rules
    unmet = [rule for rule in rules if id(rule) not in met]
    assert [next(iter(rule.types)) for rule in unmet] == ["NULL"]
    assert len(described) == len(COLUMNS)


def test_what_arrives_is_what_may_be_written(
    described: dict[str, Description], on_mysql_client: Client
) -> None:
    """Each class that a rule takes for a column, of a value that is one."""
    for name, one in described.items():
        type_info = one.columns[0].sure_type
        rule = rule_of(type_info, Database.MYSQL)
        for qualified in rule.columns:
            cls = class_of(qualified)
            if (name, cls.__name__) in NOT_OF:
                continue
            value = FITTING.get(cls.__name__, f"`{name}`")
            text = f"SELECT {value} FROM every_type"
            query = checked.query_scalar(cls, checked.unchecked(text))
            found = on_mysql_client.call(query.one)
            assert isinstance(found, cls), (type_name(type_info, Database.MYSQL), found)
