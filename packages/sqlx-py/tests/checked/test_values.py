"""Values go to PostgreSQL and come back, with each driver, as their types say."""

from __future__ import annotations

import dataclasses
import enum
import math
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NewType, TypedDict
from uuid import UUID

import pytest
from psycopg.adapt import Dumper
from psycopg.types.composite import CompositeInfo, register_composite
from psycopg.types.enum import EnumInfo, register_enum
from psycopg.types.json import Json, Jsonb
from psycopg.types.range import Range, RangeInfo, register_range

from sqlx import checked

if TYPE_CHECKING:
    import psycopg
    from checked.clients import Client


class Tier(enum.Enum):
    """An enum whose names are not its labels."""

    FREE = "free"
    PRO = "pro"


class StrTier(enum.StrEnum):
    """One that is a text."""

    FREE = "free"
    PRO = "pro"


class OldTier(str, enum.Enum):  # noqa: UP042 -- as it was written before 3.11.
    """One that is a text, the old way."""

    FREE = "free"


class Level(enum.IntEnum):
    """One that is a number."""

    HIGH = 3


class Number(int):
    """A number of a class of ours."""


class Email(str):
    """A text of a class of ours."""

    __slots__ = ()


class Place(NamedTuple):
    """A composite type."""

    street: str
    number: int


@dataclass(frozen=True)
class PlaceData:
    """The same as a dataclass."""

    street: str
    number: int


class Doc(TypedDict):
    """A JSON object."""

    a: list[int]


UserId = NewType("UserId", int)
NOON = datetime(2025, 1, 2, 12, 30, 1, 5, UTC)
KEY = UUID("c7a1b1c4-0000-4000-8000-000000000001")
# Type, annotation, value.
SAME: list[tuple[str, Any, Any]] = [
    ("bool", bool, True),
    ("int2", int, -32768),
    ("int4", int, 7),
    ("int8", int, 2**62),
    ("int4", UserId, UserId(7)),
    ("int4", Number, Number(7)),
    ("int4", Level, Level.HIGH),
    ("float8", float, 1.5),
    ("float8", float, math.inf),
    ("numeric", Decimal, Decimal("1.50")),
    ("text", str, "ä'\"\\ $1 %s"),
    ("text", Email, Email("a@x")),
    ("text", Literal["a"], "a"),
    ("bytea", bytes, b"\0\xff"),
    ("timestamptz", datetime, NOON),
    ("timestamp", datetime, NOON.replace(tzinfo=None)),
    ("date", date, NOON.date()),
    ("time", time, time(1, 2, 3, 4)),
    ("interval", timedelta, timedelta(days=1, seconds=2, microseconds=3)),
    ("uuid", UUID, KEY),
    ("jsonb", dict[str, Any], {"a": [1, None, "ä"]}),
    ("json", dict[str, Any], {}),
    ("jsonb", Doc, {"a": [1]}),
    ("jsonb", Any, {"a": 1}),
    ("inet", IPv4Address | IPv6Address, IPv4Address("10.0.0.1")),
    ("cidr", IPv4Network, IPv4Network("10.0.0.0/8")),
    ("tier", Tier, Tier.PRO),
    ("tier", StrTier, StrTier.PRO),
    ("tier", OldTier, OldTier.FREE),
    ("tier", str, "free"),
    ("tier", Literal["free", "pro"], "pro"),
    ("int4[]", list[int], [1, 2]),
    ("int4[]", list[int], []),
    ("int4[]", list[int | None], [1, None]),
    ("int4[]", list[list[int]], [[1, 2], [3, 4]]),
    ("int4[]", list[Number], [Number(1)]),
    ("bool[]", list[bool], [True, False]),
    ("uuid[]", list[UUID], [KEY]),
    ("text[]", list[str], ["", 'a"b', "NULL", "ä", "{}", "a,b"]),
    ("text[]", list[Email], [Email("a@x")]),
    ("bytea[]", list[bytes], [b"\0", b"x"]),
    ("timestamptz[]", list[datetime], [NOON]),
    ("interval[]", list[timedelta], [timedelta(days=1)]),
    ("date[]", list[date], [NOON.date()]),
    ("tier[]", list[Tier], [Tier.PRO, Tier.FREE]),
    ("tier[]", list[Tier | None], [Tier.PRO, None]),
    ("tier[]", list[StrTier], [StrTier.PRO]),
    ("tier[]", list[str], ["pro", "free"]),
    ("tier[]", list[Literal["free", "pro"]], ["pro"]),
    ("tier[]", list[Tier], []),
    ("score[]", list[int], [1, 2]),
    ("answer[]", list[bool], [True, False]),
    ("jsonb[]", list[dict[str, int]], [{"a": 1}, {"b": 2}]),
]


