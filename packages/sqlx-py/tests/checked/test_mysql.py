"""Values go to MariaDB and come back, with PyMySQL and asyncmy, as their types say."""

from __future__ import annotations

import enum
from collections.abc import Mapping  # noqa: TC003 -- read when a query is called.
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from uuid import UUID

import pymysql
import pytest
from checked.clients import opened

from sqlx import checked

if TYPE_CHECKING:
    from checked.clients import Client


class Tier(enum.Enum):
    """An enum whose names are not its labels."""

    FREE = "free"
    PRO = "pro"


class StrTier(enum.StrEnum):
    """One that is a text."""

    PRO = "pro"


class Level(enum.IntEnum):
    """One that is a number, which the drivers would write as text."""

    HIGH = 3


class Kind(int, enum.Enum):
    """One whose text is not its number."""

    A = 1


class Number(int):
    """A number of a class of ours."""


class Email(str):
    """A text of a class of ours."""

    __slots__ = ()


class Day(date):
    """A date of a class of ours."""


class Doc(NamedTuple):
    """A row with JSON in it."""

    list_: list[int]
    dict_: Mapping[str, Any] | None
    text: str


NOW = datetime(2026, 11, 30, 7, 45, 1, 5)  # noqa: DTZ001 -- MySQL has no zones.
ID = UUID("0123456789abcdef0123456789abcdef")
SENT = [
    ("SELECT ?", 5, int, 5),
    ("SELECT ?", 2**64 - 1, int, 2**64 - 1),
    ("SELECT ?", Level.HIGH, int, 3),
    ("SELECT ? + 1", Kind.A, int, 2),
    ("SELECT ?", Number(7), Number, 7),
    ("SELECT ?", 1.5, float, 1.5),
    ("SELECT ?", True, bool, True),
    ("SELECT ?", 'it\'s 100 % \\ "?" `é`', str, 'it\'s 100 % \\ "?" `é`'),
    ("SELECT ?", Email("a@x"), Email, "a@x"),
    ("SELECT ?", Tier.PRO, Tier, Tier.PRO),
    ("SELECT ?", StrTier.PRO, StrTier, StrTier.PRO),
    ("SELECT ?", "pro", Literal["free", "pro"], "pro"),
    ("SELECT CAST(? AS BINARY)", b"\0\xff'\\", bytes, b"\0\xff'\\"),
    ("SELECT CAST(? AS BINARY)", bytearray(b"x"), bytes, b"x"),
    ("SELECT CAST(? AS BINARY)", memoryview(b"x"), bytes, b"x"),
    ("SELECT CAST(? AS DECIMAL(9, 2))", Decimal("1.50"), Decimal, Decimal("1.50")),
    ("SELECT CAST(? AS DATETIME(6))", NOW, datetime, NOW),
    ("SELECT CAST(? AS DATE)", Day(2026, 1, 2), date, date(2026, 1, 2)),
    ("SELECT CAST(? AS TIME)", time(1, 2, 3), timedelta, timedelta(0, 3723)),
    ("SELECT CAST(? AS TIME)", -timedelta(5), timedelta, -timedelta(5)),
    ("SELECT ?", ID, UUID, ID),
    ("SELECT CAST(? AS BINARY)", ID.bytes, UUID, ID),
    ("SELECT ?", {"a": [1, None]}, dict[str, Any], {"a": [1, None]}),
    ("SELECT ?", [1, "x"], str, '[1, "x"]'),
    ("SELECT JSON_LENGTH(?)", (1, 2), int, 2),
    ("SELECT b'1'", None, bool, True),
    ("SELECT b'0'", None, bool, False),
    ("SELECT ?", None, int | None, None),
]


