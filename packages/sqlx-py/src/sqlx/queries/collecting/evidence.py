"""Why an expression has a type: what the syntax tree shows of it.

Nothing is evaluated here. Evidence is a small value that crosses into the process where
the user's modules are imported, and is looked up there.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from sqlx.queries.collecting.scopes import dotted

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlx.queries.collecting.scopes import Binding, Scope

__all__ = ["CASTS", "Evidence", "Means", "evident", "written_type"]

CASTS = {"typing.cast", "typing_extensions.cast"}
_FINAL = {"typing.Final", "typing_extensions.Final"}
_FAR = 8  # steps from name to name


class Means(Enum):
    """How a type is found from evidence."""

    ANNOTATION = "annotation"  # `text` is a type
    CALL = "call"  # `text` is a class or a function that is called
    MEMBER = "member"  # `text` is a value, e.g. of an enum
    ATTRIBUTE = "attribute"  # `text` is an attribute of what `base` shows
    LOCAL = "local"  # `text` is a type that a function's own names make


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows a type.

    Args:
        means: How it is to be read.
        text: The expression, as Python writes it.
        owner: The class in whose body it stands, from the module down; empty for none.
        imports: Import statements of the function around, which it needs.
        base: Of an attribute, what shows the type of the object.
    """

    means: Means
    text: str
    owner: str = ""
    imports: tuple[str, ...] = ()
    base: Evidence | None = None


def written_type(annotation: ast.expr | None, scope: Scope) -> Evidence | None:
    """Take an annotation, or a class that is written as an argument; None for none."""
    return None if annotation is None else _annotated(annotation, scope)


def evident(expression: ast.expr, scope: Scope, far: int = 0) -> Evidence | None:
    """Find what shows an expression's type; None when it is not evident."""
    find = _FINDERS.get(type(expression))
    return None if find is None or far > _FAR else find(expression, scope, far)


def _annotated(annotation: ast.expr, scope: Scope) -> Evidence:
    expression = _unquoted(annotation)
    found = _text(Means.ANNOTATION, expression, scope)
    return found or Evidence(Means.LOCAL, ast.unparse(expression))


def _unquoted(annotation: ast.expr) -> ast.expr:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            return ast.parse(annotation.value.strip(), mode="eval").body
        except SyntaxError:
            return annotation
    return annotation


def _text(means: Means, expression: ast.expr, scope: Scope) -> Evidence | None:
    """Take an expression that can be read outside of the function it stands in."""
    imports, owner = [], ""
    for name in _names(expression):
        found = scope.find(name)
        if found is None or found[0].is_module:
            continue
        where, bindings = found
        statements = {binding.statement for binding in bindings}
        path = where.class_path()
        if path:
            owner = path
        elif len(statements) == 1 and "" not in statements:
            imports.append(statements.pop())
        else:
            return None
    # Most are one name, and `unparse` is slow.
    if isinstance(expression, ast.Name):
        return Evidence(means, expression.id, owner, tuple(imports))
    return Evidence(means, ast.unparse(expression), owner, tuple(imports))


def _names(expression: ast.expr) -> list[str]:
    if isinstance(expression, ast.Name):
        return [expression.id]
    return [node.id for node in ast.walk(expression) if isinstance(node, ast.Name)]


def _constant(expression: ast.Constant, _scope: Scope, _far: int) -> Evidence | None:
    kind = type(expression.value).__name__
    if kind not in {"bool", "bytes", "float", "int", "NoneType", "str"}:
        return None
    return Evidence(Means.ANNOTATION, kind if kind != "NoneType" else "None")


def _string(_expression: ast.JoinedStr, _scope: Scope, _far: int) -> Evidence:
    return Evidence(Means.ANNOTATION, "str")


def _unary(expression: ast.UnaryOp, scope: Scope, far: int) -> Evidence | None:
    if isinstance(expression.op, ast.Not):
        return Evidence(Means.ANNOTATION, "bool")
    if isinstance(expression.operand, ast.Constant):
        return evident(expression.operand, scope, far)
    return None


def _conditional(expression: ast.IfExp, scope: Scope, far: int) -> Evidence | None:
    """Take `x if … else None` for an x: a parameter may always be None."""
    either = {
        evident(side, scope, far) for side in (expression.body, expression.orelse)
    } - {Evidence(Means.ANNOTATION, "None")}
    return either.pop() if len(either) == 1 else None


def _list(expression: ast.List, scope: Scope, far: int) -> Evidence | None:
    items = {evident(item, scope, far) for item in expression.elts}
    item = items.pop() if len(items) == 1 else None
    if item is None or item.means is not Means.ANNOTATION:
        return None
    return Evidence(item.means, f"list[{item.text}]", item.owner, item.imports)


def _name(expression: ast.Name, scope: Scope, far: int) -> Evidence | None:
    found = scope.find(expression.id)
    if found is None:
        return None
    bindings = found[1]
    declared = [binding for binding in bindings if _declares(binding)]
    if declared:
        return _declared(declared)
    if len(bindings) > 1:
        return None
    binding = bindings[0]
    if binding.instance_of is not None:
        path = binding.instance_of.class_path()
        return Evidence(Means.ANNOTATION, path) if path else None
    if binding.value is None:
        return None
    return evident(binding.value, binding.scope, far + 1)


def _declares(binding: Binding) -> bool:
    """Tell whether a binding has a type of its own, which a bare `Final` has not."""
    annotation = binding.annotation
    return annotation is not None and dotted(annotation, binding.scope) not in _FINAL


def _declared(bindings: list[Binding]) -> Evidence | None:
    """Take the type that a name was declared with: it holds wherever it is assigned."""
    types = {
        _annotated(binding.annotation, binding.scope)
        for binding in bindings
        if binding.annotation is not None
    }
    only = types.pop() if len(types) == 1 else None
    return None if only is None or only.means is Means.LOCAL else only


def _attribute(expression: ast.Attribute, scope: Scope, far: int) -> Evidence | None:
    base = evident(expression.value, scope, far + 1)
    if base is not None and base.means is not Means.MEMBER:
        return Evidence(Means.ATTRIBUTE, expression.attr, base=base)
    return _global(Means.MEMBER, expression, scope)


def _call(expression: ast.Call, scope: Scope, _far: int) -> Evidence | None:
    name = dotted(expression.func, scope)
    if name in CASTS and expression.args:
        type_ = _annotated(expression.args[0], scope)
        return None if type_.means is Means.LOCAL else type_
    return _global(Means.CALL, expression.func, scope)


def _root(expression: ast.expr) -> ast.Name | None:
    while isinstance(expression, ast.Attribute):
        expression = expression.value
    return expression if isinstance(expression, ast.Name) else None


def _global(means: Means, expression: ast.expr, scope: Scope) -> Evidence | None:
    """Take a dotted name that begins at the module, or at a function's import."""
    return None if _root(expression) is None else _text(means, expression, scope)


_FINDERS: dict[type[ast.expr], Callable[..., Evidence | None]] = {
    ast.Constant: _constant,
    ast.JoinedStr: _string,
    ast.UnaryOp: _unary,
    ast.IfExp: _conditional,
    ast.List: _list,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Call: _call,
}
