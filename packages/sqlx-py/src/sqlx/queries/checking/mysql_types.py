"""MySQL's and MariaDB's types in Python, as a table; PyMySQL and asyncmy give the same.

Source:
    The type names are those of `mysql_names`. MEDIUMINT and YEAR are whole numbers of
    any size, which SQLx takes for a byte (queries.md 2.3).
"""

from __future__ import annotations

from sqlx.queries.checking.mysql_names import BIT, BOOLEAN, UNKNOWN
from sqlx.queries.checking.rules import ROW_CLASS, Rule

__all__ = ["ENUM", "PARAMETER", "RULES"]

BOOL, INT, FLOAT, STR, BYTES = (
    f"builtins.{name}" for name in ("bool", "int", "float", "str", "bytes")
)
DATE, DATETIME, TIME, TIMEDELTA = (
    f"datetime.{name}" for name in ("date", "datetime", "time", "timedelta")
)
DECIMAL, UUID = "decimal.Decimal", "uuid.UUID"
JSON = (
    "builtins.dict",
    "builtins.list",
    "collections.abc.Mapping",
    "collections.abc.Sequence",
)
INTEGERS = ("TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT")
TEXTS = ("CHAR", "VARCHAR", "TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT")
BINARIES = ("BINARY", "VARBINARY", "TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB")
NO_ENCODING = "bytes have no encoding; call decode(), or CONVERT the column"
NO_FIELDS = "JSON has no such fields; a TypedDict can describe its dict"


def _named(*names: str) -> dict[str, str]:
    return {name: name for name in names}


ENUM = Rule(
    types=_named("ENUM"),
    columns=(STR,),
    parameters=(),
    refused={INT: "its label arrives; CAST it AS UNSIGNED to get its number"},
    note=(
        "Of a column that is computed: the labels are not known, and a `Literal` or an "
        "`Enum` of texts is taken as it is."
    ),
)
RULES = (
    Rule(
        types=_named(BOOLEAN),
        columns=(BOOL, INT),
        parameters=(),
        refused={FLOAT: "what arrives is an int"},
        note=(
            "TINYINT(1), and what is computed and has one digit: a comparison, EXISTS. "
            "An int other than 0 and 1 becomes True."
        ),
    ),
    Rule(
        types={
            **_named(*INTEGERS, "YEAR"),
            **{f"{name} UNSIGNED": f"{name} UNSIGNED" for name in INTEGERS},
        },
        columns=(INT,),
        parameters=(),
        refused={
            BOOL: "a column of bool is declared BOOLEAN",
            FLOAT: "what arrives is an int",
            DECIMAL: "what arrives is an int",
        },
        note="The size is the column's, no annotation has one.",
    ),
    Rule(
        types=_named("FLOAT", "DOUBLE"),
        columns=(FLOAT,),
        parameters=(),
        refused={
            INT: "what arrives is a float, 1.0 also",
            DECIMAL: "a float is not exact",
        },
    ),
    Rule(
        types=_named("DECIMAL"),
        columns=(DECIMAL,),
        parameters=(),
        refused={
            INT: "it has a fraction, or is a SUM; CAST it AS SIGNED to get int",
            FLOAT: "a float is not exact; CAST it AS DOUBLE to get one",
        },
        note="SUM and AVG of integers are DECIMAL too.",
    ),
    Rule(
        types=_named(*TEXTS),
        columns=(STR, UUID, *JSON),
        parameters=(),
        refused={BYTES: "text is no bytes; call encode()", ROW_CLASS: NO_FIELDS},
        note=(
            "MariaDB's UUID and INET types arrive as text, its JSON is LONGTEXT. dict "
            "and list are read from JSON; what is inside is not checked."
        ),
    ),
    Rule(
        types=_named("JSON"),
        columns=(*JSON, STR),
        parameters=(),
        refused={ROW_CLASS: NO_FIELDS},
        proposed="dict[str, Any]",
        note="As str it is its text. What is inside is not checked.",
    ),
    ENUM,
    Rule(
        types=_named("SET"),
        columns=(STR,),
        parameters=(),
        note="Its labels, with commas between them: no `Literal`, no `Enum`.",
        several=True,
    ),
    Rule(
        types=_named(*BINARIES),
        columns=(BYTES, UUID),
        parameters=(),
        refused={STR: NO_ENCODING},
        note="A UUID is made of 16 bytes.",
    ),
    Rule(
        types={BIT: BIT},
        columns=(BYTES, BOOL),
        parameters=(),
        refused={INT: "what arrives is bytes; CAST it AS UNSIGNED to get int"},
    ),
    Rule(
        types=_named("BIT", "GEOMETRY"),
        columns=(BYTES,),
        parameters=(),
        refused={
            BOOL: "it has several bits",
            INT: "what arrives is bytes; CAST it AS UNSIGNED to get int",
            STR: NO_ENCODING,
        },
        note="A geometry is its SRID, in 4 bytes, and well-known binary.",
    ),
    Rule(
        types=_named("DATE"),
        columns=(DATE,),
        parameters=(),
        refused={DATETIME: "a date has no time", STR: "it arrives as date"},
        note="`0000-00-00` is no date: it raises ValueError when it arrives.",
    ),
    Rule(
        types=_named("TIME"),
        columns=(TIMEDELTA,),
        parameters=(),
        refused={TIME: "it is a length of time, up to 838 hours, below 0 too"},
    ),
    Rule(
        types=_named("DATETIME", "TIMESTAMP"),
        columns=(DATETIME,),
        parameters=(),
        refused={
            DATE: "it has a time; use DATE() to get a date",
            STR: "it arrives as datetime",
        },
        note="Naive: of a TIMESTAMP, in the session's time zone.",
    ),
    Rule(
        types={UNKNOWN: "of no known type"},
        columns=(
            STR,
            INT,
            FLOAT,
            BYTES,
            BOOL,
            DECIMAL,
            UUID,
            DATE,
            DATETIME,
            TIMEDELTA,
        ),
        parameters=(),
        proposed="Any",
        note=(
            "NULL, and what is made of parameters, `? + 1`: the server knows its type "
            "when it runs. Any scalar is taken, unchecked, with a notice. A CAST gives "
            "it a type."
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
        TIMEDELTA,
        "builtins.bytearray",
        "builtins.memoryview",
        "builtins.tuple",
        *JSON,
    ),
    refused={ROW_CLASS: "what has fields is no value; pass them one by one"},
    note=(
        "MySQL's parameters have no type: all that is checked is that a value can be "
        "sent. dict, list and tuple are written as JSON, a UUID as text: `id.bytes` "
        "for BINARY(16). A datetime with a time zone raises TypeError when it is sent, "
        "for MySQL would drop the zone."
    ),
)
