"""The door to checked queries: SQL whose parameters and rows `sqlx check` has compared.

A query is declared with a function's signature, or called where it stands:

    @sqlx.query("SELECT id, email FROM users WHERE email = $1")
    async def user_by_email(db: AsyncConnection, email: str) -> User | None:
        raise NotImplementedError

    users = await sqlx.query_as(User, "SELECT id, email FROM users").all(db)

At run time either is a call on the driver and nothing more. Connections are the user's:
psycopg's, asyncpg's, asyncmy's, their pools, PyMySQL's and sqlite3's.
"""

from __future__ import annotations

import sys
from types import FunctionType
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    LiteralString,
    ParamSpec,
    Protocol,
    TypeAlias,
    TypeVar,
    cast,
    overload,
)

from sqlx.databases.calling import Caller
from sqlx.databases.inline import Site, site_of
from sqlx.queries.annotations import Shape
from sqlx.queries.running.affected import RowsAffected
from sqlx.queries.running.compiling import Where
from sqlx.queries.running.signatures import Declaration

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
    from types import FrameType

__all__ = [
    "Query",
    "RowsAffected",
    "TypedQuery",
    "query",
    "query_as",
    "query_file",
    "query_scalar",
    "unchecked",
]

T = TypeVar("T")
P = ParamSpec("P")
R = TypeVar("R")


class SyncConnection(Protocol):
    """What sync callers give: a psycopg connection or pool, PyMySQL's or sqlite3's."""

    def close(self) -> None:
        """Close it: that nothing is awaited shows that it is sync."""


class AsyncConnection(Protocol):
    """What async callers give: a connection or pool of psycopg's or asyncpg's."""

    def close(self) -> Coroutine[Any, Any, None]:
        """Close it: that this is awaited shows that it is async."""


class ProxiedConnection(Protocol):
    """What asyncpg's pool lends: it passes everything on to a connection."""

    def __getattr__(self, name: str, /) -> Any:  # noqa: ANN401 -- as asyncpg has it.
        """Give what the connection has."""


class AsyncmyConnection(Protocol):
    """What asyncmy's connection is, whose `close` is not awaited."""

    async def ensure_closed(self) -> None:
        """Close it, with a good-bye."""


class AsyncmyPool(Protocol):
    """What asyncmy's pool is, whose `close` is not awaited."""

    async def wait_closed(self) -> None:
        """Wait until it is closed."""


Awaited: TypeAlias = (
    AsyncConnection | ProxiedConnection | AsyncmyConnection | AsyncmyPool
)


class TypedQuery(Generic[T]):
    """A query that is called where it is written, with its values.

    Each method runs it. On an async connection what it gives is awaited.
    """

    __slots__ = ("_args", "_site")

    def __init__(self, site: Site, args: tuple[object, ...]) -> None:
        self._site = site
        self._args = args

    @overload
    def one(self, connection: Awaited) -> Coroutine[Any, Any, T]: ...
    @overload
    def one(self, connection: SyncConnection) -> T: ...
    def one(self, connection: object) -> object:
        """Give the one row.

        Raises:
            RowNotFound: There is none.
            TooManyRows: There is more than one.
            ColumnMismatch: The columns are not those of the row's class.
        """
        return self._site.caller(Shape.ONE).inline(connection, self._args)

    @overload
    def optional(self, connection: Awaited) -> Coroutine[Any, Any, T | None]: ...
    @overload
    def optional(self, connection: SyncConnection) -> T | None: ...
    def optional(self, connection: object) -> object:
        """Give the one row, or None when there is none.

        Raises:
            TooManyRows: There is more than one.
            ColumnMismatch: The columns are not those of the row's class.
        """
        return self._site.caller(Shape.OPTIONAL).inline(connection, self._args)

    @overload
    def all(self, connection: Awaited) -> Coroutine[Any, Any, list[T]]: ...
    @overload
    def all(self, connection: SyncConnection) -> list[T]: ...
    def all(self, connection: object) -> object:
        """Give all rows.

        Raises:
            ColumnMismatch: The columns are not those of the row's class.
        """
        return self._site.caller(Shape.ALL).inline(connection, self._args)

    @overload
    def stream(self, connection: Awaited) -> AsyncIterator[T]: ...
    @overload
    def stream(self, connection: SyncConnection) -> Iterator[T]: ...
    def stream(self, connection: object) -> object:
        """Give row after row; the connection is busy until the stream is closed.

        Raises:
            ColumnMismatch: The columns are not those of the row's class.
        """
        return self._site.caller(Shape.STREAM).inline(connection, self._args)

    @overload
    def execute(self, connection: Awaited) -> Coroutine[Any, Any, RowsAffected]: ...
    @overload
    def execute(self, connection: SyncConnection) -> RowsAffected: ...
    def execute(self, connection: object) -> object:
        """Run it, and tell how many rows it has touched."""
        return self._site.caller(Shape.AFFECTED).inline(connection, self._args)


