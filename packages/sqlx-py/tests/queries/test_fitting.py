"""Annotations against types that are made of others, at any depth."""

from __future__ import annotations

import datetime as dt
import enum
import importlib
from collections import OrderedDict
from collections.abc import (
    Collection,
    Iterable,
    Mapping,
    MutableMapping,
    MutableSequence,
    Sequence,
)
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple, NewType, TypedDict, Union
from uuid import UUID

import pytest
from psycopg.types.multirange import Multirange
from psycopg.types.range import Int4Range, Range

from sqlx.queries.checking.fitting import misfit, python_type, rule_of, type_name
from sqlx.queries.checking.rules import Way
from sqlx.queries.reading import read
from sqlx.queries.values import Database, Kind, TypeInfo

# It has no types.
asyncpg: Any = importlib.import_module("asyncpg")
TIER = TypeInfo("tier", Kind.ENUM, labels=("free", "pro"))
MOOD = TypeInfo('app."Mood"', Kind.ENUM, labels=("a'b", 'c"d'))
AGE = TypeInfo(
    "age", Kind.DOMAIN, of=TypeInfo("years", Kind.DOMAIN, of=TypeInfo("Int4"))
)
ITEM = TypeInfo(
    "item",
    Kind.COMPOSITE,
    fields=(
        ("name", TypeInfo("Text")),
        ("tiers", TypeInfo("tier[]", Kind.ARRAY, of=TIER)),
    ),
)
MINE = TypeInfo("mine", Kind.RANGE, of=TypeInfo("Float8"))
UserId = NewType("UserId", UUID)


class Slug(str):
    """A text of the user's."""

    __slots__ = ()


class Moment(dt.datetime):
    """A datetime of the user's, which no driver makes."""


class Plain:
    """A class with no fields that anybody knows."""


class Tier(enum.StrEnum):
    """All labels, and one more."""

    FREE = "free"
    PRO = "pro"
    OLD = "old"


class Mixed(enum.Enum):
    """Values of two classes."""

    TEXT = "free"
    NUMBER = 1


class Item(NamedTuple):
    """The fields of the composite type."""

    name: str
    tiers: list[Tier] | None


class Swapped(NamedTuple):
    """The same in another order."""

    tiers: list[Tier]
    name: str


@dataclass
class Wrong:
    """The same with another type."""

    name: str
    tiers: list[int]


@dataclass
class Blurred:
    """The same with a type that has a reason."""

    name: UUID
    tiers: list[str]


class Payload(TypedDict):
    """What JSON may be."""

    id: int


def column(type_info: TypeInfo | str, annotation: object) -> str | None:
    """Compare a column of PostgreSQL; give the text, None when it fits."""
    return compared(type_info, annotation, Way.COLUMN)


def parameter(type_info: TypeInfo | str, annotation: object) -> str | None:
    """Compare a parameter of PostgreSQL."""
    return compared(type_info, annotation, Way.PARAMETER)


def compared(type_info: TypeInfo | str, annotation: object, way: Way) -> str | None:
    """Compare, whichever way."""
    info = TypeInfo(type_info) if isinstance(type_info, str) else type_info
    found = misfit(info, read(annotation), way, Database.POSTGRES)
    return None if found is None else str(found)


@pytest.mark.parametrize(
    ("word", "annotation"),
    [
        ("Int8", Literal[1, 2]),
        ("Int8", int | str),
        ("Text", Slug),
        ("Text", Tier),
        ("Text", Literal["a"]),
        ("Uuid", UserId),
        ("Jsonb", Any),
        ("Jsonb", Payload),
        ("Jsonb", dict[str, Any] | list[Any] | str),
        ("Inet", read),
        ("Record", tuple[int, str]),
        ("Void", None),
    ],
)
def test_columns_of_built_in_types(word: str, annotation: object) -> None:
    """A union fits when the value is of one of its members."""
    if word == "Inet":
        from ipaddress import IPv4Interface, IPv6Address

        annotation = IPv4Interface | IPv6Address
    assert column(word, annotation) is None


@pytest.mark.parametrize(
    ("word", "annotation", "text"),
    [
        ("Int8", bool, ': true is no number; write "int"'),
        ("Bool", int, ': 1 and true are two things to PostgreSQL; write "bool"'),
        ("Int8", str, '; write "int"'),
        ("Int8", Plain, '; write "int"'),
        ("Int8", Mixed, '; write "int"'),
        ("Int8", None, '; write "int"'),
        ("Int8", Any, '; write "int"'),
        ("Int8", Literal["a"], '; write "int"'),
        ("Int8", str | bytes, '; write "int"'),
        (
            "Date",
            dt.datetime,
            ': a date has no time, although datetime is a class of date; write "date"',
        ),
        (
            "Timestamptz",
            dt.date,
            ': it has a time; cast to date to get one; write "datetime"',
        ),
        (
            "Timestamptz",
            Moment,
            ': what arrives is a plain datetime; write "datetime"',
        ),
        (
            "Jsonb",
            Item,
            (
                ": JSON has no such fields; a TypedDict can describe its dict; "
                'write "dict[str, Any]"'
            ),
        ),
        ("Record", Item, ': what arrives is a plain tuple; write "tuple"'),
        ("Numeric", float, ': a float is not exact; write "Decimal"'),
    ],
)
def test_columns_that_do_not_fit(word: str, annotation: object, text: str) -> None:
    """A reason where there is one, and what to write."""
    assert column(word, annotation) == text


