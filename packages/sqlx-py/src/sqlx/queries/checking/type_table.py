"""The tables of types as Markdown, for the docs: made from the rules, so they are true.

A rule tells its row itself. Types that are made of others have code instead of a rule:
their rows are written here, each with an example that the tests hold against the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.queries.checking.fitting import TABLES
from sqlx.queries.checking.rules import Way, short
from sqlx.queries.values import Database, Kind, TypeInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.queries.checking.rules import Rule

__all__ = ["MADE_OF_OTHERS", "Refused", "Row", "document", "rows"]

HEAD = (
    "| type | a column is | a parameter is | not taken, and why | notes |\n"
    "| --- | --- | --- | --- | --- |\n"
)


@dataclass(frozen=True, slots=True)
class Refused:
    """An annotation that is not taken.

    Args:
        annotation: As it is written.
        reason: Why.
        way: For which way; None for both.
    """

    annotation: str
    reason: str
    way: Way | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Args:
        types: The database's types, by the names that people know.
        columns: Annotations that a column may have, the proposed one first.
        parameters: Annotations that a parameter may have.
        refused: Annotations that neither may have, or only one of them.
        note: What else a person should know.
        example: One of the types, where no rule has it.
    """

    types: str
    columns: tuple[str, ...]
    parameters: tuple[str, ...]
    refused: tuple[Refused, ...] = ()
    note: str = ""
    example: TypeInfo | None = None


def rows(database: Database) -> Iterator[Row]:
    """Give the rows of a database's table."""
    table = TABLES[database]
    yield from map(_row, table.rules)
    yield from MADE_OF_OTHERS.get(database, ())
    yield from map(_row, table.named)
    # Without a rule for parameters, there is one for all types that have no other.
    yield _row(table.parameter or table.other)


def document(database: Database) -> str:
    """Write a database's table as Markdown."""
    return HEAD + "".join(map(_line, rows(database)))


def _row(rule: Rule) -> Row:
    anything = ("Any",) if rule.anything else ()
    return Row(
        ", ".join(dict.fromkeys(rule.types.values())),
        (*map(short, rule.columns), *(anything if rule.columns else ())),
        (*map(short, rule.parameters), *(anything if rule.parameters else ())),
        tuple(_refusals(rule)),
        rule.note,
    )


def _refusals(rule: Rule) -> Iterator[Refused]:
    for name, reason in rule.refused.items():
        way = None
        if name in rule.columns:
            way = Way.PARAMETER
        elif name in rule.parameters:
            way = Way.COLUMN
        yield Refused(short(name), reason, way)


def _line(row: Row) -> str:
    cells = (
        row.types,
        _codes(row.columns),
        _codes(row.parameters),
        "; ".join(map(_why, row.refused)),
        row.note,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _codes(annotations: tuple[str, ...]) -> str:
    return ", ".join(f"`{annotation}`" for annotation in annotations)


def _why(refused: Refused) -> str:
    way = "" if refused.way is None else f" as a {refused.way.value}"
    return f"`{refused.annotation}`{way}: {refused.reason}"


MADE_OF_OTHERS = {
    Database.POSTGRES: (
        Row(
            "any type's array, `bigint[]`",
            ("list[int]", "list[int | None]", "tuple[int, ...]", "Sequence[int]"),
            ("list[int]", "tuple[int, ...]", "set[int]", "Sequence[int]"),
            (Refused("Iterable[int]", "it need not be a list", Way.PARAMETER),),
            "`list[list[int]]` too: no type says how many dimensions it has. That an "
            "element may be NULL is not checked.",
            TypeInfo("Int8Array"),
        ),
        Row(
            "an enum with the labels free and pro",
            ('Literal["free", "pro"]', "Tier", "str"),
            ('Literal["free"]', "Tier", "str"),
            (Refused('Literal["free"]', 'it has no "pro"', Way.COLUMN),),
            "`Tier` is an Enum whose values are labels: all of them for a column, some "
            "for a parameter.",
            TypeInfo("tier", Kind.ENUM, labels=("free", "pro")),
        ),
        Row(
            "a composite type with the fields name and price",
            ("str", "Item"),
            ("str", "Item"),
            note="`Item` is a NamedTuple, or another row class, with these fields in "
            "this order; psycopg gives text until the type is registered. That a field "
            "may be NULL is not checked.",
            example=TypeInfo(
                "item",
                Kind.COMPOSITE,
                fields=(("name", TypeInfo("Text")), ("price", TypeInfo("Int8"))),
            ),
        ),
        Row(
            "a range, `int8range`",
            ("Range[int]",),
            ("Range[int]",),
            note="`Range` is psycopg's or asyncpg's.",
            example=TypeInfo("Int8Range"),
        ),
        Row(
            "a range of your own over integer",
            ("Range[int]", "str"),
            ("Range[int]", "str"),
            note="Text for a driver that does not know it.",
            example=TypeInfo("mine", Kind.RANGE, of=TypeInfo("Int4")),
        ),
        Row(
            "a domain over integer",
            ("int",),
            ("int",),
            note="What the type under it is, at any depth.",
            example=TypeInfo("positive", Kind.DOMAIN, of=TypeInfo("Int4")),
        ),
    ),
    Database.MYSQL: (
        Row(
            "a table's ENUM with the labels free and pro",
            ('Literal["free", "pro"]', "Tier", "str"),
            (),
            (Refused('Literal["free"]', 'it has no "pro"', Way.COLUMN),),
            "`Tier` is an Enum whose values are labels: all of them.",
            TypeInfo("enum('free','pro')", Kind.ENUM, labels=("free", "pro")),
        ),
    ),
}
"""By database, the rows of types that are made of others."""
