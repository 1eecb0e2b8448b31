"""What we know beyond SQLx's files: proofs, and how a cache was made."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sqlx.errors import CacheError
from sqlx.queries.caching.beside import (
    Prepared,
    migration_lines,
    prepared_from_json,
    prepared_to_json,
    proofs_to_json,
    with_proofs,
)
from sqlx.queries.values import (
    Column,
    Database,
    Description,
    Kind,
    Nullability,
    Origin,
    SqlxVersion,
    TypeInfo,
)

ID = Column("id", TypeInfo("Int4"), Origin("book", "id"), nullable=False)
N = Column("n", TypeInfo("Int8"), None, nullable=None)
PLAIN = Description(Database.POSTGRES, "SELECT …", (ID, N, N), ())
PROVED = replace(
    PLAIN,
    columns=(
        replace(ID, proof=Nullability(may_be_null=False)),
        replace(N, proof=Nullability(may_be_null=True, reason="»sum()« of no rows")),
        N,
    ),
    sqlx_refusal="domain positive does not allow null values",
)
PROOFS = """{
  "columns": [
    {"name": "id", "may_be_null": false, "reason": ""},
    {"name": "n", "may_be_null": true, "reason": "»sum()« of no rows"},
    {"name": "n"}
  ],
  "describe": "7cd395a1efe386cd8cf211b14946a749641fffc1c9149a8d878161627156c7df",
  "format": 1,
  "sqlx_refusal": "domain positive does not allow null values"
}
"""
AGAIN = "run `sqlx prepare` to write it again"


def test_proofs_have_a_line_each() -> None:
    """In the order of the columns, under their names, so that a merge is by lines."""
    assert proofs_to_json(PROVED) == PROOFS


def test_proofs_are_read_again() -> None:
    """Nothing is lost between prepare and an offline check."""
    assert with_proofs(PLAIN, PROOFS, "p.json") == PROVED


def test_a_query_without_columns_has_nothing_to_prove() -> None:
    """It has no file, but for what SQLx would say of it."""
    nothing = replace(PLAIN, columns=())
    assert proofs_to_json(nothing) is None
    refused = replace(nothing, sqlx_refusal="no")
    text = proofs_to_json(refused)
    assert text is not None
    assert with_proofs(nothing, text, "p.json") == refused


CHANGED = {
    "nullable": replace(PLAIN, columns=(replace(ID, nullable=True), N, N)),
    "a type": replace(PLAIN, columns=(ID, N, replace(N, type_info=TypeInfo("Int4")))),
    "a parameter": replace(PLAIN, parameters=(TypeInfo("Int4"),)),
    "a column": replace(PLAIN, columns=(ID, N)),
}


@pytest.mark.parametrize("what", CHANGED)
def test_proofs_of_another_description_do_not_count(what: str) -> None:
    """Rust's `cargo sqlx prepare` writes a query anew, and leaves our file as it is."""
    assert with_proofs(CHANGED[what], PROOFS, "p.json") == CHANGED[what]


def test_proofs_stay_when_sqlx_0_8_writes_the_file_anew() -> None:
    """It knows no origin, and says the same of all else."""
    read = with_proofs(
        replace(PLAIN, columns=(replace(ID, origin=None), N, N)), PROOFS, "p.json"
    )
    assert [column.proof for column in read.columns] == [
        column.proof for column in PROVED.columns
    ]


def edited(**keys: object) -> str:
    """Change keys of the file of proofs."""
    return json.dumps({**json.loads(PROOFS), **keys})


