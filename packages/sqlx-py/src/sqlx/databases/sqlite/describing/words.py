"""SQLx's words for SQLite's types, by what a column was declared as."""

from __future__ import annotations

__all__ = ["BOOL", "FLOAT", "INT4", "INTEGER", "NULL", "NUMERIC", "TEXT", "declared"]

NULL, INTEGER, FLOAT, TEXT, BLOB = "Null", "Integer", "Float", "Text", "Blob"
NUMERIC, BOOL, INT4 = "Numeric", "Bool", "Int4"
DATE, TIME, DATETIME = "Date", "Time", "Datetime"

WHOLE = {
    "int4": INT4,
    "int8": INTEGER,
    "boolean": BOOL,
    "bool": BOOL,
    "date": DATE,
    "time": TIME,
    "datetime": DATETIME,
    "timestamp": DATETIME,
}
PARTS = (
    ("int", INTEGER),
    ("char", TEXT),
    ("clob", TEXT),
    ("text", TEXT),
    ("blob", BLOB),
    ("real", FLOAT),
    ("floa", FLOAT),
    ("doub", FLOAT),
)


def declared(declaration: str) -> str | None:
    """Give SQLx's word for a declared type; None when SQLx does not know it.

    Source:
        SQLx `impl FromStr for DataType`; SQLite's own rules of affinity come close.
    """
    text = "".join(c.lower() if c.isascii() else c for c in declaration)
    whole = WHOLE.get(text)
    return whole or next((word for part, word in PARTS if part in text), None)
