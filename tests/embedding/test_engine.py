"""The cache, the thread, and what a model may not do."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from threading import Event, Lock, get_ident
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smally.embedding.cache import LruCache
from smally.embedding.engine import TEXTS_A_CALL, EmbeddingFailed, Embeddings
from smally.embedding.hashed import HashedEmbedder
from smally.embedding.rows import to_json, unit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from msgspec import Raw

    from smally.embedding.embedder import Embedder

PATIENCE_SECONDS = 30


class Lengths:
    """A model that knows the length of a text, and remembers what it was asked."""

    name = "lengths"
    dimensions = 2

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.threads: set[int] = set()
        self._busy = Lock()

    def embed(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Give (length, 1), and refuse to be called twice at once."""
        assert self._busy.acquire(blocking=False)
        self.calls.append(list(texts))
        self.threads.add(get_ident())
        self._busy.release()
        return np.array([[len(text), 1] for text in texts], np.float32)


class Slow(Lengths):
    """The same, when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.called, self.let_go = Event(), Event()

    def embed(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Say that it was called, and wait."""
        self.called.set()
        assert self.let_go.wait(PATIENCE_SECONDS)
        return super().embed(texts)


class Answering:
    """A model that answers what a test wants."""

    name = "answering"
    dimensions = 2

    def __init__(self, answer: Callable[[Sequence[str]], Any]) -> None:
        self.embed = answer


@asynccontextmanager
async def opened(model: Embedder, cached_texts: int = 100) -> AsyncIterator[Embeddings]:
    """Close them at the end."""
    embeddings = Embeddings(model, cached_texts=cached_texts)
    try:
        yield embeddings
    finally:
        await embeddings.close()


def read(arrays: list[Raw]) -> list[list[float]]:
    """Read what an answer would hold."""
    return [json.loads(bytes(array)) for array in arrays]


def test_a_text_is_made_once_and_then_known() -> None:
    """The second time, the model is not asked; twice in a batch, it is asked once."""

    async def scenario() -> None:
        model = Lengths()
        async with opened(model) as embeddings:
            assert (embeddings.model, embeddings.dimensions) == ("lengths", 2)
            first = await embeddings.embed(["abc", "a", "abc"], normalize=False)
            assert read(first) == [[3, 1], [1, 1], [3, 1]]
            assert (embeddings.hits, embeddings.misses) == (1, 2)
            second = await embeddings.embed(["a", "abcd"], normalize=False)
            assert read(second) == [[1, 1], [4, 1]]
            assert (embeddings.hits, embeddings.misses) == (2, 3)
            assert model.calls == [["abc", "a"], ["abcd"]]
            assert get_ident() not in model.threads
            assert len(model.threads) == 1

    asyncio.run(scenario())


def test_the_two_forms_of_a_vector_are_kept_apart() -> None:
    """With and without unit length are two answers, whichever was first."""

    async def scenario() -> None:
        async with opened(Lengths()) as embeddings:
            for _ in range(2):
                raw = await embeddings.embed(["abc"], normalize=False)
                scaled = await embeddings.embed(["abc"], normalize=True)
                assert read(raw) == [[3, 1]]
                assert read(scaled) == [[0.9486833, 0.31622776]]
            assert (embeddings.hits, embeddings.misses) == (2, 2)

    asyncio.run(scenario())


def test_what_is_known_is_answered_without_the_thread() -> None:
    """A cached text is answered while the model is busy, and after the end."""

    async def scenario() -> None:
        model = Slow()
        model.let_go.set()
        async with opened(model) as embeddings:
            await embeddings.embed(["known"], normalize=False)
            model.called.clear()
            model.let_go.clear()
            waiting = asyncio.create_task(embeddings.embed(["new"], normalize=False))
            await asyncio.to_thread(model.called.wait, PATIENCE_SECONDS)
            known = await embeddings.embed(["known"], normalize=False)
            assert read(known) == [[5, 1]]
            model.let_go.set()
            assert read(await waiting) == [[3, 1]]
        assert read(await embeddings.embed(["new"], normalize=False)) == [[3, 1]]

    asyncio.run(scenario())


def test_the_cache_is_bounded() -> None:
    """What was not asked for the longest is made again."""

    async def scenario() -> None:
        model = Lengths()
        async with opened(model, cached_texts=2) as embeddings:
            for text in ("a", "bb", "a", "ccc", "a", "bb"):
                await embeddings.embed([text], normalize=False)
                assert len(embeddings._cache) <= 2
            assert model.calls == [["a"], ["bb"], ["ccc"], ["bb"]]

    asyncio.run(scenario())


def test_without_a_cache_every_text_is_made() -> None:
    """A bound of 0 keeps nothing, and a batch larger than a bound is whole."""

    async def scenario() -> None:
        model = Lengths()
        async with opened(model, cached_texts=0) as embeddings:
            for _ in range(2):
                arrays = await embeddings.embed(["a", "bb"], normalize=False)
                assert read(arrays) == [[1, 1], [2, 1]]
            assert model.calls == [["a", "bb"], ["a", "bb"]]

    asyncio.run(scenario())


@given(st.lists(st.tuples(st.binary(max_size=1), st.integers()), max_size=50))
def test_the_cache_keeps_the_last_ones(entries: list[tuple[bytes, int]]) -> None:
    """It holds what a plain list of the last different keys would."""
    cache: LruCache[int] = LruCache(3)
    kept: dict[bytes, int] = {}
    for key, value in entries:
        assert cache.get([key]) == ({key: kept[key]} if key in kept else {})
        cache.put({key: value})
        kept.pop(key, None)
        kept = dict([*kept.items(), (key, value)][-3:])
    assert cache.get(list(kept)) == kept
    assert len(cache) == len(kept)


