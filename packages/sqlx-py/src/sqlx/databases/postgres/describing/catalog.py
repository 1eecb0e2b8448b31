"""Types and columns as the server's catalog has them, many in one question.

Names are written as the connection's `search_path` asks for, as SQLx writes them; what
we ask with is qualified, for an application's path may hide anything.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlx.databases.postgres.describing.builtin import VARIANTS, declared
from sqlx.databases.postgres.describing.pipeline import Execute
from sqlx.databases.postgres.session import EQ, P
from sqlx.queries.values import Kind, Origin, TypeInfo

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from psycopg.pq.abc import PGresult

__all__ = [
    "EXPRESSION",
    "TableColumn",
    "Types",
    "read_columns",
    "select_columns",
    "select_types",
]

KINDS = {
    "d": Kind.DOMAIN,
    "p": Kind.PSEUDO,
    "r": Kind.RANGE,
    "e": Kind.ENUM,
    "c": Kind.COMPOSITE,
}
ORDINARY, OF_ARRAYS = "b", "A"

TYPES = f"""SELECT {P}.json_agg(r) FROM (
SELECT t.oid::{P}.int8 AS oid, t.oid::{P}.regtype::{P}.text AS name,
  {P}.format_type(t.oid, NULL) AS declared,
  t.typtype AS type, t.typcategory AS category,
  t.typbasetype::{P}.int8 AS base, t.typelem::{P}.int8 AS element,
  (SELECT g.rngsubtype::{P}.int8 FROM {P}.pg_range g
    WHERE g.rngtypid {EQ} t.oid) AS subtype,
  (SELECT {P}.json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM {P}.pg_enum e
    WHERE e.enumtypid {EQ} t.oid) AS labels,
  (SELECT {P}.json_agg({P}.json_build_array(a.attname, a.atttypid::{P}.int8)
      ORDER BY a.attnum) FROM {P}.pg_attribute a
    WHERE t.typtype {EQ} 'c' AND a.attrelid {EQ} t.typrelid
      AND a.attnum OPERATOR({P}.>) 0 AND NOT a.attisdropped) AS fields
FROM {P}.pg_type t
WHERE t.oid {EQ} ANY ($1::{P}.oid[])) r"""

COLUMNS = f"""SELECT {P}.json_agg({P}.json_build_array(a.attrelid::{P}.int8, a.attnum,
  a.attrelid::{P}.regclass::{P}.text, a.attname, NOT a.attnotnull))
FROM ROWS FROM ({P}.unnest($1::{P}.oid[]), {P}.unnest($2::{P}.int2[])) c(relid, number)
JOIN {P}.pg_attribute a ON a.attrelid {EQ} c.relid AND a.attnum {EQ} c.number"""


@dataclass(frozen=True, slots=True)
class TypeRow:
    """A type's row in the catalog.

    Args:
        name: As the search path wants it.
        declared: As SQL takes it wherever a type stands.
        kind: What sort of type it is.
        of: The OID of what it is made of.
        labels: Of an enum.
        fields: Of a composite type: name and OID.
    """

    name: str
    declared: str
    kind: Kind
    of: int | None = None
    labels: tuple[str, ...] = ()
    fields: tuple[tuple[str, int], ...] = ()

    @property
    def parts(self) -> tuple[int, ...]:
        """The OIDs of the types inside."""
        made_of = () if self.of is None else (self.of,)
        return made_of + tuple(oid for _name, oid in self.fields)


@dataclass(frozen=True, slots=True)
class TableColumn:
    """The column of a table behind a result's, and whether it may be NULL."""

    origin: Origin | None
    nullable: bool | None


EXPRESSION = TableColumn(None, None)
"""What is behind a result's column that is computed."""


@dataclass(slots=True)
class Types:
    """The types that have been looked up."""

    rows: dict[int, TypeRow] = field(default_factory=dict)

    def read(self, asked: Iterable[int], result: PGresult) -> None:
        """Keep what `select_types` brought; a type that is gone keeps its number."""
        gone = {oid: TypeRow(str(oid), str(oid), Kind.SIMPLE) for oid in asked}
        self.rows |= gone | {row["oid"]: _type_row(row) for row in _json(result)}

    def unknown(self, oids: Iterable[int]) -> set[int]:
        """Find which types are to be looked up."""
        return {oid for oid in oids if oid not in VARIANTS and oid not in self.rows}

    def unknown_parts(self) -> set[int]:
        """Find which types inside of known ones are to be looked up."""
        return self.unknown(oid for row in self.rows.values() for oid in row.parts)

    def is_domain(self, oid: int) -> bool:
        """Tell whether a type restricts another one."""
        return oid in self.rows and self.rows[oid].kind is Kind.DOMAIN

    def declared(self, oid: int) -> str:
        """Name a type as SQL takes it, whatever the search path is."""
        return declared(VARIANTS[oid]) if oid in VARIANTS else self.rows[oid].declared

    def type_info(self, oid: int) -> TypeInfo:
        """Describe a type."""
        if oid in VARIANTS:
            return TypeInfo(VARIANTS[oid])
        row = self.rows[oid]
        return TypeInfo(
            row.name,
            row.kind,
            None if row.of is None else self.type_info(row.of),
            row.labels,
            tuple((name, self.type_info(part)) for name, part in row.fields),
        )


def select_types(oids: Collection[int]) -> Execute:
    """Ask for all types of a round at once.

    Source:
        SQLx `PgConnection::fetch_type_by_oid`, `resolve_types`.
    """
    return Execute(TYPES, (_array(sorted(oids)),))


def select_columns(columns: Collection[tuple[int, int]]) -> Execute:
    """Ask for columns by the OID of their table and their number in it."""
    ordered = sorted(columns)
    tables, numbers = [oid for oid, _ in ordered], [number for _, number in ordered]
    return Execute(COLUMNS, (_array(tables), _array(numbers)))


def read_columns(result: PGresult) -> dict[tuple[int, int], TableColumn]:
    """Read what `select_columns` brought."""
    return {
        (relid, number): TableColumn(Origin(table, name), nullable)
        for relid, number, table, name, nullable in _json(result)
    }


def _type_row(row: dict[str, Any]) -> TypeRow:
    kind = KINDS.get(row["type"], Kind.SIMPLE)
    if (row["type"], row["category"]) == (ORDINARY, OF_ARRAYS):
        kind = Kind.ARRAY
    of = {
        Kind.DOMAIN: row["base"],
        Kind.ARRAY: row["element"],
        Kind.RANGE: row["subtype"],
    }
    return TypeRow(
        row["name"],
        row["declared"],
        kind,
        of.get(kind),
        tuple(row["labels"] or ()),
        tuple((name, oid) for name, oid in row["fields"] or ()),
    )


def _json(result: PGresult) -> list[Any]:
    """Read the one value of a result; NULL is the array of nothing."""
    found: list[Any] = json.loads(result.get_value(0, 0) or b"[]")
    return found


def _array(numbers: Iterable[int]) -> str:
    return f"{{{','.join(map(str, numbers))}}}"
