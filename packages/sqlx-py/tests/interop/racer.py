"""Migrates by sqlx-py whenever it is told to; the counterpart of race/src/main.rs.

The protocol is told there. The first argument is the directory of the migrations.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pymysql

from sqlx import Migrator, SqlxError

if TYPE_CHECKING:
    from typing import TypeAlias

    Connection: TypeAlias = (
        sqlite3.Connection | psycopg.Connection | pymysql.Connection[Any]
    )


def race(directory: str) -> None:
    """Answer until the input ends."""
    for line in sys.stdin:
        manner, _, url = line.strip().partition(" ")
        try:
            one_round(Migrator(directory), manner, url)
        except SqlxError as error:
            say(f"error: {error}".replace("\n", " "))
        else:
            say("ok")


def one_round(migrator: Migrator, manner: str, url: str) -> None:
    """Get ready, wait for the start, and migrate."""
    _ = migrator.source  # Rust's files are read when it is built.
    if manner == "apart":
        wait_for_start()
        migrator.run(url)
        return
    with closing(connect(url)) as connection:
        wait_for_start()
        migrator.run(connection)


def connect(url: str) -> Connection:
    """Connect as an application does that brings its own connection."""
    if url.startswith("sqlite:"):
        path = url.removeprefix("sqlite://")
        return sqlite3.connect(f"file:{path}", uri=True)
    if url.startswith("mysql:"):
        parts = urlsplit(url)
        return pymysql.connect(
            user=parts.username,
            unix_socket=parse_qs(parts.query)["socket"][0],
            database=parts.path[1:],
        )
    return psycopg.connect(url)


def wait_for_start() -> None:
    """Say that all is ready, and block."""
    say("ready")
    sys.stdin.readline()


def say(line: str) -> None:
    """Print a line now."""
    print(line, flush=True)  # noqa: T201 (this is a program)


if __name__ == "__main__":
    race(sys.argv[1])
