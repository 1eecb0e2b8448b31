"""The small functions that checked queries become, as source.

Theory of operation: for each query and each class of connections one function is
compiled, at the first call. It has the parameters as they were written, so that Python
itself binds arguments (`Signature.bind` takes ten times as long as all the rest), and
what the driver is told stands in it as a person would write it by hand. A function that
was handed out before its code was known gets its code later: `become` swaps it. All
names of ours begin with `_sqlx_`, so that parameters can have any other.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from functools import update_wrapper
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from sqlx.errors import QueryError, SqlxError
from sqlx.queries.annotations import Shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlx.queries.annotations import Annotation

__all__ = [
    "INLINE",
    "Body",
    "Call",
    "Head",
    "Value",
    "Where",
    "become",
    "expressions",
    "has_fixed_columns",
    "head_of",
    "later",
    "made",
    "passing",
    "sequence",
    "source",
]


@dataclass(frozen=True, slots=True)
class Where:
    """Where a query stands, for its errors."""

    path: str
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.name}"

    def failed(self, error: BaseException) -> None:
        """Note on an error that is not ours which query it came from."""
        if not isinstance(error, SqlxError):
            error.add_note(f"in the query at {self}")

    def error(self, kind: type[QueryError]) -> QueryError:
        """Make an error of ours."""
        return kind(self.path, self.line, self.name)


@dataclass(frozen=True, slots=True)
class Value:
    """What placeholders get: one, or with a star each of several.

    Args:
        name: The parameter that holds it.
        annotation: Its type; None when it is not known.
        starred: Whether it holds several.
    """

    name: str
    annotation: Annotation | None = None
    starred: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """The parameters of a function, as source.

    Args:
        written: As they stand in its `def`, defaults apart.
        passed_on: How they are given to another function with the same parameters.
        connection: The one that holds the connection.
        position: Where that one stands among the positional ones.
        values: What the placeholders get, in their order.
    """

    written: str
    passed_on: str
    connection: str
    position: int
    values: tuple[Value, ...]


INLINE = Head(
    "connection, args",
    "connection, args",
    "connection",
    0,
    (Value("args", starred=True),),
)
"""Of a query that is called where it stands: `query(sql, *args).one(connection)`."""


@dataclass(frozen=True, slots=True)
class Call:
    """A query as a driver compiles it.

    Args:
        sql: The text, sent as it is.
        shape: How many rows its caller gets.
        row: What a row is; None for tuples with the columns' names.
        is_value: Whether the one column is the row.
        head: The parameters.
        is_async: Whether rows are awaited; None when they are if the connection is
            async.
        where: Where the query stands.
    """

    sql: str
    shape: Shape
    row: Annotation | None
    is_value: bool
    head: Head
    is_async: bool | None
    where: Where


def _no_body() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Body:
    """What a driver does for a call.

    Args:
        lines: Statements, the last of which returns; `_sqlx_sql` is the text.
        names: What else they name, beginning with `_sqlx_`.
        settled: Asked after the first call, gives what does the same faster, now that
            the columns are known; None when there is nothing faster.
    """

    lines: tuple[str, ...]
    names: dict[str, object]
    settled: Callable[[], Body | None] = _no_body


def head_of(function: FunctionType, where: Where) -> Head:
    """Read the parameters that a function was written with.

    Raises:
        TypeError: None can be the connection, or there is `**kwargs`.
    """
    code = function.__code__
    if code.co_flags & inspect.CO_VARKEYWORDS:
        raise TypeError(f"{where}: a query's parameters have no order in **kwargs")
    positional = code.co_varnames[: code.co_argcount]
    both = code.co_argcount + code.co_kwonlyargcount
    keywords = code.co_varnames[code.co_argcount : both]
    starred = code.co_varnames[both] if code.co_flags & inspect.CO_VARARGS else None
    position = int(_is_method(function, positional))
    if len(positional) <= position:
        raise TypeError(f"{where}: the first parameter must be the connection")
    return Head(
        _written(positional, code.co_posonlyargcount, starred, keywords),
        _passed_on(positional, starred, keywords),
        positional[position],
        position,
        (
            *(Value(name) for name in positional[position + 1 :]),
            *([Value(starred, starred=True)] if starred else []),
            *(Value(name) for name in keywords),
        ),
    )


def _is_method(function: FunctionType, positional: tuple[str, ...]) -> bool:
    """Tell whether the first parameter is not ours: a static method's is annotated."""
    outer, _, _ = function.__qualname__.rpartition(".")
    in_class = bool(outer) and not outer.endswith("<locals>")
    first = positional[0] if positional else ""
    return in_class and (
        first in {"self", "cls"} or first not in function.__annotations__
    )


def _written(
    positional: tuple[str, ...],
    only: int,
    starred: str | None,
    keywords: tuple[str, ...],
) -> str:
    parts = [*positional[:only], *(["/"] if only else []), *positional[only:]]
    if starred or keywords:
        parts.append(f"*{starred or ''}")
    return ", ".join([*parts, *keywords])


