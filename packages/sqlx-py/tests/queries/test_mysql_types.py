"""MySQL's types: what they are called, and which annotations fit."""

from __future__ import annotations

import datetime as dt
import enum
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import pytest

from sqlx.queries.checking.fitting import misfit, python_type, type_name
from sqlx.queries.checking.mysql_names import FLAGS, display
from sqlx.queries.checking.rules import Way
from sqlx.queries.reading import read
from sqlx.queries.values import Database, Kind, TypeInfo, Wire

TEXT, BYTES, UNTOLD = 45, 63, None
UNSIGNED, BINARY, ENUM, SET = (
    FLAGS[name] for name in ("UNSIGNED", "BINARY", "ENUM", "SET")
)
TIER = TypeInfo("enum('free','pro')", Kind.ENUM, labels=("free", "pro"))


class Tier(enum.StrEnum):
    """All labels."""

    FREE = "free"
    PRO = "pro"


def told(
    name: str, flags: int = 0, size: int = 20, collation: int | None = BYTES
) -> TypeInfo:
    """Make a type as the protocol tells it."""
    return TypeInfo(name, wire=Wire(flags, size, collation))


@pytest.mark.parametrize(
    ("type_info", "name"),
    [
        (told("Tiny", size=1), "BOOLEAN"),
        (told("Tiny", size=4), "TINYINT"),
        (told("Tiny", UNSIGNED, 3), "TINYINT UNSIGNED"),
        (told("Long", size=1), "BOOLEAN"),
        (told("Int24"), "MEDIUMINT"),
        (told("LongLong", UNSIGNED), "BIGINT UNSIGNED"),
        (told("Year", UNSIGNED, 4), "YEAR"),
        (told("NewDecimal"), "DECIMAL"),
        (told("VarString", 0, 40, TEXT), "VARCHAR"),
        (told("VarString", BINARY, 40, TEXT), "VARCHAR"),
        (told("VarString", BINARY, 40, BYTES), "VARBINARY"),
        (told("VarString", BINARY, 40, UNTOLD), "VARBINARY"),
        (told("VarString", 0, 40, UNTOLD), "VARCHAR"),
        (told("String", ENUM, 4, TEXT), "ENUM"),
        (told("String", SET, 4, TEXT), "SET"),
        (told("Blob", BINARY, 255, BYTES), "BLOB"),
        (told("Bit", UNSIGNED, 1), "BIT(1)"),
        (told("Bit", UNSIGNED, 8), "BIT"),
        (told("Json", BINARY, 99, BYTES), "JSON"),
        (told("Null", BINARY, 0), "NULL"),
        (TypeInfo("JSON"), "JSON"),
    ],
)
def test_types_have_the_names_of_the_sql(type_info: TypeInfo, name: str) -> None:
    """By the collation; where a file does not keep it, by the flag."""
    assert display(type_info) == name


@pytest.mark.parametrize(
    ("type_info", "fits", "not_fit", "proposed"),
    [
        (told("Tiny", size=1), (bool, int), (float, str), "bool"),
        (told("Int24"), (int,), (bool, float, Decimal), "int"),
        (told("Year", UNSIGNED, 4), (int,), (dt.date,), "int"),
        (told("NewDecimal"), (Decimal,), (int, float), "Decimal"),
        (told("Double"), (float,), (int, Decimal), "float"),
        (told("VarString", 0, 9, TEXT), (str, UUID, dict[str, Any]), (bytes,), "str"),
        (told("Json"), (dict[str, Any], list[int], str), (int,), "dict[str, Any]"),
        (told("Blob", BINARY, 255), (bytes, UUID), (str,), "bytes"),
        (told("Bit", size=1), (bytes, bool), (int,), "bytes"),
        (told("Bit", size=8), (bytes,), (bool, int), "bytes"),
        (told("Time"), (dt.timedelta,), (dt.time,), "timedelta"),
        (told("Date"), (dt.date,), (dt.datetime, str), "date"),
        (told("Timestamp"), (dt.datetime,), (dt.date,), "datetime"),
        (told("Null"), (int, str, Any), (), "Any"),
        (told("String", ENUM, 4, TEXT), (str, Tier), (int,), "str"),
        (told("String", SET, 4, TEXT), (str,), (Tier, Literal["x"], int), "str"),
        (TIER, (str, Tier, Literal["free", "pro"]), (int, Literal["free"]), None),
    ],
    ids=lambda value: value.name if isinstance(value, TypeInfo) else "",
)
def test_annotations_are_held_against_a_type(
    type_info: TypeInfo,
    fits: tuple[Any, ...],
    not_fit: tuple[Any, ...],
    proposed: str | None,
) -> None:
    """What the drivers give is what may be written."""
    way, database = Way.COLUMN, Database.MYSQL
    assert [misfit(type_info, read(each), way, database) for each in fits] == [
        None
    ] * len(fits)
    assert None not in [
        misfit(type_info, read(each), way, database) for each in not_fit
    ]
    known = proposed or 'Literal["free", "pro"]'
    assert python_type(type_info, database) == known


def test_a_type_is_named_in_messages() -> None:
    """As the SQL has it; an enum with its labels."""
    assert type_name(told("Int24"), Database.MYSQL) == "MEDIUMINT"
    assert type_name(TIER, Database.MYSQL) == "enum('free','pro')"
    assert type_name(told("0x0e"), Database.MYSQL) == "of no known type"
