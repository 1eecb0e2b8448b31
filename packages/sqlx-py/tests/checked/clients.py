"""One face for all drivers: what a test asks, each answers in its own colour."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, LiteralString
from urllib.parse import parse_qs, urlsplit

import asyncmy
import asyncpg
import psycopg
import pymysql
from psycopg_pool import AsyncConnectionPool, ConnectionPool
from pymysql.constants import CLIENT

from sqlx import checked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

__all__ = ["CLIENTS", "ON_MYSQL", "ON_POSTGRES", "SQLITE", "Client", "opened"]

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
    def is_mysql(self) -> bool:
        """Whether MySQL's SQL is understood."""
        return self.name in ON_MYSQL

    def sql(self, text: str) -> LiteralString:
        """Write SQL as the database wants it, which was written for the others."""
        if self.is_mysql:
            text = re.sub(r"\$\d", "?", text).replace('"', "`")
        return checked.unchecked(text)

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
        return partial(self.call, checked.query(self.sql(sql))(made["find"]))

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


ON_POSTGRES = (
    "psycopg",
    "psycopg pool",
    "psycopg async",
    "psycopg async pool",
    "asyncpg",
    "asyncpg pool",
)
ON_MYSQL = ("pymysql", "asyncmy", "asyncmy pool", "asyncmy prepared")
CLIENTS = ("sqlite3", *ON_POSTGRES, *ON_MYSQL)


@contextmanager
def opened(name: str, url: str) -> Iterator[Client]:
    """Open a client.

    Args:
        name: One of `CLIENTS`.
        url: Where its database is.
    """
    if name == "sqlite3":
        connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.executescript(SQLITE)
        yield Client(name, connection)
        connection.close()
    elif name == "pymysql":
        with pymysql.connect(**_mysql(url)) as connection_of_mysql:
            yield Client(name, connection_of_mysql)
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
            runner.run(_closed(given))


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


def _mysql(url: str) -> dict[str, Any]:
    """Give the words that both drivers of MySQL take; what is found is counted."""
    parts = urlsplit(url)
    return {
        "unix_socket": parse_qs(parts.query)["socket"][0],
        "user": parts.username,
        "database": parts.path.removeprefix("/"),
        "client_flag": CLIENT.FOUND_ROWS,
        "autocommit": True,
    }


async def _asyncmy(url: str) -> Any:
    return await asyncmy.connect(**_mysql(url))


async def _asyncmy_prepared(url: str) -> Any:
    """Let asyncmy prepare statements, so that values come in binary."""
    return await asyncmy.connect(**_mysql(url), stmt_cache_size=100)


async def _asyncmy_pool(url: str) -> Any:
    return await asyncmy.create_pool(minsize=1, maxsize=2, **_mysql(url))


async def _closed(given: Any) -> None:
    """Close it: asyncmy's connection has another word for a close that is awaited."""
    if hasattr(given, "ensure_closed"):
        await given.ensure_closed()
    elif isinstance(given, asyncmy.Pool):
        given.close()
        await given.wait_closed()
    else:
        await given.close()


_ASYNC: dict[str, Callable[[str], Coroutine[Any, Any, Any]]] = {
    "psycopg async": _psycopg,
    "psycopg async pool": _psycopg_pool,
    "asyncpg": _asyncpg,
    "asyncpg pool": _asyncpg_pool,
    "asyncmy": _asyncmy,
    "asyncmy pool": _asyncmy_pool,
    "asyncmy prepared": _asyncmy_prepared,
}
