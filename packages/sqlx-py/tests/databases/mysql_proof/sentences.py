"""Random queries for MariaDB: joins of tables, views and sub-queries, and around them.

Every table has columns that allow NULL and columns that do not, and some are empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

__all__ = ["Sentences", "tables", "views"]

COLUMNS = {
    "id": "INT NOT NULL PRIMARY KEY",
    "n": "INT",
    "m": "INT NOT NULL",
    "s": "VARCHAR(9)",
    "w": "VARCHAR(9) NOT NULL",
    "d": "DATE NOT NULL",
}
VALUES = {
    "n": ("NULL", "0", "3"),
    "m": ("0", "1", "2"),
    "s": ("NULL", "''", "'a'"),
    "w": ("''", "'b'"),
    "d": ("'2026-01-01'",),
}
TABLES = ("t0", "t1", "t2", "t3")
CONSTANTS = ("1", "'x'", "NULL", "1.5", "NOW()", "DATE '2026-01-01'", "X'00'")
FUNCTIONS = (
    "COALESCE({}, {})",
    "IFNULL({}, {})",
    "NULLIF({}, {})",
    "IF({} = 1, {}, 2)",
    "CASE {} WHEN 1 THEN {} END",
    "CASE WHEN {} THEN 1 ELSE {} END",
    "CONCAT({}, {})",
    "UPPER({})",
    "LENGTH({})",
    "ABS({})",
    "{} + {}",
    "{} / {}",
    "{} = {}",
    "{} <=> {}",
    "{} IS NULL",
    "{} AND {}",
    "{} OR {}",
    "NOT {}",
    "GREATEST({}, {})",
    "CAST({} AS CHAR)",
    "CAST({} AS SIGNED)",
    "{} IN ({}, 2)",
    "{} BETWEEN 0 AND {}",
    "{} LIKE '%'",
    "CONCAT_WS(',', {}, {})",
)
AGGREGATES = (
    "COUNT(*)",
    "COUNT({})",
    "COUNT(DISTINCT {})",
    "MAX({})",
    "MIN({})",
    "SUM({})",
    "AVG({})",
    "GROUP_CONCAT({})",
    "BIT_OR({})",
)
WINDOWS = (
    "ROW_NUMBER() OVER ()",
    "RANK() OVER (ORDER BY {})",
    "COUNT(*) OVER ()",
    "LAG({}) OVER (ORDER BY {})",
    "FIRST_VALUE({}) OVER (ORDER BY {})",
    "SUM({}) OVER (PARTITION BY {})",
    "MAX({}) OVER (ORDER BY {} ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING)",
)
JOINS = ("JOIN", "LEFT JOIN", "RIGHT JOIN", "LEFT JOIN", "CROSS JOIN")


def tables(chance: Random) -> list[str]:
    """Make and fill the tables; one is empty."""
    said = []
    for number, name in enumerate(TABLES):
        columns = ", ".join(map(" ".join, COLUMNS.items()))
        said.append(f"CREATE TABLE {name} ({columns})")
        for row in range(number * 2):
            values = (chance.choice(VALUES[column]) for column in list(COLUMNS)[1:])
            said.append(f"INSERT INTO {name} VALUES ({row}, {', '.join(values)})")
    return said


def views(chance: Random, count: int) -> list[str]:
    """Make views, each over what there was before it."""
    sentences = Sentences(chance)
    said = []
    for number in range(count):
        name = f"v{number}"
        said.append(f"CREATE VIEW {name} AS {sentences.select(2, 1)}")
        sentences.views += (name,)
    return said


@dataclass
class Sentences:
    """Makes random queries.

    Args:
        chance: Where they come from.
        views: The views that may be read; each has the columns c0 and c1.
        names: How many aliases were given.
    """

    chance: Random
    views: tuple[str, ...] = ()
    names: int = 0

    def sentence(self) -> str:
        """Make a query with some columns."""
        return self.select(self.chance.randint(1, 4), 2)

    def select(self, width: int, depth: int) -> str:
        """Make a SELECT, or several with a set operation between them."""
        if depth and self.chance.random() < 0.15:
            word = self.chance.choice(("UNION", "UNION ALL", "EXCEPT", "INTERSECT"))
            arms = (self.select(width, depth - 1) for _ in range(2))
            return f" {word} ".join(f"({arm})" for arm in arms)
        if depth and self.chance.random() < 0.1:
            inside = self.select(2, depth - 1)
            words = ", ".join(f"c{n}" for n in range(2))
            query = self._plain(width, depth - 1, extra=("w0",))
            return f"WITH w0 ({words}) AS ({inside}) {query}"
        return self._plain(width, depth)

    def _plain(self, width: int, depth: int, extra: tuple[str, ...] = ()) -> str:
        source, columns = self._source(depth, extra)
        grouped = self.chance.random()
        keys = self.chance.sample(columns, min(len(columns), self.chance.randint(1, 2)))
        tail, items = "", [self._item(columns, depth) for _ in range(width)]
        if grouped < 0.1:
            items = [self._aggregate(columns) for _ in items]
        elif grouped < 0.35:
            rollup = self.chance.choice(("", " WITH ROLLUP"))
            tail = f" GROUP BY {', '.join(keys)}{rollup}"
            items = [self._of_group(columns, keys) for _ in items]
        elif grouped < 0.45:
            items[0] = self._filled(self.chance.choice(WINDOWS), columns)
        named = ", ".join(f"{item} AS c{n}" for n, item in enumerate(items))
        where = f" WHERE {self._expression(columns, 1)}" if self._rarely() else ""
        if self._rarely():
            tail += f" LIMIT {self.chance.randint(0, 5)}"
        distinct = "DISTINCT " if self._rarely() else ""
        return f"SELECT {distinct}{named} FROM {source}{where}{tail}"

    def _rarely(self) -> bool:
        return self.chance.random() < 0.15

    def _source(self, depth: int, extra: tuple[str, ...]) -> tuple[str, list[str]]:
        """Join some tables; give all columns, too."""
        source, columns = self._table(depth, extra)
        for _ in range(self.chance.randint(0, 2)):
            right, more = self._table(depth, extra)
            if self.chance.random() < 0.2:
                other, others = self._table(depth, extra)
                on = self._condition(more, others)
                right, more = f"({right} LEFT JOIN {other} ON {on})", more + others
            word = self.chance.choice(JOINS)
            on = "" if word == "CROSS JOIN" else f" ON {self._condition(columns, more)}"
            source, columns = f"{source} {word} {right}{on}", columns + more
        return source, columns

    def _table(self, depth: int, extra: tuple[str, ...]) -> tuple[str, list[str]]:
        self.names += 1
        alias = f"a{self.names}"
        which = self.chance.random()
        if depth and which < 0.3:
            inside = self.select(2, depth - 1)
            return f"({inside}) {alias}", [f"{alias}.c0", f"{alias}.c1"]
        if (self.views or extra) and which < 0.6:
            view = self.chance.choice(self.views + extra)
            return f"{view} {alias}", [f"{alias}.c0", f"{alias}.c1"]
        table = self.chance.choice(TABLES)
        return f"{table} {alias}", [f"{alias}.{column}" for column in COLUMNS]

    def _condition(self, left: list[str], right: list[str]) -> str:
        return f"{self.chance.choice(left)} = {self.chance.choice(right)}"

    def _item(self, columns: list[str], depth: int) -> str:
        which = self.chance.random()
        if which < 0.5:
            return self.chance.choice(columns)
        if depth and which < 0.6:
            return f"({self.select(1, 0)} LIMIT 1)" if which < 0.55 else self._exists()
        return self._expression(columns, 2)

    def _exists(self) -> str:
        return f"EXISTS ({self.select(1, 0)})"

    def _of_group(self, columns: list[str], keys: list[str]) -> str:
        which = self.chance.random()
        if which < 0.5:
            return self.chance.choice(keys)
        return self._expression(keys, 1) if which < 0.65 else self._aggregate(columns)

    def _aggregate(self, columns: list[str]) -> str:
        text = self._filled(self.chance.choice(AGGREGATES), columns)
        return f"COALESCE({text}, 0)" if self._rarely() else text

    def _expression(self, columns: list[str], depth: int) -> str:
        if depth == 0 or self.chance.random() < 0.3:
            own = self.chance.random() < 0.6
            return self.chance.choice(columns if own else CONSTANTS)
        inside = (self._expression(columns, depth - 1) for _ in range(2))
        text = self.chance.choice(FUNCTIONS)
        return "(" + text.format(*[*inside][: text.count("{}")]) + ")"

    def _filled(self, text: str, columns: list[str]) -> str:
        return text.format(*(self.chance.choice(columns) for _ in range(2)))
