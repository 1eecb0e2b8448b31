"""What each name of a module is bound to, scope by scope, read from its syntax tree.

Theory of operation: one walk makes the scopes as Python has them, notes every binding
of every name, and lists the calls. Only when it is done are names looked up, since a
function may use what stands below it. A name counts as known only when everything that
binds it is seen here and agrees.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Binding", "Function", "Scope", "Tree", "dotted", "walk"]

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_Next: TypeAlias = "Iterable[tuple[ast.AST, Scope]]"
_FAR = 16  # names that stand for names; a longer chain is taken for a circle


@dataclass(frozen=True, slots=True)
class Binding:
    """One place that gives a name its meaning.

    Args:
        scope: Where its value and its annotation are evaluated.
        value: What is assigned, when that is an expression.
        annotation: Its declared type.
        imported: What an import binds to it: `sqlx`, `sqlx.query`, `app.models.User`.
        statement: That import alone, to run it again.
        instance_of: The class, when the name is a method's `self`.
    """

    scope: Scope
    value: ast.expr | None = None
    annotation: ast.expr | None = None
    imported: str = ""
    statement: str = ""
    instance_of: Scope | None = None


@dataclass(slots=True, eq=False)
class Scope:
    """A module, class, function, lambda or comprehension, and what it binds."""

    node: ast.AST
    parent: Scope | None = None
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    elsewhere: dict[str, list[Scope]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)

    @property
    def is_module(self) -> bool:
        """Whether it is the module itself."""
        return self.parent is None

    @property
    def is_class(self) -> bool:
        """Whether it is the body of a class."""
        return isinstance(self.node, ast.ClassDef)

    @property
    def module(self) -> Scope:
        """The module it stands in."""
        return self if self.parent is None else self.parent.module

    def class_path(self) -> str | None:
        """Name a class from the module down.

        Returns:
            Empty for the module; None inside a function, which nobody can look into.
        """
        if self.parent is None:
            return ""
        above = self.parent.class_path()
        if above is None or not isinstance(self.node, ast.ClassDef):
            return None
        return f"{above}.{self.node.name}".lstrip(".")

    def path(self, name: str) -> str:
        """Name what stands here: `Repository.by_email`."""
        if self.parent is None:
            return name
        above = getattr(self.node, "name", "")
        return self.parent.path(f"{above}.{name}" if above else name)

    def bind(self, name: str, binding: Binding) -> None:
        """Note what a name is bound to; `global` and `nonlocal` put it elsewhere."""
        if name not in self.elsewhere:
            self.bindings.setdefault(name, []).append(binding)
        for other in self.elsewhere.get(name, ()):
            # When that runs is not seen: no value of it is known there.
            known = Binding(other, imported=binding.imported)
            other.bindings.setdefault(name, []).append(known)

    def find(self, name: str) -> tuple[Scope, list[Binding]] | None:
        """Look a name up as Python does: the classes around a function are not seen."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.bindings and (scope is self or not scope.is_class):
                return scope, scope.bindings[name]
            scope = scope.parent
        return None


@dataclass(slots=True)
class Tree:
    """What a walk finds in a module.

    Args:
        module: Its outermost scope.
        calls: Every call but decorators, with its scope, as they stand.
        decorated: Functions and classes that have decorators, with the scope around.
        chained: What is asked of a call's result, `call(…).name`, and the whole of
            that: the call of it when it is called.
    """

    module: Scope
    calls: list[tuple[ast.Call, Scope]] = field(default_factory=list)
    decorated: list[tuple[Function | ast.ClassDef, Scope]] = field(default_factory=list)
    chained: dict[ast.expr, tuple[ast.Attribute, ast.expr]] = field(
        default_factory=dict
    )


def dotted(expression: ast.expr, scope: Scope, far: int = 0) -> str:
    """Follow names to the import behind them: `s.query` is `sqlx.query`.

    Returns:
        The dotted name; empty when it does not come from an import.
    """
    if isinstance(expression, ast.Attribute):
        base = dotted(expression.value, scope, far)
        return base and f"{base}.{expression.attr}"
    if not isinstance(expression, ast.Name) or far > _FAR:
        return ""
    found = scope.find(expression.id)
    if found is None:
        # Of several the last: names of ours are taken from there, if there are any.
        star = next(reversed(scope.module.stars), "")
        return star and f"{star}.{expression.id}"
    _, bindings = found
    imported = {binding.imported for binding in bindings if binding.imported}
    if len(imported) == 1:  # An import may have a stand-in, for when it fails.
        return imported.pop()
    value = bindings[0].value if len(bindings) == 1 else None
    return dotted(value, bindings[0].scope, far + 1) if value else ""


