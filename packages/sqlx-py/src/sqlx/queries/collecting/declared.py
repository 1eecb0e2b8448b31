"""Queries that are declared: the signature says what the SQL must satisfy."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlx.queries.collecting.drafts import Argument, Draft, error_at
from sqlx.queries.collecting.evidence import written_type
from sqlx.queries.collecting.texts import is_unchecked, read_sql
from sqlx.queries.sites import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.queries.collecting.scopes import Function, Scope
    from sqlx.queries.collecting.source import Source
    from sqlx.queries.collecting.texts import Module
    from sqlx.queries.sites import Finding

__all__ = ["Decoration", "read_declared"]

_HEAD = re.compile(r"(?:async[\s\\]+)?(?:def|class)[\s\\]+")
_NEEDS = {"query": "SQL", "query_file": "path of a file"}


@dataclass(frozen=True, slots=True)
class Decoration:
    """A decorator of ours, and what it decorates.

    Args:
        decorator: As it stands: `@sqlx.query("…")`.
        name: Which one: `query`.
        node: What it decorates.
        scope: Where that stands.
    """

    decorator: ast.expr
    name: str
    node: Function | ast.ClassDef
    scope: Scope


def read_declared(module: Module, found: Decoration) -> Draft | None:
    """Read what a decorator of ours decorates, and what is wrong with it.

    Returns:
        None when the user has taken the SQL on himself.
    """
    source = module.source
    text, expression, findings = None, None, list(_misuses(source, found))
    if found.name in _NEEDS:
        expression = next(_arguments(found.decorator), None)
    if expression is not None:
        if is_unchecked(expression, found.scope):
            return None
        text, unread = read_sql(module, expression, found.scope, found.name)
        findings += unread
    place = _named(source, found.node)
    draft = Draft(
        name=found.scope.path(found.node.name),
        place=place,
        lines=_lines(found.node),
        text=text,
        returns=None,
        returns_place=place,
        is_declared=True,
        findings=tuple(findings),
    )
    if isinstance(found.node, ast.ClassDef):
        return draft
    return _with_signature(source, found.node, found.scope, draft)


def _arguments(decorator: ast.expr) -> Iterator[ast.expr]:
    if isinstance(decorator, ast.Call):
        yield from decorator.args
        yield from (keyword.value for keyword in decorator.keywords)


def _misuses(source: Source, found: Decoration) -> Iterator[Finding]:
    """Tell what is wrong with the decorator itself."""
    name, place = found.name, source.start(found.decorator)
    if name not in _NEEDS:
        mend = "use `@sqlx.query`: the return annotation names the class"
        yield error_at(place, "declaration", f"`sqlx.{name}` is no decorator; {mend}")
        return
    given = list(_arguments(found.decorator))
    if not given:
        reason = f"`@sqlx.{name}` needs the {_NEEDS[name]}"
        message = f'{reason}; write `@sqlx.{name}("…")`'
        yield error_at(place, "declaration", message)
    for extra in given[1:]:
        message = "a declared query gets its values when it is called; take this out"
        yield error_at(source.start(extra), "declaration", message)
    if isinstance(found.node, ast.ClassDef):
        message = f"`@sqlx.{name}` decorates functions, and this is a class"
        yield error_at(_named(source, found.node), "declaration", message)


def _named(source: Source, node: Function | ast.ClassDef) -> Place:
    """Find a function's or a class's name."""
    start = source.start(node)
    text = "\n".join(source.lines[start.line - 1 : node.body[0].lineno])
    head = _HEAD.match(text, start.column - 1)
    before = text[: head.end() if head else start.column - 1]
    line = start.line + before.count("\n")
    return Place(source.path, line, len(before) - before.rfind("\n"))


def _lines(node: Function | ast.ClassDef) -> tuple[int, int]:
    """Tell from the first decorator to the colon: comments there are the query's."""
    last = max(node.lineno, node.body[0].lineno - 1)
    return min(decorator.lineno for decorator in node.decorator_list), last


def _with_signature(
    source: Source, node: Function, scope: Scope, draft: Draft
) -> Draft:
    """Add what a function takes and returns, and what is wrong with that."""
    positional = _positional(node, scope)
    arguments = [
        Argument(
            parameter.arg,
            source.start(parameter),
            written_type(parameter.annotation, scope),
        )
        for parameter in (*positional[1:], *node.args.kwonlyargs)
    ]
    unusable = list(_unusable(source, node, positional, draft.place))
    connection = positional[0].annotation if positional else None
    return replace(
        draft,
        returns=written_type(node.returns, scope),
        returns_place=source.start(node.returns) if node.returns else draft.place,
        is_async=isinstance(node, ast.AsyncFunctionDef),
        arguments=None if unusable else tuple(arguments),
        connection=written_type(connection, scope),
        findings=(
            *draft.findings,
            *unusable,
            *_unannotated(arguments, node, draft.place),
        ),
    )


def _positional(node: Function, scope: Scope) -> list[ast.arg]:
    """List the positional parameters, without a method's `self` or `cls`."""
    decorators = [d.id for d in node.decorator_list if isinstance(d, ast.Name)]
    is_method = scope.is_class and "staticmethod" not in decorators
    return [*node.args.posonlyargs, *node.args.args][int(is_method) :]


def _unannotated(
    arguments: list[Argument], node: Function, place: Place
) -> Iterator[Finding]:
    """Tell what has no annotation, and so would pass unchecked."""
    for argument in arguments:
        if argument.evidence is None:
            message = f'parameter "{argument.name}" has no annotation; write its type'
            yield error_at(argument.place, "any", message)
    if node.returns is None:
        mend = "write what a row is, or `-> None` when no row comes back"
        message = f'"{node.name}" has no return annotation; {mend}'
        yield error_at(place, "any", message)


def _unusable(
    source: Source, node: Function, positional: list[ast.arg], place: Place
) -> Iterator[Finding]:
    """Tell what keeps parameters from being matched with placeholders."""
    variadic = ((node.args.vararg, "*"), (node.args.kwarg, "**"))
    for parameter, stars in variadic:
        if parameter is not None:
            reason = f'"{stars}{parameter.arg}" belongs to no one placeholder'
            message = f"{reason}; name each parameter"
            yield error_at(source.start(parameter), "declaration", message)
    if positional:
        return
    if node.args.kwonlyargs:
        only = node.args.kwonlyargs[0]
        message = f'"{only.arg}" is keyword-only; put the connection before the "*"'
        yield error_at(source.start(only), "connection", message)
    else:
        message = f'"{node.name}" takes no connection; make it the first parameter'
        yield error_at(place, "connection", message)
