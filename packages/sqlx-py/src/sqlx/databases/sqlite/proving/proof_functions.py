"""Which of SQLite's functions never give NULL: what the proof may rely on.

`EXPLAIN` tells a function's name and how many arguments it was declared with, -1 for
any number: of those, what depends on an argument cannot be told. All that is not here
may give NULL. tests/databases/sqlite_proof/test_functions.py tries each on strange
values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlx.databases.sqlite.proving.proof_values import INTEGER, NUMBER, REAL, TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AGGREGATES", "COUNTS", "EXTREMES", "NEVER_NULL", "NOW", "NULL_OF_NULL"]

NEVER_NULL: Mapping[str, int] = {
    "changes(0)": INTEGER,
    "current_date(0)": TEXT,
    "current_time(0)": TEXT,
    "current_timestamp(0)": TEXT,
    "hex(1)": TEXT,
    "json_array(-1)": TEXT,
    "json_quote(1)": TEXT,
    "last_insert_rowid(0)": INTEGER,
    "quote(1)": TEXT,
    "random(0)": INTEGER,
    "sqlite_source_id(0)": TEXT,
    "sqlite_version(0)": TEXT,
    "total_changes(0)": INTEGER,
    "typeof(1)": TEXT,
}
"""Whatever the arguments are."""

NULL_OF_NULL: Mapping[str, int] = {
    "abs(1)": NUMBER,
    "glob(2)": INTEGER,
    "instr(2)": INTEGER,
    "length(1)": INTEGER,
    "like(2)": INTEGER,
    "lower(1)": TEXT,
    "ltrim(1)": TEXT,
    "octet_length(1)": INTEGER,
    "replace(3)": TEXT,
    "round(1)": REAL,
    "round(2)": REAL,
    "rtrim(1)": TEXT,
    "trim(1)": TEXT,
    "upper(1)": TEXT,
}
"""NULL only when an argument is; the number of arguments stands in the name."""

NOW: Mapping[str, int] = {
    "date(-1)": TEXT,
    "datetime(-1)": TEXT,
    "julianday(-1)": REAL,
    "time(-1)": TEXT,
    "unixepoch(-1)": NUMBER,
}
"""Never NULL without arguments: then p2 is 0, as no register is."""

COUNTS: Mapping[str, int] = {
    "count(0)": INTEGER,
    "count(1)": INTEGER,
    "cume_dist(0)": REAL,
    "dense_rank(0)": INTEGER,
    "ntile(1)": INTEGER,
    "percent_rank(0)": REAL,
    "rank(0)": INTEGER,
    "row_number(0)": INTEGER,
}
"""Aggregates that are never NULL; total() is, of infinity and minus infinity."""

AGGREGATES: Mapping[str, int] = {
    "avg(1)": REAL,
    "group_concat(1)": TEXT,
    "group_concat(2)": TEXT,
    "string_agg(2)": TEXT,
    "sum(1)": NUMBER,
    "total(1)": REAL,
}
"""What aggregates give that may be NULL, where that is known."""

EXTREMES = frozenset({"min(1)", "max(1)"})
"""Aggregates that are not NULL once one argument was not."""
