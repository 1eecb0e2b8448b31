"""Rows of a model: unit length, and JSON that says exactly what the float32 is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["to_json", "unit"]

# Below 8 a float32 has no shorter form with a longer fraction, so that 6 is enough to
# begin with; after 22 the powers of ten are no longer exact.
DECIMALS = range(6, 23)

encode_into = msgspec.json.Encoder().encode_into


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each row to length 1; a row of zeros stays as it is."""
    wide = rows.astype(np.float64)
    lengths = np.sqrt(np.sum(wide * wide, axis=1, keepdims=True))
    lengths[lengths == 0] = 1
    scaled: NDArray[np.float32] = (wide / lengths).astype(np.float32)
    return scaled


def to_json(rows: NDArray[np.float32]) -> list[msgspec.Raw]:
    """Write each row as a JSON array, ready to be put into an answer."""
    # The bytes that `encode` returns hold a third more memory than they need.
    buffer, arrays = bytearray(), []
    for row in shortest(rows):
        encode_into(row.tolist(), buffer)
        arrays.append(msgspec.Raw(bytes(buffer)))
    return arrays


def shortest(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Give the decimal numbers with the shortest fractions that read back the same.

    A float32 made wider is written 0.012300000339746475; what it means is 0.0123.
    """
    wide = values.astype(np.float64)
    written = wide.copy()
    left = np.ones(values.shape, np.bool_)
    for decimals in DECIMALS:
        short = np.rint(wide * 10.0**decimals) / 10.0**decimals
        fits = left & (short.astype(np.float32) == values)
        np.copyto(written, short, where=fits)
        left &= ~fits
        if not left.any():
            break
    return written
