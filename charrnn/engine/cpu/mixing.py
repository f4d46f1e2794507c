"""Counts mixed with logits inside the compiled step: the definition in charrnn.ngrams, up to rounding."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from charrnn.engine.cpu.blocks import exponentiate, largest, sum_from
from charrnn.engine.cpu.intrinsics import read_float32, read_int32, read_int64, write_float32
from charrnn.engine.cpu.lanes import VECTOR_BYTES
from charrnn.engine.cpu.logprobs import LOG2_E, logarithm
from charrnn.engine.cpu.sampling import before_probs, mix_bits
from charrnn.ngrams import KEY_BITS, ORDERS

_LONGEST: Final = ORDERS[-1]
_GAMMA: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(64 - KEY_BITS)


@njit(inline="never", error_model="numpy")
def mix_counts(b: Any, sequences: Any, wanted: int) -> None:
    """Mix the counts with the logits of all sequences that need them."""
    for row in range(wanted):
        logits = b.logits + row * b.logit_blocks * VECTOR_BYTES
        _mix(b, sequences[read_int64(b.wanted, row)], logits)


@njit(error_model="numpy")
def _mix(b: Any, sequence: Any, logits: int) -> None:
    first = _longest(b, sequence)
    if first < 0:
        return
    blocks = b.logit_blocks
    top, probs = largest(logits, blocks), b.scratch + before_probs(blocks)
    exponentiate(probs, logits, blocks, top, LOG2_E)
    total = np.float64(sum_from(probs, blocks, 0))
    if not total >= 1:  # the logits are not numbers
        return
    key, pair = read_int32(b.pairs, 3 * first), first
    while pair < b.pair_count and read_int32(b.pairs, 3 * pair) == key:
        id_, odds = read_int32(b.pairs, 3 * pair + 1), np.float64(read_float32(b.pairs, 3 * pair + 2))
        power = np.float64(read_float32(probs, id_)) + odds * total
        write_float32(logits, id_, top + np.float32(logarithm(power)))
        pair += 1


@njit(error_model="numpy")
def _longest(b: Any, sequence: Any) -> int:
    """The first pair of the longest context that the table has; -1 if it has none."""
    known = min(sequence.recent_count, _LONGEST)
    found, state = -1, np.uint64(0)
    for age in range(known):
        id_ = sequence.recent[(sequence.recent_count - 1 - age) & (sequence.recent.size - 1)]
        state = mix_bits(state + (np.uint64(id_) + np.uint64(1)) * _GAMMA)
        if age + 1 in ORDERS:
            pair = _first_of(b, np.int64(state >> _SHIFT))
            found = pair if pair >= 0 else found
    return found


@njit(error_model="numpy")
def _first_of(b: Any, key: int) -> int:
    bucket = key >> b.bucket_shift
    for pair in range(read_int32(b.buckets, bucket), read_int32(b.buckets, bucket + 1)):
        if read_int32(b.pairs, 3 * pair) == key:
            return pair
    return -1
