"""Values as a driver takes them: written by the first of their classes it knows."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Write", "adapters"]

Write: TypeAlias = Callable[[Any], Any]
Adapt: TypeAlias = Callable[[object, Any], Any]
AdaptAll: TypeAlias = Callable[[object, Collection[Any]], Collection[Any]]


def adapters(
    plain: frozenset[type], writers: Mapping[type, Write]
) -> tuple[Adapt, AdaptAll]:
    """Make what adapts one value, and what adapts several; the connection is not asked.

    Args:
        plain: The classes whose values, and not those of classes derived from them, go
            as they are.
        writers: What makes a value of a class into a plain one; a value of no class
            that is known is the driver's to write, or to refuse.
    """

    def adapt(_: object, value: Any) -> Any:  # noqa: ANN401 -- the user's.
        if type(value) in plain:
            return value
        for cls in type(value).__mro__:
            write = writers.get(cls)
            if write is not None:
                return write(value)
        return value

    def adapt_all(_: object, values: Collection[Any]) -> Collection[Any]:
        if plain.issuperset(map(type, values)):
            return values
        return tuple([adapt(_, value) for value in values])

    return adapt, adapt_all
