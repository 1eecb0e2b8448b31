"""Declared queries are functions like others, with the signature that was written."""

from __future__ import annotations

import asyncio
import inspect
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from checked.clients import SQLITE

from sqlx import checked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal as Seen  # Resolved at the first call, not at import.


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Open the users in memory."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(SQLITE)
        yield connection


@checked.query("SELECT ? || ? || ? || ?")
def joined(
    connection: sqlite3.Connection, a: str, /, b: str, c: str = "C", *, d: str = "D"
) -> str:
    """Join texts."""
    raise NotImplementedError


@checked.query("SELECT count(*) FROM users")
async def count(connection: sqlite3.Connection) -> int:
    """Count users."""
    raise NotImplementedError


class Users:
    """Queries as methods."""

    @checked.query("SELECT email FROM users WHERE id = ?")
    def email(self, connection: sqlite3.Connection, id: int) -> str:  # noqa: A002 -- as a user may.
        """Find an e-mail address."""
        raise NotImplementedError

    @classmethod
    @checked.query("SELECT email FROM users WHERE id = ?")
    def of_class(cls, connection: sqlite3.Connection, key: int) -> str:
        """Find it on the class."""
        raise NotImplementedError

    @staticmethod
    @checked.query("SELECT email FROM users WHERE id = ?")
    def static(connection: sqlite3.Connection, key: int) -> str:
        """Find it without."""
        raise NotImplementedError

    @checked.query("SELECT email FROM users WHERE id = ?")
    @staticmethod
    def above(connection: sqlite3.Connection, key: int) -> str:
        """Find it with the decorators the other way round."""
        raise NotImplementedError

    @checked.query("SELECT ? || ?")
    def mangled(
        this,  # noqa: N805 -- as a user may. # type: ignore[no-untyped-def]
        connection: sqlite3.Connection,
        __private: str,
        other: str = "!",
    ) -> str:
        """Take a private parameter."""
        raise NotImplementedError


def test_arguments_are_bound_as_they_were_written(
    connection: sqlite3.Connection,
) -> None:
    """By position, by keyword, by default; before and after the first call."""
    for _ in range(3):
        assert joined(connection, "a", "b") == "abCD"
        assert joined(connection, "a", b="b", d="d") == "abCd"
        assert joined(connection, "a", "b", "c", d="d") == "abcd"


def test_wrong_arguments_are_python_s_own_errors(
    connection: sqlite3.Connection,
) -> None:
    """They name the function."""
    call: Any = joined
    for _ in range(2):
        with pytest.raises(TypeError) as missing:
            call(connection, "a")
        assert str(missing.value) == (
            "joined() missing 1 required positional argument: 'b'"
        )
        with pytest.raises(TypeError, match="positional-only arguments"):
            call(connection, a="a", b="b")
        with pytest.raises(TypeError, match="unexpected keyword argument 'e'"):
            call(connection, "a", "b", e=1)
    with pytest.raises(TypeError, match="missing 3 required positional arguments"):
        call()


def test_a_function_keeps_what_it_was(connection: sqlite3.Connection) -> None:
    """Name, signature, docs, annotations, defaults, module, colour."""
    for _ in range(2):
        assert joined.__name__ == joined.__qualname__ == "joined"
        assert joined.__doc__ == "Join texts."
        assert joined.__module__ == __name__
        assert str(inspect.signature(joined)) == (
            "(connection: 'sqlite3.Connection', a: 'str', /, b: 'str', c: 'str' = 'C', "
            "*, d: 'str' = 'D') -> 'str'"
        )
        assert inspect.iscoroutinefunction(count)
        assert not inspect.iscoroutinefunction(joined)
        assert inspect.isfunction(inspect.unwrap(joined))
        assert joined(connection, "a", "b") == "abCD"
        assert asyncio.run(count(connection)) == 2


