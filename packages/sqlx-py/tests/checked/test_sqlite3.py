"""sqlite3: placeholders by name and number; values of classes it does not know."""

from __future__ import annotations

import dataclasses
import enum
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from uuid import UUID

import mysql_server
import pytest
from checked.clients import SQLITE
from support import Watched

import sqlx
from sqlx import checked
from sqlx.databases.sqlite.running.placeholders import placeholder_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support import Database


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Open a database in memory, as sqlite3 does by default."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(SQLITE)
        yield connection


@pytest.mark.parametrize(
    ("sql", "count", "names"),
    [
        ("SELECT ?, ?", 2, None),
        ("SELECT ?2, ?1", 2, {"2": 1, "1": 0}),
        ("SELECT 1", 0, None),
        ("SELECT $2, $1, $2", 2, {"2": 1, "1": 0}),
        ("SELECT :b, @a, :b", 2, {"b": 0, "a": 1}),
        ("SELECT $1, ?2", 2, {"1": 0, "2": 1}),
        ("SELECT $name::x(y)", 1, {"name::x(y)": 0}),
        ("SELECT ':a', \"$b\", `@c`, [?d], a$e, :f", 1, {"f": 0}),
        ("SELECT 1 -- :a\n/* :b */, 'it''s :c', :d", 1, {"d": 0}),
        ("SELECT $1 /* open", 1, {"1": 0}),
        ("SELECT :ä, x.y", None, {"ä": 0}),
    ],
)
def test_placeholders(
    sql: str, count: int | None, names: dict[str, int] | None
) -> None:
    """Numbers are SQLx's; names count one after the other; texts are none."""
    assert placeholder_names(sql, count) == names


def test_each_placeholder_gets_its_value(connection: sqlite3.Connection) -> None:
    """Sequences for names are gone in Python 3.14, so a dict is bound."""

    @checked.query("SELECT $2 || $1 || $2")
    def dollars(connection: sqlite3.Connection, a: str, b: str) -> str:
        raise NotImplementedError

    @checked.query("SELECT :x || :y || :x")
    def colons(connection: sqlite3.Connection, a: str, b: str) -> str:
        raise NotImplementedError

    @checked.query("SELECT ?2 || ?1")
    def numbers(connection: sqlite3.Connection, a: str, b: str) -> str:
        raise NotImplementedError

    @checked.query("SELECT $1 || $2")
    def starred(connection: sqlite3.Connection, *values: str) -> str:
        raise NotImplementedError

    for _ in range(2):
        assert dollars(connection, "a", "b") == "bab"
        assert colons(connection, "a", "b") == "aba"
        assert numbers(connection, "a", "b") == "ba"
        assert starred(connection, "a", "b") == "ab"
    inline = checked.query_scalar(str, "SELECT $2 || $1", "a", "b")
    assert inline.one(connection) == "ba"


def test_more_or_fewer_values_than_placeholders(connection: sqlite3.Connection) -> None:
    """The driver would let a value too many pass."""

    @checked.query("SELECT $1")
    def two(connection: sqlite3.Connection, a: str, b: str) -> str:
        raise NotImplementedError

    with pytest.raises(TypeError, match=r"two: the query takes 1 values, not 2"):
        two(connection, "a", "b")
    inline = checked.query_scalar(str, "SELECT $1 || $2", "a")
    with pytest.raises(TypeError, match=r": the query takes 2 values, not 1"):
        inline.one(connection)


class Tier(enum.Enum):
    """An enum."""

    FREE = "free"


class Level(enum.IntEnum):
    """A number."""

    HIGH = 3


class Email(str):
    """A text."""

    __slots__ = ()


@dataclass(frozen=True)
class Point:
    """A JSON object."""

    x: int
    y: list[int]


NOON = datetime(2025, 1, 2, 12, 30, 1, 5)  # noqa: DTZ001 -- naive.
KEY = UUID("c7a1b1c4-0000-4000-8000-000000000001")
AHEAD = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("annotation", "value", "stored"),
    [
        (bool, True, 1),
        (int, 2**40, 2**40),
        (float, 1.5, 1.5),
        (str, "ä", "ä"),
        (bytes, b"\0", b"\0"),
        (Email, Email("a@x"), "a@x"),
        (Tier, Tier.FREE, "free"),
        (Level, Level.HIGH, 3),
        (Literal["a"], "a", "a"),
        (int | str, "a", "a"),
        (datetime, NOON, "2025-01-02 12:30:01.000005"),
        (datetime, NOON.replace(tzinfo=UTC), "2025-01-02T12:30:01.000005+00:00"),
        (datetime, NOON.replace(tzinfo=AHEAD), "2025-01-02T12:30:01.000005+02:00"),
        (date, date(2025, 1, 2), "2025-01-02"),
        (time, time(1, 2), "01:02:00"),
        (Decimal, Decimal("1.50"), "1.50"),
        (UUID, KEY, str(KEY)),
        (dict[str, int], {"a": 1}, '{"a": 1}'),
        (list[int], [1, 2], "[1, 2]"),
        (list[UUID], [str(KEY)], f'["{KEY}"]'),
    ],
)
def test_what_is_stored_and_read_back(
    connection: sqlite3.Connection, annotation: Any, value: Any, stored: object
) -> None:
    """Declared and inline; NULL is None whatever the type is."""
    row: Any = dataclasses.make_dataclass("Row", [("it", annotation), ("raw", Any)])
    sql = checked.unchecked("SELECT ?1 AS it, ?1 AS raw")

    def echo(connection: sqlite3.Connection, it: object) -> object:
        raise NotImplementedError

    echo.__annotations__ = {"it": annotation, "return": row}
    declared: Any = checked.query(sql)(echo)
    back = [UUID(str(each)) for each in value] if annotation == list[UUID] else value
    for _ in range(2):
        found = declared(connection, value)
        assert found == row(back, stored)
        assert type(found.it) is type(back)
    assert declared(connection, None) == row(None, None)
    assert checked.query_as(row, sql, value).one(connection) == row(back, stored)


