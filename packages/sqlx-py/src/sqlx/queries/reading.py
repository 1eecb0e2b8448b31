"""Reads a Python annotation into a value; `Annotation` says what is kept of it.

Theory of operation: an annotation is an object of `typing` or `types`, or a class. What
only stands for another (`Annotated`, `NewType`, an alias, `NotRequired`) is taken off
first; then its origin, or that it is a class, decides the form. Fields of row classes
are read along, each with the names of the class that wrote it, and with what the type
variables stand for there. A class or an alias within itself is not opened again. One
row class is often asked for many times: who asks may keep those that were read.
"""

from __future__ import annotations

import collections
import enum
import types
import typing
from collections import ChainMap, abc
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias, get_args, get_origin

from sqlx.queries.annotations import Annotation, Field, Form
from sqlx.queries.resolving import Unresolved, resolve
from sqlx.queries.rows import UNWRITTEN, raw_fields

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from sqlx.queries.resolving import Scope
    from sqlx.queries.rows import RawField

__all__ = ["Rows", "read"]

Bound: TypeAlias = "MutableMapping[Any, Annotation]"
Rows: TypeAlias = "MutableMapping[type, Annotation]"
"""Row classes that were read, where all names exist already."""


@dataclass(frozen=True, slots=True)
class _Context:
    """What is known on the way down.

    Args:
        bound: What type variables stand for.
        within: The classes and aliases that are being read.
        names: The names of the function in which a row class was defined.
        rows: The row classes that were read.
    """

    bound: Bound = field(default_factory=dict)
    within: tuple[Any, ...] = ()
    names: Scope | None = None
    rows: Rows = field(default_factory=dict)


def read(
    annotation: object, names: Scope | None = None, rows: Rows | None = None
) -> Annotation:
    """Read an annotation.

    Args:
        annotation: What `resolve` gave. `inspect.Parameter.empty`, for what is not
            annotated, is an ANY whose text is empty.
        names: For row classes that are defined in a function: the names there.
        rows: The row classes that were read with the same names: they are not read
            again, and new ones are put there.
    """
    return _read(annotation, _Context(names=names, rows={} if rows is None else rows))


def _read(annotation: Any, context: _Context) -> Annotation:  # noqa: ANN401, PLR0911 -- anything may be written; a list of cases.
    if isinstance(annotation, Unresolved):
        return Annotation(annotation.text, Form.UNRESOLVED)
    if isinstance(annotation, str):
        return Annotation(annotation, Form.UNRESOLVED)
    if isinstance(annotation, typing.ForwardRef):
        # `resolve` leaves the name of an alias only inside that alias.
        return Annotation(annotation.__forward_arg__, Form.ANY)
    if annotation is typing.LiteralString:
        return replace(_class(str, context), text=_name(annotation))
    for known, text, form in _SINGLE:
        if annotation is known:
            return Annotation(text, form, optional=form is Form.NONE)
    meant = _meant(annotation, context)
    if meant is not None:
        return meant
    origin = get_origin(annotation)
    if origin is not None:
        return _generic(annotation, origin, context)
    if isinstance(annotation, type):
        return _class(annotation, context)
    return Annotation(_name(annotation), Form.CLASS, (str(annotation),))


def _meant(annotation: Any, context: _Context) -> Annotation | None:  # noqa: ANN401 -- as above.
    """Read what only stands for another annotation; None when it does not."""
    origin = get_origin(annotation)
    if isinstance(annotation, typing.NewType):
        meant = resolve(annotation.__supertype__, annotation, context.names)
        return replace(_read(meant, context), text=_name(annotation))
    if isinstance(annotation, typing.TypeVar):
        return context.bound.get(annotation) or _variable(annotation, context)
    if _is_alias(origin or annotation):
        return _alias(origin or annotation, get_args(annotation), context)
    if type(annotation).__name__ == "InitVar":
        return _read(annotation.type, context)
    if _name(origin) in _WRAPPERS:
        return _read(get_args(annotation)[0], context)
    return None


