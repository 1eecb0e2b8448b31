"""Queries that are calls: `sqlx.query_as(User, "SELECT …", id).one(connection)`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from sqlx.queries.annotations import Shape
from sqlx.queries.collecting.drafts import Argument, Draft, error_at
from sqlx.queries.collecting.evidence import CASTS, evident, written_type
from sqlx.queries.collecting.scopes import dotted
from sqlx.queries.collecting.texts import is_unchecked, read_sql

if TYPE_CHECKING:
    from sqlx.queries.collecting.evidence import Evidence
    from sqlx.queries.collecting.scopes import Scope
    from sqlx.queries.collecting.source import Source
    from sqlx.queries.collecting.texts import Module
    from sqlx.queries.sites import Finding, Place, SqlText

__all__ = ["read_inline"]

_WITH_CLASS = {"query_as", "query_scalar"}
_SHAPES = {
    "one": Shape.ONE,
    "optional": Shape.OPTIONAL,
    "all": Shape.ALL,
    "stream": Shape.STREAM,
    "execute": Shape.EXECUTE,
}


def read_inline(
    module: Module, call: ast.Call, name: str, scope: Scope
) -> Draft | None:
    """Read a call of ours.

    Args:
        module: Where it stands.
        call: The call.
        name: Which function of ours is called.
        scope: Where the call stands.

    Returns:
        None when the user has taken the SQL on himself.
    """
    source = module.source
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    class_ = given.pop(0) if name in _WITH_CLASS and given else None
    if given and is_unchecked(given[0], scope):
        return None
    place = source.start(call)
    text, findings = _text(module, given, scope, name, place)
    method, whole = module.tree.chained.get(call, (None, call))
    asked = method.attr if method else ""
    return Draft(
        name=f"{name}({source.written(class_) if class_ else ''})",
        place=place,
        lines=(call.lineno, whole.end_lineno or call.lineno),
        text=text,
        returns=written_type(class_, scope),
        returns_place=source.start(class_) if class_ else place,
        # What is not asked here is checked for what any number of rows needs.
        shape=_SHAPES.get(asked, Shape.ALL) if class_ else None,
        arguments=_arguments(source, given[1:], scope),
        connection=_connection(whole, call, scope),
        findings=findings,
    )


def _text(
    module: Module, given: list[ast.expr], scope: Scope, name: str, place: Place
) -> tuple[SqlText | None, tuple[Finding, ...]]:
    if given:
        return read_sql(module, given[0], scope, name)
    message = f"`sqlx.{name}` needs the SQL"
    return None, (error_at(place, "declaration", message),)


def _arguments(
    source: Source, given: list[ast.expr], scope: Scope
) -> tuple[Argument, ...] | None:
    """Read what the placeholders get; `*args` hides how many there are."""
    if any(isinstance(argument, ast.Starred) for argument in given):
        return None
    return tuple(
        Argument(
            source.written(argument),
            source.start(argument),
            evident(argument, scope),
            checked=not _is_cast(argument, scope),
        )
        for argument in given
    )


def _is_cast(argument: ast.expr, scope: Scope) -> bool:
    return isinstance(argument, ast.Call) and dotted(argument.func, scope) in CASTS


def _connection(whole: ast.expr, call: ast.Call, scope: Scope) -> Evidence | None:
    """Find what shows the type of the connection in `.one(connection)`."""
    if whole is call or not isinstance(whole, ast.Call) or not whole.args:
        return None
    return evident(whole.args[0], scope)
