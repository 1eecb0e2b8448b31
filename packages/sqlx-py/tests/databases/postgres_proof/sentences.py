"""Random queries: joins of all kinds, WITH, sets, groups, windows, RETURNING."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from databases.postgres_proof.changes import Changes
from databases.postgres_proof.items import COLUMNS, Item
from databases.postgres_proof.phrases import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Sentence", "Sentences"]

AGGREGATES = {
    "int": """
        count(*) | count({}) | sum({})::int | max({}) | min({}) | GREATEST(max({}), 0) |
        coalesce(sum({}), 0)::int | cardinality(array_agg({})) | avg({})::int
    """,
    "text": """
        string_agg({}, '') | max({}) | min({}) | json_agg({})::text |
        array_agg({})::text
    """,
    "bool": "bool_and({}) | bool_or({}) | (count({}) > 0) | every({})",
}
WINDOWS = {
    "int": """
        row_number() | rank() | count(*) | ntile({}) | sum({}) | lag({}) |
        lead({}, 1, 0) | first_value({}) | nth_value({}, 2)
    """,
    "text": "lag({}) | max({}) | last_value({}) | first_value({}) | string_agg({}, '')",
    "bool": "bool_and({}) | lag({}, 1, true) | first_value({})",
}
FRAMES = """
    ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING |
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW |
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
"""
GROUPS = "{} | {} | {} | ROLLUP ({}) | CUBE ({}) | GROUPING SETS (({}), ())"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A random query.

    Args:
        sql: Its text.
        parameters: The types of `$1`, `$2`.
        columns: How many it returns.
    """

    sql: str
    parameters: tuple[str, ...]
    columns: int


