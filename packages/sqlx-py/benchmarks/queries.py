"""Measure a checked query against the same call by hand, in interleaved rounds.

Absolute times drift on a shared machine; ratios less. What is a query by hand: the
driver's call, the row that is found or an error, an object made of it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
from duels import PEOPLE, Duel, User, duel, duel_async
from psycopg import AsyncConnection, AsyncRawCursor, Connection, RawCursor
from psycopg.conninfo import make_conninfo
from queries_mysql import on_asyncmy, on_pymysql
from servers import SERVERS

import sqlx
from sqlx import checked

SQL = "SELECT id, email, name FROM users WHERE id = $1"
SQLITE = "SELECT id, email, name FROM users WHERE id = ?"
GOAL = 1.05  # of the declared form
DECLARED = 1000


def by_hand(connection: Connection, key: int) -> User:
    """Find a user on psycopg."""
    cursor = RawCursor(connection)
    cursor.execute(SQL, (key,))
    row = cursor.fetchone()
    if row is None:
        raise LookupError(key)
    return User(*row)


@checked.query("SELECT id, email, name FROM users WHERE id = $1")
def declared(connection: Connection, key: int) -> User:
    """Find a user on psycopg."""
    raise NotImplementedError


def inline(connection: Connection, key: int) -> User:
    """Find a user on psycopg."""
    text = "SELECT id, email, name FROM users WHERE id = $1"
    return checked.query_as(User, text, key).one(connection)


async def by_hand_async(connection: AsyncConnection, key: int) -> User:
    """Find a user on psycopg."""
    cursor = AsyncRawCursor(connection)
    await cursor.execute(SQL, (key,))
    row = await cursor.fetchone()
    if row is None:
        raise LookupError(key)
    return User(*row)


@checked.query("SELECT id, email, name FROM users WHERE id = $1")
async def declared_async(connection: AsyncConnection, key: int) -> User:
    """Find a user on psycopg."""
    raise NotImplementedError


async def inline_async(connection: AsyncConnection, key: int) -> User:
    """Find a user on psycopg."""
    text = "SELECT id, email, name FROM users WHERE id = $1"
    return await checked.query_as(User, text, key).one(connection)


async def by_hand_asyncpg(connection: Any, key: int) -> User:  # noqa: ANN401 -- asyncpg has no types.
    """Find a user on asyncpg."""
    row = await connection.fetchrow(SQL, key)
    if row is None:
        raise LookupError(key)
    return User(*row)


def by_hand_sqlite(connection: sqlite3.Connection, key: int) -> User:
    """Find a user on sqlite3."""
    row = connection.execute(SQLITE, (key,)).fetchone()
    if row is None:
        raise LookupError(key)
    return User(*row)


@checked.query("SELECT id, email, name FROM users WHERE id = ?")
def declared_sqlite(connection: sqlite3.Connection, key: int) -> User:
    """Find a user on sqlite3."""
    raise NotImplementedError


def inline_sqlite(connection: sqlite3.Connection, key: int) -> User:
    """Find a user on sqlite3."""
    text = "SELECT id, email, name FROM users WHERE id = ?"
    return checked.query_as(User, text, key).one(connection)


def on_sqlite(rounds: int) -> list[Duel]:
    """Measure on a database in memory."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, email, name)")
        people = [(key, f"{key}@example.org", "n") for key in range(PEOPLE)]
        connection.executemany("INSERT INTO users VALUES (?, ?, ?)", people)
        return [
            duel(
                f"sqlite3, {name}",
                lambda key: by_hand_sqlite(connection, key),
                lambda key, ours=ours: ours(connection, key),  # type: ignore[misc]  # a default binds it.
                rounds,
                2000,
            )
            for name, ours in (("declared", declared_sqlite), ("inline", inline_sqlite))
        ]


