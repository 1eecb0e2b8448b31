"""Queries as prepared statements: what the server says of a text, in its numbers.

A text is sent twice. Parse and Describe tell what it is; `PREPARE` gives it a name for
`EXPLAIN EXECUTE`, which a pooler keeps: it changes the names in Parse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from sqlx.databases.postgres.describing.pipeline import (
    Describe,
    Execute,
    Prepare,
    Reply,
    ServerError,
    Unit,
)
from sqlx.errors import DatabaseError
from sqlx.queries.values import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.pq.abc import PGresult

__all__ = ["Asked", "Field", "Statement", "dropped", "must", "prepare"]

SYNTAX_ERROR = "42601"  # what PREPARE says to a utility statement
Asked: TypeAlias = Callable[[Sequence[Unit]], list[Reply]]


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a result.

    Args:
        name: As the server names it.
        oid: Of its type.
        table_column: The OID of the table behind it and the number there; zeros where
            no table is.
    """

    name: str
    oid: int
    table_column: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Statement:
    """A prepared query.

    Args:
        name: Of the prepared statement.
        sql: Its text.
        parameters: The OIDs of their types.
        fields: The columns of its result.
        named: Whether it has its name; a utility statement has none, nor a plan.
    """

    name: str
    sql: str
    parameters: tuple[int, ...]
    fields: tuple[Field, ...]
    named: bool

    @property
    def oids(self) -> Iterator[int]:
        """The types it names."""
        return chain(self.parameters, (field.oid for field in self.fields))


def prepare(asked: Asked, queries: Sequence[str]) -> list[Statement | Refusal]:
    """Let the server parse all texts, and read what it says of each."""
    names = [f"sqlx_describe_{number}" for number, _sql in enumerate(queries)]
    unsendable = [_unsendable(sql) for sql in queries]
    replies = asked(
        [
            () if refused else _unit(name, sql)
            for name, sql, refused in zip(names, queries, unsendable, strict=True)
        ]
    )
    return [
        refused or _statement(name, sql, reply)
        for name, sql, refused, reply in zip(
            names, queries, unsendable, replies, strict=True
        )
    ]


def dropped(statements: Sequence[Statement]) -> Unit:
    """Let go of prepared statements."""
    return tuple(Execute(f"DEALLOCATE {one.name}") for one in statements if one.named)


def must(reply: Reply) -> tuple[PGresult, ...]:
    """Take the answers to questions of our own.

    Raises:
        DatabaseError: The server refused one.
    """
    if reply.refusal is not None:
        raise DatabaseError(reply.refusal.message, sqlstate=reply.refusal.sqlstate)
    return reply.results


def _unit(name: str, sql: str) -> Unit:
    return Prepare("", sql), Describe(""), Execute(f"PREPARE {name} AS {sql}")


def _unsendable(sql: str) -> Refusal | None:
    """Refuse what the protocol cannot carry: libpq would cut a text at a NUL."""
    try:
        sql.encode()
    except UnicodeEncodeError as error:
        unit = ord(sql[error.start])
        message = f"a query cannot contain half of a surrogate pair (U+{unit:04X})"
        return Refusal(sql, message, error.start)
    if "\0" not in sql:
        return None
    return Refusal(sql, "a query cannot contain the character NUL", sql.index("\0"))


def _statement(name: str, sql: str, reply: Reply) -> Statement | Refusal:
    said, told = reply.refusal, reply.results[1:2]
    if said is not None and not told:
        return _refusal(sql, said)
    if said is not None and said.sqlstate != SYNTAX_ERROR:
        must(reply)
    (described,) = told
    fields = (_field(described, number) for number in range(described.nfields))
    parameters = map(described.param_type, range(described.nparams))
    return Statement(name, sql, tuple(parameters), tuple(fields), said is None)


def _refusal(sql: str, error: ServerError) -> Refusal:
    offset = None if error.position is None else error.position - 1
    return Refusal(sql, error.message, offset, error.sqlstate, error.hint, error.detail)


def _field(result: PGresult, number: int) -> Field:
    name = result.fname(number) or b""
    table_column = result.ftable(number), result.ftablecol(number)
    return Field(name.decode(), result.ftype(number), table_column)
