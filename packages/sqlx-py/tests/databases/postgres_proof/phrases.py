"""Random SQL, from expressions up: what a random query is made of.

Values are integers, texts and booleans, few of each, and NULL is never far: so that
what can be NULL soon is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

__all__ = ["TYPES", "Column", "Phrases", "Subqueries"]

TYPES = ("int", "text", "bool")
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class Column:
    """Something that an expression may name.

    Args:
        sql: How it is written.
        type: "int", "text", "bool", or "row".
    """

    sql: str
    type: str


class Subqueries(Protocol):
    """Writes a query in parentheses of given types, for an expression."""

    def __call__(self, types: Sequence[str], outer: Sequence[Column]) -> str:
        """Write it."""


class Phrases:
    """Writes expressions.

    Args:
        random: Where chance comes from.
        subquery: Writes subqueries.
        parameters: Takes the types of parameters, in the order of their numbers.
    """

    def __init__(
        self, random: Random, subquery: Subqueries, parameters: list[str]
    ) -> None:
        self.random, self.subquery, self.parameters = random, subquery, parameters

    def chance(self, percent: int) -> bool:
        """Say yes in so many of a hundred times."""
        return self.random.randrange(100) < percent

    def form(self, forms: str) -> str:
        """Choose one of the forms between the bars."""
        return self.random.choice(re.split(r"\s\|\s", forms)).strip()

    def type(self) -> str:
        """Choose a type."""
        return self.random.choice(TYPES)

    def expression(self, kind: str, columns: Sequence[Column], depth: int) -> str:
        """Write an expression of a type.

        Args:
            kind: "int", "text" or "bool".
            columns: What it may name.
            depth: How deep it may nest.
        """
        fitting = [column.sql for column in columns if column.type == kind]
        if fitting and self.chance(55 if depth else 80):
            return self.random.choice(fitting)
        if depth <= 0:
            return self.leaf(kind)
        choices: Sequence[Callable[[Sequence[Column], int], str]] = {
            "int": (self.arithmetic, self.number_of, self.chosen_integer),
            "text": (self.text, self.chosen_text),
            "bool": (self.comparison, self.logic, self.test, self.among, self.exists),
        }[kind]
        return self.random.choice(choices)(columns, depth - 1)

    def condition(self, columns: Sequence[Column]) -> str:
        """Write a condition that says something of a column."""
        plain = [column for column in columns if column.type != "row"]
        if not plain or self.chance(25):
            return self.expression("bool", columns, 2)
        a, b = self.random.choice(plain), self.random.choice(plain)
        one, other = (self._about(column, columns) for column in (a, b))
        form = self.form("""
            {} | {} | {} | {} | {} | (NOT {}) | ({} OR {}) | (NOT ({} AND {})) |
            (NOT ({} OR {})) | ({} IS TRUE) | ({} IS NOT TRUE) | ({} IS FALSE) |
            ({} IS UNKNOWN) | ({} IS NOT FALSE) | ({} IS NOT UNKNOWN) | ({} AND {}) |
            ({} = {}) | (({} OR {}) IS NOT UNKNOWN) | (({} AND {}) IS FALSE)
        """)
        return form.format(one, other)

    def _about(self, column: Column, columns: Sequence[Column]) -> str:
        """Write a condition on a column."""
        kind, x = column.type, column.sql
        value = self.expression(kind, columns, 0)
        row = self._row(columns)
        form = self.form("""
            ({x} IS NULL) | ({x} IS NOT NULL) | ({x} = {value}) | ({x} < {value}) |
            (coalesce({x}, {value}) = {value}) | ({x} IS DISTINCT FROM {value}) |
            ({x} IN ({value}, {x})) | ({x} NOT IN ({value}, {value})) |
            ({x} = ANY ('{{}}'::{kind}[])) | ({x} <> ALL ('{{}}'::{kind}[])) |
            ({x} = ANY (ARRAY[{value}, NULL])) | ({x} IN {query}) |
            ({x} NOT IN {query}) | ({x} > ALL {query}) | ({x} < ANY {query}) |
            ({row} IS NOT NULL) | ({row} IS NULL) | (NOT ({row} IS NULL)) |
            (length({x}::text) >= 0) | (nullif({x}, {value}) IS NULL) |
            (({x}, 1) = ({value}, 1)) | (({x}, 1) < ({value}, 2)) |
            (concat({x}) = concat({value})) | (row_to_json({row}) IS NOT NULL)
        """)
        query = self.subquery((kind,), columns) if "{query}" in form else ""
        return form.format(x=x, value=value, kind=kind, row=row, query=query)

    def leaf(self, kind: str) -> str:
        """Write a constant, NULL or a parameter."""
        if self.chance(12):
            return f"NULL::{kind}"
        if self.chance(6):
            self.parameters.append(kind)
            return f"${len(self.parameters)}"
        values = {
            "int": ("0", "1", "2", "-1"),
            "text": ("'x'", "''", "'1'", 'lower(CURRENT_SCHEMA COLLATE "default")'),
            "bool": ("true", "false"),
        }
        return self.random.choice(values[kind])

    def arithmetic(self, columns: Sequence[Column], depth: int) -> str:
        """Write a sum, and its like."""
        one, other = (self.expression("int", columns, depth) for _ in range(2))
        form = self.form("""
            ({} + {}) | ({} - {}) | ({} * ({} % 3)) | greatest({}, {}) |
            least({}, {}) | nullif({}, {}) | coalesce({}, {}) | (ARRAY[{}, {}])[2] |
            (ARRAY[{}])[{}] | abs({} + {})
        """)
        return form.format(one, other)

    def number_of(self, columns: Sequence[Column], depth: int) -> str:
        """Write what makes an integer of something else."""
        text = self.expression("text", columns, depth)
        truth = self.expression("bool", columns, depth)
        number = self.expression("int", columns, depth)
        row = self._row(columns)
        form = self.form("""
            length({text}) | ({truth})::int | strpos({text}, 'x') | (0 - {number}) |
            array_length(ARRAY[{number}], 1) | cardinality(ARRAY[{number}]) |
            array_length('{{}}'::int[], 1) | num_nulls({text}, {number}) |
            (to_jsonb({number}) ->> 0)::int | ({number})::bigint::int |
            (row_to_json({row}) ->> 'nothing')::int | length(({row})::text)
        """)
        return form.format(text=text, truth=truth, number=number, row=row)

    def chosen_integer(self, columns: Sequence[Column], depth: int) -> str:
        """Write CASE, or a subquery."""
        return self._chosen("int", columns, depth)

    def chosen_text(self, columns: Sequence[Column], depth: int) -> str:
        """Write CASE, or a subquery."""
        return self._chosen("text", columns, depth)

    def text(self, columns: Sequence[Column], depth: int) -> str:
        """Write what gives a text."""
        one, other = (self.expression("text", columns, depth) for _ in range(2))
        number = self.expression("int", columns, depth)
        form = self.form("""
            ({one} || {other}) | lower({one}) | upper({one}) | left({one}, 1) |
            ({one} || {number}) | ({number})::text | concat({one}, {number}) |
            coalesce({one}, {other}) | nullif({one}, {other}) | to_hex({number}) |
            substring({one} from 'x') | split_part({one}, 'x', 2) |
            concat_ws({one}, {other}) | format('%s', {one}) | md5({one}) |
            (jsonb_build_object('a', {one}) ->> 'a') | replace({one}, 'x', {other})
        """)
        return form.format(one=one, other=other, number=number)

    def comparison(self, columns: Sequence[Column], depth: int) -> str:
        """Write a comparison, of rows too."""
        kind = self.type()
        a, b, c, d = (self.expression(kind, columns, depth) for _ in range(4))
        sign = self.random.choice(COMPARISONS)
        form = self.form("""
            ({a} {sign} {b}) | ({a} {sign} {b}) | ({a} {sign} {b}) |
            ({a} {sign} {b}) | (({a}, {b}) {sign} ({c}, {d})) |
            ({a} IS DISTINCT FROM {b}) | ({a} BETWEEN {b} AND {c}) |
            ({a} IS NOT DISTINCT FROM {b}) | (nullif({a}, {b}) IS NOT NULL) |
            (ROW({a}, {b}) IS NOT NULL)
        """)
        return form.format(a=a, b=b, c=c, d=d, sign=sign)

    def logic(self, columns: Sequence[Column], depth: int) -> str:
        """Write AND, OR, NOT."""
        one, other = (self.expression("bool", columns, depth) for _ in range(2))
        form = self.random.choice(("({} AND {})", "({} OR {})", "(NOT ({} AND {}))"))
        return form.format(one, other)

    def test(self, columns: Sequence[Column], depth: int) -> str:
        """Write IS NULL, IS TRUE and their like."""
        truth = self.expression("bool", columns, depth)
        any_kind = self.expression(self.type(), columns, depth)
        form = self.form("""
            ({any} IS NULL) | ({any} IS NOT NULL) | ({truth} IS TRUE) |
            ({truth} IS NOT TRUE) | ({truth} IS FALSE) | ({truth} IS UNKNOWN) |
            ({truth} IS NOT UNKNOWN) | (NOT {truth}) | ({row} IS NOT NULL) |
            ({row} IS NULL) | (NOT ({row} IS NULL)) | ({truth} IS NOT FALSE)
        """)
        return form.format(any=any_kind, truth=truth, row=self._row(columns))

    def among(self, columns: Sequence[Column], depth: int) -> str:
        """Write IN, ANY and ALL, of lists and of arrays."""
        a, b, c = (self.expression("int", columns, depth) for _ in range(3))
        form = self.form("""
            ({a} IN ({b}, {c})) | ({a} NOT IN ({b}, {c})) | ({a} = ANY (ARRAY[{b}])) |
            ({a} = ANY ('{{1,NULL}}'::int[])) | ({a} <> ALL ('{{}}'::int[])) |
            ({a} = ANY ('{{}}'::int[])) | ({a} < ALL (ARRAY[{b}, {c}]))
        """)
        return form.format(a=a, b=b, c=c)

    def exists(self, columns: Sequence[Column], depth: int) -> str:
        """Write conditions on subqueries."""
        number = self.expression("int", columns, depth)
        query = self.subquery(("int",), columns)
        form = self.form("""
            EXISTS {1} | ({0} IN {1}) | ({0} NOT IN {1}) | ({0} = ALL {1}) |
            ({0} > ANY {1}) | (NOT ({0} < ALL {1}))
        """)
        return form.format(number, query)

    def _chosen(self, kind: str, columns: Sequence[Column], depth: int) -> str:
        one, other = (self.expression(kind, columns, depth) for _ in range(2))
        if self.chance(25):
            return self.subquery((kind,), columns)
        when = self.expression("bool", columns, depth)
        end = self.random.choice((f" ELSE {other}", ""))
        return f"(CASE WHEN {when} THEN {one}{end} END)"

    def _row(self, columns: Sequence[Column]) -> str:
        rows = [column.sql for column in columns if column.type == "row"]
        return self.random.choice(rows) if rows else "ROW(NULL, 1)"
