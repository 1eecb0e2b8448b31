"""Describe queries on SQLite, as SQLx does, and prove what can be NULL."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from sqlx.databases.sqlite.describing import words
from sqlx.databases.sqlite.describing.bytecode import Guess, Roots, interpret
from sqlx.databases.sqlite.describing.listing import Program, read_program, read_roots
from sqlx.databases.sqlite.describing.stored import Stored, read_stored
from sqlx.databases.sqlite.proving.proof import values_of
from sqlx.databases.sqlite.proving.proof_values import nullability, storage
from sqlx.queries.values import (
    Column,
    Database,
    Description,
    Origin,
    Refusal,
    SqlxVersion,
    TypeInfo,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

__all__ = ["describe"]

MOST_STEPS = 5_000_000
"""Steps of the virtual machine to a first row, some 0.2 s; then the guess must do."""
NO_SUCH = re.compile(r"no such (?:table|view|function): (?:\w+\.)?(\w+)")
STORED = {
    int: words.INTEGER,
    float: words.FLOAT,
    str: words.TEXT,
    bytes: words.BLOB,
}


def describe(
    connection: apsw.Connection, queries: Sequence[str], version: SqlxVersion
) -> list[Description | Refusal]:
    """Describe queries: nothing is written; what reads runs to its first row.

    Args:
        connection: Where the tables are: a scratch copy, for queries do run.
        queries: Each may have several statements, as SQLx allows: their columns stand
            one after another, their parameters are added up.
        version: The SQLx whose word on `nullable` is given.

    Returns:
        One for each query, in their order. A column of an eponymous virtual table, such
        as `json_each.value`, is described; SQLx fails there.

    Source:
        SQLx `sqlx-sqlite/src/connection/describe.rs`, 0.8.6 and 0.9.0.
    """
    # As SQLx opens it: the program of a statement depends on it.
    connection.execute("PRAGMA foreign_keys = ON")
    roots, stored = read_roots(connection), read_stored(connection)
    where = _Schema(connection, roots, stored, version)
    return [_described(where, sql) for sql in queries]


class _Schema(NamedTuple):
    """What all queries of a call have in common."""

    connection: apsw.Connection
    roots: Roots
    stored: Stored
    version: SqlxVersion


class _Result(NamedTuple):
    """A column as SQLite describes it.

    Args:
        name: As it is called.
        declared: SQLx's word for its declared type, if it has one that SQLx knows.
        place: Database, table and column behind it, if it is no expression.
    """

    name: str
    declared: str | None
    place: tuple[str, str, str] | None

    @property
    def origin(self) -> Origin | None:
        """Where it comes from, named as SQLx names it."""
        if self.place is None:
            return None
        db, table, column = self.place
        return Origin(table if db == "main" else f"{db}.{table}", column)


class _Statement(NamedTuple):
    """One statement as SQLite prepared it."""

    sql: str
    parameters: int
    is_read_only: bool
    is_explain: bool
    columns: tuple[_Result, ...]


def _described(where: _Schema, sql: str) -> Description | Refusal:
    import apsw

    columns: list[Column] = []
    refusal = ""
    parameters = begin = 0
    while begin < len(sql):
        try:
            statement = _prepared(where.connection, sql[begin:])
        except apsw.Error as error:
            return _refused(error, sql, begin)
        found = _columns(where, statement)
        columns += [_numbered(column, i, columns) for i, column in enumerate(found)]
        refusal = refusal or _refusal_of_sqlx(where.connection, statement)
        parameters += statement.parameters
        begin += len(statement.sql)
    return Description(Database.SQLITE, sql, tuple(columns), parameters, refusal)


def _numbered(column: Column, number: int, before: Sequence[Column]) -> Column:
    """Count the columns of each statement from 0, as SQLx does."""
    return replace(column, ordinal=number) if before else column


def _prepared(connection: apsw.Connection, sql: str) -> _Statement:
    """Prepare the first statement of a text, and look at it."""
    from apsw.ext import query_info

    info = query_info(connection, sql)
    return _Statement(
        info.first_query,
        info.bindings_count,
        info.is_readonly,
        bool(info.is_explain),
        tuple(_result(*column) for column in info.description_full or ()),
    )


def _result(
    name: str,
    declaration: str | None,
    db: str | None,
    table: str | None,
    column: str | None,
) -> _Result:
    known = db is not None and table is not None and column is not None
    place = (str(db), str(table), str(column)) if known else None
    return _Result(name, words.declared(declaration or ""), place)


def _refused(error: apsw.Error, sql: str, begin: int) -> Refusal:
    """Say what SQLite said; it counts bytes, and knows not always."""
    at, code = _facts(error)
    offset: int | None = begin + len(sql[begin:].encode()[:at].decode(errors="ignore"))
    if at < 0:
        offset = _place_of_name(str(error), sql, begin)
    return Refusal(sql, str(error), offset, code)


def _place_of_name(message: str, sql: str, begin: int) -> int | None:
    """Find what SQLite only names: `pets`, of `no such table: main.pets`."""
    missing = NO_SUCH.match(message)
    if missing is None:
        return None
    word = re.compile(rf"(?<!\w){re.escape(missing[1])}(?!\w)", re.IGNORECASE)
    found = word.search(sql, begin)
    return None if found is None else found.start()


def _facts(error: apsw.Error) -> tuple[int, str]:
    """Read what apsw's stubs do not tell of: the place in bytes, and SQLite's code."""
    return getattr(error, "error_offset", -1), str(getattr(error, "extendedresult", 1))


def _columns(where: _Schema, statement: _Statement) -> list[Column]:
    if not statement.columns:
        return []
    program = _program(where.connection, statement)
    guesses = interpret(program, where.roots, where.version)
    first = _first_row(where.connection, statement)
    values = values_of(statement.sql, program, where.stored, len(statement.columns))
    return [
        Column(
            column.name,
            TypeInfo(_word(column, first[i : i + 1], guesses[i : i + 1])),
            column.origin,
            _nullable(where, column, guesses[i : i + 1]),
            nullability(values[i]),
            known_type=None if column.declared else TypeInfo(storage(values[i])),
        )
        for i, column in enumerate(statement.columns)
    ]


def _program(connection: apsw.Connection, statement: _Statement) -> Program:
    """List the program; `EXPLAIN EXPLAIN` is no SQL, so that SQLx has none there."""
    if statement.is_explain:
        return ()
    return read_program(connection, statement.sql, statement.parameters)


def _first_row(connection: apsw.Connection, statement: _Statement) -> tuple[str, ...]:
    """Give the types in the first row, when SQLx would look, else nothing."""
    declared = all(column.declared for column in statement.columns)
    if declared or not statement.is_read_only:
        return ()
    bound = object()
    connection.set_progress_handler(lambda: True, MOST_STEPS, id=bound)
    try:
        return _stepped(connection, statement)
    finally:
        connection.set_progress_handler(None, id=bound)


def _stepped(connection: apsw.Connection, statement: _Statement) -> tuple[str, ...]:
    """Step once. Where that fails SQLx sees no row; text may not be UTF-8, either."""
    import apsw

    cursor = connection.cursor()
    try:
        cursor.execute(statement.sql, (None,) * statement.parameters, can_cache=False)
        row = next(cursor, ())
    except (apsw.Error, UnicodeDecodeError):
        return ()
    finally:
        cursor.close(force=True)
    return tuple(STORED.get(type(value), words.NULL) for value in row)


def _word(column: _Result, first: Sequence[str], guess: Sequence[Guess]) -> str:
    """Choose the type: as declared, else as stored in the first row, else guessed."""
    stored = next(iter(first), words.NULL)
    guessed = guess[0].word if guess else words.NULL
    return column.declared or (guessed if stored == words.NULL else stored)


def _nullable(where: _Schema, column: _Result, guess: Sequence[Guess]) -> bool | None:
    """Take the guess, else what the table's column says.

    0.9 does not say it of a rowid's alias, nor of any INTEGER in a primary key.
    """
    guessed = guess[0].nullable if guess else None
    if guessed is not None:
        return guessed
    found = _metadata(where.connection, column)
    if not isinstance(found, tuple):
        return None
    declaration, _, is_not_null, is_primary_key, _ = found
    is_alias = is_primary_key and (declaration or "").lower() == "integer"
    if is_alias and where.version is not SqlxVersion.V0_8:
        return None
    return not is_not_null


def _refusal_of_sqlx(connection: apsw.Connection, statement: _Statement) -> str:
    """Say what SQLx fails with: it must know of every column whether it is NOT NULL."""
    found = (_metadata(connection, column) for column in statement.columns)
    return next((text for text in found if isinstance(text, str)), "")


def _metadata(
    connection: apsw.Connection, column: _Result
) -> tuple[str | None, str, bool, bool, bool] | str | None:
    """Ask for the column behind a result: what it is, or what SQLite says instead.

    The columns of `json_each` and kin, tables that nobody made, are not there.
    """
    import apsw

    if column.place is None:
        return None
    try:
        return connection.column_metadata(*column.place)
    except apsw.SQLError as error:
        return str(error)
