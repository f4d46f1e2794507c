"""min_p, top_k and top_p inside the compiled step: dropped probabilities become 0.

Nothing is sorted. Probabilities lie in [0, 1], and the bit patterns of float32 that are not negative are ordered like
the numbers. So a threshold is found bit by bit, from the highest bit that a number up to 1 can have, with one pass over
the probabilities for each bit.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from charrnn.engine.cpu.blocks import bits_of, count_from, drop_below, sum_from
from charrnn.engine.cpu.intrinsics import read_float32, read_int32, write_int32

ONE: Final = np.float32(1)
BITS_OF_ONE: Final = 0x3F800000
HIGHEST_BIT: Final = BITS_OF_ONE.bit_length() - 1
LEAST_SHARE: Final = np.float32(1e-30)
"""Above 0, so that a top_p of nearly 0 keeps the likeliest id."""


@njit(error_model="numpy")
def filter_probs(sequence: Any, probs: int, blocks: int) -> None:
    """The filters of charrnn.sampling, one after the other; the largest probability is 1."""
    if sequence.min_p > 0:
        drop_below(probs, blocks, bits_of(sequence.min_p))
    if sequence.top_k > 0:
        drop_below(probs, blocks, _kth_bits(probs, blocks, sequence.top_k))
    if sequence.top_p < ONE:
        _keep_share(probs, blocks, sequence.top_p)


@njit(error_model="numpy")
def _kth_bits(probs: int, blocks: int, k: int) -> int:
    """The bits of the k-th largest probability: the largest threshold that at least k of them reach."""
    found = 0
    for shift in range(HIGHEST_BIT, -1, -1):
        if count_from(probs, blocks, found | 1 << shift) >= k:
            found |= 1 << shift
    return found


@njit(error_model="numpy")
def _keep_share(probs: int, blocks: int, top_p: Any) -> None:
    """Keep the largest probabilities until their sum reaches top_p of all; among equals the lowest ids."""
    least = max(top_p * sum_from(probs, blocks, 0), LEAST_SHARE)
    found = 0  # the bits of the smallest one kept: the largest threshold such that those from it on reach the share
    for shift in range(HIGHEST_BIT, -1, -1):
        bits = found | 1 << shift
        if bits <= BITS_OF_ONE and sum_from(probs, blocks, bits) >= least:
            found = bits
    total = sum_from(probs, blocks, found + 1)
    drop_below(probs, blocks, found)
    for i in range(16 * blocks):
        if read_int32(probs, i) == found:
            if total >= least:
                write_int32(probs, i, 0)
            else:
                total += read_float32(probs, i)
