"""Which expressions can be NULL: one rule for each kind of node.

A rule gives the reason why NULL can come, or nothing when it cannot. A kind that has no
rule here may be NULL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from sqlx.databases.postgres.proving.functions import (
    ALWAYS,
    COUNTS,
    NULL_FOR_NO_ROWS,
    RANKS,
    SURE,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sqlx.databases.postgres.proving.facts import Function
    from sqlx.databases.postgres.proving.nodes import Node
    from sqlx.databases.postgres.proving.scope import Scope

__all__ = ["NEVER", "Reason", "reason"]

Reason: TypeAlias = str
NEVER = ""
UNKNOWN = "nothing is known of it"
EXTERNAL, OF_A_SUBLINK = 0, 2
EXISTS, ALL, ANY, _ROW, EXPRESSION, _MULTI, ARRAY = range(7)
CURRENT_CATALOG = 13  # the last that is never NULL; CURRENT_SCHEMA may be.
ORDINARY_AGGREGATE = "n"
FRAME_IS_GIVEN = 1  # FRAMEOPTION_NONDEFAULT


def reason(node: Node, scope: Scope) -> Reason:
    """Tell why an expression can be NULL; nothing when it cannot.

    Args:
        node: The expression.
        scope: The query it stands in.
    """
    rule = _RULES.get(node.tag)
    return UNKNOWN if rule is None else rule(node, scope)


def _any(reasons: Iterable[Reason]) -> Reason:
    """Give the first reason: one NULL is enough."""
    return next(filter(None, reasons), NEVER)


def _never(_node: Node, _scope: Scope) -> Reason:
    return NEVER


def _column(node: Node, scope: Scope) -> Reason:
    return scope.column(node)


def _constant(node: Node, _scope: Scope) -> Reason:
    return "a constant NULL" if node.flag("constisnull") else NEVER


def _parameter(node: Node, scope: Scope) -> Reason:
    if node.number("paramkind") == OF_A_SUBLINK:
        return scope.compared[node.number("paramid") - 1]
    return "a parameter may be NULL"


def _argument(node: Node, scope: Scope) -> Reason:
    """A cast: its functions of I/O may not give NULL for what is not NULL."""
    return scope.reason(node.node("arg"))


def _arguments(node: Node, scope: Scope) -> Reason:
    return _any(map(scope.reason, node.nodes("args")))


def _first_of(node: Node, scope: Scope) -> Reason:
    """COALESCE, GREATEST, LEAST: one argument that is not NULL is enough."""
    reasons = list(map(scope.reason, node.nodes("args")))
    return reasons[-1] if all(reasons) else NEVER


def _case(node: Node, scope: Scope) -> Reason:
    otherwise = node.maybe("defresult")
    if otherwise is None or _is_null(otherwise):
        return "CASE without ELSE"
    arms = [arm.node("result") for arm in node.nodes("args")]
    return _any(map(scope.reason, [*arms, otherwise]))


def _is_null(node: Node) -> bool:
    return node.tag == "CONST" and node.flag("constisnull")


def _null_if(_node: Node, _scope: Scope) -> Reason:
    return "NULLIF"


def _subscript(_node: Node, _scope: Scope) -> Reason:
    return "a subscript may be out of range"


def _field(_node: Node, _scope: Scope) -> Reason:
    return "a field of a composite value may be NULL"


def _operator(node: Node, scope: Scope) -> Reason:
    function = scope.function(node.number("opfuncid"))
    if node.flag("opretset"):
        return _may_return(function)
    return _called(node, scope, function)


def _function(node: Node, scope: Scope) -> Reason:
    function = scope.function(node.number("funcid"))
    if node.flag("funcretset"):
        return _may_return(function)
    if function and function.source in ALWAYS and not node.flag("funcvariadic"):
        return NEVER
    return _called(node, scope, function)


def _called(node: Node, scope: Scope, function: Function | None) -> Reason:
    if function is None or function.source not in SURE | ALWAYS:
        return _may_return(function)
    return _arguments(node, scope)


def _may_return(function: Function | None) -> Reason:
    if function is None:
        return UNKNOWN
    if function.operator:
        return f"the operator {function.operator} may give NULL"
    return f"{function.name}() may return NULL"


def _distinct(node: Node, scope: Scope) -> Reason:
    """IS DISTINCT FROM calls the operator only for what is not NULL."""
    function = scope.function(node.number("opfuncid"))
    sure = function is not None and function.source in SURE
    return NEVER if sure else _may_return(function)


def _one_of_many(node: Node, scope: Scope) -> Reason:
    """Operator ANY or ALL of an array: NULL when an element is, and none decides."""
    function = scope.function(node.number("opfuncid"))
    if function is None or function.source not in SURE:
        return _may_return(function)
    scalar, array = node.nodes("args")
    if array.tag != "ARRAYEXPR" or array.flag("multidims"):
        return "an element of the array may be NULL"
    return _any(map(scope.reason, [scalar, *array.nodes("elements")]))


def _subquery(node: Node, scope: Scope) -> Reason:
    kind = node.number("subLinkType")
    if kind in {EXISTS, ARRAY}:
        return NEVER
    query = node.node("subselect")
    if kind in {ANY, ALL}:
        inner = scope.comparing(scope.results(query))
        return inner.reason(node.node("testexpr"))
    if kind != EXPRESSION or not _is_one_row(query):
        return "a subquery of no rows is NULL"
    return scope.results(query)[0]


def _is_one_row(query: Node) -> bool:
    """Tell whether a query gives one row, whatever the tables hold."""
    cut = ("groupClause", "groupingSets")
    passing = ("havingQual", "limitCount", "limitOffset", "setOperations")
    if any(map(query.items, cut)) or any(map(query.maybe, passing)):
        return False
    if query.flag("hasTargetSRFs"):
        return False
    tree = query.node("jointree")
    from_nothing = not tree.items("fromlist") and tree.maybe("quals") is None
    return query.flag("hasAggs") or from_nothing


def _aggregate(node: Node, scope: Scope) -> Reason:
    function = scope.function(node.number("aggfnoid"))
    name = _name_of_aggregate(function)
    if name in COUNTS:
        return NEVER
    plain = node.text("aggkind") == ORDINARY_AGGREGATE and not node.number(
        "agglevelsup"
    )
    if name not in NULL_FOR_NO_ROWS or not plain:
        return _may_return(function)
    if node.maybe("aggfilter") is not None or not scope.has_full_groups:
        return f"{name}() of no rows is NULL"
    entries = [item for item in node.nodes("args") if not item.flag("resjunk")]
    rows = scope.per_row()
    reasons = [rows.reason(entry.node("expr")) for entry in entries]
    return _any(reasons) if NULL_FOR_NO_ROWS[name] else NEVER


def _window(node: Node, scope: Scope) -> Reason:
    function = scope.function(node.number("winfnoid"))
    if function is not None and function.source in RANKS:
        return NEVER
    name = _name_of_aggregate(function)
    if name in COUNTS:
        return NEVER
    if function is not None and function.source == "window_ntile":
        return _arguments(node, scope)
    if name not in NULL_FOR_NO_ROWS:
        return _may_return(function)
    if node.maybe("aggfilter") is not None or _may_be_empty(node, scope):
        return f"{name}() of no rows is NULL"
    return _arguments(node, scope) if NULL_FOR_NO_ROWS[name] else NEVER


def _may_be_empty(node: Node, scope: Scope) -> bool:
    """Tell whether a frame was given; the default one holds the row itself."""
    number = node.number("winref")
    windows = scope.query.nodes("windowClause")
    frames = [w.number("frameOptions") for w in windows if w.number("winref") == number]
    return len(frames) != 1 or bool(frames[0] & FRAME_IS_GIVEN)


def _name_of_aggregate(function: Function | None) -> str:
    """Name an aggregate that the server brought."""
    known = function is not None and function.source == "aggregate_dummy"
    return function.name if known and function is not None else ""


def _now(node: Node, _scope: Scope) -> Reason:
    known = node.number("op") <= CURRENT_CATALOG
    return NEVER if known else "CURRENT_SCHEMA may be NULL"


def _is_json(node: Node, scope: Scope) -> Reason:
    return scope.reason(node.node("expr"))


_RULES: Mapping[str, Callable[[Node, Scope], Reason]] = {
    "AGGREF": _aggregate,
    "ARRAYCOERCEEXPR": _argument,
    "ARRAYEXPR": _never,
    "BOOLEANTEST": _never,
    "BOOLEXPR": _arguments,
    "CASEEXPR": _case,
    "COALESCEEXPR": _first_of,
    "COERCETODOMAIN": _argument,
    "COERCEVIAIO": _argument,
    "COLLATEEXPR": _argument,
    "CONST": _constant,
    "CONVERTROWTYPEEXPR": _argument,
    "DISTINCTEXPR": _distinct,
    "FIELDSELECT": _field,
    "FUNCEXPR": _function,
    "GROUPINGFUNC": _never,
    "JSONISPREDICATE": _is_json,
    "MERGESUPPORTFUNC": _never,
    "MINMAXEXPR": _first_of,
    "NAMEDARGEXPR": _argument,
    "NULLIFEXPR": _null_if,
    "NULLTEST": _never,
    "OPEXPR": _operator,
    "PARAM": _parameter,
    "RELABELTYPE": _argument,
    "ROWEXPR": _never,
    "SCALARARRAYOPEXPR": _one_of_many,
    "SQLVALUEFUNCTION": _now,
    "SUBLINK": _subquery,
    "SUBSCRIPTINGREF": _subscript,
    "VAR": _column,
    "WINDOWFUNC": _window,
}
