"""Tables of every kind, and what is put into them: nothing, NULLs, strange values."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import apsw

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["COLUMNS", "FILLINGS", "WRITABLE", "filled", "scratch"]

SCHEMA = """
CREATE TABLE t (
    id INTEGER PRIMARY KEY, a INT NOT NULL, b INT, c TEXT NOT NULL, d REAL,
    v AS (a + 1), w NOT NULL AS (coalesce(b, 0)) STORED
);
CREATE INDEX t_b ON t (b, c);
CREATE INDEX t_a ON t (a DESC);
CREATE INDEX t_lower ON t (lower(c), b);
CREATE INDEX t_some ON t (d) WHERE d IS NOT NULL;
CREATE TABLE u (k TEXT, n INT, o NOT NULL, p, PRIMARY KEY (k, n)) WITHOUT ROWID;
CREATE INDEX u_p ON u (p);
CREATE TABLE x (i INT PRIMARY KEY, j NOT NULL DEFAULT 1, l TEXT, UNIQUE (l, j));
CREATE TABLE y (m INTEGER NOT NULL, q TEXT, r REAL NOT NULL, UNIQUE (m)) STRICT;
CREATE TABLE z (e INT NOT NULL, f TEXT);
CREATE VIEW joined AS SELECT t.id, t.a, x.i, x.j FROM t LEFT JOIN x ON x.i = t.b;
CREATE VIEW grouped AS SELECT a, count(*) AS n, max(b) AS top FROM t GROUP BY a;
CREATE VIEW both AS SELECT a AS one, c AS two FROM t UNION SELECT j, l FROM x;
CREATE TRIGGER x_gone AFTER DELETE ON x BEGIN DELETE FROM x WHERE i = old.j; END;
CREATE TRIGGER x_first BEFORE UPDATE ON x WHEN new.j = 3 BEGIN
    DELETE FROM x WHERE i = 2;
    UPDATE x SET l = NULL WHERE i = 1;
END;
CREATE TRIGGER x_new AFTER INSERT ON x BEGIN UPDATE x SET l = NULL; END;
CREATE TRIGGER t_first BEFORE DELETE ON t WHEN old.a = 2 BEGIN
    UPDATE t SET b = NULL, d = NULL; SELECT raise(IGNORE) WHERE old.b = 1;
END;
"""
COLUMNS = {
    "t": ("id", "a", "b", "c", "d", "v", "w"),
    "u": ("k", "n", "o", "p"),
    "x": ("i", "j", "l"),
    "y": ("m", "q", "r"),
    "z": ("e", "f"),
    "joined": ("id", "a", "i", "j"),
    "grouped": ("a", "n", "top"),
    "both": ("one", "two"),
}
WRITABLE = {
    "t": ("id", "a", "b", "c", "d"),
    "u": ("k", "n", "o", "p"),
    "x": ("i", "j", "l"),
    "y": ("m", "q", "r"),
    "z": ("e", "f"),
}
STRANGE = (0, 1, 2, 3, -1, 1.5, 9e999, -9e999, "", "2", "abc", "9e999", b"", b"\x00")
PLAIN = (0, 1, 2, 3, 3)


def scratch() -> apsw.Connection:
    """Make the tables, empty."""
    connection = apsw.Connection(":memory:")
    connection.execute(SCHEMA)
    return connection


def filled(name: str) -> apsw.Connection:
    """Make the tables, and fill them in one of the ways of `FILLINGS`."""
    connection = scratch()
    FILLINGS[name](connection, random.Random(name))  # noqa: S311 -- it is test data.
    return connection


def _nothing(_: apsw.Connection, __: random.Random) -> None:
    """Leave the tables empty."""


def _few(connection: apsw.Connection, chance: random.Random) -> None:
    """Put NULL wherever it may be."""
    for table, count in (("t", 3), ("u", 2), ("x", 3), ("y", 1)):
        _insert(connection, chance, table, count, PLAIN, nulls=0.8)


def _many(connection: apsw.Connection, chance: random.Random) -> None:
    """Put in some of everything, and let the planner know."""
    for table in ("t", "u", "x", "y"):
        _insert(connection, chance, table, 15, STRANGE, nulls=0.3)
    connection.execute("ANALYZE")


FILLINGS: dict[str, Callable[[apsw.Connection, random.Random], None]] = {
    "nothing": _nothing,
    "few": _few,
    "many": _many,
}


def _insert(
    connection: apsw.Connection,
    chance: random.Random,
    table: str,
    count: int,
    values: tuple[object, ...],
    nulls: float,
) -> None:
    """Insert rows, without what the table refuses."""
    columns = WRITABLE[table]
    marks = ", ".join("?" * len(columns))
    for _ in range(count):
        row = [
            None if chance.random() < nulls else chance.choice(values) for _ in columns
        ]
        sure = [0 if value is None else value for value in row]
        for tried in (row, [*row[:1], *sure[1:]], sure):
            try:
                connection.execute(
                    f"INSERT INTO {table} VALUES ({marks})".replace(
                        table + " V", f"{table} ({', '.join(columns)}) V"
                    ),
                    tuple(tried),
                )
            except apsw.Error:
                continue
            break
