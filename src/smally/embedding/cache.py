"""A bounded memory of answers: what was not asked for the longest goes first."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["LruCache"]

T = TypeVar("T")


class LruCache(Generic[T]):
    """Values by key, for several threads.

    Args:
        bound: How many values are kept; 0 for none.
    """

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._values: OrderedDict[bytes, T] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, keys: Iterable[bytes]) -> dict[bytes, T]:
        """Give what is known of these keys, which are the last to go from now on."""
        found = {}
        with self._lock:
            for key in keys:
                if key in self._values:
                    self._values.move_to_end(key)
                    found[key] = self._values[key]
        return found

    def put(self, values: Mapping[bytes, T]) -> None:
        """Keep these, and let the oldest go."""
        with self._lock:
            self._values.update(values)
            while len(self._values) > self._bound:
                self._values.popitem(last=False)
