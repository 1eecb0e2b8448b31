"""What asyncpg and psycopg have otherwise than the table, held against themselves."""

from __future__ import annotations

import asyncio
import importlib
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypedDict

import psycopg
import psycopg_pool
import pytest
from psycopg.types.json import Jsonb
from psycopg.types.multirange import Multirange
from psycopg.types.range import Range

from sqlx.queries.checking.check import check
from sqlx.queries.checking.drivers import _OWN, ASYNCPG, PSYCOPG, driver_misfit
from sqlx.queries.checking.fitting import misfit
from sqlx.queries.checking.rules import Way
from sqlx.queries.collecting.connections import driver_of
from sqlx.queries.reading import read
from sqlx.queries.returns import returns_of
from sqlx.queries.sites import Parameter, Place, Site, SqlText
from sqlx.queries.values import Column, Database, Description, Kind, TypeInfo

if TYPE_CHECKING:
    from collections.abc import Iterator


# It has no types.
asyncpg: Any = importlib.import_module("asyncpg")
asyncpg_types: Any = importlib.import_module("asyncpg.types")

TEXTS = {
    "Bit": "'1'::bit",
    "Box": "'(1,2),(3,4)'::box",
    "Char": "'a'::\"char\"",
    "Circle": "'<(1,2),3>'::circle",
    "Line": "'{1,2,3}'::line",
    "Lseg": "'[(1,2),(3,4)]'::lseg",
    "Path": "'(1,2)'::path",
    "Point": "'(1,2)'::point",
    "Polygon": "'(1,2)'::polygon",
    "Varbit": "'101'::varbit",
    "cid": "'1'::cid",
    "int2vector": "'1 2'::int2vector",
    "oidvector": "'1 2'::oidvector",
    "pg_lsn": "'0/1'::pg_lsn",
    "pg_snapshot": "'10:20:'::pg_snapshot",
    "tid": "'(0,1)'::tid",
    "txid_snapshot": "'10:20:'::txid_snapshot",
    "xid": "'1'::xid",
    "xid8": "'1'::xid8",
}


class Tier(Enum):
    """Texts."""

    FREE = "free"


class Level(Enum):
    """Numbers."""

    LOW = 1


class Item(NamedTuple):
    """A row class for a composite."""

    name: str


class Doc(TypedDict):
    """A dict for one."""

    name: str


class Port(Protocol):
    """A connection of no driver."""


BIT = TypeInfo("Bit")
ITEM = TypeInfo("item", Kind.COMPOSITE, fields=(("name", TypeInfo("Text")),))
FLOATS = TypeInfo("floats", Kind.RANGE, of=TypeInfo("Float8"))
RANGES = TypeInfo("int4multirange", Kind.SIMPLE)
BITS = TypeInfo("BitArray")
AsyncpgRange: Any = asyncpg_types.Range


def told(type_info: TypeInfo, annotation: object, way: Way, driver: str) -> str:
    """Write why it does not fit the driver; it fits the table."""
    found = read(annotation)
    assert misfit(type_info, found, way, Database.POSTGRES) is None
    wrong = driver_misfit(type_info, found, way, driver)
    return "" if wrong is None else str(wrong)


def test_asyncpg_gives_other_classes_than_text(sqlx_server: str) -> None:
    """Each that the list names, and psycopg gives text for all of them."""
    assert TEXTS.keys() == _OWN.keys()
    sql = f"SELECT {', '.join(TEXTS.values())}"
    with psycopg.connect(sqlx_server) as connection:
        row = connection.execute(sql.encode()).fetchone()
    assert row is not None
    assert {type(value) for value in row} == {str}

    async def ask() -> Any:
        other = await asyncpg.connect(sqlx_server)
        record = await other.fetchrow(sql)
        await other.close()
        return record

    classes = [type(value).__name__ for value in asyncio.run(ask())]
    assert dict(zip(TEXTS, classes, strict=True)) == _OWN


@pytest.mark.parametrize(
    ("type_info", "annotation"),
    [
        (BIT, str),
        (BIT, str | int),
        (BIT, Tier),
        (BIT, Literal["1"]),
        (TypeInfo("mine", Kind.DOMAIN, of=BIT), str),
        (BITS, list[str]),
        (BITS, list[list[str]]),
        (TypeInfo("mine[]", Kind.ARRAY, of=BIT), tuple[str, ...]),
    ],
)
def test_text_is_not_what_asyncpg_gives(
    type_info: TypeInfo, annotation: object
) -> None:
    """At any depth; to psycopg it is."""
    reason = ": asyncpg gives BitString; cast the column to text to get str"
    assert told(type_info, annotation, Way.COLUMN, ASYNCPG) == reason
    assert told(type_info, annotation, Way.COLUMN, PSYCOPG) == ""
    assert told(type_info, annotation, Way.COLUMN, "") == ""


def test_composites_and_ranges_are_no_text_to_asyncpg() -> None:
    """A type of one's own is known to it without being registered."""
    mend = "; cast the column to text to get str"
    for type_info, known in ((ITEM, "Record"), (FLOATS, "Range")):
        found = told(type_info, str, Way.COLUMN, ASYNCPG)
        assert found == f": asyncpg gives {known}{mend}"
    several = TypeInfo("app.floatmultirange", Kind.SIMPLE)
    found = told(several, str, Way.COLUMN, ASYNCPG)
    assert found == f": asyncpg gives list{mend}"
    vector = TypeInfo("int2vector", Kind.ARRAY, of=TypeInfo("Int2"))
    assert told(vector, str, Way.COLUMN, ASYNCPG) == f": asyncpg gives list{mend}"
    assert told(ITEM, Item, Way.COLUMN, ASYNCPG) == ""
    assert told(TypeInfo("Int4"), Level, Way.COLUMN, ASYNCPG) == ""


