"""Template databases: migrated once, written down, and made anew for each test.

No server of MySQL's kind can copy a database. So what the migrations have made is
written down (`capture`) and kept in the template, in the table of its note; a test's
database is made by these statements, in one message as a rule, and its rows are copied.
Whether that is the same as migrating is proven when the template is made: a database is
made so, written down in turn, and compared. Where it is not, or cannot be, each test's
database is migrated.

A template is complete when its note says so. Who makes or reads it holds the lock that
is named like it. Nobody reads its rows later, for it may be dropped: each process has
those in a database of its own.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pymysql

from sqlx.databases.mysql.driver import said
from sqlx.databases.mysql.session import quoted
from sqlx.testing.mysql.capture import (
    CHECKSUM,
    DATABASE,
    EVENT,
    OBSTACLE,
    ROWS,
    SEQUENCE,
    SETTINGS,
    TABLE,
    Piece,
    capture,
)
from sqlx.testing.mysql.words import NOTE, ask, locked, note, read_notes, send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlx.databases.mysql.connect import Connection

__all__ = ["Template", "open_template"]

INSERT = "INSERT INTO {}.{} (number, kind, name, text) VALUES (%s, %s, %s, %s)"
SELECT = "SELECT kind, name, text FROM {}.{} ORDER BY number"
LEAVE = "USE information_schema"  # A database that somebody is in is left alone.
CHARACTER_SET = re.compile(r" CHARACTER SET \w+(?= COLLATE )")
DIFFERS = "what is made by these statements differs"
FAILS = "{}; mend or drop what needs it"


@dataclass(frozen=True, slots=True)
class Template:
    """What tests get copies of.

    Args:
        name: The database that the migrations have made; its name may be in the texts.
        pieces: What it is made of.
        source: A database that has its rows.
        migrate: Applies the migrations to a database.
    """

    name: str
    pieces: tuple[Piece, ...]
    source: str
    migrate: Callable[[str], None]

    @property
    def obstacle(self) -> str:
        """Why it cannot be copied; empty where it can."""
        found = [piece for piece in self.pieces if piece.kind == OBSTACLE]
        return ", ".join(f"{piece.name}: {piece.text}" for piece in found)

    @property
    def rows(self) -> Template:
        """The tables with rows, and what they need."""
        filled = {piece.name for piece in self.pieces if piece.kind == ROWS}
        pieces = [
            piece
            for piece in self.pieces
            if piece.kind in {DATABASE, SEQUENCE, ROWS}
            or (piece.kind == TABLE and piece.name in filled)
        ]
        return replace(self, pieces=tuple(pieces), source=self.name)

    def copy(self, connection: Connection, name: str) -> None:
        """Make a copy, or a database that is migrated anew.

        Raises:
            MigrationError: A migration fails.
            pymysql.MySQLError: The server refuses something.
        """
        if self.obstacle:
            send(connection, [f"CREATE DATABASE {quoted(name)}"])
            self.migrate(name)
        else:
            send(connection, self.create(name))

    def create(self, name: str) -> Iterator[str]:
        """Write the statements that make a copy."""
        yield SETTINGS
        for piece in self.pieces:
            yield from self._make(piece, name)
        yield LEAVE

    def _make(self, piece: Piece, name: str) -> Iterator[str]:
        if piece.kind == CHECKSUM:
            return
        if piece.kind == ROWS:
            table, columns = quoted(piece.name), piece.text
            source = f"{quoted(self.source)}.{table}"
            yield f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {source}"
        else:
            yield piece.text.replace(self.name, name)
        if piece.kind == DATABASE:
            yield f"USE {quoted(name)}"


def open_template(
    connection: Connection,
    name: str,
    migrate: Callable[[str], None],
    new_name: Callable[[], str],
) -> Template:
    """Find a template, or make it, and copy its rows into a database of our own.

    Args:
        connection: Beside any database, in autocommit.
        name: The template's.
        migrate: Applies the migrations to a database.
        new_name: Names a database of this process.

    Raises:
        MigrationError: A migration fails.
        pymysql.MySQLError: The server refuses something.
    """
    today = f"template used {time.strftime('%Y-%m-%d')}"
    with locked(connection, name):
        found = read_notes(connection).get(name, "")
        if not found:
            _make(connection, name, migrate, new_name())
        if found != today:
            note(connection, name, today)
        rows = ask(connection, SELECT.format(quoted(name), NOTE))
        pieces = tuple(Piece(*row) for row in rows)
        template = Template(name, pieces, new_name(), migrate)
        rest = [] if template.obstacle else template.rows.create(template.source)
        send(connection, [LEAVE, *rest])
        return template


def _make(
    connection: Connection, name: str, migrate: Callable[[str], None], trial: str
) -> None:
    """Make a template; what has its name was left by somebody who was killed."""
    drop = f"DROP DATABASE IF EXISTS {quoted(name)}"
    send(connection, [drop, f"CREATE DATABASE {quoted(name)}"])
    try:
        migrate(name)
        pieces = capture(connection, name)
        _stop_events(connection, pieces)
        template = Template(name, pieces, name, migrate)
        pieces += _doubts(connection, template, trial)
        _write(connection, name, pieces)
    except BaseException as error:
        _undo(connection, drop, error)
        raise


def _stop_events(connection: Connection, pieces: Iterable[Piece]) -> None:
    """Drop events, which are written down: they would run in the template."""
    events = [piece.name for piece in pieces if piece.kind == EVENT]
    send(connection, [f"DROP EVENT IF EXISTS {quoted(event)}" for event in events])


def _doubts(
    connection: Connection, template: Template, trial: str
) -> tuple[Piece, ...]:
    """Make a copy and compare it; give what speaks against copies."""
    if template.obstacle:
        return ()
    try:
        send(connection, template.create(trial))
        made = capture(connection, trial)
    except pymysql.MySQLError as error:
        if not connection.open:
            raise
        return (Piece(OBSTACLE, "the copy", FAILS.format(said(error)[1])),)
    finally:
        if connection.open:
            send(connection, [SETTINGS, f"DROP DATABASE IF EXISTS {quoted(trial)}"])
    differing = _plain(template.pieces, template.name) ^ _plain(made, trial)
    names = sorted({piece.name for piece in differing})
    return tuple(Piece(OBSTACLE, name, DIFFERS) for name in names)


def _plain(pieces: Iterable[Piece], database: str) -> set[Piece]:
    """Leave away what two equal databases may differ in.

    MySQL tells a column's character set, which its collation has told, if somebody has
    named that collation.
    """
    return {
        replace(piece, text=CHARACTER_SET.sub("", piece.text.replace(database, "")))
        for piece in pieces
    }


def _write(connection: Connection, name: str, pieces: Iterable[Piece]) -> None:
    """Keep what was written down; the note that makes it complete comes later."""
    note(connection, name, "")
    insert = INSERT.format(quoted(name), NOTE)
    for number, piece in enumerate(pieces):
        ask(connection, insert, number, piece.kind, piece.name, piece.text)


def _undo(connection: Connection, drop: str, error: BaseException) -> None:
    """Drop what has failed; that this fails too is a note to the error."""
    try:
        ask(connection, drop)
    except pymysql.MySQLError as second:
        error.add_note(f"{drop}: {said(second)[1]}")
