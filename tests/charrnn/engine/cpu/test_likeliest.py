"""The likeliest ids, few or many, are those of a stable sort."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numba import njit

from charrnn.engine.cpu import likeliest


@njit
def _write(logits: Any, ids: Any, values: Any) -> None:
    likeliest.write_likeliest(logits.ctypes.data, logits.size, ids.size, ids.ctypes.data, values.ctypes.data)


@given(size=st.integers(1, 700), share=st.floats(0, 1), digits=st.integers(0, 3), seed=st.integers(0, 2**32))
@example(size=likeliest.FEW + 1, share=1.0, digits=0, seed=0)
@example(size=600, share=0.5, digits=0, seed=1)
def test_the_likeliest_are_those_of_a_stable_sort(size: int, share: float, digits: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    logits = random.normal(0, 3, size).round(digits).astype(np.float32)
    logits[random.random(size) < 0.1] = -np.inf
    top = round(share * size)
    ids, values = np.zeros(top, np.int32), np.zeros(top, np.float32)
    _write(logits, ids, values)
    expected = np.argsort(-logits, kind="stable")[:top]
    np.testing.assert_array_equal(ids, expected)
    np.testing.assert_array_equal(values, logits[expected])