def test_a_parameter_may_be_any_member_of_a_union() -> None:
    """So each of them must fit."""
    assert parameter("Numeric", Decimal | int) is None
    assert parameter("Numeric", Decimal | float) == (
        ': a float is not exact; write "Decimal"'
    )


def test_a_parameter_may_be_of_a_class_of_the_users() -> None:
    """A datetime of his own is sent as a datetime; None is NULL to any type."""
    assert parameter("Timestamptz", Moment) is None
    assert parameter("Int8", None) is None
    assert parameter("Int8", int | None) is None
    assert parameter("Record", tuple[int, int]) == (
        "; cast the parameter to another type"
    )


def test_a_domain_is_what_is_under_it() -> None:
    """At any depth."""
    assert column(AGE, int) is None
    assert column(AGE, str) == '; write "int"'


@pytest.mark.parametrize(
    "annotation",
    [
        list[int],
        list[int | None],
        Sequence[int],
        Collection[int],
        Iterable[int],
        tuple[int, ...],
        set[int],
        list[list[int]],
        list[list[list[int]]],
    ],
)
def test_a_columns_array_is_a_list(annotation: object) -> None:
    """Or what is made of one; of any number of dimensions."""
    assert column("Int8Array", annotation) is None
    assert column(TypeInfo("age[]", Kind.ARRAY, of=AGE), annotation) is None


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, '; write "list[int]"'),
        (tuple[int, int], '; write "list[int]"'),
        (list, ': it does not say of what; write "list[int]"'),
        (list[str], '; write "list[int]"'),
        (list[bool], ': true is no number; write "list[int]"'),
        (list[list[str]], '; write "list[int]"'),
        (list[Any], '; write "list[int]"'),
    ],
)
def test_what_is_no_array_of_the_type(annotation: object, text: str) -> None:
    """The whole annotation is proposed."""
    assert column("Int8Array", annotation) == text


def test_a_parameters_array_has_a_length() -> None:
    """What is only iterable, or a mapping, is not sent as one."""
    assert parameter("Int8Array", Sequence[int]) is None
    assert parameter("Int8Array", set[int]) is None
    assert parameter("Int8Array", Iterable[int]) == (
        ': it need not be a list; write "list[int]"'
    )
    assert parameter("Int8Array", Mapping[int, int]) == '; write "list[int]"'
    assert parameter("JsonbArray", list[dict[str, Any]]) is None


def test_an_array_of_json_is_not_taken_for_two_dimensions() -> None:
    """A list is JSON, too."""
    assert column("JsonbArray", list[list[Any]]) is None


def test_a_columns_enum_has_every_label() -> None:
    """More do no harm; a text is always right."""
    assert column(TIER, Literal["free", "pro"]) is None
    assert column(TIER, Tier) is None
    assert column(TIER, str) is None
    assert column(TIER, Slug) is None
    assert column(TIER, Literal["free"] | None) == (
        ': it has no "pro"; add it, or write "str"'
    )
    assert column(MOOD, Tier) == (
        """: it has no "a'b", "c"d"; add it, or write "str\""""
    )
    assert column(TIER, int) == '; write "Literal["free", "pro"]" or "str"'


def test_a_parameters_enum_has_labels_only() -> None:
    """Fewer do no harm."""
    assert parameter(TIER, Literal["free"]) is None
    assert parameter(TIER, str) is None
    assert parameter(TIER, Tier) == ': "old" is no label of tier; take it out'
    assert parameter(TypeInfo("tier[]", Kind.ARRAY, of=TIER), list[Tier]) == (
        ': "old" is no label of tier; write "list[Literal["free", "pro"]]"'
    )


def test_a_range_is_of_its_type() -> None:
    """The one of psycopg or of asyncpg; of the user's own also text."""
    assert column("Int4Range", Range[int]) is None
    assert column("Int4Range", asyncpg.Range[int]) is None
    assert column("NumRange", Range[Decimal]) is None
    assert column("Int4Range", Range[bool]) == (
        ': true is no number; write "Range[int]"'
    )
    assert column("Int4Range", Range) == (
        ': it does not say of what; write "Range[int]"'
    )
    assert column("Int4Range", str) == '; write "Range[int]"'
    assert parameter("Int4Range", Int4Range) is None
    assert column(MINE, Range[float]) is None
    assert column(MINE, str) is None
    assert column(MINE, int) == '; write "Range[float]"'


