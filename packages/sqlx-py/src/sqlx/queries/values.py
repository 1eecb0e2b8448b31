"""What a database says of a query: its parameters, its columns, and what may be NULL.

The words are SQLx's: a description holds columns and parameters, each with a type info.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum

__all__ = [
    "Column",
    "Database",
    "Description",
    "Kind",
    "Nullability",
    "Origin",
    "Refusal",
    "SqlxVersion",
    "TypeInfo",
    "Wire",
    "query_hash",
]


class Database(Enum):
    """A kind of database; the value is SQLx's name for it, `db_name` in its files."""

    POSTGRES = "PostgreSQL"
    SQLITE = "SQLite"
    MYSQL = "MySQL"  # and MariaDB


class SqlxVersion(Enum):
    """The SQLx whose bytes are written: they differ in `origin` and in `nullable`."""

    V0_8 = "0.8"
    V0_9 = "0.9"


class Kind(Enum):
    """What sort of type it is; but for BUILTIN, the value is SQLx's word."""

    BUILTIN = "Builtin"
    SIMPLE = "Simple"
    PSEUDO = "Pseudo"
    DOMAIN = "Domain"
    COMPOSITE = "Composite"
    ARRAY = "Array"
    ENUM = "Enum"
    RANGE = "Range"


@dataclass(frozen=True, slots=True)
class Wire:
    """What MySQL's protocol says of a type beside its number.

    Args:
        flags: Of the column, as bits; those that SQLx has no name for are left out.
        max_size: Of the longest value: bytes, or digits of a number.
        collation: Its number, which is 63 for bytes; None where a file of SQLx 0.8 does
            not keep it.
    """

    flags: int
    max_size: int
    collation: int | None = None


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """A type of the database.

    Args:
        name: SQLx's word for a built-in type (`Int4`, `TimestamptzArray`, SQLite's
            `Integer`), else the type's name as the server writes it (`foo."Foo"[]`).
        kind: What sort of type it is.
        of: What a domain, an array or a range is made of; None for other kinds, and
            for built-in arrays, whose element the name tells.
        labels: The labels of an enum, in their order.
        fields: The fields of a composite type, in their order.
        wire: What MySQL sends of it; None for other databases, and where the name says
            all.
    """

    name: str
    kind: Kind = Kind.BUILTIN
    of: TypeInfo | None = None
    labels: tuple[str, ...] = ()
    fields: tuple[tuple[str, TypeInfo], ...] = ()
    wire: Wire | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """The table column that a result column is taken from, named as SQLx names it."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class Nullability:
    """What was proved of a column.

    Args:
        may_be_null: False only when NULL can never come.
        reason: Why NULL can come, to be read after "may be NULL: ", e.g. "outer join",
            "the column allows NULL"; empty when it cannot.
    """

    may_be_null: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result.

    Args:
        name: As the database names it, an override (`id!: UserId`) included.
        type_info: Its type.
        origin: The table column behind it; None for an expression.
        nullable: What SQLx says: True, False, or None for unknown.
        proof: What we know; None where nothing could be proved or was kept.
        ordinal: SQLx's number for it, where that is not its place in the result: in
            SQLite each statement of a text counts from 0.
        known_type: What is sure of its type, where SQLx guesses from a first row or
            from the program (SQLite's expressions), or does not say all (MySQL's
            enums); None where `type_info` is right.
    """

    name: str
    type_info: TypeInfo
    origin: Origin | None
    nullable: bool | None
    proof: Nullability | None = None
    ordinal: int | None = None
    known_type: TypeInfo | None = None

    @property
    def sure_type(self) -> TypeInfo:
        """The type that annotations are held against."""
        return self.known_type or self.type_info


@dataclass(frozen=True, slots=True)
class Description:
    """A query as a database sees it.

    Args:
        database: The kind of database.
        sql: The text, exactly as it is sent.
        columns: Of its result, in their order; empty when it returns nothing.
        parameters: Their types; where a database knows none (SQLite, MySQL), their
            number.
        sqlx_refusal: Why SQLx itself cannot describe it, in the server's words; empty
            when it can.
        returned: Columns that SQLx says nothing of: RETURNING's on MariaDB. There are
            none where it knows any.
    """

    database: Database
    sql: str
    columns: tuple[Column, ...]
    parameters: tuple[TypeInfo, ...] | int
    sqlx_refusal: str = ""
    returned: tuple[Column, ...] = ()

    @property
    def known_columns(self) -> tuple[Column, ...]:
        """What annotations are held against: all that its result has."""
        return self.columns or self.returned

    @property
    def parameter_count(self) -> int:
        """How many parameters the query takes."""
        known = self.parameters
        return known if isinstance(known, int) else len(known)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A query that the database does not take.

    Args:
        sql: The text.
        message: What the server said.
        offset: Characters into the text, from 0, where it stopped, when known.
        sqlstate: PostgreSQL's five characters, SQLite's code as a number in text; None
            where the message has it (MySQL).
        hint: The server's advice.
        detail: More of its words.
    """

    sql: str
    message: str
    offset: int | None = None
    sqlstate: str | None = None
    hint: str | None = None
    detail: str | None = None


def query_hash(sql: str) -> str:
    """Hash a query's text as SQLx does: SHA-256 of its UTF-8 bytes, in hex."""
    return hashlib.sha256(sql.encode()).hexdigest()
