"""What a declared query's signature says, read from the function itself.

It is read when the query is first called: names that are imported for type checkers
alone, or defined below, are known by then.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlx.queries.annotations import Form, Shape
from sqlx.queries.reading import read
from sqlx.queries.resolving import annotations_of, resolve
from sqlx.queries.returns import NotAReturn, returns_of
from sqlx.queries.running.compiling import Call, head_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FunctionType

    from sqlx.queries.annotations import Annotation
    from sqlx.queries.resolving import Scope
    from sqlx.queries.running.compiling import Where

__all__ = ["Declaration"]

_ASYNC_STREAMS = {"collections.abc.AsyncIterator", "collections.abc.AsyncGenerator"}


@dataclass(frozen=True, slots=True)
class Declaration:
    """A function that declares a query.

    Args:
        function: As it was written; it never runs.
        where: Where it stands.
        names: What was defined around it, when that is in a function.
    """

    function: FunctionType
    where: Where
    names: Scope | None = None

    @property
    def is_async(self) -> bool:
        """Whether it is an `async def`."""
        return inspect.iscoroutinefunction(self.function)

    def call(self, sql: str) -> Call:
        """Read what is called.

        Raises:
            TypeError: The signature is no query's.
        """
        head = head_of(self.function, self.where)
        annotation = self._returned()
        try:
            returns = returns_of(annotation, is_async=self.is_async)
        except NotAReturn as error:
            raise TypeError(f"{self.where}: {error}") from None
        streams = returns.shape is Shape.STREAM
        return Call(
            sql=sql,
            shape=returns.shape,
            row=returns.row,
            is_value=False,
            head=replace(
                head,
                values=tuple(
                    replace(value, annotation=self._annotation(value.name))
                    for value in head.values
                ),
            ),
            is_async=(
                annotation.names[0] in _ASYNC_STREAMS if streams else self.is_async
            ),
            where=self.where,
        )

    def _returned(self) -> Annotation:
        annotation = self._annotation("return")
        if annotation is None:
            raise TypeError(
                f"{self.where}: it has no return annotation, which says what a row "
                "is; write `-> None` when no row comes back"
            )
        unknown = next(_unresolved(annotation), None)
        if unknown is not None:
            raise TypeError(
                f"{self.where}: {unknown} in the return annotation is not defined; "
                "import it in the module, or below `if TYPE_CHECKING:`"
            )
        return annotation

    def _annotation(self, name: str) -> Annotation | None:
        given = annotations_of(self.function)
        if name not in given:
            return None
        return read(resolve(given[name], self.function, self.names), self.names)


def _unresolved(annotation: Annotation) -> Iterator[str]:
    """Name what does not exist, at any depth."""
    if annotation.form is Form.UNRESOLVED:
        yield annotation.text
    for item in annotation.items:
        yield from _unresolved(item)
    for field in annotation.fields:
        yield from _unresolved(field.annotation)
