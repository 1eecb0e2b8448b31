"""What a model has to be for smally to serve it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Embedder"]


class Embedder(Protocol):
    """A model that turns texts into vectors; plain attributes do for the properties."""

    @property
    def name(self) -> str:
        """Name the model in answers; change it whenever its vectors change."""

    @property
    def dimensions(self) -> int:
        """Tell how many values a vector has."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give one row a text, in their order, as the model makes them.

        It need not be thread-safe: smally calls it from one thread of its own, one call
        at a time in a process, with at least one text and never an empty one. Rows
        need no unit length: smally sees to that when it is asked for.
        """
