"""Declared types have SQLx's words, and words have SQLx's names."""

from __future__ import annotations

import pytest

from sqlx.databases.sqlite.describing.words import declared
from sqlx.queries.checking.sqlite_names import display
from sqlx.queries.values import TypeInfo

DECLARED = {
    "INT4": "Int4",
    "Int8": "Integer",
    "INT": "Integer",
    "INTBIG": "Integer",
    "UNSIGNED BIG INT": "Integer",
    "POINT": "Integer",
    "BOOLEAN": "Bool",
    "bool": "Bool",
    "BOOLEANS": None,
    "DATE": "Date",
    "TIME": "Time",
    "DATETIME": "Datetime",
    "Timestamp": "Datetime",
    "TIMESTAMPTZ": None,
    "CHARACTER(20)": "Text",
    "NCHAR(55)": "Text",
    "TEXT": "Text",
    "CLOB": "Text",
    "BLOB": "Blob",
    "REAL": "Float",
    "FLOAT": "Float",
    "DOUBLE PRECISION": "Float",
    "NUMERIC": None,
    "DECIMAL(10, 2)": None,
    "JSON": None,
    "\u0130NT": None,  # lower() makes "i" and a dot of it
    "": None,
}
SHOWN = {
    "Null": "NULL",
    "Integer": "INTEGER",
    "Int4": "INTEGER",
    "Float": "REAL",
    "Text": "TEXT",
    "Blob": "BLOB",
    "Numeric": "NUMERIC",
    "Bool": "BOOLEAN",
    "Date": "DATE",
    "Time": "TIME",
    "Datetime": "DATETIME",
}


@pytest.mark.parametrize(("declaration", "word"), DECLARED.items())
def test_a_declared_type_has_a_word(declaration: str, word: str | None) -> None:
    """The whole is looked for first, then parts; else SQLx knows none."""
    assert declared(declaration) == word


@pytest.mark.parametrize(("word", "name"), SHOWN.items())
def test_a_word_is_shown_as_sqlx_shows_it(word: str, name: str) -> None:
    """Two words share a name."""
    assert display(TypeInfo(word)) == name
