"""PostgreSQL's types in Python, as a table; the drivers' defaults decide.

Source:
    What psycopg 3.3 and asyncpg 0.32 give and take (queries.md 2.1).
"""

from __future__ import annotations

from sqlx.queries.checking.rules import NONE, ROW_CLASS, Rule

__all__ = [
    "ARRAY_COLUMNS",
    "ARRAY_PARAMETERS",
    "NAMED",
    "OTHER",
    "RANGES",
    "RANGE_CLASSES",
    "RULES",
]

BOOL, INT, FLOAT, DECIMAL = (
    "builtins.bool",
    "builtins.int",
    "builtins.float",
    "decimal.Decimal",
)
STR, BYTES, TUPLE, UUID = (
    "builtins.str",
    "builtins.bytes",
    "builtins.tuple",
    "uuid.UUID",
)
DATE, DATETIME, TIME, TIMEDELTA = (
    "datetime.date",
    "datetime.datetime",
    "datetime.time",
    "datetime.timedelta",
)
DICT, LIST, MAPPING, SEQUENCE = (
    "builtins.dict",
    "builtins.list",
    "collections.abc.Mapping",
    "collections.abc.Sequence",
)
ADDRESSES = tuple(
    f"ipaddress.{name}"
    for name in ("IPv4Address", "IPv6Address", "IPv4Interface", "IPv6Interface")
)
NETWORKS = ("ipaddress.IPv4Network", "ipaddress.IPv6Network")

NO_NUMBER = "true is no number"
FRACTION = "it would lose its fraction"
NOT_EXACT = "a float is not exact"
NO_TEXT = "it arrives as another class; cast the column to text to get str"

RULES = (
    Rule(
        types={"Bool": "boolean"},
        columns=(BOOL,),
        parameters=(BOOL,),
        refused={INT: "1 and true are two things to PostgreSQL"},
    ),
    Rule(
        types={"Int2": "smallint", "Int4": "integer", "Int8": "bigint", "Oid": "oid"},
        columns=(INT,),
        parameters=(INT,),
        refused={BOOL: NO_NUMBER, FLOAT: FRACTION, DECIMAL: FRACTION},
        note="The size is the column's, no annotation has one.",
    ),
    Rule(
        types={"Float4": "real", "Float8": "double precision"},
        columns=(FLOAT,),
        parameters=(FLOAT, INT),
        refused={
            BOOL: NO_NUMBER,
            DECIMAL: NOT_EXACT,
            INT: "what arrives is a float, 1.0 also",
        },
    ),
    Rule(
        types={"Numeric": "numeric"},
        columns=(DECIMAL,),
        parameters=(DECIMAL, INT),
        refused={BOOL: NO_NUMBER, FLOAT: NOT_EXACT, INT: FRACTION},
        note="To get a float, cast the column to float8.",
    ),
    Rule(
        types={
            "Text": "text",
            "Varchar": "varchar",
            "Bpchar": "char",
            "Name": "name",
            "Char": '"char"',
            "Unknown": "unknown",
        },
        columns=(STR,),
        parameters=(STR,),
        refused={UUID: "it arrives as str; cast the column to uuid to get UUID"},
    ),
    Rule(
        types={"Bytea": "bytea"},
        columns=(BYTES,),
        parameters=(BYTES, "builtins.bytearray", "builtins.memoryview"),
        refused={STR: "bytes have no encoding; call encode() or decode()"},
    ),
    Rule(
        types={"Timestamptz": "timestamptz"},
        columns=(DATETIME,),
        parameters=(DATETIME,),
        refused={DATE: "it has a time; cast to date to get one"},
        note=(
            "Aware: psycopg gives the session's time zone, asyncpg UTC. Aware and "
            "naive datetimes are one class to Python, so no annotation can tell them "
            "apart; pass aware ones, a naive one counts as the session's time."
        ),
    ),
    Rule(
        types={"Timestamp": "timestamp"},
        columns=(DATETIME,),
        parameters=(DATETIME,),
        refused={DATE: "it has a time; cast to date to get one"},
        note="Naive. Pass naive ones: of an aware one PostgreSQL drops the time zone.",
    ),
    Rule(
        types={"Date": "date"},
        columns=(DATE,),
        parameters=(DATE,),
        refused={DATETIME: "a date has no time, although datetime is a class of date"},
        note="`infinity` cannot be a date of Python.",
    ),
    Rule(
        types={"Time": "time", "Timetz": "timetz"},
        columns=(TIME,),
        parameters=(TIME,),
        refused={TIMEDELTA: "a time of day is no length of time"},
    ),
    Rule(
        types={"Interval": "interval"},
        columns=(TIMEDELTA,),
        parameters=(TIMEDELTA,),
        note="A month counts as 30 days, a year as 365.",
    ),
    Rule(
        types={"Uuid": "uuid"},
        columns=(UUID,),
        parameters=(UUID,),
        refused={STR: NO_TEXT},
    ),
    Rule(
        types={"Json": "json", "Jsonb": "jsonb"},
        columns=(DICT, LIST, MAPPING, SEQUENCE, INT, FLOAT, BOOL),
        parameters=(
            DICT,
            MAPPING,
            "psycopg.types.json.Json",
            "psycopg.types.json.Jsonb",
        ),
        refused={
            STR: "JSON is decoded and encoded; cast to text for its text",
            LIST: "a list is sent as an array; wrap it in psycopg's Json or Jsonb",
            ROW_CLASS: "JSON has no such fields; a TypedDict can describe its dict",
        },
        proposed="dict[str, Any]",
        note="What is inside is not checked.",
        anything=True,
    ),
    Rule(
        types={"Inet": "inet"},
        columns=ADDRESSES,
        parameters=(*ADDRESSES, STR),
        refused={STR: NO_TEXT},
        note="An interface where there is a prefix, an address where there is none.",
    ),
    Rule(
        types={"Cidr": "cidr"},
        columns=NETWORKS,
        parameters=(*NETWORKS, STR),
        refused={STR: NO_TEXT},
    ),
    Rule(
        types={
            "Macaddr": "macaddr",
            "Macaddr8": "macaddr8",
            "Money": "money",
            "Bit": "bit",
            "Varbit": "bit varying",
            "Point": "point",
            "Line": "line",
            "Lseg": "lseg",
            "Box": "box",
            "Path": "path",
            "Polygon": "polygon",
            "Circle": "circle",
            "Jsonpath": "jsonpath",
        },
        columns=(STR,),
        parameters=(STR,),
        refused={
            DECIMAL: "money is text, in the server's locale; cast it to numeric",
        },
        note="PostgreSQL's text.",
    ),
    Rule(
        types={"Record": "record"},
        columns=(TUPLE,),
        parameters=(),
        note="A row without a type; what is inside is not checked.",
    ),
    Rule(
        types={"Void": "void"},
        columns=(NONE,),
        parameters=(),
        note="A query with no other columns returns no rows.",
    ),
)

