"""Measure a checked query against the same call by hand, in interleaved rounds.

A round calls one of the two many times; the ratio is that of two rounds right after
each other, and the median over all pairs is told. Absolute times drift on a shared
machine; ratios less. What is a query by hand: the driver's call, the row that is found
or an error, an object made of it.
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
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeAlias

import asyncpg
import psycopg
from psycopg import AsyncConnection, AsyncRawCursor, Connection, RawCursor
from psycopg.conninfo import make_conninfo

import sqlx
from sqlx import checked

SQL = "SELECT id, email, name FROM users WHERE id = $1"
SQLITE = "SELECT id, email, name FROM users WHERE id = ?"
GOAL = 1.05  # of the declared form
PEOPLE = 1000
DECLARED = 1000

Call: TypeAlias = Callable[[int], object]
AsyncCall: TypeAlias = Callable[[int], Awaitable[object]]
Seconds: TypeAlias = tuple[float, float]
"""Of the clock, and of this process's processor."""


@dataclass(frozen=True, slots=True)
class User:
    """A row."""

    id: int
    email: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Duel:
    """What was measured: seconds of one call, by hand and checked, round by round."""

    name: str
    hand: list[Seconds]
    ours: list[Seconds]

    def line(self) -> str:
        """Write a row of the table."""
        cells = [self.name]
        for at in (0, 1):
            pairs = [(h[at], o[at]) for h, o in zip(self.hand, self.ours, strict=True)]
            ratio = median(ours / hand for hand, ours in pairs)
            hand, ours = (median(pair[side] for pair in pairs) * 1e6 for side in (0, 1))
            cells.append(f"{hand:.2f} | {ours:.2f} | **{ratio:.3f}**")
        return f"| {' | '.join(cells)} |"


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


def duel(name: str, hand: Call, ours: Call, rounds: int, calls: int) -> Duel:
    """Measure both, round by round, and who begins takes turns."""

    def measured(call: Call) -> Seconds:
        clock, cpu = time.perf_counter(), time.process_time()
        for key in range(calls):
            call(key % PEOPLE)
        spent = time.perf_counter() - clock, time.process_time() - cpu
        return spent[0] / calls, spent[1] / calls

    found = Duel(name, [], [])
    sides = [(hand, found.hand), (ours, found.ours)]
    for number in range(rounds + 1):
        for call, times in sides if number % 2 else sides[::-1]:
            times.append(measured(call))
    return Duel(name, found.hand[1:], found.ours[1:])  # The first round compiles.


async def duel_async(
    name: str, hand: AsyncCall, ours: AsyncCall, rounds: int, calls: int
) -> Duel:
    """Measure both, round by round, and who begins takes turns."""

    async def measured(call: AsyncCall) -> Seconds:
        clock, cpu = time.perf_counter(), time.process_time()
        for key in range(calls):
            await call(key % PEOPLE)
        spent = time.perf_counter() - clock, time.process_time() - cpu
        return spent[0] / calls, spent[1] / calls

    found = Duel(name, [], [])
    sides = [(hand, found.hand), (ours, found.ours)]
    for number in range(rounds + 1):
        for call, times in sides if number % 2 else sides[::-1]:
            times.append(await measured(call))
    return Duel(name, found.hand[1:], found.ours[1:])


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
            duel = await duel_async(
                f"asyncpg, {name}",
                lambda key: by_hand_asyncpg(other, key),
                lambda key, ours=ours: ours(other, key),  # type: ignore[misc]  # a default binds it.
                rounds,
                200,
            )
            found.append(duel)
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
