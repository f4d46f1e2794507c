"""Log-probabilities of the chosen and the likeliest ids in the model's own distribution, inside the compiled step."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit

from charrnn.engine.cpu.blocks import exponentiate, largest, sum_from
from charrnn.engine.cpu.intrinsics import read_float32, write_float32
from charrnn.engine.cpu.likeliest import write_likeliest
from charrnn.engine.cpu.sampling import before_probs

LOG2_E: Final = np.float32(1 / math.log(2))
LN_2: Final = math.log(2)


@njit(inline="never", error_model="numpy")
def report(  # noqa: PLR0917
    logits: int, scratch: int, blocks: int, chosen: int, top: int, top_ids: int, tops: int
) -> float:
    """ln p of the chosen id, l - max - ln sum(e^(l - max)), NaN for -1, which stands for an id without a logit; writes
    ids and log-probabilities of the `top` likeliest, best first, the lowest id first among equals."""
    highest = largest(logits, blocks)
    probs = scratch + before_probs(blocks)
    exponentiate(probs, logits, blocks, highest, LOG2_E)
    log_sum = np.float32(_logarithm(np.float64(sum_from(probs, blocks, 0))))
    write_likeliest(logits, 16 * blocks, top, top_ids, tops)
    for i in range(top):
        write_float32(tops, i, read_float32(tops, i) - highest - log_sum)
    return float(read_float32(logits, chosen) - highest - log_sum) if chosen >= 0 else math.nan


@njit(error_model="numpy")
def _logarithm(x: float) -> float:
    """ln x of a sum of probabilities, x >= 1, with float32's precision and without the C library, with which code from
    a file is not linked: ln 2^e m = e ln 2 + 2 artanh((m - 1) / (m + 1)), m in [1, 2)."""
    exponent = 0
    while x >= 2:
        x *= 0.5
        exponent += 1
    s = (x - 1) / (x + 1)
    square, term, total = s * s, s, 0.0
    for odd in range(1, 18, 2):
        total += term / odd
        term *= square
    return float(exponent * LN_2 + 2 * total)