@pytest.mark.parametrize(
    ("annotation", "stored", "value"),
    [
        (datetime, "2025-01-02T12:30:01Z", datetime(2025, 1, 2, 12, 30, 1, tzinfo=UTC)),
        (datetime, 0, datetime(1970, 1, 1, tzinfo=UTC)),
        (datetime, 2440588.5, datetime(1970, 1, 2, tzinfo=UTC)),
        (date, "2025-01-02 12:30:01", date(2025, 1, 2)),
        (Decimal, 1.1, Decimal("1.1")),
        (Decimal, 3, Decimal(3)),
        (UUID, KEY.bytes, KEY),
        (bool, 0, False),
        (Point, '{"y": [1], "x": 2}', Point(2, [1])),
        (tuple[int, str], '[1, "a"]', (1, "a")),
    ],
)
def test_what_others_have_stored(
    connection: sqlite3.Connection, annotation: Any, stored: object, value: object
) -> None:
    """SQLx's forms of time and of UUIDs; JSON in the classes of the user."""
    query = checked.query_scalar(annotation, "SELECT ?", stored)
    assert query.one(connection) == value


def test_values_that_sqlite3_has_converted() -> None:
    """With `detect_types` and the user's converters, they are left alone."""
    sqlite3.register_converter("moment", lambda _: NOON)
    sqlite3.register_converter("key", lambda _: KEY)
    sqlite3.register_converter("hour", lambda _: time(1))
    sqlite3.register_converter("day", lambda _: date(2025, 1, 2))
    detect = sqlite3.PARSE_DECLTYPES
    with closing(sqlite3.connect(":memory:", detect_types=detect)) as connection:
        connection.execute("CREATE TABLE t (a MOMENT, b KEY, c HOUR, d DAY)")
        connection.execute("INSERT INTO t VALUES (1, 1, 1, 1)")
        query = checked.query_as(Converted, "SELECT * FROM t")
        assert query.one(connection) == Converted(NOON, KEY, time(1), date(2025, 1, 2))


class Converted(NamedTuple):
    """A row of what converters give."""

    a: datetime
    b: UUID
    c: time
    d: date


@pytest.mark.parametrize("isolation_level", [None, "DEFERRED", "IMMEDIATE"])
def test_any_connection(
    isolation_level: Literal["DEFERRED", "IMMEDIATE"] | None,
) -> None:
    """Whatever its rows are, and however it begins transactions."""
    with closing(
        sqlite3.connect(":memory:", isolation_level=isolation_level)
    ) as connection:
        connection.executescript(SQLITE)
        connection.row_factory = lambda _, row: {"row": row}
        query = checked.query_scalar(str, "SELECT email FROM users WHERE id = ?", 1)
        assert query.one(connection) == query.one(connection) == "a@x"
        assert query.all(connection) == [*query.stream(connection)] == ["a@x"]
        update = checked.query("UPDATE users SET flag = FALSE")
        assert update.execute(connection) == 2
        assert connection.in_transaction is (isolation_level is not None)
        assert connection.execute("SELECT 1").fetchone() == {"row": (1,)}


def test_columns_that_change(connection: sqlite3.Connection) -> None:
    """Where `*` is written, they are looked at each time."""

    @checked.query("SELECT * FROM changing")
    def found(connection: sqlite3.Connection) -> list[Pair]:
        raise NotImplementedError

    connection.executescript(
        "CREATE TABLE changing (a, b); INSERT INTO changing VALUES (1, 2)"
    )
    for _ in range(3):
        assert found(connection) == [(1, 2)]
    connection.execute("ALTER TABLE changing RENAME a TO c")
    with pytest.raises(sqlx.ColumnMismatch) as caught:
        found(connection)
    assert (caught.value.missing, caught.value.extra) == (("a",), ("c",))
    connection.execute("ALTER TABLE changing RENAME b TO a")
    connection.execute("ALTER TABLE changing RENAME c TO b")
    assert found(connection) == [(2, 1)]


class Pair(NamedTuple):
    """Two numbers."""

    a: int
    b: int


def test_an_update_has_no_rows(connection: sqlite3.Connection) -> None:
    """What is to give a row and cannot says so."""
    query = checked.query_scalar(int, "UPDATE users SET flag = TRUE")
    with pytest.raises(sqlx.ColumnMismatch, match="it sends none"):
        query.one(connection)


def test_a_connection_that_is_watched_is_used(
    connection: sqlite3.Connection, on_mysql: Database
) -> None:
    """It says that it is of the class that it stands for; others are of others."""

    @checked.query("SELECT 7")
    def seven(connection: Any) -> int:
        raise NotImplementedError

    with mysql_server.connect(on_mysql.url) as another:
        watched = [Watched(connection), Watched(another)] * 2
        assert list(map(seven, watched)) == [7, 7, 7, 7]
