"""One face for all drivers: what a test asks, each answers in its own colour."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncpg
import psycopg
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from sqlx import checked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

__all__ = ["CLIENTS", "SQLITE", "Client", "opened"]

SQLITE = """
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    email TEXT NOT NULL,
    tier TEXT NOT NULL DEFAULT 'free',
    nick TEXT,
    flag BOOLEAN NOT NULL DEFAULT TRUE
);
INSERT INTO users (id, email, tier) VALUES (1, 'a@x', 'free'), (2, 'b@x', 'pro');
UPDATE users SET nick = 'bee' WHERE id = 2;
"""


@dataclass(frozen=True, slots=True)
class Client:
    """A connection or a pool, and how it is called.

    Args:
        name: The driver's, and how it is used.
        connection: The connection or pool.
        runner: Runs what is awaited; None on sync ones.
    """

    name: str
    connection: Any
    runner: asyncio.Runner | None = None

    @property
    def is_postgres(self) -> bool:
        """Whether PostgreSQL's SQL is understood."""
        return self.name != "sqlite3"

    def declare(
        self, sql: str, returns: object, **parameters: object
    ) -> Callable[..., Any]:
        """Declare a query of this client's colour."""
        names = ", ".join(["connection", *parameters])
        colour = "" if self.runner is None else "async "
        made: dict[str, Any] = {}
        text = f"{colour}def find({names}):\n    raise NotImplementedError"
        exec(text, {}, made)  # noqa: S102 -- a test's own words.
        made["find"].__annotations__ = {**parameters, "return": returns}
        return partial(self.call, checked.query(checked.unchecked(sql))(made["find"]))

    def call(
        self, function: Callable[..., Any], *args: object, **kwargs: object
    ) -> Any:
        """Call a query; wait where that is needed."""
        return self.wait(function(self.connection, *args, **kwargs))

    def wait(self, given: Any) -> Any:
        """Wait for what is awaited, and read streams to their end."""
        if self.runner is None:
            return list(given) if hasattr(given, "__next__") else given
        if hasattr(given, "__anext__"):
            return self.runner.run(_collected(given))
        return self.wait(self.runner.run(given)) if _is_awaited(given) else given

    def stream(self, function: Callable[..., Any], *args: object) -> Any:
        """Begin a stream."""
        given = function(self.connection, *args)
        if self.runner is not None and _is_awaited(given):
            return self.runner.run(given)
        return given

    def take(self, stream: Any) -> Any:
        """Take the next row of a stream."""
        if self.runner is None:
            return next(stream)
        return self.runner.run(_first(stream))


def _is_awaited(given: Any) -> bool:
    return asyncio.iscoroutine(given)


async def _collected(rows: AsyncIterator[Any]) -> list[Any]:
    return [row async for row in rows]


async def _first(rows: AsyncIterator[Any]) -> Any:
    return await anext(rows)


CLIENTS = (
    "sqlite3",
    "psycopg",
    "psycopg pool",
    "psycopg async",
    "psycopg async pool",
    "asyncpg",
    "asyncpg pool",
)


@contextmanager
def opened(name: str, url: str) -> Iterator[Client]:
    """Open a client.

    Args:
        name: One of `CLIENTS`.
        url: Where the PostgreSQL database is.
    """
    if name == "sqlite3":
        connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.executescript(SQLITE)
        yield Client(name, connection)
        connection.close()
    elif name == "psycopg":
        with psycopg.connect(url, autocommit=True) as sync:
            yield Client(name, sync)
    elif name == "psycopg pool":
        with ConnectionPool(url, min_size=1, max_size=2) as pool:
            yield Client(name, pool)
    else:
        with asyncio.Runner() as runner:
            given: Any = runner.run(_ASYNC[name](url))
            yield Client(name, given, runner)
            runner.run(given.close())


async def _psycopg(url: str) -> Any:
    return await psycopg.AsyncConnection.connect(url, autocommit=True)


async def _psycopg_pool(url: str) -> Any:
    pool = AsyncConnectionPool(url, min_size=1, max_size=2, open=False)
    await pool.open()
    return pool


async def _asyncpg(url: str) -> Any:
    return await asyncpg.connect(url)


async def _asyncpg_pool(url: str) -> Any:
    return await asyncpg.create_pool(url, min_size=1, max_size=2)


_ASYNC: dict[str, Callable[[str], Coroutine[Any, Any, Any]]] = {
    "psycopg async": _psycopg,
    "psycopg async pool": _psycopg_pool,
    "asyncpg": _asyncpg,
    "asyncpg pool": _asyncpg_pool,
}
