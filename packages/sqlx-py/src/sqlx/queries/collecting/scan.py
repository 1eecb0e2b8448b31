"""Finds the queries of modules in their text; nothing of them is imported or run."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.queries.collecting.declared import Decoration, read_declared
from sqlx.queries.collecting.ignores import give_ignores
from sqlx.queries.collecting.inline import read_inline
from sqlx.queries.collecting.scopes import dotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlx.queries.collecting.drafts import Draft
    from sqlx.queries.collecting.scopes import Scope
    from sqlx.queries.collecting.texts import Module
    from sqlx.queries.sites import Finding

__all__ = ["Scanned", "passed_on", "scan"]

_MODULES = ("sqlx", "sqlx.checked")
_NAMES = {
    f"{module}.{name}": name
    for module in _MODULES
    for name in ("query", "query_as", "query_file", "query_scalar")
}


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a module's text shows.

    Args:
        drafts: Its queries, as they stand from top to bottom.
        findings: What belongs to no query.
    """

    drafts: tuple[Draft, ...] = ()
    findings: tuple[Finding, ...] = ()


def passed_on(modules: Iterable[tuple[str, Module]]) -> dict[str, str]:
    """Find what modules have imported of ours, for others to import from them.

    Args:
        modules: Each with its name.

    Returns:
        What `app.db.query` is, where `app.db` has `from sqlx import query`.
    """
    known: dict[str, str] = {}
    modules = list(modules)
    size = -1
    while size != len(known):  # One module may pass on what another has passed on.
        size = len(known)
        for name, module in modules:
            for bound in module.tree.module.bindings:
                place = ast.Name(bound, ast.Load())
                meant = _meant(dotted(place, module.tree.module), known)
                if meant in _NAMES or meant in _MODULES:
                    known[f"{name}.{bound}"] = meant
    return known


def scan(module: Module, known: Mapping[str, str] | None = None) -> Scanned:
    """Find the queries of a module.

    Args:
        module: The module.
        known: What other modules pass on.
    """
    found = [draft for draft in _drafts(module, known or {}) if draft is not None]
    found.sort(key=lambda draft: (draft.place.line, draft.place.column))
    drafts, findings = give_ignores(module.source, found)
    return Scanned(tuple(drafts), tuple(findings))


def _drafts(module: Module, known: Mapping[str, str]) -> Iterator[Draft | None]:
    for node, scope in module.tree.decorated:
        for decorator in node.decorator_list:
            name = _ours(decorator, scope, known)
            if name:
                yield read_declared(module, Decoration(decorator, name, node, scope))
    for call, scope in module.tree.calls:
        name = _ours(call, scope, known)
        if name:
            yield read_inline(module, call, name, scope)


def _ours(expression: ast.expr, scope: Scope, known: Mapping[str, str]) -> str:
    """Tell which function of ours is called, or decorates; empty for none."""
    function = expression.func if isinstance(expression, ast.Call) else expression
    return _NAMES.get(_meant(dotted(function, scope), known), "")


def _meant(name: str, known: Mapping[str, str]) -> str:
    """Replace the beginning of a dotted name by what a module has passed on."""
    end = len(name)
    while end > 0:
        if name[:end] in known:
            return known[name[:end]] + name[end:]
        end = name.rfind(".", 0, end)
    return name
