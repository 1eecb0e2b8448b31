"""A query and what its expressions see: its relations, and the queries around it.

Three stages of a row are told apart, since NULL comes and goes between them: as a
relation gives it (`sources`), as joins and conditions let it pass (`joins`), and as
grouping sets hand it out.
"""

from __future__ import annotations

import copy
from enum import IntEnum
from typing import TYPE_CHECKING

from sqlx.databases.postgres.proving.conditions import Condition
from sqlx.databases.postgres.proving.expressions import NEVER, reason
from sqlx.databases.postgres.proving.joins import joined
from sqlx.databases.postgres.proving.nodes import UnknownTree
from sqlx.databases.postgres.proving.sources import Source, read_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlx.databases.postgres.proving.expressions import Reason
    from sqlx.databases.postgres.proving.facts import Function
    from sqlx.databases.postgres.proving.nodes import Node
    from sqlx.databases.postgres.proving.nullability import Analysis

__all__ = ["Command", "Scope", "columns_of"]


class Command(IntEnum):
    """What a query does; the numbers are the server's."""

    SELECT = 1
    UPDATE = 2
    INSERT = 3
    DELETE = 4
    MERGE = 5


OLD, NEW = 1, 2  # `varreturningtype`, since PostgreSQL 18
WITHOUT_SOURCE = 1  # WHEN NOT MATCHED BY SOURCE
OUTER_JOIN = "outer join"
GROUPED = "GROUPING SETS, ROLLUP or CUBE"
RULED = "a rule of the table may return anything"


class Scope:
    """What the expressions of one query see.

    Args:
        query: The query.
        analysis: What is known of the database.
        outer: The query that it is a part of.
    """

    def __init__(self, query: Node, analysis: Analysis, outer: Scope | None) -> None:
        self.query, self.analysis, self.outer = query, analysis, outer
        self.command = Command(query.number("commandType"))
        self.target = query.number("resultRelation")
        self.rtable = query.nodes("rtable")
        self.is_replaced = self._is_replaced()
        self.joined = joined(
            query.node("jointree"),
            Condition(self.rtable, analysis.facts).true,
            # The join of MERGE is another one, and is not in this tree.
            trusted=self.command is not Command.MERGE,
        )
        self.has_sets = bool(query.items("groupingSets"))
        self.has_full_groups = bool(query.items("groupClause")) and not self.has_sets
        self.sets_anything = self.has_sets and not self._groups_columns()
        self.compared: Sequence[Reason] = ()
        self.subqueries: dict[int, Sequence[Reason]] = {}
        self.ctes: dict[str, Sequence[Reason]] = {}

    def reason(self, node: Node) -> Reason:
        """Tell why an expression can be NULL; nothing when it cannot."""
        if self.sets_anything and node.tag not in {"AGGREF", "GROUPINGFUNC"}:
            return GROUPED
        return reason(node, self)

    def results(self, query: Node) -> Sequence[Reason]:
        """Look at the columns of a subquery that stands here."""
        return self.analysis.results(query, self)

    def function(self, oid: int) -> Function | None:
        """Find what is known of a function."""
        return self.analysis.facts.functions.get(oid)

    def column(self, node: Node) -> Reason:
        """Tell why a column can be NULL, of this query or of one around it."""
        scope = self.up(node.number("varlevelsup"))
        number, column = node.number("varno"), node.number("varattno")
        if number == scope.target:
            which = "varreturningtype"
            return scope.returned(column, node.number(which) if node.has(which) else 0)
        return scope.joined_column(number, column)

    def up(self, levels: int) -> Scope:
        """Go out to a query around this one.

        Raises:
            UnknownTree: There is none.
        """
        scope = self
        for _ in range(levels):
            if scope.outer is None:
                raise UnknownTree("a column of a query that is not there")
            scope = scope.outer
        return scope

    def per_row(self) -> Scope:
        """See the rows as they are before they are grouped."""
        rows = copy.copy(self)
        rows.has_sets = rows.sets_anything = False
        return rows

    def closing(self, join: int, arm: int) -> Scope:
        """See only the rows in which an arm of a join is not filled with NULL."""
        rows = copy.copy(self)
        rows.joined = self.joined.closing((join, arm))
        return rows

    def comparing(self, columns: Sequence[Reason]) -> Scope:
        """See the columns of the subquery that a row is compared with."""
        inside = copy.copy(self)
        inside.compared = columns
        return inside

    def returned(self, column: int, which: int) -> Reason:
        """Tell why RETURNING can give NULL for a column of the table that is changed.

        A BEFORE trigger may set any column, and NOT NULL is checked after it.

        Args:
            column: Its number; 0 for the whole row.
            which: OLD, NEW, or 0 where the statement does not say.
        """
        oid = self.rtable[self.target - 1].number("relid")
        relation = self.analysis.facts.relations.get(oid)
        if self.is_replaced:
            return RULED
        if relation is None or relation.kind == "v":
            return "RETURNING of a view may be anything"
        if which == OLD and self.command in {Command.INSERT, Command.MERGE}:
            return "there may be no old row"
        if which == NEW and self.command in {Command.DELETE, Command.MERGE}:
            return "there may be no new row"
        # A condition is one for the old row: only of what is deleted it is the last.
        proved = (self.target, column) in self.joined.proved
        if column == 0 or (proved and self.command is Command.DELETE):
            return NEVER
        return self.analysis.column(oid, column)

    def joined_column(self, number: int, column: int) -> Reason:
        """Tell why a column can be NULL behind joins, conditions and grouping.

        Args:
            number: Of the relation in the query.
            column: Its number; 0 for the whole row.
        """
        if self.has_sets:
            return GROUPED
        if self.is_replaced:
            return RULED
        if self.joined.fills(number) or self._lacks_source():
            return OUTER_JOIN
        if (number, column) in self.joined.proved:
            return NEVER
        return read_source(self, number, column)

    def _is_replaced(self) -> bool:
        """Tell whether a rule may do something else than the query says."""
        if not self.target:
            return False
        oid = self.rtable[self.target - 1].number("relid")
        relation = self.analysis.facts.relations.get(oid)
        return relation is not None and relation.replaced

    def _lacks_source(self) -> bool:
        """Tell whether MERGE may act on rows that the source does not have."""
        if self.command is not Command.MERGE:
            return False
        actions = self.query.nodes("mergeActionList")
        return any(action.number("matchKind") == WITHOUT_SOURCE for action in actions)

    def _groups_columns(self) -> bool:
        """Tell whether only columns are grouped by, so that no expression turns NULL.

        Since PostgreSQL 18 what turns NULL is marked as a column of the grouping.
        """
        if any(source.number("rtekind") == Source.GROUP for source in self.rtable):
            return True
        clauses = self.query.nodes("groupClause")
        groups = {clause.number("tleSortGroupRef") for clause in clauses}
        return all(
            _is_own_column(entry.node("expr"))
            for entry in self.query.nodes("targetList")
            if entry.number("ressortgroupref") in groups
        )


def columns_of(query: Node) -> list[Node]:
    """List what a query returns."""
    select = query.number("commandType") == Command.SELECT
    entries = query.nodes("targetList" if select else "returningList")
    return [entry for entry in entries if not entry.flag("resjunk")]


def _is_own_column(node: Node) -> bool:
    return node.tag == "VAR" and node.number("varlevelsup") == 0