def test_what_asyncpg_takes_is_cast_from_text() -> None:
    """The message writes the cast."""
    found = told(BIT, str, Way.PARAMETER, ASYNCPG)
    assert found == ': asyncpg takes BitString; write "::text::bit" after it'
    assert told(TypeInfo("Text"), str, Way.PARAMETER, ASYNCPG) == ""


def test_no_driver_knows_the_classes_of_the_other() -> None:
    """Ranges, and the wrappers of JSON, in lists as well."""
    span, own = TypeInfo("Int4Range"), TypeInfo("Jsonb")
    mend = "; cast it to text in the SQL"
    theirs = f": Range is psycopg's, and the connection is asyncpg's{mend}"
    ours = f": Range is asyncpg's, and the connection is psycopg's{mend}"
    for way in Way:
        assert told(span, Range[int], way, ASYNCPG) == theirs
        assert told(span, Range[int], way, PSYCOPG) == ""
        found = told(TypeInfo("Int4RangeArray"), list[Range[int]], way, ASYNCPG)
        assert found == theirs
    assert told(span, AsyncpgRange, Way.PARAMETER, PSYCOPG) == ours
    assert told(span, AsyncpgRange, Way.PARAMETER, ASYNCPG) == ""
    found = told(own, dict[str, int] | Jsonb, Way.PARAMETER, ASYNCPG)
    assert found == (
        ": Jsonb is psycopg's, and the connection is asyncpg's; pass a dict, or cast "
        "it to text in the SQL"
    )
    assert told(own, Jsonb, Way.PARAMETER, PSYCOPG) == ""


def test_multiranges_are_lists_to_one_and_a_class_to_the_other() -> None:
    """The list is one of asyncpg's ranges."""
    assert told(RANGES, Multirange[int], Way.COLUMN, PSYCOPG) == ""
    found = told(RANGES, list[Range[int]], Way.COLUMN, PSYCOPG)
    assert found == ': psycopg has a class for it; write "Multirange"'
    for annotation in (list[AsyncpgRange], list[Any], list):
        assert told(RANGES, annotation, Way.COLUMN, ASYNCPG) == ""
    found = told(RANGES, list[int], Way.COLUMN, ASYNCPG)
    assert found == ': it is a list of asyncpg\'s Range; write "list[Range]"'
    found = told(RANGES, list[Range[int]], Way.COLUMN, ASYNCPG)
    assert found.startswith(": Range is psycopg's")


def test_psycopg_sends_no_dict_as_a_composite() -> None:
    """It would be JSON; what comes can be made into one."""
    found = told(ITEM, Doc, Way.PARAMETER, PSYCOPG)
    assert found == ": psycopg sends a dict as JSON; pass a NamedTuple"
    assert told(ITEM, Doc, Way.COLUMN, PSYCOPG) == ""
    assert told(ITEM, Doc, Way.PARAMETER, ASYNCPG) == ""
    assert told(ITEM, Item, Way.PARAMETER, PSYCOPG) == ""


def test_the_driver_is_the_package_of_the_connection() -> None:
    """Pools are of their connections' driver; what may be several is of none."""
    known: Any = asyncpg.Connection
    for annotation, driver in (
        (psycopg.Connection, PSYCOPG),
        (psycopg_pool.AsyncConnectionPool, PSYCOPG),
        (psycopg.AsyncConnection | psycopg_pool.AsyncConnectionPool, PSYCOPG),
        (known, ASYNCPG),
        (asyncpg.Pool, ASYNCPG),
        (psycopg.AsyncConnection | known, ""),
        (Port, ""),
    ):
        assert driver_of(read(annotation)) == driver


def findings(returns: object, driver: str, *columns: Column) -> Iterator[str]:
    """Check a function of a driver whose one parameter is a bit as text."""
    place = Place("app.py", 2, 5)
    text = SqlText("SELECT 1", "app.py", ((0, 1, 13),))
    site = Site(
        "bits",
        text,
        place,
        returns_of(read(returns), is_async=False),
        place,
        (Parameter("it", read(str), place),),
        driver=driver,
    )
    described = Description(Database.POSTGRES, text.sql, columns, (BIT,))
    return (f"{f.message} [{f.code}]" for f in check(site, described))


def test_a_query_of_asyncpg_is_checked_against_asyncpg() -> None:
    """Parameters, scalars and the fields of rows."""
    column = Column("name", BIT, None, nullable=False)
    parameter = (
        '$1 is bit, parameter "it" is str: asyncpg takes BitString; write '
        '"::text::bit" after it [param-type]'
    )
    mend = "asyncpg gives BitString; cast the column to text to get str [column-type]"
    assert list(findings(list[str], ASYNCPG, column)) == [
        parameter,
        f'column "name" is bit but bits returns str: {mend}',
    ]
    assert list(findings(Item, ASYNCPG, column)) == [
        parameter,
        f'column "name" is bit but Item.name is str: {mend}',
    ]
    assert list(findings(Item, PSYCOPG, column)) == []
