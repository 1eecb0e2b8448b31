"""The built-in embedder: the same vectors everywhere, near for what is spelt alike."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smally.embedding import hashed
from smally.embedding.hashed import HashedEmbedder, Spacing, words_of
from smally.embedding.rows import unit

if TYPE_CHECKING:
    from random import Random

    from numpy.typing import NDArray

# Words with little in common, so that two samples without a common word are far apart.
VOCABULARY = [
    *("harbour", "velvet", "quince", "jungle", "mosaic", "pepper", "sunrise"),
    *("wallet", "kitchen", "bicycle", "thunder", "oxygen", "lantern", "glacier"),
    *("compass", "orchid", "dolphin", "symphony", "whisper", "cabbage"),
]

TEXTS = st.text(max_size=200)


def embed(*texts: str) -> NDArray[np.float32]:
    """Embed with a model that has seen nothing before."""
    return HashedEmbedder().embed(texts)


def likeness(one: str, other: str) -> float:
    """Give the cosine of the angle between two texts."""
    first, second = unit(embed(one, other)).astype(np.float64)
    return float(first @ second)


def test_a_word_is_itself_and_its_pieces() -> None:
    """`Hello` has 13 features: 12 pieces of 3 to 5 characters, and the whole word."""
    (row,) = embed("Hello")
    assert {int(place): float(row[place]) for place in row.nonzero()[0]} == {
        0: 1.0,
        33: -1.0,
        55: 1.0,
        80: -1.0,
        138: -1.0,
        149: -1.0,
        159: 1.0,
        190: -1.0,
        196: -1.0,
        207: 1.0,
        239: 1.0,
        286: 1.0,
        325: 1.0,
    }


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("a", "4f83882bb7720671"),
        ("Hello, World!", "a47ddc4155453824"),
        ("Straße ﬁn", "d0e80e68b9d0b797"),
        ("Καλημέρα κόσμε", "69dd77ac24771bca"),
        ("हिन्दी भाषा", "1eb3b3bb0b94a75c"),
        ("数据库和東京タワー", "7346c02ef4621c5c"),
        ("가나다 صباح الخير", "00c12b30e6dc02b0"),
        ("user_id 👍🏽", "bfabd70d1f4e37e4"),
        ("?!", "91b36d3482c5d02f"),
        (" ", "0a4da76294b501d4"),
        ("\ud800", "5544141f9d519f6f"),
        ("spam " * 40, "e6d033a3a9e8756f"),
    ],
)
def test_a_text_has_the_same_vector_on_every_machine(text: str, digest: str) -> None:
    """The values are pinned, bit by bit: stored vectors outlive a release."""
    values = embed(text).astype("<f4").tobytes()
    assert sha256(values).hexdigest()[:16] == digest


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The user_id, in 3D!", ["the", "user", "id", "in", "3d"]),
        ("Straße ﬁn", ["strasse", "fin"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("東京タワー 2階", ["東", "京", "タ", "ワ", "ー", "2", "階"]),
        ("fine👍👍", ["fine", "👍", "👍"]),
        ("?!", ["?", "!"]),
        (" \t", [" ", "\t"]),
        ("", []),
    ],
)
def test_a_text_is_cut_into_words(text: str, words: list[str]) -> None:
    """Case and form are one; without a word, every character counts as one."""
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ΐ", "\u03aa\u0301"),
        ("résumé", "RE\u0301SUME\u0301"),
        ("one two", "One -- TWO!"),
        ("full width", "ｆｕｌｌ　ｗｉｄｔｈ"),  # noqa: RUF001 - that is the case.
    ],
)
def test_two_ways_to_write_a_text_are_one(one: str, other: str) -> None:
    """Case, composition, width and punctuation change nothing."""
    first, second = embed(one, other)
    assert np.array_equal(first, second)


@given(TEXTS)
def test_every_text_has_a_direction(text: str) -> None:
    """No text is the zero vector, and at unit length it has length 1."""
    length = np.linalg.norm(unit(embed(text)).astype(np.float64))
    assert abs(length - 1) < 1e-6


@given(st.lists(TEXTS, min_size=1, max_size=8), st.randoms())
def test_the_place_in_a_batch_changes_nothing(texts: list[str], random: Random) -> None:
    """A batch in another order has its rows in that order, bit by bit."""
    order = list(range(len(texts)))
    random.shuffle(order)
    rows = embed(*(texts[place] for place in order))
    assert np.array_equal(rows, embed(*texts)[order])


@given(st.permutations(VOCABULARY))
def test_texts_that_share_words_are_nearer(words: list[str]) -> None:
    """Half of the words in common is more than none, whichever they are."""
    text = " ".join(words[:6])
    shares_half = " ".join(words[3:9])
    shares_none = " ".join(words[9:15])
    assert likeness(text, shares_half) > likeness(text, shares_none) + 0.1


@pytest.mark.parametrize(
    ("near", "far"),
    [
        (("embedding", "embeddings"), ("embedding", "migration")),
        (("a wrong sentence", "a wrong sentense"), ("sentence", "bicycle")),
        (("数据库迁移", "数据库"), ("数据库迁移", "东京塔")),
        (("red wine and cheese", "red wine, and bread"), ("red wine", "blue sky")),
    ],
)
def test_what_is_spelt_alike_is_near(
    near: tuple[str, str], far: tuple[str, str]
) -> None:
    """Endings, typing errors and scripts without blanks are seen through."""
    assert likeness(*near) > 0.5
    assert likeness(*far) < 0.25


def test_the_memory_of_characters_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a full one cannot keep is looked up again, and is the same."""
    monkeypatch.setattr(Spacing, "KEPT", 1)
    spacing = Spacing()
    monkeypatch.setattr(hashed, "SPACING", spacing)
    assert words_of("a-b c") == words_of("a-b c") == ["a", "b", "c"]
    assert spacing == {ord("a"): "a"}
