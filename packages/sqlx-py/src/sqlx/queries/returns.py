"""What a return annotation asks for: how many rows, and of what.

A list is always all rows: `list[int]` cannot be told from one row that is an array of
integers. An array alone is therefore asked for as `list[list[int]]`, or in a row class.
"""

from __future__ import annotations

from dataclasses import replace

from sqlx.queries.annotations import Annotation, Form, Returns, Shape

__all__ = ["ROWS_AFFECTED", "NotAReturn", "returns_of"]

ROWS_AFFECTED = "sqlx.checked.RowsAffected"
"""The class with which a function asks how many rows were touched."""


class NotAReturn(ValueError):
    """A return annotation does not say how many rows of what; the text has the mend."""


def returns_of(annotation: Annotation, *, is_async: bool) -> Returns:
    """Read a function's return annotation.

    `Any`, and what cannot be resolved, are rows like others here: the check of the
    columns knows what to say of them.

    Args:
        annotation: What `read` made of it.
        is_async: Whether the function is an `async def`.

    Raises:
        NotAReturn: It is no form that a query can have.
    """
    name = _class_name(annotation)
    if annotation.form is Form.NONE:
        return Returns(Shape.EXECUTE)
    if name == ROWS_AFFECTED and not annotation.optional:
        return Returns(Shape.AFFECTED)
    if name in _MANY:
        return _many(annotation, _MANY[name], is_async=is_async)
    if annotation.form is Form.ARRAY:
        mend = 'all rows are a "list", a stream of them is an "Iterator"'
        raise NotAReturn(f'"{annotation.text}" is no way to return rows: {mend}')
    if annotation.optional:
        text = annotation.text.removesuffix(" | None")
        row = replace(annotation, text=text, optional=False)
        return Returns(Shape.OPTIONAL, _row(row))
    return Returns(Shape.ONE, _row(annotation))


def _many(annotation: Annotation, shape: Shape, *, is_async: bool) -> Returns:
    text = annotation.text
    if annotation.optional:
        raise NotAReturn(
            f'"{text}" is never None: no rows are an empty one; take "| None" away'
        )
    if is_async and _class_name(annotation) in _SYNC:
        raise NotAReturn(
            f'"{text}" cannot stream from an async function; write "AsyncIterator"'
        )
    row = annotation.items[0] if annotation.items else _UNKNOWN
    if row.form is Form.ROW and row.optional:
        raise NotAReturn(f'"{text}": a row is never None; take "| None" away')
    return Returns(shape, _row(row))


def _row(annotation: Annotation) -> Annotation:
    """Give what one row is, when it can be one."""
    mend = _MENDS.get(_class_name(annotation))
    if annotation.form in {Form.TUPLE, Form.NONE}:
        mend = "give its columns names, in a NamedTuple or another row class"
    elif any(item.form is Form.ROW for item in annotation.items) and (
        annotation.form is Form.UNION
    ):
        mend = "choose one class"
    if mend is not None:
        raise NotAReturn(
            f'"{annotation.text}" is neither a row class nor a scalar: {mend}'
        )
    return annotation


def _class_name(annotation: Annotation) -> str:
    return annotation.names[0] if annotation.names else ""


_UNKNOWN = Annotation("", Form.ANY)
_MANY = {
    "builtins.list": Shape.ALL,
    "collections.abc.AsyncGenerator": Shape.STREAM,
    "collections.abc.AsyncIterator": Shape.STREAM,
    "collections.abc.Generator": Shape.STREAM,
    "collections.abc.Iterator": Shape.STREAM,
}
_SYNC = {"collections.abc.Generator", "collections.abc.Iterator"}
_ALONE = "it stands alone, as what the function returns"
_AWAITED = "an async function is annotated with what its caller gets by await"
_MENDS = {
    ROWS_AFFECTED: _ALONE,
    **dict.fromkeys(_MANY.keys() - {"builtins.list"}, _ALONE),
    "collections.abc.AsyncIterable": 'write "AsyncIterator"',
    "collections.abc.Awaitable": _AWAITED,
    "collections.abc.Coroutine": _AWAITED,
}