@pytest.mark.parametrize(
    ("sql", "value", "returns", "expected"),
    SENT,
    ids=[f"{n}-{type(case[1]).__name__}" for n, case in enumerate(SENT)],
)
def test_values_go_and_come(
    on_mysql_client: Client, sql: str, value: object, returns: Any, expected: object
) -> None:
    """Sent as declared and where the query stands; the class is the annotation's."""
    client = on_mysql_client
    given = [value] if "?" in sql else []
    parameters = {"value": type(value)} if given else {}
    declared = client.declare(sql, returns, **parameters)
    inline = checked.query_scalar(returns, checked.unchecked(sql), *given)
    for found in (declared(*given), declared(*given), client.call(inline.one)):
        assert found == expected
        assert type(found) is type(expected) or isinstance(found, type(expected))


def test_parameters_may_be_annotated_with_more_than_a_class(
    on_mysql_client: Client,
) -> None:
    """A union, a Literal, an enum, a list: each value is sent as it is meant."""
    find = on_mysql_client.declare(
        "SELECT CONCAT_WS(',', ?, ?, ?, ?)",
        str,
        a=str | None,
        b=Literal["x"],
        c=Tier,
        d=list[int],
    )
    assert find(None, "x", Tier.PRO, [1, 2]) == "x,pro,[1, 2]"
    assert find("it's", "x", Tier.FREE, []) == "it's,x,free,[]"


def test_json_is_read_where_that_is_wanted(on_mysql_client: Client) -> None:
    """It arrives as text, of MariaDB's JSON and of any other text."""
    sql = "SELECT '[1, 2]' AS list_, ? AS dict_, JSON_ARRAY() AS text"
    query = checked.query_as(Doc, checked.unchecked(sql), {"a": None})
    assert on_mysql_client.call(query.one) == ([1, 2], {"a": None}, "[]")


def test_placeholders_are_where_the_server_sees_them(on_mysql_client: Client) -> None:
    """Not in literals, names and comments; a percent sign is one."""
    sql = """
        SELECT '?''\\'?%s', "?", 7 % 4 AS `?`, ? -- ?
        , /* ? */ ? # ?%
        , 'x' LIKE '%', 5--?
    """
    find = checked.query(checked.unchecked(sql), 1, "y", 2)
    row = on_mysql_client.call(find.one)
    assert tuple(row) == ("?''?%s", "?", 3, 1, "y", 1, 7)
    bare = checked.query_scalar(str, "SELECT '100 %s %'")
    assert on_mysql_client.call(bare.one) == "100 %s %"


def test_as_many_values_as_placeholders(on_mysql_client: Client) -> None:
    """A declared query is not even sent; the driver counts where one stands."""
    find = on_mysql_client.declare("SELECT ? + ?", int, a=int)
    with pytest.raises(TypeError) as caught:
        find(1)
    assert str(caught.value) == "<string>:1: find: the query takes 2 values, not 1"
    inline = checked.query_scalar(int, "SELECT ? + ?", 1)
    with pytest.raises(Exception, match="not enough arguments"):
        on_mysql_client.call(inline.one)


def test_a_time_zone_is_not_dropped(on_mysql_client: Client) -> None:
    """The drivers would: the server has no type that keeps one."""
    for value in (NOW.replace(tzinfo=UTC), time(1, tzinfo=UTC)):
        query = checked.query_scalar(str, "SELECT ?", value)
        with pytest.raises(TypeError) as caught:
            on_mysql_client.call(query.one)
        assert str(caught.value) == (
            f"{value!r} has a time zone, which MySQL would drop; pass it in the "
            "session's, without one: value.astimezone(UTC).replace(tzinfo=None)"
        )


