"""The tables of types, held against the code and against the drivers themselves."""

from __future__ import annotations

import asyncio
import collections.abc
import datetime as dt
import decimal
import enum
import importlib
import ipaddress
import typing
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import pytest
from psycopg.types.json import Json, Jsonb
from psycopg.types.multirange import Multirange
from psycopg.types.range import Range

from sqlx.databases.postgres.describing.builtin import VARIANTS
from sqlx.queries.checking.fitting import TABLES, misfit, python_type, type_name
from sqlx.queries.checking.rules import ROW_CLASS, Rule, Way, against, short
from sqlx.queries.checking.type_table import MADE_OF_OTHERS, Refused, document, rows
from sqlx.queries.reading import read
from sqlx.queries.values import Database, TypeInfo

if TYPE_CHECKING:
    from collections.abc import Iterator


# It has no types.
asyncpg: Any = importlib.import_module("asyncpg")


class Tier(enum.Enum):
    """An enum with the labels of the table's example."""

    FREE = "free"
    PRO = "pro"


class Item(NamedTuple):
    """A row class with the fields of the table's example."""

    name: str
    price: int


@dataclass
class Fields:
    """A row class that is nothing else."""

    name: str


NAMES: dict[str, Any] = {
    name: value
    for module in (collections.abc, dt, decimal, ipaddress, typing, uuid)
    for name, value in vars(module).items()
} | {
    **vars(collections),
    "Item": Item,
    "Json": Json,
    "Jsonb": Jsonb,
    "Multirange": Multirange,
    "Range": Range,
    "Tier": Tier,
    ROW_CLASS: Fields,
}
OF_POSTGRES = TABLES[Database.POSTGRES]
EVERY_RULE = [
    rule
    for table in TABLES.values()
    for rule in (*table.rules, *table.named, table.other, table.parameter)
    if rule is not None
]


def named(text: str) -> Any:
    """Evaluate an annotation as the table writes it."""
    return NAMES.get(text) or eval(text, NAMES)  # noqa: S307 -- the table's own texts.


@pytest.mark.parametrize("rule", EVERY_RULE, ids=lambda rule: str(*[*rule.types][:1]))
@pytest.mark.parametrize("way", Way)
def test_a_rule_takes_and_refuses_what_its_row_says(rule: Rule, way: Way) -> None:
    """Each class that it names, by the class itself."""
    accepted = rule.accepted(way)
    for name in accepted:
        assert against(rule, read(named(short(name))), way) is None, name
    for name, reason in rule.refused.items():
        found = against(rule, read(named(short(name))), way)
        if accepted and name not in accepted:
            assert found is not None, name
            assert found.reason == reason, name
            assert found.mend == f'write "{rule.proposal(way)}"'
        else:
            assert found is None or not accepted, name


@pytest.mark.parametrize(
    ("database", "row"),
    [(database, row) for database, rows in MADE_OF_OTHERS.items() for row in rows],
    ids=lambda value: getattr(value, "types", ""),
)
def test_rows_that_are_written_say_what_the_code_does(
    database: Database, row: Any
) -> None:
    """Each annotation of the row, against its example."""
    for way, texts in ((Way.COLUMN, row.columns), (Way.PARAMETER, row.parameters)):
        for text in texts:
            annotation = read(named(text))
            assert not misfit(row.example, annotation, way, database), text
    for refused in row.refused:
        ways = Way if refused.way is None else (refused.way,)
        for way in ways:
            annotation = read(named(refused.annotation))
            found = misfit(row.example, annotation, way, database)
            assert found is not None
            assert found.reason == refused.reason


def every_type() -> Iterator[str]:
    """Give the words of the rules for PostgreSQL that have values."""
    for rule in OF_POSTGRES.rules:
        yield from set(rule.types) - {"Record", "Void", "Unknown"}


