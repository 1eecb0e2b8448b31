"""The embeddings that a process serves: a cache, and a thread for what is not in it.

Theory of operation. An answer is kept as the bytes that are sent, so that a text that
is known costs a look-up. All else happens in one thread, a bounded number of texts at a
time: the event loop goes on, a large batch lets others in between, and the model is
never called twice at once. The thread itself fills the cache: whoever stops waiting
takes nothing away from it, and two who ask for the same text make it once.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from smally.embedding.cache import LruCache
from smally.embedding.rows import to_json, unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from msgspec import Raw
    from numpy.typing import NDArray

    from smally.embedding.embedder import Embedder

__all__ = ["EmbeddingFailed", "Embeddings"]

CACHED_TEXTS = 10_000
TEXTS_A_CALL = 32
# About two seconds of the built-in model's work, for the longest texts.
BUSY_TEXTS = 2_000


class EmbeddingFailed(Exception):
    """A model gave no vectors, or none that can be served."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(model, reason)
        self.model, self.reason = model, reason

    def __str__(self) -> str:
        return f"the embedder {self.model} failed: {self.reason}"


class Embeddings:
    """What one model says about texts.

    Args:
        embedder: The model.
        cached_texts: How many answers are kept; 0 for none.

    Attributes:
        model: The model's name.
        dimensions: How many values a vector has.
        hits: Texts answered from the cache, or with the same text beside them.
        misses: Texts that were not in the cache when they were asked for.
    """

    def __init__(self, embedder: Embedder, *, cached_texts: int = CACHED_TEXTS) -> None:
        self.model = embedder.name
        self.dimensions = embedder.dimensions
        self.hits = self.misses = 0
        self._waiting = 0
        self._embedder = embedder
        self._cache: LruCache[Raw] = LruCache(cached_texts)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="embedder")

    async def close(self) -> None:
        """Let the thread end once it has done what was asked for."""
        await asyncio.to_thread(self._worker.shutdown)

    async def embed(self, texts: Sequence[str], *, normalize: bool) -> list[Raw]:
        """Give a vector a text, in their order, each as a JSON array.

        Args:
            texts: One text or more.
            normalize: Whether each vector is scaled to length 1.

        Raises:
            EmbeddingFailed: The model could not; nothing it said is kept.
        """
        keys = [self._key(text, normalize=normalize) for text in texts]
        found = self._cache.get(keys)
        missing = {
            key: text for key, text in zip(keys, texts, strict=True) if key not in found
        }
        self.hits += len(keys) - len(missing)
        self.misses += len(missing)
        self._waiting += len(missing)
        try:
            for batch in batches(missing):
                found |= await asyncio.get_running_loop().run_in_executor(
                    self._worker, self._make, batch, normalize
                )
        finally:
            self._waiting -= len(missing)
        return [found[key] for key in keys]

    @property
    def is_busy(self) -> bool:
        """Whether so many texts wait for the model that more would wait too long."""
        return self._waiting >= BUSY_TEXTS

    def _key(self, text: str, *, normalize: bool) -> bytes:
        """Name an answer: by its model, its form and its text."""
        form = f"{self.model}\0{normalize:d}\0{text}"
        return sha256(form.encode(errors="surrogatepass")).digest()

    def _make(self, texts: dict[bytes, str], normalize: bool) -> dict[bytes, Raw]:  # noqa: FBT001 - an executor passes no keywords.
        """Answer in the thread; those before us may have made some of it."""
        answers = self._cache.get(texts)
        unknown = {key: text for key, text in texts.items() if key not in answers}
        if unknown:
            rows = self._rows(list(unknown.values()))
            arrays = to_json(unit(rows) if normalize else rows)
            made = dict(zip(unknown, arrays, strict=True))
            self._cache.put(made)
            answers |= made
        return answers

    def _rows(self, texts: list[str]) -> NDArray[np.float32]:
        """Ask the model, and take nothing but a finite row a text."""
        try:
            # A value beyond float32 becomes infinite, and is refused below.
            with np.errstate(over="ignore"):
                rows = np.asarray(self._embedder.embed(texts), np.float32)
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise EmbeddingFailed(self.model, reason) from error
        expected = (len(texts), self.dimensions)
        if rows.shape != expected:
            reason = f"it returned the shape {rows.shape} where {expected} was due"
            raise EmbeddingFailed(self.model, reason)
        if not np.isfinite(rows).all():
            raise EmbeddingFailed(self.model, "it returned NaN or infinite values")
        return rows


def batches(texts: dict[bytes, str]) -> list[dict[bytes, str]]:
    """Cut what is missing into what one call of the model gets."""
    items = list(texts.items())
    return [
        dict(items[start : start + TEXTS_A_CALL])
        for start in range(0, len(items), TEXTS_A_CALL)
    ]
