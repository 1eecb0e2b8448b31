"""Calls of checked queries, on whatever connection they are given.

Theory of operation: a `Caller` stands behind each query. What was handed out to the
user calls it with the first connection; it knows the driver by the connection's class,
whose name is looked at and never imported, lets the driver write what is done, and
compiles that. From then on the compiled function serves connections of that class by
itself, and comes back here only for others.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from inspect import iscoroutinefunction
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlx.queries.annotations import Shape
from sqlx.queries.running.compiling import (
    Body,
    Call,
    become,
    later,
    made,
    passing,
    source,
)

if TYPE_CHECKING:
    from types import FunctionType

    from sqlx.queries.running.compiling import Where

__all__ = ["Caller"]

Function: TypeAlias = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class _Kind:
    """A class of connections or pools.

    Args:
        is_async: Whether its calls are awaited; None when any function may use it.
        body: Writes what a call does; None for a pool.
        borrow: Names the method of a pool that lends a connection.
    """

    is_async: bool | None
    body: Callable[[Call], Body] | None = None
    borrow: str = ""


def _psycopg(call: Call) -> Body:
    from sqlx.databases.postgres.running.calling import body

    return body(call)


def _asyncpg(call: Call) -> Body:
    from sqlx.databases.postgres.running.asyncpg_calling import body

    return body(call)


def _pymysql(call: Call) -> Body:
    from pymysql.cursors import Cursor, SSCursor

    from sqlx.databases.mysql.running.calling import body

    return body(call, Cursor, SSCursor)


def _asyncmy(call: Call) -> Body:
    from asyncmy.cursors import Cursor, SSCursor

    from sqlx.databases.mysql.running.calling import body

    return body(call, Cursor, SSCursor)


def _sqlite3(call: Call) -> Body:
    from sqlx.databases.sqlite.running.calling import body

    return body(call)


_KINDS = {
    "psycopg.Connection": _Kind(is_async=False, body=_psycopg),
    "psycopg.AsyncConnection": _Kind(is_async=True, body=_psycopg),
    "psycopg_pool.ConnectionPool": _Kind(is_async=False, borrow="connection"),
    "psycopg_pool.AsyncConnectionPool": _Kind(is_async=True, borrow="connection"),
    "asyncpg.Connection": _Kind(is_async=True, body=_asyncpg),
    "asyncpg.PoolConnectionProxy": _Kind(is_async=True, body=_asyncpg),
    "asyncpg.Pool": _Kind(is_async=True, borrow="acquire"),
    "pymysql.Connection": _Kind(is_async=False, body=_pymysql),
    "asyncmy.Connection": _Kind(is_async=True, body=_asyncmy),
    "asyncmy.Pool": _Kind(is_async=True, borrow="acquire"),
    "sqlite3.Connection": _Kind(is_async=None, body=_sqlite3),
}
_TAKEN = (
    "a psycopg Connection, AsyncConnection, ConnectionPool or AsyncConnectionPool, an "
    "asyncpg Connection or Pool, a pymysql Connection, an asyncmy Connection or Pool, "
    "or an sqlite3.Connection"
)
_COMPILING = Lock()


class _State(Enum):
    """What the code of a declared function is."""

    NEW = 0  # calls `_first`
    BOUND = 1  # has the parameters as they were written, and calls `__call__`
    TAKEN = 2  # serves the connections of one class


class Caller:
    """Calls a query on a connection of any class.

    Args:
        where: Where the query stands.
        read: Gives the query; it is called when it is first needed, for annotations may
            name what is imported later.
    """

    __slots__ = ("_by_class", "_call", "_function", "_read", "_state", "where")

    def __init__(self, where: Where, read: Callable[[], Call]) -> None:
        self.where = where
        self._read = read
        self._call: Call | None = None
        self._by_class: dict[type, Function] = {}
        self._function: FunctionType | None = None
        self._state = _State.NEW

    def declare(self, like: FunctionType, *, is_async: bool) -> FunctionType:
        """Make the function that a declaration becomes; it is compiled when called."""
        self._function = later(self._first, like, is_async=is_async)
        return self._function

    def __call__(self, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 -- the user's.
        """Call the query, with the arguments that its function has.

        What stands before a connection to watch it says that it is of its class.

        Raises:
            TypeError: There is no connection, or it is not of the function's colour.
        """
        cls = args[self._known().head.position].__class__
        function = self._by_class.get(cls)
        if function is None:
            return self._begin(cls, args, kwargs)
        return function(*args, **kwargs)

    def inline(self, connection: object, args: tuple[object, ...]) -> Any:  # noqa: ANN401 -- the user's.
        """Call a query that stands where it is called; errors are those of a call."""
        cls = connection.__class__
        function = self._by_class.get(cls)
        if function is None:
            return self._begin(cls, (connection, args), {})
        return function(connection, args)

    def _known(self) -> Call:
        if self._call is None:
            self._call = self._read()
        return self._call

    def _first(self, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 -- the user's.
        """Give the function its parameters, so that Python itself binds arguments."""
        function, call = self._function, self._known()
        assert function is not None  # noqa: S101 -- it is what calls this.
        with _COMPILING:
            if self._state is _State.NEW:
                text = passing(call, is_async=iscoroutinefunction(function))
                become(function, text, {"_sqlx_other": self}, self.where)
                self._state = _State.BOUND
        return function(*args, **kwargs)

    def _begin(self, cls: type, args: Any, kwargs: Any) -> Any:  # noqa: ANN401 -- the user's.
        """Compile for a class of connections, and call."""
        kind = self._kind(cls)
        call = replace(self._known(), is_async=self._colour(cls, kind))
        if kind.body is None:
            function = self._by_class[cls] = self._on_pool(kind)
            return function(*args, **kwargs)
        body = kind.body(call)
        compiled = self._compile(cls, call, body)
        try:
            return compiled(*args, **kwargs)
        finally:
            settled = body.settled()
            if settled is not None:
                names = self._names(cls, call, settled)
                become(compiled, source(call, settled), names, self.where)

    def _kind(self, cls: type) -> _Kind:
        known = (_KINDS.get(name) for name in _names(cls))
        kind = next((each for each in known if each is not None), None)
        if kind is None:
            raise TypeError(
                f"{self.where}: the first argument is no connection but "
                f"{cls.__module__}.{cls.__qualname__}; a query takes {_TAKEN}"
            )
        return kind

    def _colour(self, cls: type, kind: _Kind) -> bool:
        """Tell whether the compiled function awaits."""
        wanted, given = self._known().is_async, kind.is_async
        if wanted is None or given is None or wanted == given:
            return bool(wanted if given is None else given)
        name = f"{cls.__module__}.{cls.__qualname__}"
        if given:
            mend = f"{name} is async; declare the query with `async def`"
        else:
            mend = f"{name} is sync and would block; declare the query with `def`"
        if self._known().shape is Shape.STREAM:
            mend = f"{name} streams {'an AsyncIterator' if given else 'an Iterator'}"
        raise TypeError(f"{self.where}: {mend}")

    def _compile(self, cls: type, call: Call, body: Body) -> FunctionType:
        """Make the function for a class: the declared one, as long as it is free.

        A stream's stays free: it may be an `async def`, and what gives rows is none.
        """
        text, names = source(call, body), self._names(cls, call, body)
        with _COMPILING:
            function = self._function
            is_bound = self._state is _State.BOUND
            if function is None or not is_bound or call.shape is Shape.STREAM:
                function = made(text, names, self.where)
            else:
                self._state = _State.TAKEN
                become(function, text, names, self.where)
        self._by_class[cls] = function
        return function

    def _names(self, cls: type, call: Call, body: Body) -> dict[str, object]:
        return {
            "_sqlx_class": cls,
            "_sqlx_failed": self.where.failed,
            "_sqlx_other": self,
            "_sqlx_sql": call.sql,
            **body.names,
        }

    def _on_pool(self, kind: _Kind) -> Function:
        """Make what lends a connection of a pool, and gives it back."""
        call = self._known()
        wrap = _ON_POOL[call.shape is Shape.STREAM, bool(kind.is_async)]
        return partial(wrap, self, call.head.position, kind.borrow)


def _names(cls: type) -> Iterator[str]:
    """Name a class and its bases, each by its package."""
    for base in cls.__mro__:
        yield f"{base.__module__.partition('.')[0]}.{base.__name__}"


def _on_pool(
    call: Caller, at: int, borrow: str, *args: object, **kwargs: object
) -> Any:  # noqa: ANN401 -- the user's.
    with getattr(args[at], borrow)() as connection:
        return call(*args[:at], connection, *args[at + 1 :], **kwargs)


async def _on_pool_async(
    call: Caller, at: int, borrow: str, *args: object, **kwargs: object
) -> Any:  # noqa: ANN401 -- the user's.
    async with getattr(args[at], borrow)() as connection:
        return await call(*args[:at], connection, *args[at + 1 :], **kwargs)


def _stream_on_pool(
    call: Caller, at: int, borrow: str, *args: object, **kwargs: object
) -> Iterator[Any]:
    with getattr(args[at], borrow)() as connection:
        yield from call(*args[:at], connection, *args[at + 1 :], **kwargs)


async def _stream_on_pool_async(
    call: Caller, at: int, borrow: str, *args: object, **kwargs: object
) -> AsyncIterator[Any]:
    async with (
        getattr(args[at], borrow)() as connection,
        aclosing(call(*args[:at], connection, *args[at + 1 :], **kwargs)) as rows,
    ):
        async for row in rows:
            yield row


_ON_POOL: dict[tuple[bool, bool], Function] = {
    (False, False): _on_pool,
    (False, True): _on_pool_async,
    (True, False): _stream_on_pool,
    (True, True): _stream_on_pool_async,
}
