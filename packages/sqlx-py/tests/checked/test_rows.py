"""What a query returns, by its annotation: on each driver, with each sort of class."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypedDict, TypeVar

import attrs
import msgspec
import pydantic
import pytest

import sqlx
from sqlx import checked

if TYPE_CHECKING:
    from checked.clients import Client

T = TypeVar("T")


class Tier(enum.Enum):
    """An enum whose names are not its values."""

    FREE = "free"
    PRO = "pro"


class Email(str):
    """A text of a class of ours."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Data:
    """A dataclass, its fields in another order than the columns."""

    email: Email
    id: int
    tier: Tier
    flag: bool
    nick: str | None = None
    absent: str = "default"


@dataclass(kw_only=True)
class Keywords:
    """A dataclass that takes no positional arguments."""

    id: int
    email: Email
    tier: Tier
    nick: str | None
    flag: bool
    absent: list[int] = field(default_factory=list)


class Named(NamedTuple):
    """A named tuple, as the columns are."""

    id: int
    email: Email
    tier: Tier
    nick: str | None
    flag: bool


class Typed(TypedDict):
    """A dict."""

    flag: bool
    id: int
    email: Email
    tier: Tier
    nick: str | None


@attrs.frozen
class Attrs:
    """A class of attrs, one of whose names is private."""

    _id: int
    email: Email
    tier: Tier
    nick: str | None
    flag: bool = attrs.field(kw_only=True)


class Struct(msgspec.Struct, frozen=True, rename="camel"):
    """A class of msgspec, that is written otherwise in JSON."""

    id: int
    email: Email
    tier: Tier
    nick: str | None
    flag: bool


class Model(pydantic.BaseModel):
    """A class of pydantic, one of whose fields has an alias."""

    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    id: int
    email: str = pydantic.Field(alias="e-mail")
    tier: Tier
    nick: str | None
    flag: bool


@dataclass
class Box(Generic[T]):
    """A generic class."""

    id: int
    email: Email
    tier: T
    nick: str | None
    flag: bool


FIRST = (1, Email("a@x"), Tier.FREE, None, True)
SECOND = (2, Email("b@x"), Tier.PRO, "bee", True)
ROWS: dict[Any, tuple[object, ...]] = {
    Data: (
        Data(FIRST[1], 1, Tier.FREE, flag=True),
        Data(SECOND[1], 2, Tier.PRO, flag=True, nick="bee"),
    ),
    Keywords: tuple(
        Keywords(id=row[0], email=row[1], tier=row[2], nick=row[3], flag=row[4])
        for row in (FIRST, SECOND)
    ),
    Named: (Named(*FIRST), Named(*SECOND)),
    Typed: tuple(
        {"id": row[0], "email": row[1], "tier": row[2], "nick": row[3], "flag": row[4]}
        for row in (FIRST, SECOND)
    ),
    Attrs: (Attrs(*FIRST[:4], flag=True), Attrs(*SECOND[:4], flag=True)),
    Struct: (Struct(*FIRST), Struct(*SECOND)),
    Model: tuple(
        Model.model_validate(
            {"id": r[0], "e-mail": r[1], "tier": r[2], "nick": r[3], "flag": r[4]}
        )
        for r in (FIRST, SECOND)
    ),
    Box[Tier]: (Box(*FIRST), Box(*SECOND)),
}
COLUMNS = 'id, email AS "email!: Email", tier, nick AS "nick?", flag'


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row).rpartition(".")[2])
def test_every_form_of_rows_of_every_class(client: Client, row: Any) -> None:
    """One row, one or none, all, a stream: built of the columns by their names."""
    expected = ROWS[row]
    one = f"SELECT {COLUMNS} FROM users WHERE id = $1"
    every = f"SELECT {COLUMNS} FROM users WHERE id >= $1 ORDER BY id"
    stream = Iterator if client.runner is None else AsyncIterator
    find = client.declare(one, row, id=int)
    maybe = client.declare(one, row | None, id=int)
    assert [find(1), find(2)] == [*expected]  # The second time it is compiled.
    assert [maybe(1), maybe(2), maybe(3)] == [*expected, None]
    assert client.declare(every, list[row], id=int)(1) == [*expected]
    assert client.declare(every, list[row], id=int)(3) == []
    streamed = client.declare(every, stream[row], id=int)
    assert streamed(1) == streamed(1) == [*expected]
    assert type(find(1)) is type(expected[0])


