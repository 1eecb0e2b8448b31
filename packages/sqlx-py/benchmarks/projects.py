"""A project to check: tables made by migrations, and modules of declared queries.

No two queries have the same text. Each joins two of the tables on two parameters: a
third are inner joins, a third outer joins, and a third aggregates, so that there is
something to be proved. They return dataclasses of their module: one row, perhaps one,
or a list of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["PACKAGE", "POSTGRES", "SQLITE", "Kind", "write_project"]

PACKAGE = "shop"
TABLES = (
    "accounts",
    "addresses",
    "authors",
    "books",
    "brands",
    "carts",
    "categories",
    "cities",
    "coupons",
    "customers",
    "invoices",
    "orders",
    "parcels",
    "payments",
    "products",
    "refunds",
    "reviews",
    "shops",
    "tags",
    "vendors",
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of database, and how a project for it is written.

    Args:
        name: For the table of figures.
        types: Of a primary key, another integer, a text and an amount.
        connection: The import of the connection's class.
        annotation: The class.
        parameters: How a key and an amount are written in a query.
    """

    name: str
    types: tuple[str, str, str, str]
    connection: str
    annotation: str
    parameters: tuple[str, str]


POSTGRES = Kind(
    "PostgreSQL",
    ("BIGINT PRIMARY KEY", "BIGINT", "TEXT", "DOUBLE PRECISION"),
    "from psycopg import Connection",
    "Connection",
    ("$1", "$2"),
)
SQLITE = Kind(
    "SQLite",
    ("INTEGER PRIMARY KEY", "INTEGER", "TEXT", "REAL"),
    "import sqlite3",
    "sqlite3.Connection",
    ("?1", "?2"),
)

FORMS = ("{row}", "{row} | None", "list[{row}]")
JOINS = {
    "Both": """\
SELECT a.id, a.name, b.note, b.amount
FROM {a} a
JOIN {b} b ON b.owner_id = a.id
WHERE a.id = {key} AND b.amount > {amount}
ORDER BY b.amount""",
    "Perhaps": """\
SELECT a.id, a.name, b.name AS other, b.amount
FROM {a} a
LEFT JOIN {b} b ON b.owner_id = a.id AND b.amount > {amount}
WHERE a.id = {key}""",
    "Total": """\
SELECT count(*) AS found, sum(b.amount) AS total, max(b.note) AS last
FROM {a} a
JOIN {b} b ON b.owner_id = a.id
WHERE a.owner_id = {key} AND b.amount < {amount}""",
}
ROWS = """

@dataclass(frozen=True, slots=True)
class Both:
    id: int
    name: str
    note: str | None
    amount: float


@dataclass(frozen=True, slots=True)
class Perhaps:
    id: int
    name: str
    other: str | None
    amount: float | None


@dataclass(frozen=True, slots=True)
class Total:
    found: int
    total: float | None
    last: str | None
"""


def write_project(folder: Path, kind: Kind, count: int, modules: int) -> None:
    """Write migrations, and a package of queries.

    Args:
        folder: Where; it is made.
        kind: Of database.
        count: How many queries, at most 1,200.
        modules: In how many modules they stand.
    """
    (folder / "migrations").mkdir(parents=True)
    for version, table in enumerate(TABLES, 20250101000000):
        path = folder / "migrations" / f"{version}_{table}.sql"
        path.write_text(_table(table, kind), encoding="utf-8")
    (folder / PACKAGE).mkdir()
    functions = list(islice(_functions(kind), count))
    for number in range(modules):
        text = _head(kind) + "".join(functions[number::modules])
        path = folder / PACKAGE / f"module_{number}.py"
        path.write_text(text, encoding="utf-8")


def _table(name: str, kind: Kind) -> str:
    key, integer, text, amount = kind.types
    return (
        f"CREATE TABLE {name} (\n"
        f"    id {key},\n"
        f"    owner_id {integer} NOT NULL,\n"
        f"    name {text} NOT NULL,\n"
        f"    note {text},\n"
        f"    amount {amount} NOT NULL\n"
        f");\n"
        f"CREATE INDEX {name}_owner ON {name} (owner_id);\n"
    )


def _head(kind: Kind) -> str:
    return (
        "from __future__ import annotations\n\n"
        "from dataclasses import dataclass\n"
        f"{kind.connection}\n\n"
        f"import sqlx\n{ROWS}"
    )


def _functions(kind: Kind) -> Iterator[str]:
    key, amount = kind.parameters
    for number, (a, b) in enumerate(product(TABLES, TABLES)):
        for row, join in JOINS.items():
            sql = join.format(a=a, b=b, key=key, amount=amount)
            returns = FORMS[number % len(FORMS)].format(row=row)
            yield (
                f'\n\n@sqlx.query("""\n{sql}\n""")\n'
                f"def {row.lower()}_{a}_{b}(\n"
                f"    connection: {kind.annotation}, key: int, amount: float\n"
                f") -> {returns}:\n"
                "    raise NotImplementedError\n"
            )
