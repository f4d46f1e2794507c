"""From a row of scores to the next id, inside the compiled step: the definition in charrnn.sampling, up to rounding.

Weights are powers of two of the scaled scores, the largest 1; padding after the vocabulary has score -inf, weight 0.
A row of V ids has ceil(V / 16) blocks; sixteen blocks make a stretch, so that a large vocabulary is searched in levels.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import njit

from charrnn.engine.rows import (
    bits_of,
    copy_blocks,
    count_from,
    drop_below,
    first_equal,
    lane_beyond,
    largest,
    last_positive,
    read_float32,
    read_int32,
    sum_from,
    weigh,
    write_float32,
    write_int32,
)

LOG2_E: Final = np.float32(1 / math.log(2))
ONE: Final = np.float32(1)
BITS_OF_ONE: Final = 0x3F800000
STRETCH: Final = 16
"""Blocks of a stretch."""


@njit(inline="never", error_model="numpy")
def choose(slot: Any, scores: int, weights: int, blocks: int) -> int:
    """The next id of a sequence, for its scores; `weights` is room for as many numbers and the sums of stretches."""
    if slot.penalty != ONE:
        copy_blocks(weights, scores, blocks)
        _penalize(slot, scores, weights)
        scores = weights
    top = largest(scores, blocks)
    if slot.greedy:
        return int(position_of(scores, blocks, top))
    weigh(weights, scores, blocks, top, slot.factor)
    if slot.filtered:
        _filter(slot, weights, blocks)
    return pick(weights, blocks, np.float32(uniform(slot.seed, slot.position)))


@njit(error_model="numpy")
def choose_plainly(slot: Any, scores: int, weights: int, blocks: int) -> int:
    """`choose` for a sequence with a temperature and nothing else."""
    weigh(weights, scores, blocks, largest(scores, blocks), slot.factor)
    return pick(weights, blocks, np.float32(uniform(slot.seed, slot.position)))


@njit(error_model="numpy")
def uniform(seed: np.uint64, position: np.uint64) -> float:
    """charrnn.sampling.uniform, the same bits."""
    z = _mix(seed) + (position + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    return np.float64(_mix(z) >> np.uint64(11)) * 2.0**-53


@njit(error_model="numpy")
def _mix(z: np.uint64) -> np.uint64:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(error_model="numpy")
def position_of(numbers: int, blocks: int, value: Any) -> int:
    """The first index at which the value stands, which is among the numbers."""
    for block in range(blocks):
        lane = first_equal(numbers, block, value)
        if lane < 16:
            return int(block * 16 + lane)
    return 0


@njit(error_model="numpy")
def pick(weights: int, blocks: int, share: Any) -> int:
    """The id at which the sum of the weights so far passes `share` of the whole, never one of weight 0."""
    stretch, before = 0, np.float32(0)
    if blocks <= STRETCH:
        point = share * sum_from(weights, blocks, 0)
    else:
        stretch, before, point = _stretch(weights, blocks, share)
    first = stretch * STRETCH
    end = min(first + STRETCH, blocks)
    below = point - before
    chosen, before = first, np.float32(0)
    passed = np.float32(0)
    for block in range(first, end):
        passed += sum_from(weights + 64 * block, 1, 0)
        if passed <= below:
            chosen, before = block + 1, passed
    lane = 16
    if chosen < end:
        lane = lane_beyond(weights, chosen, below - before)
    if lane == 16:
        return _last_up_to(weights, min(chosen, end - 1))
    return chosen * 16 + lane


@njit(inline="never", error_model="numpy")
def _stretch(weights: int, blocks: int, share: Any) -> tuple[int, Any, Any]:
    """The stretch in which the point of choice lies, the sum before it, and the point."""
    stretches = (blocks + STRETCH - 1) // STRETCH
    sums = weights + 64 * blocks
    total = np.float32(0)
    for s in range(stretches):
        total += sum_from(weights + 64 * STRETCH * s, min(STRETCH, blocks - STRETCH * s), 0)
        write_float32(sums, s, total)
    point = share * total
    for s in range(stretches - 1):
        if read_float32(sums, s) > point:
            return s, read_float32(sums, s - 1) if s else np.float32(0), point
    return stretches - 1, read_float32(sums, stretches - 2), point


@njit(inline="never", error_model="numpy")
def _last_up_to(weights: int, block: int) -> int:
    """Where rounding let the sum end before the point: the last id of positive weight up to the block."""
    while block > 0 and last_positive(weights, block) < 0:
        block -= 1
    return int(block * 16 + last_positive(weights, block))


@njit(error_model="numpy")
def _penalize(slot: Any, scores: int, penalized: int) -> None:
    """Write the penalized scores of the recent ids; one that occurs twice is penalized once."""
    for i in range(min(slot.recent_count, slot.recent.size)):
        score = read_float32(scores, slot.recent[i])
        score = score / slot.penalty if score > 0 else score * slot.penalty
        write_float32(penalized, slot.recent[i], score)


@njit(error_model="numpy")
def _filter(slot: Any, weights: int, blocks: int) -> None:
    if slot.min_p > 0:
        drop_below(weights, blocks, bits_of(slot.min_p))
    if slot.top_k > 0:
        drop_below(weights, blocks, _kth_bits(weights, blocks, slot.top_k))
    if slot.top_p < ONE:
        _keep_share(weights, blocks, slot.top_p)


@njit(error_model="numpy")
def _kth_bits(weights: int, blocks: int, k: int) -> int:
    """The bits of the k-th largest weight: the largest that k weights reach, found bit by bit."""
    found = 0
    for shift in range(29, -1, -1):
        if count_from(weights, blocks, found | 1 << shift) >= k:
            found |= 1 << shift
    return found


@njit(error_model="numpy")
def _keep_share(weights: int, blocks: int, top_p: Any) -> None:
    """Keep the largest weights until their sum reaches top_p of all; among equals the lowest ids."""
    least = max(top_p * sum_from(weights, blocks, 0), np.float32(1e-30))
    found = 0
    for shift in range(29, -1, -1):
        bits = found | 1 << shift
        if bits <= BITS_OF_ONE and sum_from(weights, blocks, bits) >= least:
            found = bits
    total = sum_from(weights, blocks, found + 1)
    drop_below(weights, blocks, found)
    for i in range(16 * blocks):
        if read_int32(weights, i) == found:
            if total >= least:
                write_int32(weights, i, 0)
            else:
                total += read_float32(weights, i)


@njit(inline="never", error_model="numpy")
def report(  # noqa: PLR0917
    scores: int, weights: int, blocks: int, chosen: int, top: int, top_ids: int, tops: int
) -> float:
    """The natural logarithm of the chosen id's probability; writes ids and logarithms of the `top` likeliest, best
    first and the lowest id first among equals."""
    highest = largest(scores, blocks)
    whole = np.float32(math.log(weigh(weights, scores, blocks, highest, LOG2_E)))
    found = 0
    for i in range(16 * blocks):
        score = read_float32(scores, i)
        if found < top or (top and score > read_float32(tops, top - 1)):
            place = min(found, top - 1)
            while place > 0 and score > read_float32(tops, place - 1):
                write_float32(tops, place, read_float32(tops, place - 1))
                write_int32(top_ids, place, read_int32(top_ids, place - 1))
                place -= 1
            write_float32(tops, place, score)
            write_int32(top_ids, place, i)
            found = min(found + 1, top)
    for i in range(top):
        write_float32(tops, i, read_float32(tops, i) - highest - whole)
    return float(read_float32(scores, chosen) - highest - whole)
