"""Counts mixed with logits inside the compiled step: the definition in charrnn.ngrams, up to rounding."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from charrnn.engine.cpu.blocks import exponentiate, largest, logarithms, sum_from
from charrnn.engine.cpu.intrinsics import read_float32, read_int32, read_int64, write_float32, write_int64
from charrnn.engine.cpu.lanes import LANES, VECTOR_BYTES
from charrnn.engine.cpu.logprobs import LOG2_E
from charrnn.engine.cpu.sampling import before_probs, mix_bits
from charrnn.engine.cpu.structs import MIXED_POWERS
from charrnn.ngrams import KEY_BITS, ORDERS

_LONGEST: Final = ORDERS[-1]
_GAMMA: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(64 - KEY_BITS)
_ONE: Final = np.float32(1)


@njit(inline="never", error_model="numpy")
def mix_counts(b: Any, sequences: Any, wanted: int) -> None:
    """Mix the counts with the logits of all sequences that need them."""
    for row in range(wanted):
        first = _longest(b, sequences[read_int64(b.wanted, row)])
        if first >= 0:
            _mix(b, first, b.logits + row * b.logit_blocks * VECTOR_BYTES)


@njit(error_model="numpy")
def _mix(b: Any, first: int, logits: int) -> None:
    """Mix the pairs of a context, of which this is the first."""
    blocks = b.logit_blocks
    top, probs = largest(logits, blocks), b.scratch + before_probs(blocks)
    exponentiate(probs, logits, blocks, top, LOG2_E)
    total = sum_from(probs, blocks, 0)
    if not total >= _ONE:  # the logits are not numbers
        return
    key, powers = read_int32(b.pairs, 3 * first), b.mixing + MIXED_POWERS
    while first < b.pair_count and read_int32(b.pairs, 3 * first) == key:
        count = 0
        while count < LANES and first + count < b.pair_count and read_int32(b.pairs, 3 * (first + count)) == key:
            id_, odds = read_int32(b.pairs, 3 * (first + count) + 1), read_float32(b.pairs, 3 * (first + count) + 2)
            write_float32(powers, count, read_float32(probs, id_) + odds * total)
            count += 1
        logarithms(powers, powers, 1)
        for i in range(count):
            write_float32(logits, read_int32(b.pairs, 3 * (first + i) + 1), top + read_float32(powers, i))
        first += count


@njit(error_model="numpy")
def _longest(b: Any, sequence: Any) -> int:
    """The first pair of the longest context that the table has; -1 if it has none."""
    known, state = min(sequence.recent_count, _LONGEST), np.uint64(0)
    for age in range(known):
        id_ = sequence.recent[(sequence.recent_count - 1 - age) & (sequence.recent.size - 1)]
        state = mix_bits(state + (np.uint64(id_) + np.uint64(1)) * _GAMMA)
        write_int64(b.mixing, age, np.int64(state >> _SHIFT))
    for order in range(known, 0, -1):
        if order in ORDERS:
            key = read_int64(b.mixing, order - 1)
            bucket = key >> b.bucket_shift
            for pair in range(read_int32(b.buckets, bucket), read_int32(b.buckets, bucket + 1)):
                if read_int32(b.pairs, 3 * pair) == key:
                    return pair
    return -1
