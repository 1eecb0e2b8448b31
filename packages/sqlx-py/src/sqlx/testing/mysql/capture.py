"""What a database is made of, written down so that another can be made like it.

The servers write each object as a statement (`SHOW CREATE …`), which they read again as
it was. What depends on settings stands behind them. Rows are no texts: they are copied
from table to table, by the server, so that no value is read or written on the way.

What cannot be made so is said: a database that has it is migrated anew for each test.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from sqlx.databases.mysql.session import quoted
from sqlx.testing.mysql.words import NOTE, ask, ask_all, send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.databases.mysql.connect import Connection

__all__ = [
    "CHECKSUM",
    "DATABASE",
    "EVENT",
    "OBSTACLE",
    "ROWS",
    "SEQUENCE",
    "SETTINGS",
    "TABLE",
    "Piece",
    "capture",
]

DATABASE, TABLE, EVENT = "database", "table", "event"
ROWS, CHECKSUM = "rows", "checksum"
SEQUENCE, CODE, VIEW, OBSTACLE = "sequence", "code", "view", "obstacle"
SETTINGS = (
    "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', time_zone = '+00:00',"
    " foreign_key_checks = 0, unique_checks = 0, sql_quote_show_create = 1,"
    " NAMES utf8mb4"
)
VERSIONED = "SYSTEM VERSIONED"
END = "; \t\r\n"  # MySQL takes a semicolon for a part of some texts
HISTORY = "it has rows with a history; let a fixture insert them"
UNREADABLE = "our user may not read it; make it without a DEFINER, who is another"
WRITTEN = "it was written in {}; make it with SET NAMES utf8mb4"
MADE_IN = "it was made in a database of {}; choose the database's collation before"
GRANTED = "something is granted on it to {}; grant it outside of the migrations"
TABLES = """\
SELECT table_name, table_type FROM information_schema.tables
WHERE table_schema = DATABASE() ORDER BY table_name"""
COLUMNS = """\
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = DATABASE() AND coalesce(generation_expression, '') = ''
ORDER BY table_name, ordinal_position"""
PRIVILEGES = """\
SELECT grantee, table_name FROM information_schema.table_privileges
WHERE table_schema = DATABASE()
UNION SELECT grantee, table_name FROM information_schema.column_privileges
WHERE table_schema = DATABASE()
UNION SELECT grantee, table_schema FROM information_schema.schema_privileges
WHERE table_schema = DATABASE()
ORDER BY 1, 2"""
# Kind and name, then the settings that the text was read with.
ROUTINES = """\
SELECT routine_type, routine_name, sql_mode, character_set_client,
       collation_connection, NULL, database_collation
FROM information_schema.routines
WHERE routine_schema = DATABASE() ORDER BY routine_type, routine_name"""
TRIGGERS = """\
SELECT 'TRIGGER', trigger_name, sql_mode, character_set_client,
       collation_connection, NULL, database_collation
FROM information_schema.triggers WHERE trigger_schema = DATABASE()
ORDER BY event_object_table, action_timing, event_manipulation, action_order"""
EVENTS = """\
SELECT 'EVENT', event_name, sql_mode, character_set_client,
       collation_connection, time_zone, database_collation
FROM information_schema.events
WHERE event_schema = DATABASE() ORDER BY event_name"""
VIEWS = """\
SELECT 'VIEW', table_name, '', character_set_client, collation_connection, NULL, ''
FROM information_schema.views WHERE table_schema = DATABASE() ORDER BY table_name"""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a database.

    Args:
        kind: What it is.
        name: What it is called.
        text: The statements that make it; of rows, their columns, and what the server
            sums them up to; of an obstacle, why the database cannot be copied.
    """

    kind: str
    name: str
    text: str