def _variable(variable: typing.TypeVar, context: _Context) -> Annotation:
    """Read a type variable that nothing is known for by what it may be."""
    if variable.__constraints__:
        return _union(variable.__constraints__, context)
    if variable.__bound__ is not None:
        return _read(resolve(variable.__bound__, variable, context.names), context)
    return Annotation(variable.__name__, Form.ANY)


def _is_alias(annotation: object) -> bool:
    """Tell whether it is `type X = …`, or the same from `typing_extensions`."""
    return type(annotation).__name__ == "TypeAliasType"


def _alias(alias: Any, given: tuple[Any, ...], context: _Context) -> Annotation:  # noqa: ANN401 -- 3.11 has no class for it.
    if alias in context.within:
        return Annotation(alias.__name__, Form.ANY)
    try:
        value = resolve(alias.__value__, alias, context.names)
    except NameError as error:
        return Annotation(str(error.name), Form.UNRESOLVED)
    items = tuple(_read(item, context) for item in given)
    bound = dict(zip(alias.__type_params__, items, strict=False))
    within = (*context.within, alias)
    meant = _read(value, replace(context, bound=bound, within=within))
    return replace(meant, text=_written(alias, items))


def _generic(annotation: Any, origin: Any, context: _Context) -> Annotation:  # noqa: ANN401 -- as above.
    given = get_args(annotation)
    if origin in {typing.Union, types.UnionType}:
        return _union(given, context)
    if origin is typing.Literal:
        return _literal(annotation)
    if raw_fields(origin) is not None:
        return _row(origin, given, context)
    endless = origin is tuple and given[1:] == (...,)
    items = tuple(_read(item, context) for item in given[: 1 if endless else None])
    form = Form.TUPLE if origin is tuple and given else _form(origin)
    return Annotation(
        _written(origin, items, "..." if endless else ""),
        Form.ARRAY if endless else form,
        _names(origin),
        items=items,
        cls=origin,
    )


def _form(origin: object) -> Form:
    if origin in _ARRAYS:
        return Form.ARRAY
    return Form.MAPPING if origin in _MAPPINGS else Form.GENERIC


def _union(given: tuple[Any, ...], context: _Context) -> Annotation:
    """Read `A | B`: None apart, unions within it opened, literals taken together."""
    members: list[Annotation] = []
    optional = False
    for member in (_read(item, context) for item in given):
        optional = optional or member.optional
        members += member.items if member.form is Form.UNION else [member]
    members = [member for member in members if member.form is not Form.NONE]
    texts = [member.text for member in members]
    text = " | ".join([*texts, "None"] if optional else texts)
    if not members:
        return Annotation("None", Form.NONE, optional=True)
    if len(members) == 1:
        return replace(members[0], text=text, optional=optional)
    if all(member.form is Form.LITERAL for member in members):
        values = tuple(value for member in members for value in member.values)
        return Annotation(text, Form.LITERAL, optional=optional, values=values)
    return Annotation(text, Form.UNION, optional=optional, items=tuple(members))


def _literal(annotation: object) -> Annotation:
    """Read what a Literal allows; members of one enum are a part of that enum."""
    given = [value for value in get_args(annotation) if value is not None]
    optional = None in get_args(annotation)
    text = str(annotation).replace("typing.", "")
    classes = {type(value) for value in given}
    values = tuple(v.value if isinstance(v, enum.Enum) else v for v in given)
    cls = classes.pop() if len(classes) == 1 else object
    if issubclass(cls, enum.Enum):
        names = _names(cls)
        return Annotation(text, Form.ENUM, names, optional, values=values, cls=cls)
    return Annotation(text, Form.LITERAL, optional=optional, values=values)


def _class(cls: type, context: _Context) -> Annotation:
    if issubclass(cls, enum.Enum):
        values = tuple(member.value for member in cls)
        return Annotation(_name(cls), Form.ENUM, _names(cls), values=values, cls=cls)
    if raw_fields(cls) is not None:
        return _row_alone(cls, context)
    form = Form.CLASS if _form(cls) is Form.GENERIC else _form(cls)
    return Annotation(_name(cls), form, _names(cls), cls=cls)