# Types of extensions and others that have no word of SQLx's, by their names.
NAMED = (
    Rule(
        types={"hstore": "hstore"},
        columns=(DICT, STR),
        parameters=(DICT, STR),
        proposed="dict[str, str | None]",
        note="A dict[str, str | None] once the driver knows hstore, text before.",
    ),
    Rule(
        types={"int2vector": "int2vector", "oidvector": "oidvector"},
        columns=(STR,),
        parameters=(STR,),
        note="Arrays inside, but PostgreSQL's text: numbers and blanks.",
    ),
    Rule(
        types={
            name: name
            for name in (
                "int4multirange",
                "int8multirange",
                "nummultirange",
                "tsmultirange",
                "tstzmultirange",
                "datemultirange",
            )
        },
        columns=("psycopg.types.multirange.Multirange", LIST),
        parameters=("psycopg.types.multirange.Multirange", LIST),
        refused={STR: NO_TEXT},
        note="psycopg's Multirange, a list of asyncpg's Range.",
    ),
)
OTHER = Rule(
    types={"citext": "citext, xml, tsvector, ltree, regclass and all others"},
    columns=(STR,),
    parameters=(STR,),
    note="PostgreSQL's text.",
)

# Sets and the like are made of the list that arrives, and sent as one.
ARRAY_PARAMETERS = (
    LIST,
    TUPLE,
    "builtins.set",
    "builtins.frozenset",
    "collections.deque",
    SEQUENCE,
    "collections.abc.MutableSequence",
)
ARRAY_COLUMNS = (
    *ARRAY_PARAMETERS,
    "collections.abc.Collection",
    "collections.abc.Iterable",
)
RANGE_CLASSES = ("psycopg.types.range.Range", "asyncpg.types.Range")
# SQLx's words for ranges, for what they are of, and the names that people know.
RANGES = {
    "Int4Range": ("Int4", "int4range"),
    "Int8Range": ("Int8", "int8range"),
    "NumRange": ("Numeric", "numrange"),
    "TsRange": ("Timestamp", "tsrange"),
    "TstzRange": ("Timestamptz", "tstzrange"),
    "DateRange": ("Date", "daterange"),
}