VALUES = {
    "Bit": "1",
    "Bool": "t",
    "Box": "(1,1),(0,0)",
    "Bytea": "x",
    "Cidr": "10.0.0.0/8",
    "Circle": "<(0,0),1>",
    "Date": "2026-01-31",
    "Inet": "10.0.0.1",
    "Interval": "1 day",
    "Json": "{}",
    "Jsonb": "{}",
    "Jsonpath": "$",
    "Line": "{1,2,3}",
    "Lseg": "(0,0),(1,1)",
    "Macaddr": "08:00:2b:01:02:03",
    "Macaddr8": "08:00:2b:01:02:03:04:05",
    "Path": "((0,0),(1,1))",
    "Point": "(0,0)",
    "Polygon": "((0,0),(1,1))",
    "Time": "12:00",
    "Timestamp": "2026-01-31",
    "Timestamptz": "2026-01-31",
    "Timetz": "12:00+00",
    "Uuid": "00000000-0000-0000-0000-000000000001",
    "Varbit": "1",
}
# asyncpg has classes of its own for these; the call converts, or the SQL casts.
NOT_OF_ASYNCPG = {
    "Bit",
    "Box",
    "Char",
    "Circle",
    "Json",
    "Jsonb",
    "Line",
    "Lseg",
    "Path",
    "Point",
    "Polygon",
    "Varbit",
}


def sql_of(word: str) -> str:
    """Write a query for one value of a type."""
    name = type_name(TypeInfo(word), Database.POSTGRES)
    return f"SELECT '{VALUES.get(word, '1')}'::{name}"


def test_psycopg_gives_the_class_that_is_proposed(sqlx_server: str) -> None:
    """For every type: the first class of its rule is what arrives."""
    found = {}
    with psycopg.connect(sqlx_server, autocommit=True) as connection:
        for word in every_type():
            row = connection.execute(sql_of(word).encode()).fetchone()
            assert row is not None
            value = row[0]
            annotation = read(type(value))
            found[word] = misfit(
                TypeInfo(word), annotation, Way.COLUMN, Database.POSTGRES
            )
            assert type(value).__name__ == python_type(
                TypeInfo(word), Database.POSTGRES
            ).removesuffix("[str, Any]"), word
    assert set(found.values()) == {None}


def test_asyncpg_gives_the_class_that_is_proposed(sqlx_server: str) -> None:
    """But for the types for which it has a class of its own."""

    async def ask() -> dict[str, object]:
        connection = await asyncpg.connect(sqlx_server)
        try:
            return {
                word: await connection.fetchval(sql_of(word)) for word in every_type()
            }
        finally:
            await connection.close()

    for word, value in asyncio.run(ask()).items():
        plain = type(value).__name__ == python_type(TypeInfo(word), Database.POSTGRES)
        assert plain == (word not in NOT_OF_ASYNCPG), (word, type(value))


def test_the_document_is_a_table_of_every_rule() -> None:
    """A line for each rule, with what is refused and why."""
    for database in Database:
        lines = document(database).splitlines()
        assert len(lines) == 2 + len(list(rows(database)))
        assert {line.count(" | ") for line in lines} == {4}
    text = document(Database.POSTGRES)
    assert (
        "| numeric | `Decimal` | `Decimal`, `int` | `bool`: true is no number; "
        "`float`: a float is not exact; `int` as a column: it would lose its fraction "
        "| To get a float, cast the column to float8. |\n"
    ) in text
    assert "| domain" not in text
    assert "`list[int \\| None]`" in text


def test_a_row_tells_the_way_in_which_a_class_is_refused() -> None:
    """As a column only, as a parameter only, or both."""
    found = {row.types: row.refused for row in rows(Database.POSTGRES)}
    json = {refused.annotation: refused.way for refused in found["json, jsonb"]}
    assert json == {"str": None, "list": Way.PARAMETER, ROW_CLASS: None}
    assert found["inet"] == (
        Refused(
            "str",
            "it arrives as another class; cast the column to text to get str",
            Way.COLUMN,
        ),
    )


def test_every_word_of_sqlx_has_a_rule() -> None:
    """Of PostgreSQL's built-in types but the arrays, and of SQLite's."""
    words = {word for rule in OF_POSTGRES.rules for word in rule.types}
    ranges = {"Int4Range", "Int8Range", "NumRange", "TsRange", "TstzRange", "DateRange"}
    assert words | ranges == {
        word for word in VARIANTS.values() if not word.endswith("Array")
    }
    sqlite = {w for rule in TABLES[Database.SQLITE].rules for w in rule.types}
    assert sqlite == {
        "Null",
        "Integer",
        "Float",
        "Text",
        "Blob",
        "Numeric",
        "Bool",
        "Int4",
        "Date",
        "Time",
        "Datetime",
    }