class Holder(NamedTuple):
    """A row whose one field is set by the test."""

    it: Any


def row_of(annotation: Any) -> Any:
    """Make a row class with one field of a type."""
    fields = [("it", annotation)]
    return dataclasses.make_dataclass("Row", fields, bases=(Compared,), eq=False)


class Compared:
    """Compares as a tuple does."""

    it: Any

    def __eq__(self, other: object) -> bool:
        return (self.it,) == other

    def __hash__(self) -> int:
        return hash(self.it)

    def __iter__(self) -> Iterator[Any]:
        yield self.it


def test_what_is_sent_comes_back(on_server: Client) -> None:
    """Equal, and of the class that the annotation names; NULL is None."""
    for type_, annotation, value in SAME:
        sql = f"SELECT $1::{type_} AS it"
        echo = on_server.declare(sql, row_of(annotation), it=annotation)
        for given in (value, value, None):
            (it,) = echo(given)
            # asyncpg has a UUID of its own, which is one.
            same = type(it) is type(given) or isinstance(given, UUID)
            assert (it, same) == (given, True), (type_, annotation)


def test_the_same_without_annotations(on_server: Client) -> None:
    """Inline, the values alone say how they are sent."""
    for type_, annotation, value in SAME:
        sql = checked.unchecked(f"SELECT $1::{type_} AS it")
        query = checked.query_as(row_of(annotation), sql, value)
        assert on_server.call(query.one) == (value,), (type_, annotation)


def test_what_is_no_list_is_sent_as_an_array(on_server: Client) -> None:
    """A tuple of any length, a sequence; enums in it by their values."""
    sql = "SELECT $1::tier[] AS it"
    for annotation in (tuple[Tier, ...], Sequence[Tier]):
        echo = on_server.declare(sql, row_of(list[Tier]), it=annotation)
        assert echo((Tier.PRO,)) == ([Tier.PRO],)
    echo = on_server.declare(sql, row_of(frozenset[Tier]), it=list[Tier])
    assert echo([Tier.PRO, Tier.PRO]) == (frozenset({Tier.PRO}),)
    pair = on_server.declare(sql, row_of(tuple[Tier, ...]), it=list[Tier])
    assert pair([Tier.PRO]) == ((Tier.PRO,),)


def test_bytes_like_values_are_bytes(on_server: Client) -> None:
    """A bytearray and a memoryview."""
    for value in (bytearray(b"a"), memoryview(b"a")):
        echo = on_server.declare("SELECT $1::bytea", bytes, it=type(value))
        assert echo(value) == b"a"


def test_not_a_number_is_sent(on_server: Client) -> None:
    """It is equal to nothing, so it is tested apart."""
    assert math.isnan(on_server.declare("SELECT $1::float8", float, it=float)(math.nan))


def test_json_is_read_whatever_it_is(on_server: Client) -> None:
    """A number, a truth value, a list, anything; asyncpg gives text for all."""
    for text, annotation, value in (
        ("1", int, 1),
        ("1.5", float, 1.5),
        ("true", bool, True),
        ("[1, 2]", list[int], [1, 2]),
        ('["a"]', list[str], ["a"]),
        ('"a"', Any, "a"),
        ("null", Any, None),
        ("[1]", Any, [1]),
    ):
        sql = f"SELECT '{text}'::jsonb AS it"
        row: Any = row_of(annotation)
        for _ in range(2):
            assert on_server.declare(sql, row)() == (value,)
            assert on_server.declare(sql, list[row])() == [(value,)]
    nothing = on_server.declare("SELECT $1::jsonb", int | None, it=Any)
    assert [nothing(None), nothing(None)] == [None, None]


