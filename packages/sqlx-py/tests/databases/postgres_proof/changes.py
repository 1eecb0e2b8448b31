"""What changes rows, and returns something of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from databases.postgres_proof.items import COLUMNS, Items
from databases.postgres_proof.phrases import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Changes"]

POSTGRES_17, POSTGRES_18 = 17, 18


class Changes(Items):
    """Writes INSERT, UPDATE, DELETE and MERGE, each with RETURNING."""

    def change(self, types: Sequence[str]) -> str:
        """Write what changes rows, and returns something of them."""
        table, alias = self.random.choice(self.tables), self.name()
        columns = [Column(f"{alias}.{name}", kind) for name, kind in COLUMNS.items()]
        columns.append(Column(alias, "row"))
        writers = [self.insert, self.update, self.delete]
        if self.major >= POSTGRES_17:
            writers.append(self.merge)
        sql, seen = self.random.choice(writers)(table, alias, columns)
        target = [self.expression(kind, seen, 1) for kind in types]
        if self.major >= POSTGRES_18 and self.chance(30):
            # PostgreSQL 18.4 dies of some subqueries beside the old row of ON CONFLICT.
            both = [
                Column(f"{word}.{name}", kind)
                for word in ("old", "new")
                for name, kind in COLUMNS.items()
            ]
            target = [self.expression(kind, both, 0) for kind in types]
        return f"{sql} RETURNING {', '.join(target)}"

    def insert(
        self, table: str, alias: str, columns: Sequence[Column]
    ) -> tuple[str, Sequence[Column]]:
        """Write INSERT."""
        known = [Column(f"z.{name}", kind) for name, kind in COLUMNS.items()]
        cells = [self._cell(kind, known) for kind in COLUMNS.values()]
        target = ", ".join(("z.id + 10", *cells[1:]))
        source = f"{self.random.choice(self.tables)} z"
        sql = f"INSERT INTO {table} AS {alias} SELECT {target} FROM {source}"
        if self.chance(30):
            sql += f" ON CONFLICT (id) DO UPDATE SET a = {self._cell('int', columns)}"
        return sql, columns

    def _cell(self, kind: str, columns: Sequence[Column]) -> str:
        """Write a value for a column, which may refuse NULL."""
        text = self.expression(kind, columns, 1)
        default = {"int": "1", "text": "'x'", "bool": "true"}[kind]
        return text if self.chance(40) else f"coalesce({text}, {default})"

    def update(
        self, table: str, alias: str, columns: Sequence[Column]
    ) -> tuple[str, Sequence[Column]]:
        """Write UPDATE, with FROM too."""
        sql, seen = f"UPDATE {table} AS {alias}", [*columns]
        source = ""
        if self.chance(50):
            item = self.item((), (), 2)
            source, seen = f" FROM {item.sql}", [*columns, *item.columns]
        name = self.random.choice(("a", "b", "c", "k"))
        cell = self._cell(COLUMNS[name], seen)
        if self.chance(30):
            # What a condition says of the old row does not hold for the new one.
            where = f"{alias}.{name} IS NOT NULL"
            cell = self.expression(COLUMNS[name], seen, 1)
            seen = [Column(f"{alias}.{name}", COLUMNS[name])]
        else:
            where = self.condition(seen)
        return f"{sql} SET {name} = {cell}{source} WHERE {where}", seen

    def delete(
        self, table: str, alias: str, columns: Sequence[Column]
    ) -> tuple[str, Sequence[Column]]:
        """Write DELETE, with USING too."""
        sql, seen = f"DELETE FROM {table} AS {alias}", [*columns]
        if self.chance(50):
            item = self.item((), (), 2)
            sql, seen = f"{sql} USING {item.sql}", [*columns, *item.columns]
        return f"{sql} WHERE {self.condition(seen)}", seen

    def merge(
        self, table: str, alias: str, columns: Sequence[Column]
    ) -> tuple[str, Sequence[Column]]:
        """Write MERGE."""
        item = self.item((), (), 1)
        seen = [*columns, *item.columns]
        actions = [
            f"WHEN MATCHED THEN UPDATE SET a = {self._cell('int', seen)}",
            "WHEN MATCHED THEN DELETE",
            "WHEN NOT MATCHED BY SOURCE THEN DELETE",
            "WHEN NOT MATCHED THEN INSERT VALUES (77, 1, 1, 'x', true)",
        ]
        taken = self.random.sample(actions, self.random.randint(1, 3))
        on = f"{alias}.id = {self._one('int', item)}"
        sql = (
            f"MERGE INTO {table} AS {alias} USING {item.sql} ON {on} {' '.join(taken)}"
        )
        extra = Column("merge_action()", "text")
        return sql, [*seen, extra]
