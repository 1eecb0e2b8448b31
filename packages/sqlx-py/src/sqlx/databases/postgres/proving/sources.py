"""Where a column comes from: tables, views, subqueries, WITH, VALUES, joins, functions.

Each kind of relation in a query has a rule. What has none here may give NULL.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from sqlx.databases.postgres.proving.expressions import NEVER, UNKNOWN
from sqlx.databases.postgres.proving.joins import FULL
from sqlx.databases.postgres.proving.nodes import Node, UnknownTree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlx.databases.postgres.proving.expressions import Reason
    from sqlx.databases.postgres.proving.scope import Scope

__all__ = ["Source", "nth", "read_source", "subquery_columns"]


class Source(IntEnum):
    """A kind of relation in a query; the numbers are the server's."""

    RELATION = 0
    SUBQUERY = 1
    JOIN = 2
    FUNCTION = 3
    TABLE_FUNCTION = 4
    VALUES = 5
    CTE = 6
    TUPLE_STORE = 7
    RESULT = 8
    GROUP = 9


def read_source(scope: Scope, number: int, column: int) -> Reason:
    """Tell why a relation can give NULL in a column.

    Args:
        scope: The query that the relation is in.
        number: The relation's number in it.
        column: The column's number; 0 for the whole row.
    """
    kind = scope.rtable[number - 1].number("rtekind")
    if column == 0 and kind in _WHOLE_ROWS:
        return NEVER  # A row whose fields are all NULL is none.
    read = _RULES.get(kind)
    return UNKNOWN if read is None else read(scope, number, column)


def subquery_columns(scope: Scope, number: int) -> Sequence[Reason]:
    """Look at all columns of a subquery in FROM, once."""
    if number not in scope.subqueries:
        query = scope.rtable[number - 1].node("subquery")
        scope.subqueries[number] = scope.per_row().results(query)
    return scope.subqueries[number]


def nth(columns: Sequence[Reason], number: int) -> Reason:
    """Take a column; SEARCH and CYCLE add some that the query in WITH does not have."""
    return columns[number - 1] if 0 < number <= len(columns) else UNKNOWN


def _of_relation(scope: Scope, number: int, column: int) -> Reason:
    return scope.analysis.column(scope.rtable[number - 1].number("relid"), column)


def _of_subquery(scope: Scope, number: int, column: int) -> Reason:
    return nth(subquery_columns(scope, number), column)


def _of_join(scope: Scope, number: int, column: int) -> Reason:
    """Look behind a column that USING has merged."""
    source = scope.rtable[number - 1]
    behind = source.items("joinaliasvars")[column - 1]
    if not isinstance(behind, Node):
        return UNKNOWN
    found = scope.reason(behind)
    merged = behind.tag == "COALESCEEXPR" and source.number("jointype") == FULL
    if not found or not merged:
        return found
    # In each row of a FULL JOIN one arm at least is not filled with NULL.
    arms = enumerate(behind.nodes("args"))
    reasons = (scope.closing(number, arm).reason(node) for arm, node in arms)
    return next(filter(None, reasons), NEVER)


def _of_function(scope: Scope, number: int, column: int) -> Reason:
    """Know of a function in FROM only the number that WITH ORDINALITY adds."""
    source = scope.rtable[number - 1]
    columns = sum(f.number("funccolcount") for f in source.nodes("functions"))
    ordinality = source.flag("funcordinality") and column == columns + 1
    return NEVER if ordinality else "a function in FROM may return NULL"


def _of_values(scope: Scope, number: int, column: int) -> Reason:
    rows = scope.rtable[number - 1].items("values_lists")
    cells = [row[column - 1] for row in rows if isinstance(row, list)]
    nodes = [cell for cell in cells if isinstance(cell, Node)]
    if len(nodes) != len(rows):
        raise UnknownTree("VALUES has a row that is none")
    return next(filter(None, map(scope.reason, nodes)), NEVER)


def _of_cte(scope: Scope, number: int, column: int) -> Reason:
    source = scope.rtable[number - 1]
    owner = scope.up(source.number("ctelevelsup"))
    return nth(_cte_columns(owner, source.text("ctename")), column)


def _cte_columns(owner: Scope, name: str) -> Sequence[Reason]:
    """Look at the columns of a query in WITH, once.

    A recursive one is gone round until its columns are what they were taken for: its
    first rows come from what is not recursive, and each later one from earlier ones; so
    what holds for the first, and is handed on, holds for all.
    """
    if name not in owner.ctes:
        cte = _find_cte(owner, name)
        query = cte.node("ctequery")
        if cte.flag("cterecursive"):
            _go_round(owner, name, query)
        else:
            owner.ctes[name] = owner.results(query)
    return owner.ctes[name]


def _find_cte(owner: Scope, name: str) -> Node:
    for cte in owner.query.nodes("cteList"):
        if cte.text("ctename") == name:
            return cte
    raise UnknownTree(f"there is no query {name} in WITH")


def _go_round(owner: Scope, name: str, query: Node) -> None:
    taken: Sequence[Reason] = ()
    found: Sequence[Reason] = [NEVER for _ in query.nodes("targetList")]
    while taken != found:
        taken = owner.ctes[name] = found
        again = owner.results(query)
        found = [old or new for old, new in zip(taken, again, strict=True)]


def _of_group(scope: Scope, number: int, column: int) -> Reason:
    grouped = scope.rtable[number - 1].nodes("groupexprs")
    return scope.per_row().reason(grouped[column - 1])


_WHOLE_ROWS = frozenset(
    {Source.RELATION, Source.SUBQUERY, Source.JOIN, Source.VALUES, Source.CTE}
)
_RULES: Mapping[int, Callable[[Scope, int, int], Reason]] = {
    Source.RELATION: _of_relation,
    Source.SUBQUERY: _of_subquery,
    Source.JOIN: _of_join,
    Source.FUNCTION: _of_function,
    Source.VALUES: _of_values,
    Source.CTE: _of_cte,
    Source.GROUP: _of_group,
}