def test_json_is_read_as_the_class_that_is_written(on_server: Client) -> None:
    """An enum of numbers, a class of one's own, a Literal, and each in an array."""
    for text, annotation, value in (
        ("'3'::jsonb", Level, Level.HIGH),
        ("'7'::json", Number, Number(7)),
        ("'3'::json", Literal[3], 3),
        ("'null'::jsonb", Level | None, None),
        ("'{1,2}'::jsonb[]", list[int], [1, 2]),
        ("'{7}'::json[]", list[Number], [Number(7)]),
        ("'{NULL,3}'::jsonb[]", list[Level | None], [None, Level.HIGH]),
        ("'{1,true,NULL}'::jsonb[]", list[Any], [1, True, None]),
        ("'{}'::jsonb[]", list[int], []),
    ):
        row: Any = row_of(annotation)
        echo = on_server.declare(f"SELECT {text} AS it", row)
        for _ in range(2):
            (it,) = echo()
            assert (it, type(it)) == (value, type(value)), text
            if isinstance(value, list):
                assert [*map(type, it)] == [*map(type, value)], text
    both = on_server.declare(
        """SELECT '["a"]'::jsonb AS it, '1'::jsonb AS other""", JsonPair
    )
    assert [both(), both()] == [JsonPair(["a"], 1)] * 2


class JsonPair(NamedTuple):
    """A list that is JSON, not an array, and a number."""

    it: list[str]
    other: int


class Bag(dict[str, int]):
    """A dict of a class of one's own."""


def test_every_mapping_is_sent_as_json(on_server: Client) -> None:
    """An ordered one, one of a class of one's own, one that is no dict; in lists."""
    for value in (
        OrderedDict(a=1),
        Bag(a=1),
        MappingProxyType({"a": 1}),
    ):
        for annotation in (Mapping[str, int], type(value)):
            echo = on_server.declare("SELECT $1::jsonb", dict[str, int], it=annotation)
            assert echo(value) == {"a": 1}, annotation
        several = on_server.declare(
            "SELECT ($1::jsonb[])[1]", dict[str, int], it=list[Mapping[str, int]]
        )
        assert several([value]) == {"a": 1}


def test_sets_of_enums_are_sent_as_arrays(on_server: Client) -> None:
    """By their values, as lists of them are."""
    for made in (set, frozenset, deque):
        kind: Any = made
        echo = on_server.declare("SELECT $1::tier[]::text", str, it=kind[Tier])
        assert echo(made([Tier.PRO])) == "{pro}"


def test_text_in_any_stays_text(on_server: Client) -> None:
    """Where nothing is JSON, digits are no number."""
    assert on_server.declare("SELECT '1' AS it", Holder)() == ("1",)


def test_composite_types(on_server: Client) -> None:
    """They are sent as they are; psycopg reads them when they are registered."""
    for cls in (Place, PlaceData):
        sent = on_server.declare("SELECT ($1::place).street", str, it=cls)
        assert sent(cls("a b", 1)) == "a b"
    echo = on_server.declare("SELECT $1::place AS it", row_of(PlaceData), it=PlaceData)
    if on_server.name.startswith("asyncpg"):
        assert echo(PlaceData("a b", 1)) == (PlaceData("a b", 1),)
        return
    with pytest.raises(TypeError) as caught:
        echo(PlaceData("a b", 1))
    assert str(caught.value) == (
        "'(\"a b\",1)' came as text where PlaceData is wanted; register its type on "
        "the connection: psycopg.types has register_composite, register_hstore and "
        "others"
    )


def test_what_is_registered_comes_first(psycopg_connection: psycopg.Connection) -> None:
    """A composite type, an enum by names, dicts that are no JSON."""
    connection = psycopg_connection
    place = CompositeInfo.fetch(connection, "place")
    assert place is not None
    register_composite(place, connection)

    @checked.query("SELECT ROW('a', 1)::place AS it")
    def composite(connection: psycopg.Connection) -> PlaceRow:
        raise NotImplementedError

    assert composite(connection) == PlaceRow(PlaceData("a", 1))
    tier = EnumInfo.fetch(connection, "tier")
    assert tier is not None
    mapping = [(Tier.FREE, "pro"), (Tier.PRO, "free")]
    register_enum(tier, connection, Tier, mapping=mapping)

    @checked.query("SELECT $1::tier::text AS it, $1 AS tier, ARRAY[$1] AS tiers")
    def named(connection: psycopg.Connection, it: Tier) -> TierRow:
        raise NotImplementedError

    assert named(connection, Tier.FREE) == TierRow("pro", Tier.FREE, [Tier.FREE])
    connection.adapters.register_dumper(dict, Marked)
    query = checked.query_scalar(str, "SELECT $1", {"a": 1})
    assert query.one(connection) == "marked"