def on_postgres(words: str, rounds: int) -> list[Duel]:
    """Measure on psycopg, sync."""
    with psycopg.connect(words, autocommit=True) as connection:
        return [
            duel(
                f"psycopg, {name}",
                lambda key: by_hand(connection, key),
                lambda key, ours=ours: ours(connection, key),  # type: ignore[misc]  # a default binds it.
                rounds,
                200,
            )
            for name, ours in (("declared", declared), ("inline", inline))
        ]


async def on_postgres_async(words: str, rounds: int) -> list[Duel]:
    """Measure on psycopg and asyncpg, async."""
    async with await AsyncConnection.connect(words, autocommit=True) as connection:
        found = [
            await duel_async(
                f"psycopg async, {name}",
                lambda key: by_hand_async(connection, key),
                lambda key, ours=ours: ours(connection, key),  # type: ignore[misc]  # a default binds it.
                rounds,
                200,
            )
            for name, ours in (("declared", declared_async), ("inline", inline_async))
        ]
        info = connection.info
        other: Any = await asyncpg.connect(
            host=info.host, port=info.port, user=info.user, database=info.dbname
        )
    try:
        for name, ours in (("declared", declared_async), ("inline", inline_async)):
            asked = await duel_async(
                f"asyncpg, {name}",
                lambda key: by_hand_asyncpg(other, key),
                lambda key, ours=ours: ours(other, key),  # type: ignore[misc]  # a default binds it.
                rounds,
                200,
            )
            found.append(asked)
    finally:
        await other.close()
    return found


def declaring() -> tuple[float, float]:
    """Measure what a module of declarations takes to be executed, bare and checked.

    Returns:
        The seconds of one declaration.
    """
    head = "from __future__ import annotations\nfrom sqlx import checked\n"
    query = (
        '{mark}@checked.query("SELECT name FROM users WHERE id = $1 AND {n} = {n}")\n'
        "def find_{n}(connection: Connection, key: int) -> str | None:\n"
        "    raise NotImplementedError\n"
    )
    best = []
    for mark in ("#", ""):
        text = head + "".join(query.format(mark=mark, n=n) for n in range(DECLARED))
        code = compile(text, "declared.py", "exec")
        times = []
        for _ in range(9):
            started = time.perf_counter()
            exec(code, {"__name__": "declared"})  # noqa: S102 -- ours.
            times.append(time.perf_counter() - started)
        best.append(min(times) / DECLARED)
    return best[0], best[1]


def main() -> int:
    """Measure on each driver, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    rounds = parser.parse_args().rounds
    found = on_sqlite(rounds)
    with (
        tempfile.TemporaryDirectory(prefix="sqlx-bench-") as work,
        sqlx.start_embedded(work) as server,
    ):
        words = make_conninfo("", **server.keywords())
        with psycopg.connect(words, autocommit=True) as admin:
            admin.execute(
                "CREATE TABLE users AS SELECT id, id || '@example.org' AS email,"
                f" 'n'::text AS name FROM generate_series(0, {PEOPLE - 1}) id"
            )
            admin.execute("ALTER TABLE users ADD PRIMARY KEY (id)")
        found += on_postgres(words, rounds)
        found += asyncio.run(on_postgres_async(words, rounds))
    with (
        tempfile.TemporaryDirectory(prefix="sqlx-bench-") as work,
        SERVERS["mariadb"](Path(work)) as mariadb,
    ):
        mariadb.renew("bench")
        socket = str(mariadb.folder / mariadb.socket)
        found += on_pymysql(socket, rounds)
        found += asyncio.run(on_asyncmy(socket, rounds))
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"Python {platform.python_version()}; load at the end {load}.\n")
    print(f"One row by its key, µs a call (goal, declared: at most {GOAL})\n")
    print("| call | by hand | checked | ratio | CPU by hand | checked | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for each in found:
        print(each.line())
    bare, ours = declaring()
    print(f"\nA declaration at import: {bare * 1e6:.1f} µs bare, {ours * 1e6:.1f} µs.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
