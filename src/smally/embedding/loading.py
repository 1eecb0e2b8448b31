"""The model that SMALLY_EMBEDDER names: the built-in one, or one that is installed."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from smally.embedding.embedder import Embedder

__all__ = ["EmbedderNotFound", "load_embedder"]

GROUP = "smally.embedders"
# Known without the metadata of a distribution, and not to be replaced by another one.
BUILT_IN = EntryPoint("hashed", "smally.embedding.hashed:HashedEmbedder", GROUP)


class EmbedderNotFound(Exception):
    """SMALLY_EMBEDDER names no model that can be served; the message says why."""


def load_embedder(name: str) -> Embedder:
    """Find the embedder of this name, and make it.

    Args:
        name: Of an entry point of the group `smally.embedders`, which names a class or
            a function that is called without arguments.

    Raises:
        EmbedderNotFound: There is none, there are two, or it cannot be used.
    """
    entry = find(name)
    try:
        embedder = entry.load()()
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise refused(name, f"{entry.value} cannot be loaded: {reason}") from error
    if fault := fault_of(embedder):
        raise refused(name, f"{entry.value} is no embedder: {fault}")
    return cast("Embedder", embedder)


def find(name: str) -> EntryPoint:
    """Find the one entry point of this name."""
    if name == BUILT_IN.name:
        return BUILT_IN
    # Two distributions may name the same one, and contradict nothing.
    installed = set(entry_points(group=GROUP))
    found = [entry for entry in installed if entry.name == name]
    if not found:
        names = sorted({BUILT_IN.name, *(entry.name for entry in installed)})
        raise refused(name, f"no such embedder; installed: {', '.join(names)}")
    if len(found) > 1:
        values = " and ".join(sorted(entry.value for entry in found))
        raise refused(name, f"two embedders have this name: {values}; uninstall one")
    return found[0]


def fault_of(embedder: Any) -> str:  # noqa: ANN401 - it can be anything until it is checked.
    """Say what keeps an object from being an embedder; nothing when it is one."""
    name = getattr(embedder, "name", None)
    if not isinstance(name, str) or not name:
        return f"its name is {name!r}, where a text is due"
    dimensions = getattr(embedder, "dimensions", None)
    if not isinstance(dimensions, int) or dimensions < 1:
        return f"its dimensions are {dimensions!r}, where a positive int is due"
    if not callable(getattr(embedder, "embed", None)):
        return "it has no method embed"
    return ""


def refused(name: str, reason: str) -> EmbedderNotFound:
    """Say which variable to mend."""
    return EmbedderNotFound(f"SMALLY_EMBEDDER is {name!r}: {reason}")