class Sentences(Changes):
    """Writes queries."""

    def sentence(self) -> Sentence:
        """Write a query."""
        self.parameters.clear()
        self.ctes.clear()
        self.numbers, self.budget = 0, 12
        types = [self.phrases.type() for _ in range(self.random.randint(1, 4))]
        if self.chance(20):
            sql = self.with_queries(3) + self.change(types)
        else:
            sql = self.query(types, (), 3, top=True)
        return Sentence(sql, tuple(self.parameters), len(types))

    def view(self) -> str:
        """Write the query of a view; it has no parameters."""
        while True:
            self.sentence()
            self.ctes.clear()
            self.budget = 8
            sql = self.query(list(COLUMNS.values()), (), 2)
            if not self.parameters:
                return sql

    def subquery(self, types: Sequence[str], outer: Sequence[Column]) -> str:
        """Write a query for an expression: often one of a single row."""
        self.budget -= 1
        if self.budget < 0:
            return f"(SELECT {', '.join(f'NULL::{kind}' for kind in types)})"
        if self.chance(30):
            known = [Column(f"z.{name}", kind) for name, kind in COLUMNS.items()]
            seen = (*known, *outer) if self.chance(5) else known
            target = ", ".join(self.aggregate(kind, seen) for kind in types)
            source = f"{self.random.choice(self.tables)} z"
            having = f" HAVING {self.aggregate('bool', known)}"
            return f"(SELECT {target} FROM {source}{having if self.chance(25) else ''})"
        return f"({self.query(types, outer, 1)})"

    def query(
        self,
        types: Sequence[str],
        outer: Sequence[Column],
        depth: int,
        *,
        top: bool = False,
    ) -> str:
        """Write a query that returns columns of these types."""
        known = len(self.ctes)
        head = self.with_queries(depth) if depth > 1 and self.chance(30) else ""
        if depth > 1 and self.chance(15):
            body = self.sets(types, outer, depth)
        elif self.chance(4):
            body = self.values(types, outer)
        else:
            body = self.select(types, outer, depth, top=top)
        del self.ctes[known:]
        return head + body

    def sets(self, types: Sequence[str], outer: Sequence[Column], depth: int) -> str:
        """Write UNION and its like."""
        arms = [f"({self.query(types, outer, depth - 1)})" for _ in range(2)]
        kind = self.random.choice(("UNION", "INTERSECT", "EXCEPT"))
        return f" {kind}{self.random.choice((' ALL', ''))} ".join(arms)

    def values(self, types: Sequence[str], outer: Sequence[Column]) -> str:
        """Write VALUES."""
        rows = [
            ", ".join(self.expression(kind, outer, 1) for kind in types)
            for _ in range(self.random.randint(1, 3))
        ]
        return "VALUES " + ", ".join(f"({row})" for row in rows)

    def select(
        self,
        types: Sequence[str],
        outer: Sequence[Column],
        depth: int,
        *,
        top: bool = False,
    ) -> str:
        """Write SELECT."""
        count = self.random.choice((0, 1, 1, 1, 1, 2))
        items: list[Item] = []
        for _ in range(count):
            before = [column for item in items for column in item.columns]
            items.append(self.item((*outer, *before), outer, depth))
        own = [column for item in items for column in item.columns]
        columns = [*own, *outer]
        source = f" FROM {', '.join(item.sql for item in items)}" if items else ""
        where, seen = self.where(columns)
        writers = (self.plain, self.plain, self.grouped, self.totals, self.windows)
        write = self.random.choice(writers) if own else self.plain
        # An aggregate of outer columns alone belongs to the outer query.
        fitting = own if self.chance(95) else columns
        target, tail = write(types, seen if write == self.plain else fitting)
        if top and not tail and self.chance(25):
            rows = [column.sql for column in columns if column.type == "row"]
            target[-1] = self.random.choice([self.series(types[-1]), *rows[:1]])
            target[0] = self.random.choice([self.series(types[0]), target[0]])
        distinct = "DISTINCT " if self.chance(8) and not top else ""
        limit = self.random.choice(("", "", "", " LIMIT 1", " LIMIT 2", " OFFSET 1"))
        return f"SELECT {distinct}{', '.join(target)}{source}{where}{tail}{limit}"

    def where(self, columns: Sequence[Column]) -> tuple[str, Sequence[Column]]:
        """Write WHERE, and choose what is to be seen: what it says something of."""
        if self.chance(40):
            return "", columns
        where = self.condition(columns)
        named = [c for c in columns if c.sql in where and c.type != "row"]
        return f" WHERE {where}", named if named and self.chance(60) else columns

    def plain(
        self, types: Sequence[str], columns: Sequence[Column]
    ) -> tuple[list[str], str]:
        """Write the columns of a plain query."""
        return [self.expression(kind, columns) for kind in types], ""

    def series(self, kind: str) -> str:
        """Write a function that returns rows."""
        value = {"int": "1", "text": "'x'", "bool": "true"}[kind]
        some = [value] * self.random.randint(1, 3)
        array = ", ".join(some if self.chance(70) else [*some, "NULL"])
        return f"unnest(ARRAY[{array}])"

    def grouped(
        self, types: Sequence[str], columns: Sequence[Column]
    ) -> tuple[list[str], str]:
        """Write a query with GROUP BY, grouping sets too."""
        kinds = [self.phrases.type() for _ in range(self.random.randint(1, 3))]
        depth = self.random.choice((0, 0, 1))
        groups = [Column(self._group(kind, columns, depth), kind) for kind in kinds]
        texts = [group.sql for group in groups]
        tail = f" GROUP BY {self.phrases.form(GROUPS).format(', '.join(texts))}"
        target = [
            self.aggregate(kind, columns)
            if self.chance(40)
            else self.expression(kind, groups, 1)
            for kind in types
        ]
        if self.chance(25):
            having = self.aggregate("bool", columns)
            tail += f" HAVING {having} IS NOT TRUE"
        return target, tail

    def _group(self, kind: str, columns: Sequence[Column], depth: int) -> str:
        """Write what to group by; a bare number would be a position."""
        text = self.expression(kind, columns, depth)
        if text.startswith("$"):
            self.parameters.pop()
            return f"NULL::{kind}"
        plain = text.lstrip("-").isdigit() or text[0] == "'"
        return f"{text}::{kind}" if plain or text in {"true", "false"} else text

    def totals(
        self, types: Sequence[str], columns: Sequence[Column]
    ) -> tuple[list[str], str]:
        """Write aggregates over all rows."""
        return [self.aggregate(kind, columns) for kind in types], ""

    def aggregate(self, kind: str, columns: Sequence[Column]) -> str:
        """Write an aggregate."""
        argument = self.expression(kind, columns, 1)
        text = self.phrases.form(AGGREGATES[kind]).format(argument)
        if self.chance(25) and text.startswith(("max(", "min(", "count(", "bool_")):
            text += f" FILTER (WHERE {self.phrases.condition(columns)})"
        return text

    def windows(
        self, types: Sequence[str], columns: Sequence[Column]
    ) -> tuple[list[str], str]:
        """Write window functions beside plain columns."""
        target = [
            self.window(kind, columns)
            if self.chance(50)
            else self.expression(kind, columns)
            for kind in types
        ]
        return target, ""

    def window(self, kind: str, columns: Sequence[Column]) -> str:
        """Write a window function."""
        argument = self.expression(kind, columns, self.random.choice((0, 1)))
        text = self.phrases.form(WINDOWS[kind]).format(argument)
        by = self.expression(self.phrases.type(), columns, 0)
        over = self.random.choice(("", f"PARTITION BY {by}", f"ORDER BY {by}::text"))
        if self.chance(40):
            over += f" {self.phrases.form(FRAMES)}"
        cast = "::int" if kind == "int" else ""
        return f"({text} OVER ({over})){cast}"

    def with_queries(self, depth: int) -> str:
        """Write WITH."""
        written = []
        word = self.random.choice(("", "", "RECURSIVE "))
        for _ in range(self.random.choice((1, 1, 2))):
            name = self.name()
            types = [self.phrases.type() for _ in range(self.random.randint(1, 3))]
            names = tuple((f"w{number}", kind) for number, kind in enumerate(types))
            if word and self.chance(70):
                names = (("depth", "int"), *names)
                body = self.recursive(name, names, depth - 1)
            elif depth > 2 and self.chance(20):  # Only at the top it may change rows.
                body = self.change(types)
            else:
                body = self.query(types, (), depth - 1)
            hint = self.random.choice(("", "", "MATERIALIZED ", "NOT MATERIALIZED "))
            listed = ", ".join(column for column, _ in names)
            written.append(f"{name}({listed}) AS {hint}({body})")
            self.ctes.append((name, names))
        return f"WITH {word}{', '.join(written)} "

    def recursive(
        self, name: str, names: tuple[tuple[str, str], ...], depth: int
    ) -> str:
        """Write a query that names itself, three times at most."""
        types = [kind for _, kind in names[1:]]
        first = ", ".join(self.expression(kind, (), 1) for kind in types)
        if self.chance(50):
            known = [Column(f"z.{column}", kind) for column, kind in COLUMNS.items()]
            target = ", ".join(self.expression(kind, known, 1) for kind in types)
            first = f"{target} FROM {self.random.choice(self.tables)} z"
        itself = self.aliased(name, names)
        other = self.item((), (), min(depth, 1))
        kind = self.random.choice(("JOIN", "LEFT JOIN"))
        columns = (*itself.columns, *other.columns)
        target = ", ".join(self.expression(kind, columns, 1) for kind in types)
        both = self.random.choice(("UNION", "UNION ALL"))
        on, number = self.expression("bool", columns), itself.columns[0].sql
        return (
            f"SELECT 1, {first} {both} SELECT {number} + 1, {target}"
            f" FROM {itself.sql} {kind} {other.sql} ON {on} WHERE {number} < 3"
        )
