"""Describe queries on MySQL and MariaDB as SQLx does, all in a few round trips.

Nothing is executed: the server parses. The session is set as SQLx sets its own, because
names, types and sizes depend on it: `||` joins texts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlx.databases.mysql.describing.asking import ask
from sqlx.databases.mysql.describing.catalog import (
    read_columns,
    read_views,
    server_version,
)
from sqlx.databases.mysql.describing.prepared import Statement, prepare
from sqlx.databases.mysql.describing.proofs import LIARS, NOT_MERGED, Known, prove
from sqlx.databases.mysql.describing.returning import select_returned
from sqlx.databases.mysql.describing.variants import dependent
from sqlx.databases.mysql.describing.words import WORDS, type_info
from sqlx.queries.checking.mysql_names import UNKNOWN, display
from sqlx.queries.values import (
    Column,
    Database,
    Description,
    Origin,
    Refusal,
    TypeInfo,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlx.databases.mysql.connect import Connection
    from sqlx.databases.mysql.describing.prepared import Field
    from sqlx.queries.values import Nullability

__all__ = ["Look", "describe", "description"]

AS_SQLX = """SET
    sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_CONCAT,NO_ENGINE_SUBSTITUTION'),
    time_zone = '+00:00', optimizer_switch = DEFAULT"""

UNKNOWN_CODE = "encountered unexpected or invalid data: unknown column type"


@dataclass(frozen=True, slots=True)
class Look:
    """What was found out about texts.

    Args:
        known: The schema.
        proofs: What may be NULL, by text.
        dependent: The columns whose types depend on parameters, by text.
    """

    known: Known
    proofs: dict[str, tuple[Nullability, ...]]
    dependent: dict[str, frozenset[int]]


def describe(
    connection: Connection, queries: Sequence[str], at_once: int = 100
) -> list[Description | Refusal]:
    """Describe queries, each as SQLx would: its versions agree on MySQL.

    Args:
        connection: Ours, in autocommit; its database decides what names mean.
        queries: Their texts; placeholders are `?`.
        at_once: How many texts are under way together.

    Returns:
        One for each query, in their order.

    Raises:
        ConnectionLost: The connection ended.
        DatabaseError: The server refused a question of ours.

    Source:
        SQLx `sqlx-mysql/src/connection/executor.rs`, 0.8.6 and 0.9.0.
    """
    ask(connection, AS_SQLX)
    prepared = prepare(connection, queries, at_once)
    told = [one for one in prepared if isinstance(one, Statement)]
    selects = select_returned(connection, told, at_once)
    with_columns = [one for one in [*told, *selects.values()] if one.fields]
    look = _look(connection, with_columns, at_once)
    return [
        _with_returned(description(one, look), selects.get(one.sql), look)
        if isinstance(one, Statement)
        else one
        for one in prepared
    ]


def _look(connection: Connection, told: Sequence[Statement], at_once: int) -> Look:
    """Find out what the first answers do not tell."""
    schemas = {field.place[0] for one in told for field in one.fields} - {""}
    is_mariadb = "MariaDB" in server_version(connection)
    known = Known(
        read_columns(connection, sorted(schemas), is_mariadb=is_mariadb),
        read_views(connection),
        LIARS if is_mariadb else None,
    )
    changing = dependent(connection, told, at_once)
    ask(connection, NOT_MERGED)
    return Look(known, prove(connection, told, known, at_once), changing)


def description(statement: Statement, look: Look) -> Description:
    """Put together what is known of a text."""
    sql, fields = statement.sql, statement.fields
    proofs = look.proofs.get(sql) or (None,) * len(fields)
    changing = look.dependent.get(sql, frozenset())
    columns = (
        Column(
            field.name,
            type_info(field),
            _origin(field),
            not field.not_null,
            proof,
            known_type=_known_type(field, look.known, changes=number in changing),
        )
        for number, (field, proof) in enumerate(zip(fields, proofs, strict=True))
    )
    refusal = next(
        (f"{UNKNOWN_CODE} {told}" for told in map(_unknown, fields) if told), ""
    )
    return Description(
        Database.MYSQL, sql, tuple(columns), statement.parameters, refusal
    )


def _with_returned(
    described: Description, select: Statement | None, look: Look
) -> Description:
    """Add the columns of RETURNING, as a SELECT of the same columns has them."""
    if select is None:
        return described
    found = description(select, look).columns
    return replace(described, returned=tuple(map(_returned, found)))


def _returned(column: Column) -> Column:
    """Keep what our check needs of a column that SQLx does not know."""
    known = column.known_type or TypeInfo(display(column.type_info))
    return Column(column.name, known, None, None, column.proof, None, known)


def _unknown(field: Field) -> str:
    """Name a type that SQLx has no word for, as it does when it refuses it."""
    return "" if field.type_code in WORDS else type_info(field).name


def _origin(field: Field) -> Origin | None:
    database, table, column = field.place
    if not table:
        return None
    return Origin(f"{database}.{table}" if database else table, column)


def _known_type(field: Field, known: Known, *, changes: bool) -> TypeInfo | None:
    """Say what SQLx's file does not; of text, in 0.8's, the collation is missing."""
    if changes:
        return TypeInfo(UNKNOWN)
    column = known.columns.get(field.place)
    if column is not None and column.known_type is not None:
        return column.known_type
    word = display(type_info(field))
    as_kept = replace(field, wire=replace(field.wire, collation=None))
    return None if display(type_info(as_kept)) == word else TypeInfo(word)