def _passed_on(
    positional: tuple[str, ...], starred: str | None, keywords: tuple[str, ...]
) -> str:
    parts = [*positional, *([f"*{starred}"] if starred else [])]
    return ", ".join([*parts, *(f"{name}={name}" for name in keywords)])


def expressions(head: Head, is_plain: Callable[[Annotation], bool]) -> list[str]:
    """Write what the placeholders get.

    What is not plain goes through `_sqlx_adapt`, or several through `_sqlx_adapt_all`.

    Args:
        head: The parameters.
        is_plain: Tells of a type whether the driver takes its values as they are.
    """
    given = f"({head.connection}, "
    written = []
    for value in head.values:
        plain = value.annotation is not None and is_plain(value.annotation)
        if not value.starred:
            written.append(value.name if plain else f"_sqlx_adapt{given}{value.name})")
        elif plain:
            written.append(f"*{value.name}")
        else:
            written.append(f"*_sqlx_adapt_all{given}{value.name})")
    return written


def sequence(texts: list[str]) -> str:
    """Write a sequence of what the placeholders get."""
    if len(texts) == 1 and texts[0].startswith("*"):
        return texts[0][1:]
    return f"({''.join(f'{text}, ' for text in texts)})"


def has_fixed_columns(sql: str) -> bool:
    """Tell whether a text alone decides the names of its columns.

    Where nothing is `*`, no table can change them, and they need to be read once only.
    """
    return _FIXED.match(sql) is not None and _OPEN.search(sql) is None


_FIXED = re.compile(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH|MERGE)\b", re.IGNORECASE)
_OPEN = re.compile(r"\*|\bTABLE\b", re.IGNORECASE)


def passing(call: Call, *, is_async: bool) -> str:
    """Write a function that has the parameters, and passes all calls on.

    Args:
        call: The query.
        is_async: Whether the function is an `async def`.
    """
    head = call.head
    waits = is_async and call.shape is not Shape.STREAM
    return (
        f"{'async ' if is_async else ''}def call({head.written}):\n"
        f"    return {'await ' if waits else ''}_sqlx_other({head.passed_on})\n"
    )


def source(call: Call, body: Body) -> str:
    """Write a function that serves connections of one class, and passes others on.

    What gives a stream is no `async def`, even if its rows are awaited.
    """
    head = call.head
    is_async = call.is_async and call.shape is not Shape.STREAM
    lines = "\n        ".join(body.lines)
    return (
        f"{'async ' if is_async else ''}def call({head.written}):\n"
        f"    if {head.connection}.__class__ is not _sqlx_class:\n"
        f"        return {'await ' if is_async else ''}_sqlx_other({head.passed_on})\n"
        "    try:\n"
        f"        {lines}\n"
        "    except _sqlx_Exception as _sqlx_error:\n"
        "        _sqlx_failed(_sqlx_error)\n"
        "        raise\n"
    )


def later(
    first: Callable[..., Any], like: FunctionType, *, is_async: bool
) -> FunctionType:
    """Make a function that looks like another, and whose code is still to come.

    Args:
        first: What is called until then, with the same arguments.
        like: The function as it was written.
        is_async: Whether the function is an `async def`.
    """
    names = {"_sqlx_first": first}
    code = _FIRST_ASYNC if is_async else _FIRST
    function = FunctionType(code, names, like.__name__, like.__defaults__)
    function.__kwdefaults__ = like.__kwdefaults__
    update_wrapper(function, like)
    return function


def become(
    function: FunctionType, text: str, names: dict[str, object], where: Where
) -> None:
    """Give a function its code, which is of the same colour.

    A call that is under way in another thread goes on with the code it has: names are
    added, none is changed.
    """
    code = _compiled(text, function.__name__, where)
    function.__globals__.update(_COMMON, **names)
    function.__code__ = code


def made(text: str, names: dict[str, object], where: Where) -> FunctionType:
    """Make a function."""
    return FunctionType(_compiled(text, where.name, where), {**_COMMON, **names})


def _compiled(text: str, name: str, where: Where) -> CodeType:
    code = _code_of(text, f"<sqlx {where}>")
    # The name that tracebacks and profilers show.
    return code.replace(co_name=name)


_COMMON: dict[str, object] = {"_sqlx_Exception": Exception}


def _code_of(text: str, file: str = "<sqlx>") -> CodeType:
    names: dict[str, FunctionType] = {}
    exec(compile(text, file, "exec"), {}, names)  # noqa: S102 -- ours.
    return names["call"].__code__


_FIRST = _code_of(
    "def call(*args, **kwargs):\n    return _sqlx_first(*args, **kwargs)\n"
)
_FIRST_ASYNC = _code_of(
    "async def call(*args, **kwargs):\n    return await _sqlx_first(*args, **kwargs)\n"
)
