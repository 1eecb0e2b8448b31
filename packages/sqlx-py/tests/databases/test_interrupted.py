"""A connection that is given is left as it was, at whatever line Ctrl-C comes."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing, suppress
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pymysql
import pytest
from databases.interrupting import ctrl_c

from sqlx.databases.mysql import connect as mysql
from sqlx.databases.postgres import connect as postgres
from sqlx.databases.sqlite import connect as sqlite

if TYPE_CHECKING:
    from collections.abc import Callable

    from support import Database

SPEECH = "SELECT @@autocommit, @@character_set_client, @@character_set_results"
Case = tuple[Any, Any, "Callable[[Any], object]"]


def in_mysql(database: Database) -> Case:
    """Give one that commits nothing by itself, and writes Latin-1."""
    given = pymysql.connect(
        unix_socket=parse_qs(urlsplit(database.url).query)["socket"][0],
        user="root",
        database=database.name,
        charset="latin1",
        ssl_disabled=True,
    )

    def state(connection: Any) -> object:
        with connection.cursor() as cursor:
            cursor.execute(SPEECH)
            return cursor.fetchall(), connection.encoding

    return given, mysql, state


def in_postgres(database: Database) -> Case:
    """Give one that writes Latin-1."""
    given = psycopg.connect(database.place, client_encoding="latin1", autocommit=True)
    return given, postgres, lambda connection: connection.info.encoding


def in_sqlite(database: Database) -> Case:
    """Give one that begins transactions by itself, and reads texts as bytes."""
    given = sqlite3.connect(database.place)
    given.text_factory = bytes

    def state(connection: Any) -> object:
        keys = connection.execute("PRAGMA foreign_keys").fetchone()
        return connection.isolation_level, connection.text_factory, keys

    return given, sqlite, state


@pytest.mark.parametrize("case", [in_mysql, in_postgres, in_sqlite])
def test_a_connection_that_is_not_taken_in_full_is_left_as_it_was(
    case: Callable[[Database], Case], request: pytest.FixtureRequest
) -> None:
    """Between what is changed and what knows of it, there is no line."""
    database = request.getfixturevalue(case.__name__.replace("in_", "on_"))
    given, room, state = case(database)
    more = (5.0,) if room is sqlite else ()
    with closing(given):
        before = state(given)
        for at in count(1):
            with (
                suppress(KeyboardInterrupt),
                ExitStack() as stack,
                ctrl_c(room.__file__, at) as lines,
            ):
                stack.enter_context(room.given(given, *more))
            assert state(given) == before
            if len(lines) < at:
                break


@pytest.mark.parametrize("case", [in_mysql, in_postgres])
def test_who_asks_for_the_lock_s_holder_is_not_told_of_itself(
    case: Callable[[Database], Case], request: pytest.FixtureRequest
) -> None:
    """It may have the lock, and wait for somebody who locks the history."""
    database = request.getfixturevalue(case.__name__.replace("in_", "on_"))
    given, room, _ = case(database)
    with closing(given), room.given(given) as (dialect, connection):
        known, granted = dialect.locked(connection.execute(dialect.try_lock()))
        assert granted
        assert not connection.execute(known.holder())