def _row_alone(cls: type, context: _Context) -> Annotation:
    """Read a row class to which no types are given, if it was not read before."""
    if context.within:  # Within another class, not all of it may be opened.
        return _row(cls, (), context)
    if cls not in context.rows:
        context.rows[cls] = _row(cls, (), context)
    return context.rows[cls]


def _row(cls: type, given: tuple[Any, ...], context: _Context) -> Annotation:
    items = tuple(_read(item, context) for item in given)
    text = _written(cls, items)
    if cls in context.within:
        return Annotation(text, Form.CLASS, _names(cls), cls=cls)
    bindings = dict(_bindings(cls, items, context))
    within = (*context.within, cls)
    fields = []
    for raw in raw_fields(cls) or ():
        # A TypedDict keeps no bases: there the variables of all of them count.
        bound = ChainMap(bindings.get(raw.owner, {}), *bindings.values())
        fields.append(_field(raw, replace(context, bound=bound, within=within)))
    return Annotation(
        text, Form.ROW, _names(cls), items=items, fields=tuple(fields), cls=cls
    )


def _field(raw: RawField, context: _Context) -> Field:
    resolved = resolve(raw.annotation, raw.owner, context.names)
    required = _requirement(resolved)
    return Field(
        raw.name,
        _read(resolved, context),
        raw.required if required is None else required,
    )


def _requirement(annotation: object) -> bool | None:
    """Read `Required` and `NotRequired`: of texts, a TypedDict itself cannot know."""
    name = _name(get_origin(annotation))
    if name in {"Required", "NotRequired"}:
        return name == "Required"
    return _requirement(get_args(annotation)[0]) if name in _WRAPPERS else None


def _bindings(
    cls: Any,  # noqa: ANN401 -- a class, or what stands in its place.
    items: tuple[Annotation, ...],
    context: _Context,
) -> typing.Iterator[tuple[object, Bound]]:
    """Find what type variables stand for, in a generic class and in each of its bases.

    By class, because two classes may use one variable for two things.
    """
    bound = dict(zip(getattr(cls, "__parameters__", ()), items, strict=False))
    yield cls, bound
    inner = replace(context, bound=bound)
    for base in getattr(cls, "__orig_bases__", ()):
        given = tuple(_read(item, inner) for item in get_args(base))
        yield from _bindings(get_origin(base), given, context)


def _names(cls: type) -> tuple[str, ...]:
    classes = (base for base in cls.__mro__ if base is not object)
    return tuple(f"{base.__module__}.{base.__qualname__}" for base in classes)


def _name(annotation: object) -> str:
    """Name it as a person does who has imported it."""
    known = getattr(annotation, "__qualname__", None) or getattr(
        annotation, "__name__", str(annotation)
    )
    return str(known).rpartition("<locals>.")[2].rpartition("typing.")[2]


def _written(generic: object, items: tuple[Annotation, ...], more: str = "") -> str:
    inside = ", ".join([*(item.text for item in items), *([more] if more else [])])
    return f"{_name(generic)}[{inside}]" if inside else _name(generic)


_SINGLE: tuple[tuple[object, str, Form], ...] = (
    (None, "None", Form.NONE),
    (types.NoneType, "None", Form.NONE),
    (Any, "Any", Form.ANY),
    (object, "object", Form.ANY),
    (UNWRITTEN, "", Form.ANY),
)
_WRAPPERS = {"Annotated", "ClassVar", "Final", "NotRequired", "ReadOnly", "Required"}
_ARRAYS: set[object] = {
    list,
    tuple,
    set,
    frozenset,
    collections.deque,
    abc.Collection,
    abc.Iterable,
    abc.MutableSequence,
    abc.MutableSet,
    abc.Sequence,
    abc.Set,
}
_MAPPINGS: set[object] = {
    dict,
    collections.Counter,
    collections.OrderedDict,
    collections.defaultdict,
    abc.Mapping,
    abc.MutableMapping,
}
