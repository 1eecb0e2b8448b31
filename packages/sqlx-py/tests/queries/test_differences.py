"""What differs between two files of a query, in words."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sqlx.errors import CacheError
from sqlx.queries.caching.differences import differences
from sqlx.queries.caching.query_data import to_json
from sqlx.queries.values import (
    Column,
    Database,
    Description,
    Kind,
    Origin,
    SqlxVersion,
    TypeInfo,
)

ID = Column("id", TypeInfo("Int4"), Origin("book", "id"), nullable=False)
TITLE = Column("title", TypeInfo("Text"), Origin("book", "title"), nullable=False)
N = Column("n", TypeInfo("Int8"), None, nullable=None)
BOOKS = Description(
    Database.POSTGRES, "SELECT …", (ID, TITLE, N), (TypeInfo("Int4"), TypeInfo("Text"))
)


def written(description: Description) -> str:
    """Write a file as SQLx 0.9 does."""
    return to_json(description, SqlxVersion.V0_9)


def columns(*columns: Column) -> Description:
    """Give the query other columns."""
    return replace(BOOKS, columns=columns)


def n_of(type_info: TypeInfo) -> Description:
    """Give the third column another type."""
    return columns(ID, TITLE, replace(N, type_info=type_info))


def test_nothing_differs_where_only_order_and_blanks_do() -> None:
    """SQLx compares JSON values, and so do we."""
    old = json.dumps(json.loads(written(BOOKS)), sort_keys=True)
    assert differences(old, written(BOOKS)) == []


WORDS = {
    "nullable": (
        columns(ID, replace(TITLE, nullable=True), replace(N, nullable=False)),
        [
            'column 2 "title": nullable false → true',
            'column 3 "n": nullable unknown → false',
        ],
    ),
    "a name and an origin": (
        columns(replace(ID, name="id!", origin=None), TITLE, N),
        [
            'column 1 "id": name → "id!"',
            'column 1 "id": origin book.id → an expression',
        ],
    ),
    "an ordinal": (
        columns(ID, replace(TITLE, ordinal=0), N),
        ['column 2 "title": ordinal as its place → 0'],
    ),
    "another table": (
        columns(replace(ID, origin=Origin("shop.book", "id")), TITLE, N),
        ['column 1 "id": origin book.id → shop.book.id'],
    ),
    "a column more": (
        columns(ID, TITLE, N, replace(N, name="m")),
        ['column 4 "m": added, Int8'],
    ),
    "a column less": (columns(ID, TITLE), ['column 3 "n": gone']),
    "a type": (n_of(TypeInfo("Int4")), ['column 3 "n": type Int8 → Int4']),
    "a parameter's type": (
        replace(BOOKS, parameters=(TypeInfo("Int4"), TypeInfo("Varchar"))),
        ["parameter $2: Text → Varchar"],
    ),
    "a parameter less": (
        replace(BOOKS, parameters=(TypeInfo("Int8"),)),
        ["parameters: 2 → 1"],
    ),
    "another database": (
        replace(BOOKS, database=Database.SQLITE, parameters=2),
        ["database: PostgreSQL → SQLite"],
    ),
    "another query": (
        replace(BOOKS, sql="SELECT 1"),
        ["query: the text is another one"],
    ),
    "an enum": (
        n_of(TypeInfo("status", Kind.ENUM, labels=("new", "open"))),
        ['column 3 "n": type Int8 → status (new, open)'],
    ),
    "a domain": (
        n_of(TypeInfo("positive", Kind.DOMAIN, of=TypeInfo("Int4"))),
        ['column 3 "n": type Int8 → positive (domain of Int4)'],
    ),
    "an array of composites": (
        n_of(
            TypeInfo(
                "pair[]",
                Kind.ARRAY,
                of=TypeInfo(
                    "pair", Kind.COMPOSITE, fields=(("a", TypeInfo("Int4")),) * 2
                ),
            )
        ),
        ['column 3 "n": type Int8 → pair[] (array of pair (a Int4, a Int4))'],
    ),
    "an extension's": (
        n_of(TypeInfo("citext", Kind.SIMPLE)),
        ['column 3 "n": type Int8 → citext'],
    ),
}


@pytest.mark.parametrize("what", WORDS)
def test_each_fact_that_differs_has_a_line(what: str) -> None:
    """Old on the left, new on the right."""
    new, words = WORDS[what]
    assert differences(written(BOOKS), written(new)) == words


def test_sqlite_has_a_number_of_parameters() -> None:
    """Their types are nobody's to compare."""
    one = Description(Database.SQLITE, "SELECT ?", (N,), 1)
    assert differences(written(one), written(one)) == []
    two = replace(one, parameters=2)
    assert differences(written(one), written(two)) == ["parameters: 1 → 2"]


@pytest.mark.parametrize("description", [BOOKS, columns(N)])
def test_a_file_of_the_other_sqlx_is_named_so(description: Description) -> None:
    """Once, not for each column."""
    old = to_json(description, SqlxVersion.V0_8)
    assert differences(old, written(description)) == [
        "no `origin` (SQLx 0.8) → `origin` (SQLx 0.9)"
    ]
    assert differences(written(description), old) == [
        "`origin` (SQLx 0.9) → no `origin` (SQLx 0.8)"
    ]


def test_a_query_without_columns_is_the_same_in_both_versions() -> None:
    """There is nothing that could have an origin."""
    old = to_json(columns(), SqlxVersion.V0_8)
    assert differences(old, written(columns())) == []
    assert differences(old, written(columns(ID))) == ['column 1 "id": added, Int4']


def test_a_key_of_somebody_else_s_is_a_difference() -> None:
    """It makes SQLx's own check fail."""
    old = json.dumps({**json.loads(written(BOOKS)), "python": {}})
    assert differences(old, written(BOOKS)) == [
        "there are keys or values that SQLx does not write"
    ]


def test_what_is_no_file_is_an_error() -> None:
    """Nobody can say how it differs."""
    with pytest.raises(CacheError):
        differences("{}", written(BOOKS))
