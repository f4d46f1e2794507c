"""Log-probabilities of the compiled step against charrnn.sampling.log_softmax."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit

from charrnn.engine.cpu import logprobs
from charrnn.engine.cpu.structs import scratch_size
from charrnn.sampling import log_softmax


@njit
def _report(logits: Any, probs: Any, chosen: int, top_ids: Any, tops: Any) -> float:
    blocks = logits.size // 16
    return logprobs.report(
        logits.ctypes.data, probs.ctypes.data, blocks, chosen, tops.size, top_ids.ctypes.data, tops.ctypes.data
    )


@pytest.mark.parametrize("vocabulary", [2, 30, 500])
def test_reports_the_likeliest_ids(vocabulary: int) -> None:
    logits = np.random.default_rng(1).normal(0, 3, vocabulary).astype(np.float32).round(1)
    k = min(20, vocabulary)
    top_ids, tops = np.zeros(k, np.int32), np.zeros(k, np.float32)
    whole = np.pad(logits, (0, -logits.size % 32), constant_values=-np.inf)
    chosen = _report(whole, np.zeros(scratch_size(whole.size // 16), np.float32), 1, top_ids, tops)
    order = np.argsort(-logits, kind="stable")[:k]
    expected = log_softmax(logits)
    np.testing.assert_array_equal(top_ids, order)
    np.testing.assert_allclose(tops, expected[order], atol=3e-6)
    assert chosen == pytest.approx(expected[1], abs=3e-6)