def test_a_date_that_python_does_not_have(mysql_url: str) -> None:
    """The drivers give its text; asyncmy gives None where it prepares statements."""
    for name in ("pymysql", "asyncmy", "asyncmy prepared"):
        with opened(name, mysql_url) as client:
            client.call(checked.query("SET SESSION sql_mode = ''").execute)
            made = "SELECT CAST('2026-00-01' AS DATETIME) WHERE 1 = ?"
            day = checked.query_scalar(date, "SELECT FROM_DAYS(?)", 0)
            moment = checked.query_scalar(datetime, checked.unchecked(made), 1)
            if name == "asyncmy prepared":
                assert client.call(day.one) is client.call(moment.one) is None
                continue
            with pytest.raises(ValueError, match="0000-00-00") as caught:
                client.call(day.one)
            assert str(caught.value) == (
                "'0000-00-00' is no date of Python's; NULLIF(…, 0) in the SQL makes it "
                "NULL"
            )
            assert "in the query at" in caught.value.__notes__[0]
            with pytest.raises(ValueError, match="'2026-00-01 00:00:00' is no date"):
                client.call(moment.one)


def test_what_is_of_no_known_class_is_the_driver_s(on_mysql_client: Client) -> None:
    """It writes the text of it, or what the connection was taught."""
    query = checked.query_scalar(str, "SELECT ?", IPv4Address("127.0.0.1"))
    assert on_mysql_client.call(query.one) == "127.0.0.1"


def test_a_stream_is_read_row_by_row(on_mysql_client: Client) -> None:
    """One that is abandoned leaves a connection that can be used."""
    client = on_mysql_client
    query = checked.query_scalar(int, "SELECT seq FROM seq_1_to_5000")
    for _ in range(4):  # A pool of two would be empty after two.
        stream = client.stream(query.stream)
        assert [client.take(stream) for _ in range(3)] == [1, 2, 3]
        client.wait(stream.aclose()) if client.runner else stream.close()
        assert client.call(query.all)[-1] == 5000
    assert len(client.call(query.stream)) == 5000


def test_a_stream_is_not_kept_in_memory(mysql_url: str) -> None:
    """While one is read, the rest is still with the server."""
    with opened("pymysql", mysql_url) as client:
        rows = checked.query_scalar(int, "SELECT seq FROM seq_1_to_9").stream(
            client.connection
        )
        assert next(rows) == 1
        with (
            pytest.warns(UserWarning, match="unbuffered result was left incomplete"),
            client.connection.cursor() as cursor,
        ):
            cursor.execute("SELECT 1")


def test_what_the_connection_makes_by_itself_does_not_matter(mysql_url: str) -> None:
    """A connection may give dicts; rows are built by position all the same."""
    with opened("pymysql", mysql_url) as client:
        client.connection.cursorclass = pymysql.cursors.DictCursor
        query = checked.query_scalar(int, "SELECT COUNT(*) FROM users")
        assert query.one(client.connection) == 2
        assert list(query.stream(client.connection)) == [2]


def test_a_procedure_s_rows(on_mysql_client: Client) -> None:
    """The first result is the query's; what comes behind it is no trouble."""
    client = on_mysql_client
    client.call(checked.query("DROP PROCEDURE IF EXISTS two").execute)
    made = checked.query("CREATE PROCEDURE two() BEGIN SELECT 1; SELECT 2; END")
    client.call(made.execute)
    for _ in range(2):
        assert client.call(checked.query_scalar(int, "CALL two()").one) == 1


def test_in_the_user_s_transaction(mysql_url: str) -> None:
    """What is written is the user's to commit, and to count as the driver counts."""
    with opened("pymysql", mysql_url) as client, opened("pymysql", mysql_url) as other:
        connection = client.connection
        connection.autocommit(False)  # noqa: FBT003 -- PyMySQL's word.
        insert = checked.query("INSERT INTO written VALUES (?)", 1)
        count = checked.query_scalar(int, "SELECT COUNT(*) FROM written")
        assert insert.execute(connection) == 1
        assert (count.one(connection), count.one(other.connection)) == (1, 0)
        connection.rollback()
        assert count.one(connection) == 0
        same = checked.query("UPDATE users SET nick = nick")
        assert same.execute(connection) == 2
        connection.rollback()
    plain = pymysql.connect(
        unix_socket=client.connection.unix_socket, user="root", database="checked"
    )
    with plain:
        assert same.execute(plain) == 0  # changed, not found
