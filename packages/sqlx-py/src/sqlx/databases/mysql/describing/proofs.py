"""What is never NULL: the server's word, where it cannot be wrong.

Theory of operation: a flag of a column's says NOT NULL. The servers set it wrongly
(tried on MariaDB 10.11 and MySQL 9.7, where random queries and all functions were run
against it):

- for what a sub-query or a view computes, `SELECT 1 AS one`, if that is merged into the
  query and stands behind an outer join; and MariaDB for a table's column under WITH
  ROLLUP. They are right of the columns of a common table expression that is not merged.
  So the text is prepared once more inside of one, with merging switched off, and what
  is not NOT NULL there too may be NULL;
- MariaDB for some functions, which give NULL for values that they do not like. What is
  computed by a text that names one may be NULL, and so what is read from a view that
  does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlx.databases.mysql.describing.prepared import Statement, prepare
from sqlx.databases.mysql.describing.reasons import reason
from sqlx.queries.values import Nullability

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlx.databases.mysql.connect import Connection
    from sqlx.databases.mysql.describing.catalog import TableColumn
    from sqlx.databases.mysql.describing.prepared import Field

__all__ = ["LIARS", "NOT_MERGED", "Known", "prove"]

NOT_MERGED = "SET optimizer_switch = 'derived_merge=off'"
LIARS = re.compile(
    r"\b(?:JSON_(?:DEPTH|MERGE\w*|QUOTE)|COLUMN_\w+|SFORMAT|\w+_ORACLE)\b",
    re.IGNORECASE,
)
"""Functions of which MariaDB says that they never give NULL, and they do."""

IN_A_VIEW = "an outer join in a view"
SURE = Nullability(may_be_null=False)


@dataclass(frozen=True, slots=True)
class Known:
    """What the proofs need of the schema.

    Args:
        columns: Those of tables and views, by database, table and name.
        views: What each view is made of; empty where that is hidden from us.
        liars: Finds the functions that the server is wrong about; None where it is
            right about all.
    """

    columns: Mapping[tuple[str, str, str], TableColumn]
    views: Mapping[str, str]
    liars: re.Pattern[str] | None = None

    def lying_function(self, sql: str) -> str:
        """Name a function that a text names and that cannot be believed."""
        found = None if self.liars is None else self.liars.search(sql)
        return "" if found is None else found[0]

    def lying_view(self, sql: str) -> str:
        """Name a view that a text names, anywhere, and that cannot be believed."""
        if self.liars is None:
            return ""
        return next((view for view in self.named_views(sql) if self._lies(view)), "")

    def named_views(self, sql: str) -> Iterator[str]:
        """Name the views that a text may name."""
        return (view for view in self.views if view.lower() in sql.lower())

    def _lies(self, view: str) -> bool:
        made_of = self.views[view]
        others = {name: text for name, text in self.views.items() if name != view}
        inside = replace(self, views=others).lying_view(made_of)
        return not made_of or bool(inside or self.lying_function(made_of))


def prove(
    connection: Connection, statements: Sequence[Statement], known: Known, at_once: int
) -> dict[str, tuple[Nullability, ...]]:
    """Tell of each column whether it may be NULL, by the texts of the statements.

    Args:
        connection: Ours, after `NOT_MERGED`.
        statements: Each has columns.
        known: The schema.
        at_once: How many texts are under way together.

    Returns:
        Nothing of a text that fits into no other, as `SHOW TABLES`.
    """
    inside = prepare(connection, [_inside(one) for one in statements], at_once)
    return {
        outer.sql: tuple(map(_Proof(outer.sql, known), outer.fields, inner.fields))
        for outer, inner in zip(statements, inside, strict=True)
        if isinstance(inner, Statement)
    }


def _inside(statement: Statement) -> str:
    """Put a text into another, where its columns have names of their own."""
    names = ", ".join(f"c{number}" for number, _ in enumerate(statement.fields))
    sql = statement.sql.rstrip().removesuffix(";")
    return f"WITH sqlx_proof ({names}) AS (\n{sql}\n) SELECT * FROM sqlx_proof"


class _Proof:
    """Proves what the columns of a text are.

    Args:
        sql: The text.
        known: The schema.
    """

    def __init__(self, sql: str, known: Known) -> None:
        self._columns = known.columns
        self._view = known.lying_view(sql)
        self._function = known.lying_function(sql)
        in_a_view = IN_A_VIEW if any(known.named_views(sql)) else ""
        self._reason = reason(sql, is_mariadb=known.liars is not None) or in_a_view

    def __call__(self, field: Field, inside: Field) -> Nullability:
        """Judge a column by what is said of it alone and inside of another text."""
        column = self._columns.get(field.place)
        of_table = column is not None and column.is_base
        if not field.not_null:
            return _may_be_null(self._why(column) if column and of_table else "")
        if not inside.not_null:
            return _may_be_null(self._reason)
        liar = self._view or ("" if of_table else self._function)
        return _may_be_null(f"the server is wrong about {liar}") if liar else SURE

    def _why(self, column: TableColumn) -> str:
        """Say why the server thinks that a table's column may be NULL."""
        return "the column allows NULL" if column.nullable else self._reason


def _may_be_null(why: str) -> Nullability:
    return Nullability(may_be_null=True, reason=why)
