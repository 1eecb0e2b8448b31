"""The built-in embedder: hashed words and pieces of words, no model to load.

Theory of operation. A text is written in one way (NFKC, case folded), cut into words,
and its features are pieces of it: each word, each pair of neighbours, and all pieces of
3 to 5 characters of a word, the blanks around it counted (subword n-grams: Bojanowski
et al., Enriching Word Vectors with Subword Information, TACL 2017, arXiv:1607.04606).
A hash sends each feature to one of the 384 values, and gives it a sign, so that what
collides cancels out on average (Weinberger et al., Feature Hashing for Large Scale
Multitask Learning, ICML 2009, arXiv:0902.2009). A feature that occurs n times weighs
the square root of n.

All features are substrings of one text, so that one pass of NumPy hashes them all: with
prefix sums of a polynomial, as Rabin and Karp did. Nothing here depends on the process,
the byte order or the size of the batch: the arithmetic is on integers, and the only
rounding is IEEE's square root and sums in the order of the hashes.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeAlias
from unicodedata import category, normalize

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["HashedEmbedder"]

Integers: TypeAlias = "NDArray[np.intp]"
Hashes: TypeAlias = "NDArray[np.uint64]"

DIMENSIONS = 384
NGRAMS = (3, 4, 5)
BLANK = " "

# The base of the polynomial: 2**64 divided by the golden ratio, an odd number, so that
# it has an inverse modulo 2**64.
BASE = 0x9E3779B97F4A7C15
INVERSE = pow(BASE, -1, 2**64)

# Kana and Chinese characters, which stand without blanks between the words.
IDEOGRAPHS = (range(0x3040, 0x3100), range(0x3400, 0xA000), range(0x20000, 0x40000))


class HashedEmbedder:
    """Find what shares words and spellings; it knows no meanings."""

    name = "hashed-ngram-384"
    dimensions = DIMENSIONS

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give one row a text; the same text gives the same row everywhere."""
        rows = np.empty((len(texts), DIMENSIONS), np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[:] = vector(hashes_of(words_of(text)))
        return rows


def words_of(text: str) -> list[str]:
    """Cut a text into words; where there is none, every character counts as one."""
    # Folding the case can take a character apart, so it is put together again.
    folded = normalize("NFKC", normalize("NFKC", text).casefold())
    return folded.translate(SPACING).split() or list(folded)


class Spacing(dict[int, str]):
    """How each character stands in a text whose words are found by their blanks."""

    KEPT = 20_000

    def __missing__(self, code: int) -> str:
        """Look a character up, and keep it while there is room."""
        written = spaced(code)
        if len(self) < self.KEPT:
            self[code] = written
        return written


SPACING = Spacing()


def spaced(code: int) -> str:
    """Leave letters, marks and digits; set symbols and ideographs apart; blank others.

    Marks are the accents and vowel signs that belong to the word they stand in; the
    symbols are Unicode's category So, with most of the emoji.
    """
    character, kind = chr(code), category(chr(code))
    if kind == "So" or (kind[0] == "L" and any(code in few for few in IDEOGRAPHS)):
        return f"{BLANK}{character}{BLANK}"
    return character if kind[0] in "LMN" else BLANK


def hashes_of(words: list[str]) -> Hashes:
    """Hash the features of a text, each as often as it occurs."""
    line = f"{BLANK}{BLANK.join(words)}{BLANK}"
    codes = np.frombuffer(line.encode("utf-32-le", "surrogatepass"), "<u4")
    starts, ends = pieces(codes == ord(BLANK))
    size = 1 << len(codes).bit_length()
    # With the sums s of codes * BASE**place, a piece is worth the same at every place:
    # (s[end] - s[start]) / BASE**start, modulo 2**64.
    sums = np.zeros(len(codes) + 1, np.uint64)
    weighted = (codes + np.uint64(1)) * powers(BASE, size)[: len(codes)]
    np.cumsum(weighted, out=sums[1:])
    return mixed((sums[ends] - sums[starts]) * powers(INVERSE, size)[starts])


def pieces(blank: NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """Find where the features begin and end: words, neighbours, pieces of words."""
    blanks = np.flatnonzero(blank)
    next_blank = blanks[np.cumsum(blank[:-1])]
    room = next_blank - np.arange(len(next_blank))
    # A piece may begin and end with a blank, and has none in between.
    grams = [np.flatnonzero(room >= size - 1) for size in NGRAMS]
    starts = [*grams, blanks[:-1], blanks[:-2]]
    ends = [gram + size for gram, size in zip(grams, NGRAMS, strict=True)]
    ends += [blanks[1:] + 1, blanks[2:] + 1]
    return np.concatenate(starts), np.concatenate(ends)


@cache
def powers(base: int, size: int) -> Hashes:
    """List the powers of a base modulo 2**64; sizes are powers of two, so few."""
    factors = np.full(size, base, np.uint64)
    factors[0] = 1
    return np.cumprod(factors)


def mixed(hashes: Hashes) -> Hashes:
    """Let every bit depend on all others; the finalizer of MurmurHash3."""
    hashes ^= hashes >> np.uint64(33)
    hashes *= np.uint64(0xFF51AFD7ED558CCD)
    hashes ^= hashes >> np.uint64(33)
    hashes *= np.uint64(0xC4CEB9FE1A85EC53)
    hashes ^= hashes >> np.uint64(33)
    return hashes


def vector(hashes: Hashes) -> NDArray[np.float32]:
    """Add the square root of each feature's count at its place, with its sign."""
    features, counts = np.unique(hashes, return_counts=True)
    weights = np.sqrt(counts)
    signed = np.where(features >> np.uint64(63), -weights, weights)
    places = (features % np.uint64(DIMENSIONS)).astype(np.intp)
    return np.bincount(places, signed, DIMENSIONS).astype(np.float32)
