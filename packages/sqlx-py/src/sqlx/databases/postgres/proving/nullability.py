"""Which columns of a query can be NULL, from the server's own analysed tree.

One law: a column is never called NOT NULL when NULL can come. Whatever is not known to
be safe may be NULL. The rules are spread over

- `scope`: what joins, conditions and grouping do to a column; `sources`: whence it is;
- `expressions`: a rule for each kind of expression; `functions`: those of the server;
- `joins`, `conditions`: which outer joins bring NULL, and what takes it away again.

They read a query as the server has it after parse analysis: names are resolved, rules
and views are not yet put in. So a view is looked at by its own query; and where a rule
or an INSTEAD OF trigger may do something else, nothing is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlx.databases.postgres.proving.expressions import NEVER, UNKNOWN
from sqlx.databases.postgres.proving.nodes import UnknownTree
from sqlx.databases.postgres.proving.scope import Scope, columns_of
from sqlx.databases.postgres.proving.sources import nth, subquery_columns
from sqlx.queries.values import Nullability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlx.databases.postgres.proving.expressions import Reason
    from sqlx.databases.postgres.proving.facts import Facts
    from sqlx.databases.postgres.proving.nodes import Node

__all__ = ["Analysis"]

UNION, INTERSECT, EXCEPT = range(1, 4)


class Analysis:
    """Looks at queries, with what is known of one database.

    Args:
        facts: Of all that the queries name, and their views.
    """

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._views: dict[int, Sequence[Reason]] = {}

    def nullability(self, query: Node) -> tuple[Nullability, ...]:
        """Tell of each column of a result whether it can be NULL, and why.

        Raises:
            UnknownTree: The query is not written as we know it.
        """
        reasons = self.results(query, None)
        return tuple(Nullability(bool(reason), reason) for reason in reasons)

    def results(self, query: Node, outer: Scope | None) -> Sequence[Reason]:
        """Look at the columns that a query returns.

        Args:
            query: A query, or a part of one.
            outer: What is around it.
        """
        scope = Scope(query, self, outer)
        sets = query.maybe("setOperations")
        if sets is not None:
            return _combined(sets, scope)
        return [scope.reason(entry.node("expr")) for entry in columns_of(query)]

    def column(self, oid: int, number: int) -> Reason:
        """Tell why a column of a relation can be NULL."""
        relation = self.facts.relations.get(oid)
        if relation is None or not relation.kind:
            return UNKNOWN
        if relation.kind == "v":
            return nth(self._view(oid), number)
        if relation.kind == "f":
            return "NOT NULL of a foreign table is not checked here"
        if number < 0 or number in relation.never_null:
            return NEVER
        return "the column allows NULL"

    def _view(self, oid: int) -> Sequence[Reason]:
        """Look at a view, once."""
        if oid not in self._views:
            definition = self.facts.relations[oid].definition
            if definition is None:
                raise UnknownTree("a view without its query")
            self._views[oid] = self.results(definition, None)
        return self._views[oid]


def _combined(node: Node, scope: Scope) -> Sequence[Reason]:
    """Look at the columns of a set operation."""
    if node.tag == "RANGETBLREF":
        return subquery_columns(scope, node.number("rtindex"))
    left, right = _arm(node, "larg", scope), _arm(node, "rarg", scope)
    pairs = zip(left, right, strict=True)
    kind = node.number("op")
    if kind == UNION:
        return [one or other for one, other in pairs]
    if kind == INTERSECT:
        return [one and other for one, other in pairs]
    if kind == EXCEPT:
        return left
    raise UnknownTree(f"a set operation of kind {kind}")


def _arm(node: Node, name: str, scope: Scope) -> Sequence[Reason]:
    """Look at an arm; one that is cast to another type is cast by we know not what."""
    arm = node.node(name)
    columns = _combined(arm, scope)
    if arm.tag == "RANGETBLREF":
        return columns
    types = zip(node.items("colTypes"), arm.items("colTypes"), strict=True)
    return [
        column if ours == theirs else UNKNOWN
        for column, (ours, theirs) in zip(columns, types, strict=True)
    ]
