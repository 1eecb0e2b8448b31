"""The types that evidence shows, in the process that has imported the module.

Nothing is called, and no attribute of an object is read: modules, classes and their
annotations tell all.
"""

from __future__ import annotations

import builtins
import enum
import functools
import inspect
import sys
import types
import typing
from typing import TYPE_CHECKING, Any, cast

from sqlx.queries.annotations import Annotation, Form
from sqlx.queries.collecting.evidence import Means
from sqlx.queries.reading import read
from sqlx.queries.resolving import Unresolved, annotations_of, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from sqlx.queries.collecting.evidence import Evidence
    from sqlx.queries.reading import Rows

__all__ = ["shown"]

_PLAIN: set[object] = {bool, bytes, float, int, str}
_CONVERTING: set[object] = {*_PLAIN, bytearray, memoryview}
# What functions of the standard library return that do not say it themselves.
_RETURNS = {
    "builtins.chr": "builtins.str",
    "builtins.len": "builtins.int",
    "builtins.ord": "builtins.int",
    "builtins.repr": "builtins.str",
    "posix.urandom": "builtins.bytes",
    "secrets.token_bytes": "builtins.bytes",
    "secrets.token_hex": "builtins.str",
    "secrets.token_urlsafe": "builtins.str",
    "time.time": "builtins.float",
    "time.time_ns": "builtins.int",
    "uuid.uuid1": "uuid.UUID",
    "uuid.uuid3": "uuid.UUID",
    "uuid.uuid4": "uuid.UUID",
    "uuid.uuid5": "uuid.UUID",
}
# Methods of classes written in C that make an instance of their class.
_MAKERS = {
    "combine",
    "from_bytes",
    "from_float",
    "fromhex",
    "fromisocalendar",
    "fromisoformat",
    "fromordinal",
    "fromtimestamp",
    "now",
    "strptime",
    "today",
    "utcfromtimestamp",
    "utcnow",
}
_ABSENT = object()


def shown(
    evidence: Evidence, module: ModuleType, rows: Rows
) -> Annotation | Unresolved | None:
    """Find the type that evidence shows.

    Args:
        evidence: What the module's tree shows.
        module: The module, imported.
        rows: The row classes that were read for other evidence; new ones are added.

    Returns:
        The type; why an annotation has none; None when it is not evident after all.
    """
    if evidence.means is Means.LOCAL:
        return Unresolved(evidence.text, "it is made inside a function")
    if evidence.means is Means.ATTRIBUTE:
        base = evidence.base and shown(evidence.base, module, rows)
        return _attribute(base, evidence.text) if isinstance(base, Annotation) else None
    try:
        imported = _imported(evidence, module)
    except ImportError as error:
        return Unresolved(evidence.text, str(error))
    if evidence.means is Means.ANNOTATION:
        owner = _owner(evidence.owner, module)
        found = resolve(evidence.text, owner, dict(imported))
        return found if isinstance(found, Unresolved) else read(found, rows=rows)
    value = _look_up(evidence, imported, module)
    return _called(value) if evidence.means is Means.CALL else _valued(value)


def _imported(evidence: Evidence, module: ModuleType) -> Mapping[str, object]:
    """Run the imports of the function around, as it would do itself."""
    names: dict[str, object] = {}
    package = {"__name__": module.__name__, "__package__": module.__package__}
    for statement in evidence.imports:
        exec(statement, {**package}, names)  # noqa: S102 -- an import of the user's.
    return names


def _owner(path: str, module: ModuleType) -> Callable[..., object]:
    """Stand in for a function of a class or a module, which may not be in reach."""

    def owner() -> None:
        """Stand in."""

    owner.__module__ = module.__name__
    owner.__qualname__ = f"{path}.owner".lstrip(".")
    return owner


def _look_up(
    evidence: Evidence, imported: Mapping[str, object], module: ModuleType
) -> object:
    """Go along a dotted name, through modules and classes only."""
    first, *rest = evidence.text.split(".")
    value = imported.get(first, vars(module).get(first, vars(builtins).get(first)))
    for name in rest:
        # An object's attributes may run the user's code; these of an enum do not.
        is_member = isinstance(value, enum.Enum) and name in {"name", "value"}
        if not is_member and not isinstance(value, type | types.ModuleType):
            return None
        value = getattr(value, name, None)
    return value


def _called(value: Any) -> Annotation | None:  # noqa: ANN401 -- whatever has the name.
    """Read what comes back when a class, or what makes instances, is called."""
    if isinstance(value, typing.NewType):
        return read(value)
    if isinstance(value, type):
        return _instance(value)
    name = f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}"
    if name in _RETURNS:
        home, _, returned = _RETURNS[name].rpartition(".")
        return read(getattr(sys.modules[home], returned))
    made = getattr(value, "__self__", None)
    if isinstance(value, types.BuiltinMethodType) and isinstance(made, type):
        return _instance(made) if value.__name__ in _MAKERS else None
    if isinstance(value, types.FunctionType | types.MethodType):
        return _returned(value)
    return None


def _instance(cls: type) -> Annotation | None:
    """Read a class; what it leaves open (`list`, `Range`) is not evident."""
    if cls.__module__ == "builtins" and cls not in _CONVERTING:
        return None
    return None if getattr(cls, "__parameters__", ()) else read(cls)


def _returned(function: Callable[..., object]) -> Annotation | None:
    """Read what a function says to return, when it is called as it is written."""
    is_other = inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(
        function
    )
    if is_other or inspect.isasyncgenfunction(function):
        return None
    if hasattr(function, "__wrapped__"):  # A decorator may change what it returns.
        return None
    cls = getattr(function, "__self__", None)
    plain = getattr(function, "__func__", function)
    found = _annotated(annotations_of(plain).get("return", _ABSENT), plain)
    if found is not None and found.text == "Self":
        return read(cls) if isinstance(cls, type) else None
    return found


def _annotated(annotation: object, owner: Callable[..., object]) -> Annotation | None:
    if annotation is _ABSENT:
        return None
    found = resolve(annotation, owner)
    return None if isinstance(found, Unresolved) else read(found)


def _valued(value: object) -> Annotation | None:
    """Read the type of a constant: an enum's member, or one of a module."""
    kind = type(value)
    return read(kind) if isinstance(value, enum.Enum) or kind in _PLAIN else None


def _attribute(base: Annotation, name: str) -> Annotation | None:
    """Read the type of an attribute: of a row's field, an enum's value, a class's."""
    for field in base.fields:
        if field.name == name:
            return field.annotation
    if base.form is Form.ENUM and name in {"name", "value"}:
        kinds = {type(value) for value in base.values} if name == "value" else {str}
        return read(kinds.pop()) if len(kinds) == 1 else None
    for cls in getattr(base.cls, "__mro__", ()):
        if name in annotations_of(cls):
            return _annotated(annotations_of(cls)[name], cls)
        if name in vars(cls):
            return _computed(vars(cls)[name])
    return None


def _computed(member: object) -> Annotation | None:
    """Read what a property says to return."""
    getter = None
    if isinstance(member, property):
        getter = member.fget
    elif isinstance(member, functools.cached_property):
        getter = member.func
    if getter is None:
        return None
    owner = cast("Callable[..., object]", getter)
    return _annotated(annotations_of(owner).get("return", _ABSENT), owner)
