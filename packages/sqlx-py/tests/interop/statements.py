"""Queries of many kinds, for Rust's macros and for us to describe: same bytes wanted.

They stand in `queries/*_statements.sql`, one a line; the schemas are beside them. Rust
names its fields after columns, so a column that is no identifier has an alias, and one
whose type Rust would want a feature for says `x: String`; the cache has that as it is.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["DIFFERENT", "REFUSED", "SOURCE", "STATEMENTS", "UNSAID"]

SOURCE = Path(__file__).with_name("queries")


# Fits on no line: several lines, trailing blanks, quotes, what JSON escapes.
MORE = {
    "postgres": (
        "\n    SELECT id,  text\n    FROM tweet  -- a comment\n    ",
        "SELECT 'it''s \"quoted\" \\ / \u007f \u2028 \u0001' AS text",
        "SELECT id FROM tweet;",
    ),
    "sqlite": (
        "\n    SELECT id,  text\n    FROM tweet  -- a comment\n    ",
        "SELECT 'it''s \"quoted\" \\ / \u007f \u2028 \u0001' AS text",
        "SELECT id FROM tweet;",
    ),
    "mysql": (
        "\n    SELECT id,  text\n    FROM tweet  -- a comment\n    ",
        "SELECT 'it''s \"quoted\" / \u007f \u2028 \u0001' AS text",
        "SELECT id FROM tweet;",
        "# A comment of MySQL's.\nSELECT `id` FROM `tweet` /* and one */",
    ),
}


def _lines(kind: str) -> list[str]:
    text = (SOURCE / f"{kind}_statements.sql").read_text(encoding="utf-8")
    return text.removesuffix("\n").split("\n")


STATEMENTS = {kind: (*_lines(kind), *more) for kind, more in MORE.items()}

# Where the bytes differ, and how, by SQLx's version. It has its own SQLite inside (3.46
# and 3.51), which may compile another program for a query than the one that describes
# here; and it is from programs that SQLx reads `nullable`.
DIFFERENT: dict[str, dict[str, dict[str, list[str]]]] = {
    "postgres": {},
    "sqlite": {
        "SELECT id FROM tweet INTERSECT SELECT owner_id FROM tweet": {
            "0.9.0": ['column 1 "id": nullable true → false'],
        },
    },
    "mysql": {},
}

# What SQLx refuses when it describes, in its words, by its version.
REFUSED: dict[str, dict[str, dict[str, str]]] = {
    "postgres": {
        "SELECT nope FROM tweet": {
            "0.8.6": 'error returned from database: column "nope" does not exist',
            "0.9.0": (
                'error returned from database: column "nope" does not exist at line N'
            ),
        },
        "SELECT $3::int AS a": {
            "0.8.6": (
                "error returned from database: could not determine data type of "
                "parameter $1"
            ),
            "0.9.0": (
                "error returned from database: could not determine data type of "
                "parameter $1 at line N"
            ),
        },
        "SELECT 1 AS a; SELECT 2 AS b": {
            "0.8.6": (
                "error returned from database: cannot insert multiple commands into a "
                "prepared statement"
            ),
            "0.9.0": (
                "error returned from database: cannot insert multiple commands into a "
                "prepared statement at line N"
            ),
        },
        "SELECT $1::required AS a": {
            "0.8.6": (
                "error returned from database: domain required does not allow null "
                "values"
            ),
            "0.9.0": (
                "error returned from database: domain required does not allow null "
                "values at line N"
            ),
        },
        'SELECT $1::int4multirange AS "a: String"': {
            "0.9.0": (
                'error occurred while decoding column "typtype": unknown type code 109'
            ),
        },
        """SELECT '{}'::floats_multirange AS "m: String" """: {
            "0.9.0": (
                'error occurred while decoding column "typtype": unknown type code 109'
            ),
        },
        'SELECT prosqlbody AS "b: String" FROM pg_proc': {
            "0.9.0": (
                'error occurred while decoding column "typcategory": invalid category '
                "code 90"
            ),
        },
    },
    "sqlite": {
        "SELECT nope FROM tweet": dict.fromkeys(
            ("0.8.6", "0.9.0"),
            "error returned from database: (code: 1) no such column: nope",
        ),
        "SELECT 1 AS a FROM tweet WHERE": dict.fromkeys(
            ("0.8.6", "0.9.0"),
            "error returned from database: (code: 1) incomplete input",
        ),
        """SELECT value AS "v: String" FROM json_each('[1]')""": dict.fromkeys(
            ("0.8.6", "0.9.0"),
            "error returned from database: (code: 1) no such table column: "
            "json_each.value",
        ),
    },
    "mysql": {
        "SELECT nope FROM tweet": dict.fromkeys(
            ("0.8.6", "0.9.0"),
            "error returned from database: 1054 (42S22): Unknown column 'nope' in "
            "'SELECT'",
        ),
        "SELECT 1 AS a; SELECT 2 AS b": dict.fromkeys(
            ("0.8.6", "0.9.0"),
            "error returned from database: 1064 (42000): You have an error in your SQL "
            "syntax; check the manual that corresponds to your MariaDB server version "
            "for the right syntax to use near 'SELECT 2 AS b' at line 1",
        ),
        "SELECT (1": dict.fromkeys(
            ("0.8.6", "0.9.0"),
            "error returned from database: 1064 (42000): You have an error in your SQL "
            "syntax; check the manual that corresponds to your MariaDB server version "
            "for the right syntax to use near '' at line 1",
        ),
    },
}

# Of these, which the databases take, we do not say yet that SQLx refuses them.
UNSAID = {
    ("postgres", "0.8.6"): set[str](),
    ("postgres", "0.9.0"): {
        sql for sql in REFUSED["postgres"] if "multirange" in sql or "prosqlbody" in sql
    },
    ("sqlite", "0.8.6"): set[str](),
    ("sqlite", "0.9.0"): set[str](),
    ("mysql", "0.8.6"): set[str](),
    ("mysql", "0.9.0"): set[str](),
}
