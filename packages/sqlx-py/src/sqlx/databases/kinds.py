"""What a caller may give instead of a URL, by the name of its class.

A class is known by its name, so that no driver is imported but the one that is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

__all__ = [
    "ENGINES",
    "KINDS",
    "PSYCOPG",
    "PYMYSQL",
    "SQLITE",
    "Kind",
    "comes_back",
    "kind_of",
]


@dataclass(frozen=True, slots=True)
class Kind:
    """How one class is opened: by functions of the room that imports its driver.

    Args:
        room: The module.
        sync: The context manager for `Migrator`; empty when it takes none of these.
        other: The async context manager for `AsyncMigrator`; the same.
        told: What of a `Setting` they are told, behind the thing itself.
        lends: Whether it gives another connection when one is lost.
    """

    room: str
    sync: str = ""
    other: str = ""
    told: tuple[str, ...] = ()
    lends: bool = False

    def door(self, name: str) -> Any:  # noqa: ANN401 -- of either colour.
        """Import the room, and give one of its two functions."""
        return getattr(import_module(self.room), name)


SQLITE = "sqlx.databases.sqlite.connect"
PSYCOPG = "sqlx.databases.postgres.connect"
ASYNCPG = "sqlx.databases.postgres.asyncpg_driver"
PYMYSQL = "sqlx.databases.mysql.connect"
ASYNCMY = "sqlx.databases.mysql.asyncmy_driver"
ENGINES = "sqlx.databases.engines"
LOCKS, REACHES = ("lock_timeout_seconds",), ("connect_timeout_seconds",)

KINDS = {
    "sqlite3.Connection": Kind(SQLITE, "given", "given_async", LOCKS),
    "psycopg.Connection": Kind(PSYCOPG, "given"),
    "psycopg.AsyncConnection": Kind(PSYCOPG, "", "given_async"),
    "psycopg_pool.ConnectionPool": Kind(PSYCOPG, "borrowed", "", REACHES, lends=True),
    "psycopg_pool.AsyncConnectionPool": Kind(
        PSYCOPG, "", "borrowed_async", REACHES, lends=True
    ),
    "asyncpg.Connection": Kind(ASYNCPG, "", "given_async"),
    "asyncpg.PoolConnectionProxy": Kind(ASYNCPG, "", "given_async"),
    "asyncpg.Pool": Kind(ASYNCPG, "", "borrowed_async", REACHES, lends=True),
    "pymysql.Connection": Kind(PYMYSQL, "given", "given_async"),
    "asyncmy.Connection": Kind(ASYNCMY, "", "given_asyncmy"),
    "asyncmy.Pool": Kind(ASYNCMY, "", "borrowed_asyncmy", REACHES, lends=True),
    # An engine lends a connection of one of the kinds above.
    "sqlalchemy.Engine": Kind(ENGINES, "lent", lends=True),
    "sqlalchemy.AsyncEngine": Kind(ENGINES, "", "lent_async", lends=True),
}
INSIDE = {
    f"sqlalchemy.{name}"
    for name in (
        *("Connection", "AsyncConnection", "_ConnectionFairy"),
        *("Session", "AsyncSession", "scoped_session", "async_scoped_session"),
        *("sessionmaker", "async_sessionmaker"),
    )
}
SYNC, ASYNC = "Migrator", "AsyncMigrator"


def kind_of(given: object, door: str) -> Kind:
    """Find what a caller's object is, for one of the two doors.

    Args:
        given: Anything but a URL.
        door: `Migrator` or `AsyncMigrator`.

    Raises:
        TypeError: The door does not take it.
    """
    names = _names(given)
    name = next((each for each in names if each in {*KINDS, *INSIDE}), names[0])
    taken = [each for each, kind in KINDS.items() if door in _doors(kind)]
    if name in taken:
        return KINDS[name]
    known = f"{', '.join(taken[:-1])} or {taken[-1]}"
    mend = ""
    if name in INSIDE:
        mend = "; pass its engine"
    elif name in KINDS:
        mend = f", which is for {', '.join(_doors(KINDS[name]))}"
    raise TypeError(f"{door} takes a database URL, {known}, not {name}{mend}")


def comes_back(given: object) -> bool:
    """Tell whether it can be asked again after a connection was lost."""
    found = (KINDS[name] for name in _names(given) if name in KINDS)
    return isinstance(given, str) or any(kind.lends for kind in found)


def _doors(kind: Kind) -> list[str]:
    return [SYNC] * bool(kind.sync) + [ASYNC] * bool(kind.other)


def _names(given: object) -> list[str]:
    """Name its class and those it is derived from: package and name, no more.

    What stands before a connection to watch it says that it is of its class.
    """
    return [
        f"{cls.__module__.partition('.')[0]}.{cls.__name__}"
        for cls in given.__class__.__mro__
    ]
