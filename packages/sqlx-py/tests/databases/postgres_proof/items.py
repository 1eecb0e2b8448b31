"""What stands in FROM: tables, subqueries, functions, and joins of all kinds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from databases.postgres_proof.phrases import Column, Phrases

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

__all__ = ["COLUMNS", "Item", "Items"]

COLUMNS = {"id": "int", "k": "int", "a": "int", "b": "text", "c": "bool"}


@dataclass(frozen=True, slots=True)
class Item:
    """Something in FROM.

    Args:
        sql: How it is written.
        names: What `*` gives, in its order.
        columns: What can be named, with the alias.
    """

    sql: str
    names: tuple[tuple[str, str], ...]
    columns: tuple[Column, ...]


class Items(ABC):
    """Writes what queries read, over tables that all have the same columns.

    Args:
        random: Where chance comes from.
        tables: The names of what can be written to; each has an `id` that is a key.
        views: The names of what can be read, too.
        major: PostgreSQL's version.
    """

    def __init__(
        self, random: Random, tables: Sequence[str], views: Sequence[str], major: int
    ) -> None:
        self.random, self.tables, self.views, self.major = random, tables, views, major
        self.parameters: list[str] = []
        self.phrases = Phrases(random, self.subquery, self.parameters)
        self.ctes: list[tuple[str, tuple[tuple[str, str], ...]]] = []
        self.numbers = 0
        self.budget = 0

    @abstractmethod
    def query(self, types: Sequence[str], outer: Sequence[Column], depth: int) -> str:
        """Write a query that returns columns of these types."""

    @abstractmethod
    def subquery(self, types: Sequence[str], outer: Sequence[Column]) -> str:
        """Write a query in parentheses, for an expression."""

    def chance(self, percent: int) -> bool:
        """Say yes in so many of a hundred times."""
        return self.phrases.chance(percent)

    def name(self) -> str:
        """Make a name that is not taken."""
        self.numbers += 1
        return f"q{self.numbers}"

    def expression(self, kind: str, columns: Sequence[Column], depth: int = 2) -> str:
        """Write an expression."""
        return self.phrases.expression(kind, columns, depth)

    def condition(self, columns: Sequence[Column]) -> str:
        """Write a condition that is not too hard to meet."""
        count = self.random.choice((1, 1, 2))
        return " AND ".join(self.phrases.condition(columns) for _ in range(count))

    def item(
        self, lateral: Sequence[Column], outer: Sequence[Column], depth: int
    ) -> Item:
        """Write something in FROM.

        Args:
            lateral: What LATERAL may name.
            outer: What any subquery may name.
            depth: How deep it may nest.
        """
        if depth > 0 and self.chance(55):
            return self.join(lateral, outer, depth - 1)
        if depth > 0 and self.chance(25):
            return self.derived(lateral, outer, depth - 1)
        if self.chance(7):
            return self.function(lateral)
        if self.ctes and self.chance(50):
            name, names = self.random.choice(self.ctes)
            return self.aliased(name, names)
        tables = (*self.tables, *self.tables, *self.views)
        return self.aliased(self.random.choice(tables), tuple(COLUMNS.items()))

    def aliased(self, name: str, names: tuple[tuple[str, str], ...]) -> Item:
        """Name something; its columns are named after it."""
        alias = self.name()
        columns = tuple(Column(f"{alias}.{column}", kind) for column, kind in names)
        return Item(f"{name} AS {alias}", names, (*columns, Column(alias, "row")))

    def derived(
        self, lateral: Sequence[Column], outer: Sequence[Column], depth: int
    ) -> Item:
        """Write a subquery in FROM."""
        is_lateral = self.chance(40)
        types = [self.phrases.type() for _ in range(self.random.randint(1, 3))]
        query = self.query(types, lateral if is_lateral else outer, depth)
        names = tuple((f"n{number}", kind) for number, kind in enumerate(types))
        word = "LATERAL " if is_lateral else ""
        item = self.aliased(f"{word}({query})", names)
        return Item(f"{item.sql}({', '.join(n for n, _ in names)})", *_rest(item))

    def function(self, lateral: Sequence[Column]) -> Item:
        """Write a function in FROM."""
        names = (("n0", "int"), ("n1", "int"))
        bound = self.expression("int", lateral, 0)
        called = self.random.choice(
            (f"generate_series(1, {bound})", f"unnest(ARRAY[{bound}, NULL])")
        )
        item = self.aliased(f"{called} WITH ORDINALITY", names)
        return Item(f"{item.sql}(n0, n1)", *_rest(item))

    def join(
        self, lateral: Sequence[Column], outer: Sequence[Column], depth: int
    ) -> Item:
        """Write a join."""
        kind = self.random.choice(
            ("JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN")
        )
        left = self.item(lateral, outer, depth)
        may_see = kind in {"JOIN", "LEFT JOIN", "CROSS JOIN"}
        seen = (*lateral, *left.columns) if may_see else outer
        right = self.item(seen, outer, depth)
        if kind == "CROSS JOIN":
            return self._of_join(f"{left.sql} {kind} {right.sql}", left, right)
        shared = self._shared(left, right)
        if shared and self.chance(40):
            return self.using(kind, left, right, shared)
        columns = (*left.columns, *right.columns)
        on = self.condition((*columns, *outer))
        if kind == "FULL JOIN":  # Hash and merge joins are all there are for it.
            on = f"{self._one('int', left)} = {self._one('int', right)}"
        return self._of_join(f"({left.sql} {kind} {right.sql} ON {on})", left, right)

    def using(self, kind: str, left: Item, right: Item, shared: Sequence[str]) -> Item:
        """Write a join that merges columns, with a name for what is merged."""
        merged = self.random.sample(shared, self.random.randint(1, min(2, len(shared))))
        alias = self.name()
        sql = f"{left.sql} {kind} {right.sql} USING ({', '.join(merged)})"
        types = dict(left.names)
        if self.chance(50):
            kept = (*left.columns, *right.columns)
            columns = (*(Column(f"{alias}.{m}", types[m]) for m in merged), *kept)
            return Item(f"({sql} AS {alias})", (), columns)
        rest = [pair for pair in (*left.names, *right.names) if pair[0] not in merged]
        kinds = [types[m] for m in merged] + [kind for _, kind in rest]
        names = tuple((f"m{number}", kind) for number, kind in enumerate(kinds))
        item = self.aliased(f"({sql})", names)
        return Item(f"{item.sql}({', '.join(n for n, _ in names)})", *_rest(item))

    def _of_join(self, sql: str, left: Item, right: Item) -> Item:
        return Item(sql, (), (*left.columns, *right.columns))

    def _shared(self, left: Item, right: Item) -> list[str]:
        """Name the columns that both have, once each, of the same type."""
        return [name for name, kind in left.names if (name, kind) in right.names]

    def _one(self, kind: str, item: Item) -> str:
        fitting = [column.sql for column in item.columns if column.type == kind]
        return self.random.choice(fitting) if fitting else "1"


def _rest(item: Item) -> tuple[tuple[tuple[str, str], ...], tuple[Column, ...]]:
    return item.names, item.columns