class Query(TypedQuery[Any]):
    """A query without a class for its rows: a decorator, or a call.

    As a decorator it makes a function of its signature. Called, its rows are tuples
    that have the columns' names.
    """

    __slots__ = ()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Declare a query: the function's body never runs.

        Raises:
            TypeError: It is no function, or the query has values already.
        """
        # Above `@staticmethod`, the decorator gets what that has made.
        method = function if isinstance(function, staticmethod | classmethod) else None
        written: object = function if method is None else method.__func__
        site = self._site
        if self._args or not isinstance(written, FunctionType):
            raise TypeError(
                "a query decorates a function, and takes its values when that is "
                f"called: {site.where}"
            )
        code = written.__code__
        where = Where(code.co_filename, code.co_firstlineno, written.__qualname__)
        declaration = Declaration(written, where, _names_around(written))
        caller = Caller(where, lambda: declaration.call(site.sql()))
        declared = caller.declare(written, is_async=declaration.is_async)
        made = declared if method is None else type(method)(declared)
        return cast("Callable[P, R]", made)


def query(sql: LiteralString, *args: object) -> Query:
    """Declare a query, as a decorator; or call one whose rows are named tuples.

    Args:
        sql: The text, sent as it is: `$1` is the first value.
        args: The values, when it is called where it stands.
    """
    return Query(site_of(sys._getframe(1), "query", sql), args)  # noqa: SLF001 -- the caller's.


def query_file(path: LiteralString) -> Query:
    """Declare or call a query whose SQL is in a file.

    Args:
        path: From the folder of the nearest `pyproject.toml` above the source file, or
            from the folder that has the outermost package. The file is read, as it is,
            when the query is first called.

    Raises:
        FileNotFoundError: When it is called, and the file is in neither place.
    """
    return Query(site_of(sys._getframe(1), "query_file", path), ())  # noqa: SLF001 -- the caller's.


def query_as(
    row: type[T] | Callable[..., T], sql: LiteralString, *args: object
) -> TypedQuery[T]:
    """Make a query whose rows are of a class.

    Args:
        row: A dataclass, a NamedTuple, a TypedDict, or a class of attrs, msgspec or
            pydantic: the columns are its fields.
        sql: The text, sent as it is: `$1` is the first value.
        args: The values.
    """
    return TypedQuery(site_of(sys._getframe(1), "query_as", sql, row), args)  # noqa: SLF001 -- the caller's.


def query_scalar(
    row: type[T] | Callable[..., T], sql: LiteralString, *args: object
) -> TypedQuery[T]:
    """Make a query whose rows are one value each.

    Args:
        row: The value's class.
        sql: The text, sent as it is: `$1` is the first value.
        args: The values.
    """
    return TypedQuery(site_of(sys._getframe(1), "query_scalar", sql, row), args)  # noqa: SLF001 -- the caller's.


def unchecked(sql: str) -> LiteralString:
    """Take SQL that no tool can check, on the caller's own responsibility.

    Whatever is put into the text by the program is not checked, and is open to
    injection; values belong into placeholders.
    """
    return sql  # pyright: ignore[reportReturnType]


def _names_around(function: FunctionType) -> dict[str, object] | None:
    """Keep what is defined around a function that stands in another.

    Its annotations may be texts that name it.
    """
    around = function.__qualname__.split(".")[:-1]
    if "<locals>" not in around:
        return None
    found: dict[str, object] = {}
    depth = len(around) - around.count("<locals>")
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 -- where it stands.
    while frame is not None and depth:
        found = {**frame.f_locals, **found}
        frame, depth = frame.f_back, depth - 1
    return found