def test_a_composite_is_a_row_class_of_the_same_fields() -> None:
    """In the same order and of the same types; or text."""
    assert column(ITEM, Item) is None
    assert parameter(ITEM, Blurred) == (
        ": its name is text, not UUID (it arrives as str; cast the column to uuid to "
        'get UUID); write "str"'
    )
    assert column(ITEM, str) is None
    assert column(ITEM, Swapped) == "; give it the fields name, tiers, in this order"
    assert column(ITEM, Wrong) == (
        ': its tiers is tier[], not list[int]; write "list[Literal["free", "pro"]]"'
    )
    assert column(ITEM, int) == (
        '; write "str", or a NamedTuple with the fields name, tiers'
    )


@pytest.mark.parametrize(
    ("type_info", "annotation"),
    [
        (TypeInfo("citext", Kind.SIMPLE), str),
        (TypeInfo("xml", Kind.SIMPLE), str),
        (TypeInfo("anyelement", Kind.PSEUDO), str),
        (TypeInfo("ext.hstore", Kind.SIMPLE), dict[str, str | None]),
        (TypeInfo("hstore", Kind.SIMPLE), str),
        (TypeInfo("int2vector", Kind.ARRAY, of=TypeInfo("Int2")), str),
        (TypeInfo("datemultirange", Kind.SIMPLE), list[Range[dt.date]]),
    ],
)
def test_other_types_go_by_their_names(type_info: TypeInfo, annotation: object) -> None:
    """Whatever schema they are in; what has no rule is text."""
    assert column(type_info, annotation) is None
    assert column(type_info, int) is not None


@pytest.mark.parametrize(
    ("type_info", "annotation", "name"),
    [
        (TypeInfo("Int8"), "int", "bigint"),
        (TypeInfo("TimestamptzArray"), "list[datetime]", "timestamptz[]"),
        (TypeInfo("Bpchar"), "str", "char"),
        (TypeInfo("Jsonb"), "dict[str, Any]", "jsonb"),
        (TypeInfo("TstzRange"), "Range[datetime]", "tstzrange"),
        (TypeInfo("DateRangeArray"), "list[Range[date]]", "daterange[]"),
        (TypeInfo("Void"), "None", "void"),
        (TIER, 'Literal["free", "pro"]', "tier"),
        (MOOD, """Literal["a'b", "c\\"d"]""", 'app."Mood"'),
        (AGE, "int", "age"),
        (ITEM, "str", "item"),
        (MINE, "Range[float]", "mine"),
        (
            TypeInfo("tier[]", Kind.ARRAY, of=TIER),
            'list[Literal["free", "pro"]]',
            "tier[]",
        ),
        (TypeInfo("ext.hstore", Kind.SIMPLE), "dict[str, str | None]", "ext.hstore"),
        (TypeInfo("int2vector", Kind.ARRAY, of=TypeInfo("Int2")), "str", "int2vector"),
        (TypeInfo("Newer"), "str", "Newer"),
    ],
)
def test_a_type_has_an_annotation_and_a_name(
    type_info: TypeInfo, annotation: str, name: str
) -> None:
    """What is proposed for a column, and what people call it."""
    assert python_type(type_info, Database.POSTGRES) == annotation
    assert type_name(type_info, Database.POSTGRES) == name


def sqlite(word: str, annotation: object) -> str | None:
    """Compare a column of SQLite."""
    found = misfit(TypeInfo(word), read(annotation), Way.COLUMN, Database.SQLITE)
    return None if found is None else str(found)


def test_sqlite_has_types_of_its_own() -> None:
    """Texts hold more; what has no known type holds anything."""
    assert sqlite("Text", dict[str, Any]) is None
    assert sqlite("Text", Decimal) is None
    assert sqlite("Text", Any) == '; write "str"'
    assert sqlite("Bool", int) == (
        ': the declared type says that it is true or false; write "bool"'
    )
    assert sqlite("Null", Plain) is None
    assert rule_of(TypeInfo("Newer"), Database.SQLITE).unchecked
    assert python_type(TypeInfo("Numeric"), Database.SQLITE) == "Any"
    assert type_name(TypeInfo("Int4"), Database.SQLITE) == "INTEGER"


def test_unions_of_a_literal_and_a_class() -> None:
    """One member that fits is enough for a column."""
    assert column(TIER, Union[Literal["free"], str]) is None  # noqa: UP007, PYI051


def test_json_is_no_sequence_or_mapping_of_another_class() -> None:
    """It arrives as a list or a dict, which abstract classes ask for."""
    assert column("Jsonb", MutableMapping[str, int]) is None
    assert column("Jsonb", MutableSequence[int]) is None
    assert column("Jsonb", OrderedDict[str, int]) == (
        ': what arrives is a plain dict; write "dict[str, Any]"'
    )
    assert parameter("Jsonb", OrderedDict[str, int]) is None
    assert column("Jsonb", Multirange[int]) == (
        ': what arrives is a plain Sequence; write "dict[str, Any]"'
    )
    ranges = TypeInfo("int4multirange", Kind.SIMPLE)
    assert column(ranges, Multirange[int]) is None
