"""Random queries of every shape that SQLite knows, over the tables of `tables`."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, TypeVar

from databases.sqlite_proof.tables import COLUMNS, WRITABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Queries"]

T = TypeVar("T")

CONSTANTS = (
    "0", "1", "2", "NULL", "'a'", "''", "1.5", "9e999", "x''", "?", "5000000000",
)  # fmt: skip
JOINS = (
    "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN", ",",
)  # fmt: skip
COMPOUNDS = ("UNION", "UNION ALL", "UNION ALL", "EXCEPT", "INTERSECT")
BINARY = (
    "+", "-", "*", "/", "%", "||", "&", "|", "<<", "=", "<", "IS", "IS NOT", "AND",
    "OR",
)  # fmt: skip
FUNCTIONS = (
    "abs({})", "lower({})", "length({})", "typeof({})", "hex({})", "quote({})",
    "trim({})", "round({})", "coalesce({}, {})", "ifnull({}, {})", "nullif({}, {})",
    "iif({}, {}, {})", "max({}, {})", "min({}, {})", "substr({}, 1)", "instr({}, {})",
    "replace({}, {}, {})", "unicode({})", "printf('%s', {})", "date({})", "likely({})",
    "date()", "sign({})", "json_array({})", "concat({}, {})", "upper({})",
    "octet_length({})", "random()",
)  # fmt: skip
AGGREGATES = (
    "count(*)", "count({})", "sum({})", "total({})", "avg({})", "min({})", "max({})",
    "max({})", "group_concat({})", "count(DISTINCT {})", "max({}) FILTER (WHERE {})",
    "count(*) FILTER (WHERE {})", "min({}) + 1", "coalesce(sum({}), 0)",
    "string_agg({}, ',' ORDER BY {})",
)  # fmt: skip
WINDOWS = (
    "row_number()", "rank()", "dense_rank()", "percent_rank()", "cume_dist()",
    "ntile(2)", "lag({})", "lag({}, 1, {})", "lead({})", "first_value({})",
    "last_value({})", "nth_value({}, 2)", "count(*)", "count({})", "sum({})", "max({})",
    "min({})", "total({})", "group_concat({})", "avg({})",
)  # fmt: skip
FRAMES = (
    "", "", "", "ROWS BETWEEN 1 PRECEDING AND CURRENT ROW",
    "ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING",
    "GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES",
    "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING EXCLUDE CURRENT ROW",
)  # fmt: skip


class Queries:
    """A source of queries: the same seed gives the same ones.

    Args:
        seed: Any number.
        depth: How many queries may stand in one another.
    """

    def __init__(self, seed: int, depth: int = 2) -> None:
        self._depth = depth
        self._chance = random.Random(seed)  # noqa: S311 -- it is test data.
        self._names = 0

    def query(self) -> str:
        """Make the next query."""
        self._names = 0
        kind = self._chance.random()
        if kind < 0.12:
            return self._writing()
        return self._select(self._depth, (), self._chance.randint(1, 4))

    # Statements

    def _select(self, depth: int, outer: Sequence[str], width: int) -> str:
        """Make a query with a number of columns; it may begin with WITH."""
        if depth > 1 and self._one_in(4):
            return self._with(depth, outer, width)
        parts = [self._core(depth, outer, width)]
        while self._one_in(6):
            parts += [self._pick(COMPOUNDS), self._core(depth - 1, outer, width)]
        sql = " ".join(parts)
        if self._one_in(4):
            sql += (
                f" ORDER BY {self._chance.randint(1, width)}{self._pick(('', ' DESC'))}"
            )
        if self._one_in(6):
            sql += f" LIMIT {self._pick(('0', '1', '5', '-1', '?'))}"
            sql += self._pick(("", " OFFSET 1"))
        return sql

    def _with(self, depth: int, outer: Sequence[str], width: int) -> str:
        name, inside = self._name(), self._chance.randint(1, 3)
        columns = [f"{name}_{i}" for i in range(inside)]
        kept = self._pick(("", "", "MATERIALIZED ", "NOT MATERIALIZED "))
        if self._one_in(3):
            body, recursive = self._recursion(name, columns), "RECURSIVE "
        else:
            body, recursive = self._select(depth - 1, (), inside), ""
        extra = {name: columns}
        main = self._core(depth - 1, outer, width, extra)
        head = f"WITH {recursive}{name}({', '.join(columns)}) AS {kept}({body})"
        return f"{head} {main}"

    def _recursion(self, name: str, columns: Sequence[str]) -> str:
        start = ", ".join(self._pick(CONSTANTS[:9]) for _ in columns[1:])
        step = ", ".join(self._value(1, columns) for _ in columns[1:])
        start, step = (f", {part}" if part else "" for part in (start, step))
        union = self._pick(("UNION", "UNION ALL"))
        join = self._pick(("", "", " LEFT JOIN x ON x.i = " + columns[0], " JOIN z"))
        order = self._pick(("", "", " ORDER BY 1"))
        first = f"SELECT {self._pick(('1', 'NULL', '0'))}{start}"
        again = f"SELECT coalesce({columns[0]}, 1) + 1{step} FROM {name}{join}"
        end = f"WHERE coalesce({columns[0]}, 0) < 4{order} LIMIT 9"
        return f"{first} {union} {again} {end}"

    def _core(
        self,
        depth: int,
        outer: Sequence[str],
        width: int,
        extra: dict[str, list[str]] | None = None,
    ) -> str:
        if not extra and self._one_in(12):
            rows = (
                ", ".join(self._value(1, outer) for _ in range(width))
                for _ in range(self._chance.randint(1, 3))
            )
            return "VALUES " + ", ".join(f"({row})" for row in rows)
        source, columns = self._source(depth, extra or {})
        scope = [*columns, *outer] if self._one_in(3) else columns
        where = f" WHERE {self._condition(depth - 1, scope)}" if self._one_in(2) else ""
        shape = self._chance.random()
        if shape < 0.22:
            return self._grouped(depth, width, f"FROM {source}{where}", columns)
        if shape < 0.34:
            values = [self._windowed(columns) for _ in range(width)]
        else:
            values = [self._value(depth, scope) for _ in range(width)]
        distinct = "DISTINCT " if self._one_in(8) else ""
        return f"SELECT {distinct}{', '.join(values)} FROM {source}{where}"

    def _grouped(
        self, depth: int, width: int, rest: str, columns: Sequence[str]
    ) -> str:
        keys = [self._value(0, columns) for _ in range(self._chance.randint(0, 2))]
        makers = [lambda: self._filled(self._pick(AGGREGATES), 0, columns)] * 3
        makers.append(lambda: self._pick(keys or columns))
        makers.append(lambda: self._pick(columns))
        values = [self._pick(makers)() for _ in range(width)]
        sql = f"SELECT {', '.join(values)} {rest}"
        if keys:
            sql += f" GROUP BY {', '.join(keys)}"
        if self._one_in(4) and keys:
            sql += f" HAVING {self._filled('max({}) IS NOT NULL', depth - 1, columns)}"
        return sql

    def _writing(self) -> str:
        table = self._pick(tuple(WRITABLE))
        columns, all_columns = WRITABLE[table], COLUMNS[table]
        back = [
            self._pick(all_columns) if self._one_in(2) else self._value(1, all_columns)
            for _ in range(3)
        ]
        returning = f" RETURNING {self._pick(('*', ', '.join(back)))}"
        verb = self._pick(("INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE"))
        kind = self._chance.random()
        if kind < 0.4:
            some = sorted(
                self._chance.sample(columns, self._chance.randint(1, len(columns)))
            )
            rows = f"VALUES ({', '.join(self._value(0, ()) for _ in some)})"
            if self._one_in(2):
                rows = self._core(1, (), len(some))
            head = f"{verb} INTO {table} ({', '.join(some)}) {rows}"
            if self._one_in(4) and "VALUES" in rows:
                head += f" ON CONFLICT DO UPDATE SET {columns[-1]} = {columns[0]}"
            return head + returning
        where = f" WHERE {self._condition(1, all_columns)}" if self._one_in(2) else ""
        if kind < 0.7:
            changed = self._pick(columns)
            source = " FROM z LEFT JOIN y ON 1" if self._one_in(4) else ""
            value = self._value(1, all_columns)
            conflict = self._pick(("", "", " OR REPLACE", " OR IGNORE"))
            head = f"UPDATE{conflict} {table} SET {changed} = {value}"
            return f"{head}{source}{where}{returning}"
        return f"DELETE FROM {table}{where}{returning}"

    # Sources of rows

    def _source(self, depth: int, extra: dict[str, list[str]]) -> tuple[str, list[str]]:
        """Make a FROM clause; give the columns that may be named."""
        sql, columns = self._item(depth, extra, first=True)
        while self._one_in(2) and len(columns) < 20:
            item, more = self._item(depth, extra, first=False)
            join = self._pick(JOINS)
            natural = join in JOINS[:5] and self._one_in(12)
            sql = f"{sql} {'NATURAL ' if natural else ''}{join} {item}"
            both = [*columns, *more]
            if join != "," and not natural and "CROSS" not in join:
                sql += f" ON {self._join_condition(depth - 1, columns, more, both)}"
            columns = both
        return sql, columns

    def _item(
        self, depth: int, extra: dict[str, list[str]], *, first: bool
    ) -> tuple[str, list[str]]:
        alias = self._name()
        if extra and (first or self._one_in(4)):
            name, names = self._pick(tuple(extra.items()))
            return f"{name} AS {alias}", [f"{alias}.{column}" for column in names]
        if depth > 1 and self._one_in(4):
            width = self._chance.randint(1, 3)
            body = self._select(depth - 1, (), width)
            names = [f"{alias}_{i}" for i in range(width)]
            listed = f"WITH w({', '.join(names)}) AS ({body}) SELECT * FROM w"
            return f"({listed}) AS {alias}", [f"{alias}.{column}" for column in names]
        if self._one_in(25):
            return f"json_each('[1,null]') AS {alias}", [
                f"{alias}.value",
                f"{alias}.key",
            ]
        table = self._pick(tuple(COLUMNS))
        columns = [f"{alias}.{column}" for column in COLUMNS[table]]
        if table in {"t", "x", "y", "z"} and self._one_in(3):
            columns.append(f"{alias}.rowid")
        return f"{table} AS {alias}", columns

    def _join_condition(
        self, depth: int, left: Sequence[str], right: Sequence[str], both: Sequence[str]
    ) -> str:
        if self._one_in(4):
            return self._condition(depth, both)
        return f"{self._pick(left)} = {self._pick(right)}"

    # Expressions

    def _condition(self, depth: int, scope: Sequence[str]) -> str:
        makers: dict[Callable[[int, Sequence[str]], str], int] = {
            self._comparison: 30,
            self._null_test: 15,
            self._in_list: 15,
            self._bare: 10,
        }
        if depth > 0:
            makers |= {self._both: 10, self._in_query: 10, self._exists: 10}
        return self._weighed(makers)(depth - 1, scope)

    def _comparison(self, _: int, scope: Sequence[str]) -> str:
        compared = self._pick(("=", "<", ">=", "IS", "<>"))
        return f"{self._bare(0, scope)} {compared} {self._value(0, scope)}"

    def _null_test(self, _: int, scope: Sequence[str]) -> str:
        return f"{self._bare(0, scope)} IS {self._pick(('', 'NOT '))}NULL"

    def _in_list(self, _: int, scope: Sequence[str]) -> str:
        return f"{self._bare(0, scope)} IN ({self._value(0, scope)}, 1, 2)"

    def _in_query(self, depth: int, scope: Sequence[str]) -> str:
        return f"{self._bare(0, scope)} IN ({self._select(depth, (), 1)})"

    def _exists(self, depth: int, scope: Sequence[str]) -> str:
        return f"EXISTS ({self._select(depth, scope, 1)})"

    def _both(self, depth: int, scope: Sequence[str]) -> str:
        both = (self._condition(depth, scope), self._condition(depth, scope))
        return f"({self._pick((' AND ', ' OR ')).join(both)})"

    def _bare(self, _: int, scope: Sequence[str]) -> str:
        return self._pick(scope) if scope else self._pick(CONSTANTS)

    def _value(self, depth: int, scope: Sequence[str]) -> str:
        makers: dict[Callable[[int, Sequence[str]], str], int] = {self._constant: 6}
        if scope:
            makers[self._bare] = 50 if depth > 0 else 30
        if depth > 0:
            makers |= {
                self._operation: 12,
                self._call: 12,
                self._cast: 6,
                self._case: 6,
                self._subquery: 5,
                self._enclosed: 3,
            }
        return self._weighed(makers)(depth - 1, scope)

    def _constant(self, _: int, __: Sequence[str]) -> str:
        return self._pick(CONSTANTS)

    def _operation(self, depth: int, scope: Sequence[str]) -> str:
        left, right = self._value(depth, scope), self._value(depth, scope)
        one = self._pick(("", "", "", "NOT ", "-", "~"))
        return f"{one}({left} {self._pick(BINARY)} {right})"

    def _call(self, depth: int, scope: Sequence[str]) -> str:
        return self._filled(self._pick(FUNCTIONS), depth, scope)

    def _cast(self, depth: int, scope: Sequence[str]) -> str:
        kind = self._pick(("INTEGER", "REAL", "TEXT", "BLOB", "NUMERIC"))
        return f"CAST({self._value(depth, scope)} AS {kind})"

    def _case(self, depth: int, scope: Sequence[str]) -> str:
        otherwise = self._pick(("", f" ELSE {self._value(depth, scope)}"))
        then = self._value(depth, scope)
        return f"CASE WHEN {self._condition(depth, scope)} THEN {then}{otherwise} END"

    def _subquery(self, depth: int, scope: Sequence[str]) -> str:
        return f"({self._select(depth, scope, 1)})"

    def _enclosed(self, depth: int, scope: Sequence[str]) -> str:
        return f"({self._condition(depth, scope)})"

    def _windowed(self, columns: Sequence[str]) -> str:
        if self._one_in(3):
            return self._pick(columns)
        call = self._filled(self._pick(WINDOWS), 0, columns)
        parts = [f"PARTITION BY {self._pick(columns)}"] if self._one_in(2) else []
        parts += [f"ORDER BY {self._pick(columns)}"] if self._one_in(2) else []
        frame = self._pick(FRAMES)
        if "GROUPS" in frame and len(parts) < 2:
            frame = ""
        return f"{call} OVER ({' '.join([*parts, frame])})"

    def _filled(self, form: str, depth: int, scope: Sequence[str]) -> str:
        """Fill a form's gaps with values."""
        pieces = form.split("{}")
        values = [self._value(depth, scope) for _ in pieces[1:]]
        return pieces[0] + "".join(map("".join, zip(values, pieces[1:], strict=True)))

    # Chance

    def _pick(self, values: Sequence[T]) -> T:
        return self._chance.choice(values)

    def _weighed(self, weights: dict[T, int]) -> T:
        return self._chance.choices([*weights], [*weights.values()])[0]

    def _one_in(self, count: int) -> bool:
        return self._chance.randrange(count) == 0

    def _name(self) -> str:
        self._names += 1
        return f"a{self._names}"
