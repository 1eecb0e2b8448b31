"""Connections that a SQLAlchemy engine lends: the driver's own, left as they were.

SQLAlchemy's pool makes, checks and counts them as for its own use, and resets them when
they come back.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from sqlx.errors import ConfigurationError, ConnectionFailed, ConnectionLost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["lent", "lent_async"]

MYSQL = "mysql", "mariadb"
SYNC = {
    "postgresql": ("psycopg",),
    "sqlite": ("pysqlite",),
    **dict.fromkeys(MYSQL, ("pymysql",)),
}
ASYNC = {
    "postgresql": ("asyncpg", "psycopg"),
    **dict.fromkeys(MYSQL, ("asyncmy",)),
}
"""The drivers whose connections we know, by SQLAlchemy's names; the best first."""


@contextmanager
def lent(engine: Engine) -> Iterator[Any]:
    """Take a connection of an `Engine`'s, and give it back.

    Raises:
        ConfigurationError: The engine has a driver that we do not know.
        ConnectionFailed: It has no connection to give.
    """
    _check_driver(engine, SYNC)
    try:
        connection = engine.connect()
    except Exception as error:  # noqa: BLE001 -- a driver's own come through, too.
        raise _failed(error) from None
    driven = connection.connection.driver_connection
    try:
        yield driven
    except BaseException as error:
        closed = not getattr(driven, "open", True)  # PyMySQL's is, by Ctrl-C.
        if closed or _is_lost(error):
            connection.invalidate()
        raise
    finally:
        connection.close()


@asynccontextmanager
async def lent_async(engine: AsyncEngine) -> AsyncIterator[Any]:
    """Take a connection of an `AsyncEngine`'s, and give it back.

    Raises:
        ConfigurationError: The engine has a driver that we do not know.
        ConnectionFailed: It has no connection to give.
    """
    _check_driver(engine, ASYNC)
    try:
        connection = await engine.connect()
    except Exception as error:  # noqa: BLE001 -- a driver's own come through, too.
        raise _failed(error) from None
    try:
        yield (await connection.get_raw_connection()).driver_connection
    except BaseException as error:
        if _is_lost(error):
            await connection.invalidate()
        raise
    finally:
        await connection.close()


def _check_driver(
    engine: Engine | AsyncEngine, known: Mapping[str, tuple[str, ...]]
) -> None:
    dialect, driver = engine.dialect.name, engine.dialect.driver
    if driver in known.get(dialect, ()):
        return
    if dialect == "sqlite":
        mend = "pass a database URL (sqlite:app.db) or an sqlite3.Connection"
    elif dialect in known:
        mend = f"make it with {dialect}+{known[dialect][0]}://, or pass a database URL"
    else:
        mend = "migrations are for PostgreSQL, SQLite, MySQL and MariaDB"
    raise ConfigurationError(
        f"the engine is of SQLAlchemy's {dialect}+{driver}, whose connections are not "
        f"known here; {mend}"
    )


def _failed(error: Exception) -> ConnectionFailed:
    """Say what the driver said, without what SQLAlchemy puts around it."""
    said = getattr(error, "orig", None) or error
    return ConnectionFailed(" ".join(str(said).split()))


def _is_lost(error: BaseException) -> bool:
    """Tell whether a connection is gone, also when that ended a migration."""
    return isinstance(getattr(error, "cause", error), ConnectionLost)
