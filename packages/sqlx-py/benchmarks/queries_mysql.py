"""The duels on MariaDB: PyMySQL, and asyncmy."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import asyncmy
import pymysql
from duels import PEOPLE, Duel, User, duel, duel_async

from sqlx import checked

__all__ = ["on_asyncmy", "on_pymysql"]

SQL = "SELECT id, email, name FROM users WHERE id = %s"
TABLE = """
CREATE TABLE users (
    id INT PRIMARY KEY, email VARCHAR(100) NOT NULL, name VARCHAR(100)
)
"""
DATABASE = "bench"


def by_hand(connection: pymysql.Connection[Any], key: int) -> User:
    """Find a user on PyMySQL."""
    with connection.cursor() as cursor:
        cursor.execute(SQL, (key,))
        row = cursor.fetchone()
    if row is None:
        raise LookupError(key)
    return User(*row)


@checked.query("SELECT id, email, name FROM users WHERE id = ?")
def declared(connection: pymysql.Connection[Any], key: int) -> User:
    """Find a user on PyMySQL."""
    raise NotImplementedError


def inline(connection: pymysql.Connection[Any], key: int) -> User:
    """Find a user on PyMySQL."""
    text = "SELECT id, email, name FROM users WHERE id = ?"
    return checked.query_as(User, text, key).one(connection)


async def by_hand_async(connection: asyncmy.Connection, key: int) -> User:
    """Find a user on asyncmy."""
    async with connection.cursor() as cursor:
        await cursor.execute(SQL, (key,))
        row = await cursor.fetchone()
    if row is None:
        raise LookupError(key)
    return User(*row)


@checked.query("SELECT id, email, name FROM users WHERE id = ?")
async def declared_async(connection: asyncmy.Connection, key: int) -> User:
    """Find a user on asyncmy."""
    raise NotImplementedError


async def inline_async(connection: asyncmy.Connection, key: int) -> User:
    """Find a user on asyncmy."""
    text = "SELECT id, email, name FROM users WHERE id = ?"
    return await checked.query_as(User, text, key).one(connection)


def on_pymysql(socket: str, rounds: int) -> list[Duel]:
    """Measure on PyMySQL, in a database that is empty, and is filled."""
    with closing(
        pymysql.connect(
            unix_socket=socket, user="root", database=DATABASE, autocommit=True
        )
    ) as connection:
        with connection.cursor() as cursor:
            cursor.execute(TABLE)
            people = [(key, f"{key}@example.org", "n") for key in range(PEOPLE)]
            cursor.executemany("INSERT INTO users VALUES (%s, %s, %s)", people)
        return [
            duel(
                f"PyMySQL, {name}",
                lambda key: by_hand(connection, key),
                lambda key, ours=ours: ours(connection, key),  # type: ignore[misc]  # a default binds it.
                rounds,
                200,
            )
            for name, ours in (("declared", declared), ("inline", inline))
        ]


async def on_asyncmy(socket: str, rounds: int) -> list[Duel]:
    """Measure on asyncmy, in the database that is filled."""
    connection = await asyncmy.connect(
        unix_socket=socket, user="root", database=DATABASE, autocommit=True
    )
    try:
        return [
            await duel_async(
                f"asyncmy, {name}",
                lambda key: by_hand_async(connection, key),
                lambda key, ours=ours: ours(connection, key),  # type: ignore[misc]  # a default binds it.
                rounds,
                200,
            )
            for name, ours in (("declared", declared_async), ("inline", inline_async))
        ]
    finally:
        connection.close()