def test_a_large_batch_lets_others_in_between() -> None:
    """The model gets it in parts, and who comes later need not wait for all."""

    async def scenario() -> None:
        model = Slow()
        async with opened(model) as embeddings:
            texts = [str(number) for number in range(2 * TEXTS_A_CALL + 1)]
            large = asyncio.create_task(embeddings.embed(texts, normalize=False))
            await asyncio.to_thread(model.called.wait, PATIENCE_SECONDS)
            small = asyncio.create_task(embeddings.embed(["x"], normalize=False))
            await asyncio.sleep(0)  # It is in the queue now, behind the first part.
            model.let_go.set()
            assert read(await small) == [[1, 1]]
            assert read(await large) == [[len(text), 1] for text in texts]
        sizes = [len(call) for call in model.calls]
        assert sizes == [TEXTS_A_CALL, 1, TEXTS_A_CALL, 1]

    asyncio.run(scenario())


def test_many_who_ask_for_the_same_make_it_once() -> None:
    """50 overlapping batches at once: right answers, and no text is made twice."""

    async def scenario() -> None:
        model = Lengths()
        async with opened(model) as embeddings:
            wanted = [
                ["x" * (1 + (start + i) % 20) for i in range(10)] for start in range(50)
            ]
            answers = await asyncio.gather(
                *(embeddings.embed(texts, normalize=False) for texts in wanted)
            )
            for texts, arrays in zip(wanted, answers, strict=True):
                assert read(arrays) == [[len(text), 1] for text in texts]
            made = [text for call in model.calls for text in call]
            assert sorted(made) == sorted(set(made))
            assert embeddings.hits + embeddings.misses == 500

    asyncio.run(scenario())


def test_who_stops_waiting_takes_nothing_away() -> None:
    """What runs is finished and kept, what waits in the queue is not begun."""

    async def scenario() -> None:
        model = Slow()
        async with opened(model) as embeddings:
            running = asyncio.create_task(embeddings.embed(["ab"], normalize=False))
            await asyncio.to_thread(model.called.wait, PATIENCE_SECONDS)
            queued = asyncio.create_task(embeddings.embed(["abc"], normalize=False))
            await asyncio.sleep(0)  # It is in the queue now.
            for task in (running, queued):
                task.cancel()
            await asyncio.wait({running, queued})
            assert running.cancelled()
            assert queued.cancelled()
            model.let_go.set()
            arrays = await embeddings.embed(["ab", "abcd"], normalize=False)
            assert read(arrays) == [[2, 1], [4, 1]]
        assert model.calls == [["ab"], ["abcd"]]

    asyncio.run(scenario())


def raising(_texts: Sequence[str]) -> None:
    """Fail as models do."""
    raise RuntimeError("out of memory\nTried to allocate")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (raising, "RuntimeError: out of memory Tried to allocate"),
        (
            lambda _: np.ones((1, 3)),
            "it returned the shape (1, 3) where (1, 2) was due",
        ),
        (lambda _: np.ones(2), "it returned the shape (2,) where (1, 2) was due"),
        (lambda _: [[1, float("nan")]], "it returned NaN or infinite values"),
        (lambda _: np.array([[1, 1e300]]), "it returned NaN or infinite values"),
        (
            lambda _: [["a", "b"]],
            "ValueError: could not convert string to float: 'a'",
        ),
    ],
)
def test_a_model_that_fails_is_named(
    answer: Callable[[Sequence[str]], Any], reason: str
) -> None:
    """The message has the model and the reason; nothing of it is kept."""

    async def scenario() -> None:
        async with opened(Answering(answer)) as embeddings:
            with pytest.raises(EmbeddingFailed) as failed:
                await embeddings.embed(["x"], normalize=True)
            assert str(failed.value) == f"the embedder answering failed: {reason}"
            assert len(embeddings._cache) == 0

    asyncio.run(scenario())


def test_a_model_that_failed_is_asked_again() -> None:
    """A failure is not an answer: the next one who asks gets a vector."""

    async def scenario() -> None:
        answers = iter([np.ones((1, 3)), np.ones((1, 2))])
        async with opened(Answering(lambda _: next(answers))) as embeddings:
            with pytest.raises(EmbeddingFailed):
                await embeddings.embed(["x"], normalize=False)
            assert read(await embeddings.embed(["x"], normalize=False)) == [[1, 1]]

    asyncio.run(scenario())


@pytest.mark.slow
@given(st.lists(st.text(min_size=1), min_size=1, max_size=8), st.booleans())
def test_cached_is_as_uncached(texts: list[str], normalize: bool) -> None:  # noqa: FBT001 - Hypothesis gives it.
    """The first answer, the second and the model's own are the same bytes."""

    async def scenario() -> None:
        async with opened(HashedEmbedder(), cached_texts=4) as embeddings:
            rows = HashedEmbedder().embed(texts)
            own = [bytes(array) for array in to_json(unit(rows) if normalize else rows)]
            for _ in range(2):
                arrays = await embeddings.embed(texts, normalize=normalize)
                assert [bytes(array) for array in arrays] == own

    asyncio.run(scenario())
