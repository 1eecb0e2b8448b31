"""SQLite's types in Python, as a table.

SQLite gives five classes: int, float, str, bytes and None. What is another class in an
annotation is made from these by sqlx, and back for parameters, which have no type.

Source:
    The type names are SQLx's (queries.md 2.2).
"""

from __future__ import annotations

from sqlx.queries.checking.rules import ROW_CLASS, Rule

__all__ = ["PARAMETER", "RULES"]

BOOL, INT, FLOAT, STR, BYTES = (
    f"builtins.{name}" for name in ("bool", "int", "float", "str", "bytes")
)
DATE, DATETIME, TIME = (f"datetime.{name}" for name in ("date", "datetime", "time"))
DECIMAL, UUID = "decimal.Decimal", "uuid.UUID"
JSON = (
    "builtins.dict",
    "builtins.list",
    "collections.abc.Mapping",
    "collections.abc.Sequence",
)
AS_DECLARED = "the declared type says what it is; CAST it AS TEXT to get str"

RULES = (
    Rule(
        types={"Bool": "BOOLEAN"},
        columns=(BOOL,),
        parameters=(),
        refused={INT: "the declared type says that it is true or false"},
    ),
    Rule(
        types={"Integer": "INTEGER", "Int4": "INTEGER"},
        columns=(INT,),
        parameters=(),
        refused={
            BOOL: "a column of bool is declared BOOLEAN",
            FLOAT: "what arrives is an int",
        },
    ),
    Rule(
        types={"Float": "REAL"},
        columns=(FLOAT,),
        parameters=(),
        refused={
            INT: "what arrives is a float, 1.0 also",
            DECIMAL: "a float is not exact; a column of Decimal is declared TEXT",
        },
    ),
    Rule(
        types={"Text": "TEXT"},
        columns=(STR, UUID, DECIMAL, DATE, DATETIME, TIME, *JSON),
        parameters=(),
        refused={
            BYTES: "text is no bytes; a column of bytes is declared BLOB",
            ROW_CLASS: "JSON has no such fields; a TypedDict can describe its dict",
        },
        note="dict and list are read from JSON; what is inside is not checked.",
    ),
    Rule(
        types={"Blob": "BLOB"},
        columns=(BYTES, UUID),
        parameters=(),
        refused={STR: "bytes have no encoding; a column of str is declared TEXT"},
    ),
    Rule(
        types={"Date": "DATE"},
        columns=(DATE,),
        parameters=(),
        refused={STR: AS_DECLARED, DATETIME: "a date has no time"},
    ),
    Rule(
        types={"Time": "TIME"},
        columns=(TIME,),
        parameters=(),
        refused={STR: AS_DECLARED},
    ),
    Rule(
        types={"Datetime": "DATETIME"},
        columns=(DATETIME,),
        parameters=(),
        refused={STR: AS_DECLARED, DATE: "it has a time", INT: AS_DECLARED},
        note="Naive or aware, as its text is.",
    ),
    Rule(
        types={"Null": "of no known type", "Numeric": "NUMERIC"},
        columns=(STR, INT, FLOAT, BYTES, BOOL, DECIMAL, UUID, DATE, DATETIME, TIME),
        parameters=(),
        proposed="Any",
        note=(
            "SQLite does not tell what comes: any scalar is taken, unchecked, with a "
            "notice. A CAST gives an expression a type."
        ),
        anything=True,
        unchecked=True,
    ),
)

PARAMETER = Rule(
    types={"": "any parameter"},
    columns=(),
    parameters=(
        STR,
        INT,
        FLOAT,
        BYTES,
        BOOL,
        DECIMAL,
        UUID,
        DATE,
        DATETIME,
        TIME,
        "builtins.bytearray",
        "builtins.memoryview",
        "builtins.tuple",
        *JSON,
    ),
    refused={
        ROW_CLASS: "what has fields is no value; pass them one by one",
        "datetime.timedelta": "SQLite has no lengths of time; pass total_seconds()",
    },
    note=(
        "SQLite's parameters have no type: all that is checked is that a value can be "
        "stored. dict, list and tuple are written as JSON."
    ),
)