def test_methods_are_queries_too(connection: sqlite3.Connection) -> None:
    """Of an object, of a class, of none; the connection comes after `self`."""
    users = Users()
    for _ in range(2):
        assert users.email(connection, 1) == users.email(connection, id=1) == "a@x"
        assert Users.of_class(connection, 2) == users.of_class(connection, key=2)
        assert Users.static(connection, 2) == users.static(connection, key=2) == "b@x"
        assert Users.above(connection, 2) == users.above(connection, key=2) == "b@x"
        assert users.mangled(connection, "a") == "a!"
    assert Users.email.__qualname__ == "Users.email"


def test_names_of_every_sort_can_be_parameters(connection: sqlite3.Connection) -> None:
    """Also those that a compiled function could use itself."""

    @checked.query("SELECT ? + ? + ? + ?")
    def plus(
        con: object,
        type: int,  # noqa: A002 -- as a user may.
        len: int,  # noqa: A002 -- as a user may.
        tuple: int,  # noqa: A002 -- as a user may.
        row: int,
    ) -> int:
        raise NotImplementedError

    assert plus(connection, 1, 2, 3, 4) == plus(connection, 1, 2, 3, row=4) == 10


def test_several_values_in_one_parameter(connection: sqlite3.Connection) -> None:
    """`*args` gives each its placeholder."""

    @checked.query("SELECT ? || ? || ?")
    def join(connection: object, first: str, *rest: str) -> str:
        raise NotImplementedError

    assert (
        join(connection, "a", "b", "c") == join(connection, "d", "e", "f")[:0] + "abc"
    )
    with pytest.raises(sqlite3.ProgrammingError, match="uses 3, and there are 2"):
        join(connection, "a", "b")


def test_annotations_are_resolved_at_the_first_call(
    connection: sqlite3.Connection,
) -> None:
    """What is imported for type checkers only, what is defined below and around."""

    @checked.query("SELECT '1.50'")
    def price(connection: sqlite3.Connection) -> Seen:
        raise NotImplementedError

    @checked.query("SELECT 'x' AS name")
    def named(connection: sqlite3.Connection) -> Below:
        raise NotImplementedError

    from decimal import Decimal
    from typing import NamedTuple

    class Around(NamedTuple):
        name: str

    @checked.query("SELECT 'x' AS name")
    def around(connection: sqlite3.Connection) -> Around:
        raise NotImplementedError

    assert price(connection) == Decimal("1.50")
    assert named(connection) == Below("x")
    assert around(connection) == Around("x")


class Below(str):
    """A text, defined below what names it."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Below) and str(self) == str(other)

    __hash__ = str.__hash__


def refused(function: Any, *args: object) -> str:
    """Call a query that cannot be one, and give the error's text without the place."""
    with pytest.raises(TypeError) as caught:
        _called(function, *args)
    where, _, what = str(caught.value).partition(".<locals>.")
    assert where.startswith(f"{__file__}:")
    return what


def _called(function: Any, *args: object) -> None:
    result = function(*args)
    if inspect.iscoroutine(result):
        asyncio.run(result)


def test_what_is_no_connection_is_refused(connection: sqlite3.Connection) -> None:
    """The error names the query, what came, and what is taken."""

    @checked.query("SELECT 1")
    def one(connection: object) -> int:
        raise NotImplementedError

    expected = (
        "one: the first argument is no connection but builtins.str; a query takes a "
        "psycopg Connection, AsyncConnection, ConnectionPool or AsyncConnectionPool, "
        "an asyncpg Connection or Pool, a pymysql Connection, an asyncmy Connection or "
        "Pool, or an sqlite3.Connection"
    )
    assert refused(one, "postgres://") == expected
    assert one(connection) == 1
    assert refused(one, "postgres://") == expected


def test_the_colour_is_the_connection_s(words: str) -> None:
    """A `def` cannot wait, an `async def` must not block, a stream is of one colour."""

    @checked.query("SELECT 1")
    def sync(connection: object) -> int:
        raise NotImplementedError

    @checked.query("SELECT 1")
    async def waiting(connection: object) -> int:
        raise NotImplementedError

    @checked.query("SELECT 1")
    def stream(connection: object) -> Iterator[int]:
        raise NotImplementedError

    async def run() -> None:
        async with await psycopg.AsyncConnection.connect(words) as other:
            assert refused(sync, other) == (
                "sync: psycopg.AsyncConnection is async; declare the query with "
                "`async def`"
            )
            assert refused(stream, other) == (
                "stream: psycopg.AsyncConnection streams an AsyncIterator"
            )

    asyncio.run(run())
    with psycopg.connect(words) as other:
        assert refused(waiting, other) == (
            "waiting: psycopg.Connection is sync and would block; declare the query "
            "with `def`"
        )