class Marked(Dumper):
    """Writes a dict as users may want it: as hstore, say."""

    def dump(self, obj: dict[str, Any]) -> bytes:  # noqa: ARG002 -- as psycopg calls it.
        """Write it."""
        return b"marked"


def test_a_mapping_that_is_not_registered(
    psycopg_connection: psycopg.Connection,
) -> None:
    """Such as hstore, comes as text."""
    query = checked.query_scalar(dict[str, str], 'SELECT \'"a"=>"1"\'')
    with pytest.raises(TypeError, match=r"came as text where dict\[str, str\] is"):
        query.one(psycopg_connection)


class PlaceRow(NamedTuple):
    """A row with a composite."""

    it: PlaceData


class TierRow(NamedTuple):
    """A row with an enum, and a list of it."""

    it: str
    tier: Tier
    tiers: list[Tier]


def test_a_composite_in_a_row_keeps_its_object(
    psycopg_connection: psycopg.Connection,
) -> None:
    """When the driver makes the class itself, nothing is done."""
    info = CompositeInfo.fetch(psycopg_connection, "place")
    assert info is not None
    register_composite(
        info,
        psycopg_connection,
        PlaceData,
        make_sequence=lambda place, _: [place.street, place.number],
    )

    @checked.query("SELECT ROW('a', 1)::place AS it, $1::place AS other")
    def both(connection: psycopg.Connection, it: PlaceData) -> Both:
        raise NotImplementedError

    place = PlaceData("a", 1)
    assert both(psycopg_connection, place) == Both(place, place)


class Both(NamedTuple):
    """Two composites."""

    it: PlaceData
    other: PlaceData


def test_psycopg_s_own_classes(psycopg_connection: psycopg.Connection) -> None:
    """Ranges, and JSON that is wrapped."""

    @checked.query("SELECT $1::int4range")
    def ranged(connection: psycopg.Connection, it: Range[int]) -> Range[int]:
        raise NotImplementedError

    @checked.query("SELECT $1::jsonb || $2::jsonb")
    def wrapped(connection: psycopg.Connection, a: Jsonb, b: Json) -> list[Any]:
        raise NotImplementedError

    assert ranged(psycopg_connection, Range(1, 5)) == Range(1, 5)
    one = checked.query_scalar(
        list[int], "SELECT $1::jsonb || $2::jsonb", Jsonb([1]), Json([2])
    )
    assert one.one(psycopg_connection) == [1, 2]


def test_a_range_that_is_not_registered_is_no_text(
    psycopg_connection: psycopg.Connection,
) -> None:
    """As with composite types, the message says what to do."""
    psycopg_connection.execute("CREATE TYPE floats AS RANGE (subtype = float8)")

    @checked.query("SELECT '[1,2)'::floats")
    def ranged(connection: psycopg.Connection) -> Range[float]:
        raise NotImplementedError

    with pytest.raises(TypeError) as caught:
        ranged(psycopg_connection)
    assert str(caught.value) == (
        "'[1,2)' came as text where Range[float] is wanted; register its type on the "
        "connection: psycopg.types has register_composite, register_hstore and others"
    )
    found = RangeInfo.fetch(psycopg_connection, "floats")
    assert found is not None
    register_range(found, psycopg_connection)
    assert ranged(psycopg_connection) == Range(1.0, 2.0)


def test_unknown_arrays_of_other_types_are_refused(
    psycopg_connection: psycopg.Connection,
) -> None:
    """An array of a domain over dates comes as text that only psycopg can read."""
    psycopg_connection.execute("CREATE DOMAIN day AS DATE")

    @checked.query("SELECT ARRAY['2025-01-02'::day]")
    def days(connection: psycopg.Connection) -> list[list[date]]:
        raise NotImplementedError

    with pytest.raises(TypeError, match=r"'\{2025-01-02\}' came as text where list"):
        days(psycopg_connection)