def walk(module: ast.Module, package: str = "") -> Tree:
    """Read the scopes and the calls of a module.

    Args:
        module: Its tree.
        package: The package from which its relative imports begin.
    """
    scope = Scope(module)
    walker = _Walker(Tree(scope), package)
    # A stack of its own: a text of a thousand joined pieces is a thousand levels deep.
    stack: list[tuple[ast.AST, Scope]] = [(module, scope)]
    while stack:
        node, scope = stack.pop()
        following = walker.enter(node, scope)
        stack.extend(reversed(list(following)))
    return walker.tree


class _Walker:
    """Notes what a node binds, and says what comes below it, in which scope."""

    def __init__(self, tree: Tree, package: str) -> None:
        self.tree = tree
        self._package = package
        self._decorators: set[ast.expr] = set()
        self._enter: dict[type[ast.AST], Callable[..., _Next]] = {
            ast.Name: self._name,
            ast.Constant: _nothing,
            ast.Call: self._call,
            ast.Attribute: self._attribute,
            ast.FunctionDef: self._function,
            ast.AsyncFunctionDef: self._function,
            ast.ClassDef: self._class,
            ast.Lambda: self._lambda,
            ast.ListComp: self._comprehension,
            ast.SetComp: self._comprehension,
            ast.DictComp: self._comprehension,
            ast.GeneratorExp: self._comprehension,
            ast.Assign: self._assign,
            ast.AnnAssign: self._annotated,
            ast.NamedExpr: self._named,
            ast.Import: self._import,
            ast.ImportFrom: self._import_from,
            ast.Global: self._global,
            ast.Nonlocal: self._nonlocal,
            ast.ExceptHandler: self._capture,
            ast.MatchAs: self._capture,
            ast.MatchStar: self._capture,
            ast.MatchMapping: self._capture,
        }

    def enter(self, node: ast.AST, scope: Scope) -> _Next:
        """Note a node; the answer is what is to be entered next, and where."""
        return self._enter.get(type(node), _below)(node, scope)

    def _name(self, node: ast.Name, scope: Scope) -> _Next:
        if not isinstance(node.ctx, ast.Load):
            scope.bind(node.id, Binding(scope))
        return ()

    def _call(self, node: ast.Call, scope: Scope) -> _Next:
        if node not in self._decorators:
            self.tree.calls.append((node, scope))
        function = node.func
        if isinstance(function, ast.Attribute):
            self.tree.chained[function.value] = function, node
        return _below(node, scope)

    def _attribute(self, node: ast.Attribute, scope: Scope) -> _Next:
        self.tree.chained.setdefault(node.value, (node, node))
        return [(node.value, scope)]

    def _function(self, node: Function, scope: Scope) -> _Next:
        scope.bind(node.name, Binding(scope))
        self._decorated(node, scope)
        inner = Scope(node, scope)
        _bind_parameters(node.args, inner, scope)
        if scope.is_class:
            _bind_self(node, inner, scope)
        outside = [*node.decorator_list, *_defaults(node.args)]
        return [*((n, scope) for n in outside), *((n, inner) for n in node.body)]

    def _class(self, node: ast.ClassDef, scope: Scope) -> _Next:
        scope.bind(node.name, Binding(scope))
        self._decorated(node, scope)
        inner = Scope(node, scope)
        outside = [*node.decorator_list, *node.bases, *node.keywords]
        return [*((n, scope) for n in outside), *((n, inner) for n in node.body)]

    def _decorated(self, node: Function | ast.ClassDef, scope: Scope) -> None:
        if node.decorator_list:
            self._decorators.update(node.decorator_list)
            self.tree.decorated.append((node, scope))

    def _lambda(self, node: ast.Lambda, scope: Scope) -> _Next:
        inner = Scope(node, scope)
        _bind_parameters(node.args, inner, scope)
        return [*((n, scope) for n in _defaults(node.args)), (node.body, inner)]

    def _comprehension(self, node: ast.expr, scope: Scope) -> _Next:
        return _below(node, Scope(node, scope))

    def _assign(self, node: ast.Assign, scope: Scope) -> _Next:
        rest: list[ast.AST] = []
        for target in node.targets:
            if isinstance(target, ast.Name):
                scope.bind(target.id, Binding(scope, node.value))
            else:
                rest.append(target)
        return [(n, scope) for n in (*rest, node.value)]

    def _annotated(self, node: ast.AnnAssign, scope: Scope) -> _Next:
        values = [] if node.value is None else [(node.value, scope)]
        if not isinstance(node.target, ast.Name):
            return [(node.target, scope), *values]
        scope.bind(node.target.id, Binding(scope, node.value, node.annotation))
        return values

    def _named(self, node: ast.NamedExpr, scope: Scope) -> _Next:
        holder = scope
        while isinstance(holder.node, ast.expr) and holder.parent is not None:
            holder = holder.parent  # Out of comprehensions, as Python does.
        holder.bind(node.target.id, Binding(scope, node.value))
        return [(node.value, scope)]

    def _import(self, node: ast.Import, scope: Scope) -> _Next:
        for alias in node.names:
            first = alias.name.partition(".")[0]
            imported = alias.name if alias.asname else first
            statement = ast.unparse(ast.Import([alias]))
            binding = Binding(scope, imported=imported, statement=statement)
            scope.bind(alias.asname or first, binding)
        return ()

    def _import_from(self, node: ast.ImportFrom, scope: Scope) -> _Next:
        module = self._absolute(node)
        for alias in node.names:
            if alias.name == "*":
                scope.module.stars.append(module)
                continue
            imported = f"{module}.{alias.name}"
            statement = ast.unparse(ast.ImportFrom(node.module, [alias], node.level))
            binding = Binding(scope, imported=imported, statement=statement)
            scope.bind(alias.asname or alias.name, binding)
        return ()

    def _absolute(self, node: ast.ImportFrom) -> str:
        """Name the module from which names are imported."""
        if not node.level:
            return node.module or ""
        parts = self._package.split(".")
        above = parts[: len(parts) - node.level + 1]
        return ".".join([*above, *([node.module] if node.module else [])])

    def _global(self, node: ast.Global, scope: Scope) -> _Next:
        scope.elsewhere.update((name, [scope.module]) for name in node.names)
        return ()

    def _nonlocal(self, node: ast.Nonlocal, scope: Scope) -> _Next:
        # Which function's name is meant may depend on what follows: all of them.
        around, above = [], scope.parent
        while above is not None and not above.is_module:
            around.append(above)
            above = above.parent
        scope.elsewhere.update((name, around) for name in node.names)
        return ()

    def _capture(
        self,
        node: ast.ExceptHandler | ast.MatchAs | ast.MatchStar | ast.MatchMapping,
        scope: Scope,
    ) -> _Next:
        name = node.rest if isinstance(node, ast.MatchMapping) else node.name
        if name is not None:
            scope.bind(name, Binding(scope))
        return _below(node, scope)


def _nothing(_node: ast.AST, _scope: Scope) -> _Next:
    return ()


def _below(node: ast.AST, scope: Scope) -> _Next:
    return [(child, scope) for child in ast.iter_child_nodes(node)]


def _bind_parameters(arguments: ast.arguments, inner: Scope, around: Scope) -> None:
    named = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    for parameter in named:
        binding = Binding(around, annotation=parameter.annotation)
        inner.bind(parameter.arg, binding)
    for variadic in (arguments.vararg, arguments.kwarg):
        if variadic is not None:
            inner.bind(variadic.arg, Binding(around))


def _bind_self(node: Function, inner: Scope, around: Scope) -> None:
    """Let a method's first parameter stand for its class, unless it says its type."""
    first = next(iter((*node.args.posonlyargs, *node.args.args)), None)
    is_static = any(
        isinstance(d, ast.Name) and d.id in {"staticmethod", "classmethod"}
        for d in node.decorator_list
    )
    if first is not None and first.annotation is None and not is_static:
        inner.bindings[first.arg] = [Binding(around, instance_of=around)]


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    given = (*arguments.defaults, *arguments.kw_defaults)
    return [default for default in given if default is not None]
