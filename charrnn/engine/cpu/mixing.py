"""Counts mixed with logits inside the compiled step: the definition in charrnn.ngrams, up to rounding."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from charrnn.engine.cpu.blocks import exponentiate, largest, logarithms, sum_from
from charrnn.engine.cpu.intrinsics import read_float32, read_int32, read_int64, write_float32, write_int32
from charrnn.engine.cpu.lanes import LANES, VECTOR_BYTES
from charrnn.engine.cpu.logprobs import LOG2_E
from charrnn.engine.cpu.sampling import before_probs, mix_bits
from charrnn.ngrams import KEY_BITS, ORDERS

_GAMMA: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(64 - KEY_BITS)
_ONE: Final = np.float32(1)
_STARTS, _STOPS, _FOUND, _TOUCHED = 8, 16, 24, 25
"""Where a row's place has what, in int32: first come the keys, one for each of ORDERS."""
_PLACE: Final = 2
"""Vectors of a row's place."""


@njit(inline="never", error_model="numpy")
def mix_counts(b: Any, sequences: Any, wanted: int) -> None:
    """Mix the counts with the logits of all sequences that need them. What is read from memory is asked for in all rows
    before it is used in any: a table is larger than the processor's caches."""
    for row in range(wanted):
        _find_buckets(b, sequences[read_int64(b.wanted, row)], _place(b, row))
    for row in range(wanted):
        _touch_pairs(b, _place(b, row))
    for row in range(wanted):
        first = _longest(b, _place(b, row))
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
    key, powers = read_int32(b.pairs, 3 * first), b.mixing
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
def _place(b: Any, row: int) -> int:
    """The row's place at `mixing`; the first one is for the mixed probabilities."""
    return int(b.mixing + VECTOR_BYTES * (1 + _PLACE * row))


@njit(error_model="numpy")
def _find_buckets(b: Any, sequence: Any, place: int) -> None:
    """Write down the keys of the sequence's contexts, the shortest first, and where their buckets begin and end."""
    state, found = np.uint64(0), 0
    for age in range(min(sequence.recent_count, b.longest_context)):
        id_ = sequence.recent[(sequence.recent_count - 1 - age) & (sequence.recent.size - 1)]
        state = mix_bits(state + (np.uint64(id_) + np.uint64(1)) * _GAMMA)
        if age + 1 in ORDERS:
            key = np.int64(state >> _SHIFT)
            bucket = key >> b.bucket_shift
            write_int32(place, found, key)
            write_int32(place, _STARTS + found, read_int32(b.buckets, bucket))
            write_int32(place, _STOPS + found, read_int32(b.buckets, bucket + 1))
            found += 1
    write_int32(place, _FOUND, found)


@njit(error_model="numpy")
def _touch_pairs(b: Any, place: int) -> None:
    """Read the first pair of each bucket, so that it is in a cache."""
    total = 0
    for i in range(read_int32(place, _FOUND)):
        total += read_int32(b.pairs, 3 * min(read_int32(place, _STARTS + i), b.pair_count - 1))
    write_int32(place, _TOUCHED, total)


@njit(error_model="numpy")
def _longest(b: Any, place: int) -> int:
    """The first pair of the longest context that the table has; -1 if it has none."""
    for i in range(read_int32(place, _FOUND) - 1, -1, -1):
        key = read_int32(place, i)
        for pair in range(read_int32(place, _STARTS + i), read_int32(place, _STOPS + i)):
            if read_int32(b.pairs, 3 * pair) == key:
                return pair
    return -1