def test_what_cannot_be_a_query_is_refused(connection: sqlite3.Connection) -> None:
    """At the first call, with the mend."""

    @checked.query("SELECT 1")
    def bare(connection: object):  # type: ignore[no-untyped-def]  # noqa: ANN202 -- refused.
        raise NotImplementedError

    @checked.query("SELECT 1")
    def unknown(connection: object) -> list[Nowhere]:  # type: ignore[name-defined]  # noqa: F821 -- refused.
        raise NotImplementedError

    @checked.query("SELECT 1")
    def pair(connection: object) -> tuple[int, int]:
        raise NotImplementedError

    @checked.query("SELECT 1")
    def nothing() -> int:
        raise NotImplementedError

    @checked.query("SELECT 1")
    def keywords(connection: object, **more: int) -> int:
        raise NotImplementedError

    assert refused(bare, connection) == (
        "bare: it has no return annotation, which says what a row is; write `-> None` "
        "when no row comes back"
    )
    assert refused(unknown, connection) == (
        "unknown: Nowhere in the return annotation is not defined; import it in the "
        "module, or below `if TYPE_CHECKING:`"
    )
    assert refused(pair, connection) == (
        'pair: "tuple[int, int]" is neither a row class nor a scalar: give its columns '
        "names, in a NamedTuple or another row class"
    )
    assert refused(nothing) == "nothing: the first parameter must be the connection"
    assert refused(keywords, connection) == (
        "keywords: a query's parameters have no order in **kwargs"
    )


def test_only_functions_are_decorated() -> None:
    """A class is none; values come when the function is called."""
    query = checked.query("SELECT ?", 1)
    with pytest.raises(TypeError) as caught:
        query(lambda connection: connection)
    assert str(caught.value) == (
        "a query decorates a function, and takes its values when that is called: "
        f"{__file__}:{query._site.where.line}: query"
    )
    with pytest.raises(TypeError, match="a query decorates a function"):
        checked.query("SELECT 1")(Users)


def test_one_query_on_several_drivers(
    connection: sqlite3.Connection, psycopg_connection: psycopg.Connection
) -> None:
    """In turn, and on subclasses of their classes."""

    class Ours(sqlite3.Connection):
        """A connection of the user's own class."""

    @checked.query("SELECT email FROM users WHERE id = $1")
    def email(connection: object, key: int, *, more: int = 0) -> str:
        raise NotImplementedError

    sql = "SELECT email FROM users WHERE id = $1 AND 0 = $2"
    email = checked.query(checked.unchecked(sql))(inspect.unwrap(email))
    with closing(sqlite3.connect(":memory:", factory=Ours)) as other:
        other.executescript(SQLITE)
        for _ in range(3):
            assert email(connection, 1) == "a@x"
            assert email(psycopg_connection, 2) == "b@x"
            assert email(other, key=1, more=0) == "a@x"


def test_threads_may_call_first_at_once() -> None:
    """Each gets its answer, whoever compiles."""
    for _ in range(20):

        @checked.query("SELECT ? AS a")
        def same(connection: object, a: int) -> int:
            raise NotImplementedError

        found: list[int] = []
        barrier = threading.Barrier(4)

        def call(
            number: int,
            same: Any = same,
            barrier: threading.Barrier = barrier,
            found: list[int] = found,
        ) -> None:
            classes = (sqlite3.Connection, type("Ours", (sqlite3.Connection,), {}))
            connection: sqlite3.Connection = sqlite3.connect(
                ":memory:", factory=classes[number % 2]
            )
            with closing(connection):
                barrier.wait()
                found.extend(same(connection, number) for _ in range(3))

        threads = [threading.Thread(target=call, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