def capture(connection: Connection, database: str) -> tuple[Piece, ...]:
    """Write down what a database has, in the order in which it can be made.

    Each sequence loses a number by it.

    Raises:
        pymysql.MySQLError: The server refuses something.
    """
    send(connection, [SETTINGS, f"USE {quoted(database)}"])
    kinds = dict(ask(connection, TABLES))
    kinds.pop(NOTE, None)
    sequences = [name for name, kind in kinds.items() if kind == "SEQUENCE"]
    tables = [name for name, kind in kinds.items() if kind not in {"SEQUENCE", "VIEW"}]
    versioned = {name for name in tables if kinds[name] == VERSIONED}
    return (
        Piece(DATABASE, "", _shown(connection, "DATABASE", [database])[0]),
        *_sequences(connection, sequences),
        *map(Piece, [TABLE] * len(tables), tables, _shown(connection, "TABLE", tables)),
        *_rows(connection, tables, versioned),
        *_code(connection, CODE, ROUTINES, 2),
        *_in_order([*_code(connection, VIEW, VIEWS, 1)]),
        *_code(connection, CODE, TRIGGERS, 2),
        *_code(connection, EVENT, EVENTS, 3),
        *_privileges(connection),
    )


def _shown(connection: Connection, kind: str, names: list[str]) -> list[str]:
    asked = [f"SHOW CREATE {kind} {quoted(name)}" for name in names]
    return [row[1] for ((*row,),) in ask_all(connection, asked)]


def _sequences(connection: Connection, names: list[str]) -> Iterator[Piece]:
    """Let each begin where this one goes on: what is cached, nobody else can tell."""
    asked = [f"SELECT NEXTVAL({quoted(name)})" for name in names]
    texts = _shown(connection, "SEQUENCE", names)
    for name, text, ((number,),) in zip(
        names, texts, ask_all(connection, asked), strict=True
    ):
        begin = f"DO SETVAL({quoted(name)}, {number}, 0)"
        yield Piece(SEQUENCE, name, f"{text};\n{begin}")


def _rows(
    connection: Connection, tables: list[str], versioned: set[str]
) -> Iterator[Piece]:
    asked = [f"SELECT EXISTS (SELECT 1 FROM {quoted(name)})" for name in tables]
    columns: dict[str, list[str]] = {}
    for table, column in ask(connection, COLUMNS):
        columns.setdefault(table, []).append(quoted(column))
    for name, ((is_filled,),) in zip(tables, ask_all(connection, asked), strict=True):
        if is_filled and name in versioned:
            yield Piece(OBSTACLE, name, HISTORY)
        elif is_filled:
            yield Piece(ROWS, name, ", ".join(columns[name]))
            ((_, checksum),) = ask(connection, f"CHECKSUM TABLE {quoted(name)}")
            yield Piece(CHECKSUM, name, str(checksum))


def _code(
    connection: Connection, piece: str, listing: str, column: int
) -> Iterator[Piece]:
    """Write down what is executed or expanded later, with the settings of its text.

    Args:
        connection: In the database.
        piece: The kind of the pieces.
        listing: Lists what there is.
        column: Where `SHOW CREATE` has the text.
    """
    ((now,),) = ask(connection, "SELECT @@collation_database")
    listed = ask(connection, listing)
    asked = [f"SHOW CREATE {kind} {quoted(name)}" for kind, name, *_ in listed]
    for (_, name, mode, client, collation, zone, whole), (row,) in zip(
        listed, ask_all(connection, asked), strict=True
    ):
        text = row[column]
        if not text:
            yield Piece(OBSTACLE, name, UNREADABLE)
        elif not (text.isascii() or client.startswith("utf8")):
            yield Piece(OBSTACLE, name, WRITTEN.format(client))
        elif (whole or now) != now:
            yield Piece(OBSTACLE, name, MADE_IN.format(whole))
        else:
            known = f"sql_mode = '{mode}', character_set_client = {client}"
            known += f", collation_connection = {collation}"
            known += f", time_zone = '{zone}'" if zone else ""
            yield Piece(piece, name, f"SET {known};\n{text.rstrip(END)}")


def _in_order(views: list[Piece]) -> list[Piece]:
    """Put views behind those that they read."""
    names = {view.name: view for view in views}
    graph = {
        name: [other for other in names if other != name and _reads(view, other)]
        for name, view in names.items()
    }
    try:
        return [names[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError:  # Something else has a view's name.
        return views


def _reads(view: Piece, name: str) -> bool:
    """Tell whether a view may read a table: columns stand behind a point, or AS."""
    table = rf"(?<!\.)(?<!AS ){re.escape(quoted(name))}(?!\.)"
    return re.search(table, view.text.partition(" VIEW ")[2]) is not None


def _privileges(connection: Connection) -> Iterator[Piece]:
    for grantee, name in ask(connection, PRIVILEGES):
        yield Piece(OBSTACLE, name, GRANTED.format(grantee))