def test_the_same_inline(client: Client) -> None:
    """`query_as` and `query_scalar` give what a declared query gives."""
    one = f"SELECT {COLUMNS} FROM users WHERE id = $1"
    query = checked.query_as(Data, client.sql(one), 2)
    second = ROWS[Data][1]
    assert client.call(query.one) == second
    assert client.call(query.optional) == second
    assert client.call(query.all) == [second]
    assert client.call(query.stream) == [second]
    one = "SELECT tier FROM users WHERE id = $1"
    tier = checked.query_scalar(Tier, client.sql(one), 2)
    assert client.call(tier.one) is Tier.PRO
    assert client.call(tier.optional) is Tier.PRO
    assert client.call(tier.all) == [Tier.PRO]
    assert client.call(tier.stream) == [Tier.PRO]


def test_plain_rows_are_named_tuples(client: Client) -> None:
    """Without a class, the columns have their names; overrides are taken off."""
    one = 'SELECT id, email AS "email!" FROM users WHERE id = $1'
    query = checked.query(client.sql(one), 1)
    row = client.call(query.one)
    assert (row.id, row.email) == row == (1, "a@x")
    assert client.call(query.all) == [row]
    assert client.call(query.stream) == [row]
    strange = checked.query("SELECT 1 AS a, 2 AS a, 3 AS class")
    assert client.call(strange.one)._fields == ("a", "_1", "_2")


@pytest.mark.parametrize(
    ("sql", "returns", "expected"),
    [
        ("SELECT count(*) FROM users", int, 2),
        ("SELECT email FROM users WHERE id = 1", Email, Email("a@x")),
        ("SELECT nick FROM users WHERE id = 1", str | None, None),
        ("SELECT nick FROM users WHERE id = 9", str | None, None),
        ("SELECT nick FROM users ORDER BY id", list[str | None], [None, "bee"]),
        ("SELECT tier FROM users ORDER BY id", list[Tier], [Tier.FREE, Tier.PRO]),
        ("SELECT nick FROM users ORDER BY id", list[Email | None], [None, "bee"]),
    ],
)
def test_one_column_is_the_row(
    client: Client, sql: str, returns: object, expected: object
) -> None:
    """A scalar has no name to compare; NULL is None."""
    find = client.declare(sql, returns)
    assert find() == find() == expected


def test_null_where_it_was_proved_away_is_none(client: Client) -> None:
    """What the check proved is not looked at again, at each value."""
    sql = 'SELECT nick AS "nick!" FROM users WHERE id = 1'
    assert client.declare(sql, str)() is None
    assert client.declare(sql, Email)() is None


def test_counted_and_executed(client: Client) -> None:
    """`RowsAffected` is the number; None is nothing."""
    change = client.declare(
        "UPDATE users SET flag = TRUE WHERE id >= $1", checked.RowsAffected, id=int
    )
    found = change(1)
    assert (type(found), found, repr(found)) == (
        checked.RowsAffected,
        2,
        "RowsAffected(2)",
    )
    assert change(9) == 0
    assert client.declare("UPDATE users SET flag = TRUE", None)() is None
    assert client.call(checked.query("UPDATE users SET flag = TRUE").execute) == 2
    drop = checked.query("DROP TABLE IF EXISTS no_such_table")
    assert client.call(drop.execute) == 0


