"""Annotations that are still text, made into what they name.

Theory of operation: `typing.get_type_hints` evaluates, nested forward references
included, and is given names from where a type checker would look for them: the closure,
the module, what the module imports only under `if TYPE_CHECKING:`, the class around.
One annotation is evaluated at a time, so that one name that does not exist spoils no
other. The imports for type checkers are found in the module's syntax tree, and run when
a name of theirs is asked for, each once.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections import ChainMap
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ForwardRef, TypeVar, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping
    from types import ModuleType
    from typing import TypeAlias

    Scope: TypeAlias = MutableMapping[str, object]
    Owner: TypeAlias = Callable[..., object] | TypeVar

__all__ = ["Unresolved", "annotations_of", "resolve"]


@dataclass(frozen=True, slots=True)
class Unresolved:
    """An annotation that cannot be evaluated.

    Args:
        text: The name that does not exist, or the whole annotation.
        reason: What Python said.
    """

    text: str
    reason: str


def annotations_of(owner: Callable[..., object]) -> dict[str, object]:
    """Give the annotations of a function or class itself, as they are: perhaps text."""
    return inspect.get_annotations(owner)


def resolve(annotation: object, owner: Owner, namespace: Scope | None = None) -> object:
    """Evaluate an annotation; give `Unresolved` where that is not possible.

    Args:
        annotation: As it stands in `__annotations__`; what is no text is kept.
        owner: The function or class that has it; an alias or a variable of types.
        namespace: Names that nothing else tells: those of the function in which the
            owner was defined.
    """
    names = ChainMap(namespace or {}, *_scopes(annotation, owner))
    holder = type("Holder", (), {"__annotations__": {"it": annotation}})
    try:
        hints = get_type_hints(holder, {}, names, include_extras=True)
    except NameError as error:
        return Unresolved(error.name or _text(annotation), str(error))
    except Exception as error:  # noqa: BLE001 -- a text may raise what it likes.
        return Unresolved(_text(annotation), f"{type(error).__name__}: {error}")
    return hints["it"]


def _text(annotation: object) -> str:
    given = getattr(annotation, "__forward_arg__", annotation)
    return str(given)


def _scopes(annotation: object, owner: Owner) -> Iterator[Scope]:
    """Give where names are looked up, the nearest first."""
    owner = inspect.unwrap(owner) if callable(owner) else owner
    yield {t.__name__: t for t in getattr(owner, "__type_params__", ())}
    yield _closure(owner)
    if isinstance(annotation, ForwardRef) and annotation.__forward_module__:
        # A TypedDict keeps where its texts come from: its base may be elsewhere.
        yield from _module_scopes(str(annotation.__forward_module__))
    yield from _module_scopes(owner.__module__)
    # After the module, as in `get_type_hints`: a field `date: date` hides no class.
    yield from _class_scopes(owner)


def _closure(owner: Owner) -> Scope:
    """Give the variables that a function has from the functions around it."""
    found: Scope = {}
    cells = getattr(owner, "__closure__", None) or ()
    free = getattr(getattr(owner, "__code__", None), "co_freevars", ())
    for name, cell in zip(free, cells, strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # It has no value yet.
            continue
    return found


def _module_scopes(name: str) -> Iterator[Scope]:
    module = sys.modules.get(name)
    if module is not None:
        yield vars(module)
        yield _hidden(module)


def _class_scopes(owner: Owner) -> Iterator[Scope]:
    """Give the names inside a class and the classes around it, the nearest first."""
    around: object = sys.modules.get(owner.__module__)
    classes: list[object] = []
    # Aliases and variables have no such name.
    for name in getattr(owner, "__qualname__", "").split(".")[:-1]:
        around = getattr(around, name, None)
        classes.insert(0, around)
    for each in (owner, *classes):
        if isinstance(each, type):
            yield dict(vars(each))


@cache
def _hidden(module: ModuleType) -> Scope:
    """Give what a module has for type checkers only."""
    try:
        source = inspect.getsource(module)
        # Most modules have nothing of the kind, and parsing takes a millisecond.
        return _Hidden(module, ast.parse(source)) if "TYPE_CHECKING" in source else {}
    except (OSError, TypeError, SyntaxError):  # There is no source, or it has changed.
        return {}


class _Hidden(dict[str, object]):
    """The names under `if TYPE_CHECKING:`, each made when it is first asked for."""

    def __init__(self, module: ModuleType, tree: ast.Module) -> None:
        super().__init__()
        self.module = module
        self.statements: dict[str, list[ast.stmt]] = {}
        for statement in tree.body:
            if isinstance(statement, ast.If) and _is_for_checkers(statement):
                for name, binding in _bindings(statement):
                    self.statements.setdefault(name, []).append(binding)

    def __missing__(self, name: str) -> object:
        """Run the statements that bind a name, until one succeeds.

        There are several where a block chooses by Python's version.
        """
        failed: Exception = KeyError(name)
        for statement in self.statements.get(name, ()):
            try:
                self[name] = self._run(statement, name)
            except ImportError as error:
                failed = NameError(str(error), name=name)
            else:
                return self[name]
        raise failed

    def _run(self, statement: ast.stmt, name: str) -> object:
        """Run one statement as the module would, which keeps nothing of it."""
        code = compile(ast.Module([statement], []), self.module.__name__, "exec")
        bound: Scope = {"__annotations__": {}}
        exec(code, vars(self.module), ChainMap(bound, vars(self.module), self))  # noqa: S102 -- the module's own code.
        return bound[name]


def _is_for_checkers(block: ast.If) -> bool:
    return ast.unparse(block.test).rpartition(".")[2] == "TYPE_CHECKING"


def _bindings(block: ast.If) -> Iterator[tuple[str, ast.stmt]]:
    """Give the names that imports and aliases in a block bind."""
    for node in ast.walk(block):
        match node:
            case ast.Import() | ast.ImportFrom():
                for alias in node.names:
                    yield alias.asname or alias.name.partition(".")[0], node
            case ast.Assign(targets=[ast.Name(id=name)]):
                yield name, node
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name, node