REFUSED = {
    "a merge": (
        "<<<<<<< HEAD",
        "p.json:1:1: this is no JSON (Expecting value)",
    ),
    "an array": (
        "[]",
        "p.json: this is no file of sqlx-py's (there is no JSON object)",
    ),
    "columns that are none": (
        edited(columns=None),
        (
            "p.json: this is no file of sqlx-py's (the keys are columns, describe, "
            "format, sqlx_refusal)"
        ),
    ),
    "no word on SQLx": (
        edited(sqlx_refusal=None),
        (
            "p.json: this is no file of sqlx-py's (the keys are columns, describe, "
            "format, sqlx_refusal)"
        ),
    ),
    "a column less": (
        edited(columns=[]),
        "p.json: this is no file of sqlx-py's (`columns` are not those of its query)",
    ),
    "half a proof": (
        edited(columns=[{"name": "id", "may_be_null": True}] * 3),
        (
            "p.json: this is no file of sqlx-py's (a column is "
            '{"name": "id", "may_be_null": true})'
        ),
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_file_of_ours_is_refused(what: str) -> None:
    """The message says where, what and the mend."""
    text, message = REFUSED[what]
    with pytest.raises(CacheError) as caught:
        with_proofs(PLAIN, text, "p.json")
    assert str(caught.value) == f"{message}; {AGAIN}"


def test_the_file_of_a_newer_sqlx_py_is_refused() -> None:
    """An older one cannot know what it says."""
    with pytest.raises(CacheError) as caught:
        with_proofs(PLAIN, edited(format=2), "p.json")
    assert str(caught.value) == (
        "p.json: the format is 2, and this sqlx-py knows 1; install the newer one, or "
        "run `sqlx prepare` to write it again"
    )


ONE = (1, b"\x01" * 48)
TWO = (20260131235959, b"\xab" * 48)
LINES = (f"1 {'01' * 48}", f"20260131235959 {'ab' * 48}")
PREPARED = Prepared(Database.POSTGRES, "18.0", SqlxVersion.V0_9, LINES)
PREPARED_JSON = f"""{{
  "database": "PostgreSQL",
  "format": 1,
  "migrations": [
    "1 {"01" * 48}",
    "20260131235959 {"ab" * 48}"
  ],
  "outdated": [],
  "server": "18.0",
  "sqlx": "0.9"
}}
"""


def test_migrations_have_a_line_each() -> None:
    """Version and checksum, so that a check can name the one that differs."""
    assert migration_lines([ONE, TWO]) == LINES


def test_how_a_cache_was_made_has_a_line_for_each_fact() -> None:
    """Sorted by name."""
    assert prepared_to_json(PREPARED) == PREPARED_JSON


@pytest.mark.parametrize("migrations", [LINES, (), (f"-5 {'00' * 48}",), None])
def test_how_a_cache_was_made_is_read_again(migrations: tuple[str, ...] | None) -> None:
    """With migrations, with none that lie there, or without."""
    prepared = replace(PREPARED, migrations=migrations, outdated=("ab", "cd"))
    assert prepared_from_json(prepared_to_json(prepared), "p.json") == prepared


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("PostgreSQL", "Oracle", "'Oracle' is not a valid Database"),
        ('"0.9"', '"0.6"', "'0.6' is not a valid SqlxVersion"),
        (
            '"18.0"',
            "18",
            "the keys are database, format, migrations, outdated, server, sqlx",
        ),
        ('"1 0101', '"1 01', f'a migration is "1 {"01" * 47}"'),
        (
            PREPARED_JSON[PREPARED_JSON.index("[") : PREPARED_JSON.index("]") + 1],
            "{}",
            "`migrations` is no JSON array",
        ),
    ],
)
def test_how_a_cache_was_made_cannot_be_anything(old: str, new: str, why: str) -> None:
    """The message says where, what and the mend."""
    with pytest.raises(CacheError) as caught:
        prepared_from_json(PREPARED_JSON.replace(old, new), "p.json")
    assert str(caught.value) == (
        f"p.json: this is no file of sqlx-py's ({why}); {AGAIN}"
    )


def test_what_is_sure_of_a_type_is_kept() -> None:
    """Beside the proof, or alone; another value than a name is refused."""
    column = Column("n", TypeInfo("Null"), None, None, None, None, TypeInfo("Float"))
    known = Description(Database.SQLITE, "SELECT 1.5 AS n", (column,), 0)
    text = proofs_to_json(known)
    assert text is not None
    bare = replace(known, columns=(replace(column, known_type=None),))
    assert with_proofs(bare, text, "x.json") == known
    with pytest.raises(CacheError):
        with_proofs(bare, text.replace('"Float"', "1"), "x.json")


def test_the_labels_of_a_type_are_kept() -> None:
    """SQLx's file of a MySQL query has none."""
    tier = TypeInfo("enum('a','b')", Kind.ENUM, labels=("a", "b"))
    column = Column("t", TypeInfo("String"), None, None, None, None, tier)
    known = Description(Database.MYSQL, "SELECT t FROM u", (column,), 0)
    text = proofs_to_json(known)
    assert text is not None
    bare = replace(known, columns=(replace(column, known_type=None),))
    assert with_proofs(bare, text, "x.json") == known


def test_columns_that_sqlx_does_not_know_are_kept() -> None:
    """What a statement returns, of which MariaDB says nothing before it runs."""
    known = TypeInfo("BIGINT")
    column = Column(
        "id", known, None, None, Nullability(may_be_null=False), None, known
    )
    sql = "DELETE FROM t RETURNING id"
    bare = Description(Database.MYSQL, sql, (), 0)
    whole = replace(bare, returned=(column,))
    text = proofs_to_json(whole)
    assert text is not None
    assert with_proofs(bare, text, "x.json") == whole
    for old, new in (('"type": "BIGINT", ', ""), ("[\n    {", "1, [{"), ('"id"', "1")):
        with pytest.raises(CacheError):
            with_proofs(bare, text.replace(old, new), "x.json")
    value = {**json.loads(text), "returned": 1}
    with pytest.raises(CacheError, match="`returned` is no JSON array"):
        with_proofs(bare, json.dumps(value), "x.json")