def test_rows_that_are_returned_are_counted(client: Client) -> None:
    """RETURNING changes nothing about the number."""
    sql = "UPDATE users SET flag = TRUE RETURNING id"
    if client.is_mysql:  # MariaDB has it for INSERT, REPLACE and DELETE alone.
        sql = (
            "REPLACE INTO users (id, email, tier, nick) VALUES"
            " (1, 'a@x', 'free', NULL), (2, 'b@x', 'pro', 'bee') RETURNING id"
        )
    assert client.call(checked.query(client.sql(sql)).execute) == 2
    assert client.declare(sql, None)() is None
    assert sorted(client.declare(sql, list[int])()) == [1, 2]
    if not client.is_mysql:  # There WITH begins a SELECT alone.
        with_ = "WITH one AS (SELECT 1) UPDATE users SET flag = TRUE"
        assert client.call(checked.query(client.sql(with_)).execute) == 2


def test_too_many_rows_and_none(client: Client) -> None:
    """The errors name the file, the line and the function."""
    every = "SELECT id FROM users"
    for returns in (int, int | None):
        with pytest.raises(sqlx.TooManyRows) as caught:
            client.declare(every, returns)()
        assert str(caught.value) == (
            "<string>:1: find: more than one row returned by a query that expected at "
            "most one; add a condition or LIMIT 1, or let it return `list[T]`, or use "
            "`.all()`"
        )
    with pytest.raises(sqlx.RowNotFound) as none:
        client.declare("SELECT id FROM users WHERE id = 9", int)()
    assert str(none.value) == (
        "<string>:1: find: no rows returned by a query that expected to return at "
        "least one row; where that may be, let it return `T | None`, or use "
        "`.optional()`"
    )


def test_columns_that_are_not_the_fields(client: Client) -> None:
    """What is missing and what is too much, whatever the form."""
    stream = Iterator if client.runner is None else AsyncIterator
    for returns in (Named, Named | None, list[Named], stream[Named]):
        find = client.declare(
            "SELECT id, email, 1 AS more FROM users WHERE id = 1", returns
        )
        with pytest.raises(sqlx.ColumnMismatch) as caught:
            find()
        assert str(caught.value) == (
            "<string>:1: find: Named.tier has no column; Named.nick has no column; "
            "Named.flag has no column; column more has no field; the query or its "
            "tables have changed since it was checked: run `sqlx check`"
        )
    with pytest.raises(sqlx.ColumnMismatch) as twice:
        client.declare("SELECT 1 AS a, 2 AS b, 3 AS b", Pair)()
    assert (twice.value.missing, twice.value.extra) == ((), ("b",))
    with pytest.raises(sqlx.ColumnMismatch) as two:
        client.declare("SELECT id, email FROM users WHERE id = 1", int)()
    assert str(two.value) == (
        "<string>:1: find: the query must send one column, and it sends 2 (id, email); "
        "the query or its tables have changed since it was checked: run `sqlx check`"
    )


class Pair(NamedTuple):
    """Two numbers."""

    a: int
    b: int


def test_columns_that_change_their_order(client: Client) -> None:
    """Where `*` is written, the names are looked at each time."""
    if client.name == "sqlite3":
        client.connection.execute("CREATE TEMP VIEW v AS SELECT 1 AS a, 2 AS b")
        again = ["DROP VIEW v", "CREATE TEMP VIEW v AS SELECT 3 AS b, 4 AS a"]
    else:
        again = []
    star = "SELECT * FROM v" if again else "SELECT v.* FROM (SELECT 1 AS a, 2 AS b) v"
    find = client.declare(star, Pair)
    assert find() == find() == (1, 2)
    for sql in again:
        client.connection.execute(sql)
    assert find() == ((4, 3) if again else (1, 2))


def test_the_database_s_own_error_comes_through(client: Client) -> None:
    """It is the driver's, with a note that names the query."""
    insert = client.declare(
        "INSERT INTO users (id, email) VALUES ($1, 'x')", None, id=int
    )
    for _ in range(2):  # The second time on the compiled function.
        with pytest.raises(Exception, match=r"(?i)unique|duplicate") as caught:
            insert(1)
        assert caught.value.__notes__ == ["in the query at <string>:1: find"]
        assert type(caught.value).__module__.partition(".")[0] in {
            "psycopg",
            "asyncpg",
            "sqlite3",
            "pymysql",
            "asyncmy",
        }
