"""Rows: unit length, and JSON that reads back as the same float32."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smally.embedding.rows import to_json, unit

FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)
ROWS = st.lists(st.lists(FINITE, min_size=3, max_size=3), min_size=1, max_size=5)


@given(ROWS)
def test_json_reads_back_as_the_same_float32(values: list[list[float]]) -> None:
    """Nothing is lost, however large or small."""
    rows = np.array(values, np.float32)
    read = [json.loads(bytes(array)) for array in to_json(rows)]
    assert np.array_equal(np.array(read, np.float32), rows)


@given(st.floats(-1, 1, width=32).filter(lambda value: not 0 < abs(value) < 1e-10))
def test_a_value_is_written_as_short_as_it_can_be(value: float) -> None:
    """What is written is what NumPy calls the shortest for a float32."""
    (array,) = to_json(np.array([[value]], np.float32))
    assert json.loads(bytes(array)) == [float(str(np.float32(value)))]


def test_the_noise_of_a_wider_float_is_not_written() -> None:
    """0.0123 as a float32 is 0.0123, not 0.012300000339746475."""
    rows = np.array([[0.0123, -0.5, 0, 1 / 3]], np.float32)
    (array,) = to_json(rows)
    assert bytes(array) == b"[0.0123,-0.5,0.0,0.33333334]"


@given(ROWS)
def test_a_row_becomes_unit_length_or_stays_zero(values: list[list[float]]) -> None:
    """A length is 1 also for the largest and the smallest float32, and 0 for zeros."""
    rows = np.array(values, np.float32)
    lengths = np.linalg.norm(unit(rows).astype(np.float64), axis=1)
    assert lengths == pytest.approx(rows.any(axis=1).astype(float), abs=1e-6)
