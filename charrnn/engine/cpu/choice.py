"""From a row of logits to the next id, inside the compiled step: the definition in charrnn.sampling, up to rounding.

Weights are powers of two of the scaled logits, the largest 1; padding after the vocabulary has logit -inf, weight 0.
A row of V ids has ceil(V / 16) blocks, sixteen of which are a stretch, so that the search in a
large vocabulary looks into one stretch, then into one block.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import njit

from charrnn.engine.cpu.adjusting import adjust
from charrnn.engine.cpu.rows import (
    add_blocks,
    bits_of,
    count_from,
    cumulate,
    drop_below,
    first_beyond,
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
from charrnn.engine.cpu.structs import STRETCH_SUMS, SUMS, bytes_before_weights

STRETCH: Final = 16
"""Blocks of a stretch: so many sums make one vector."""

before_weights = njit(error_model="numpy")(bytes_before_weights)

LOG2_E: Final = np.float32(1 / math.log(2))
LN_2: Final = math.log(2)
ONE: Final = np.float32(1)
BITS_OF_ONE: Final = 0x3F800000
NOTHING: Final = np.float32(-np.inf)


@njit(inline="never", error_model="numpy")
def choose(slot: Any, logits: int, scratch: int, blocks: int) -> int:
    """The next id of a sequence, for its logits."""
    weights = scratch + before_weights(blocks)
    if slot.adjusted:
        adjust(slot, weights, logits, blocks)
        logits = weights
    top = largest(logits, blocks)
    if slot.greedy:
        return int(position_of(logits, blocks, top))
    weigh(weights, logits, blocks, top, slot.factor)
    if slot.filtered:
        _filter(slot, weights, blocks)
    return int(choose_weighed(slot, weights, scratch, blocks))


@njit(inline="never", error_model="numpy")
def choose_among(slot: Any, logits: int, mask: int, scratch: int, blocks: int) -> int:
    """The next id of a sequence, among those that the mask leaves, if that leaves any of those that are allowed."""
    weights = scratch + before_weights(blocks)
    left = weights + 128 * blocks
    add_blocks(left, logits, mask, blocks)
    most = largest(left, blocks)
    if slot.bias:
        add_blocks(weights, left, slot.bias, blocks)
        most = largest(weights, blocks)
    return int(choose(slot, left if most > NOTHING else logits, scratch, blocks))


@njit(error_model="numpy")
def weigh_plainly(slot: Any, logits: int, blocks: int) -> None:
    """The weights, in the logits' place, for a sequence with a temperature and nothing else."""
    weigh(logits, logits, blocks, largest(logits, blocks), slot.factor)


@njit(error_model="numpy")
def choose_weighed(slot: Any, weights: int, scratch: int, blocks: int) -> int:
    """The next id of a sequence, for the weights of all."""
    return int(pick(weights, scratch, blocks, np.float32(uniform(slot.seed, slot.position))))


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
def pick(weights: int, scratch: int, blocks: int, share: Any) -> int:
    """The id at which the sum of the weights so far passes `share` of the whole, never one of weight 0."""
    if blocks <= STRETCH:
        return int(_find(weights, scratch, blocks, share * cumulate(scratch + SUMS, weights, blocks)))
    return int(_pick_in_stretches(weights, scratch, blocks, share))


@njit(error_model="numpy")
def _pick_in_stretches(weights: int, scratch: int, blocks: int, share: Any) -> int:
    """Find the stretch by the sums of those before it, then the id in it."""
    sums, stretches = scratch + STRETCH_SUMS, (blocks + STRETCH - 1) // STRETCH
    total = np.float32(0)
    for stretch in range(stretches):
        write_float32(sums, stretch, total)
        total += sum_from(weights + 64 * STRETCH * stretch, min(STRETCH, blocks - STRETCH * stretch), 0)
    point, stretch = share * total, stretches - 1
    while stretch > 0 and read_float32(sums, stretch) > point:
        stretch -= 1
    first = STRETCH * stretch
    count = min(STRETCH, blocks - first)
    cumulate(scratch + SUMS, weights + 64 * first, count)
    return int(16 * first + _find(weights + 64 * first, scratch, count, point - read_float32(sums, stretch)))


@njit(error_model="numpy")
def _find(weights: int, scratch: int, blocks: int, point: Any) -> int:
    """The id at which the sum of up to sixteen blocks, cumulated already, passes the point."""
    block, lane = first_beyond(scratch + SUMS, 0, point), 16
    if block < blocks:
        lane = lane_beyond(weights, block, point - read_float32(scratch + SUMS - 4, block))
    if lane == 16:
        return int(_last_up_to(weights, min(block, blocks - 1)))
    return int(block * 16 + lane)


@njit(inline="never", error_model="numpy")
def _last_up_to(weights: int, block: int) -> int:
    """Where rounding let the sum end before the point: the last id of positive weight up to the block."""
    while block > 0 and last_positive(weights, block) < 0:
        block -= 1
    return int(block * 16 + last_positive(weights, block))


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
    logits: int, scratch: int, blocks: int, chosen: int, top: int, top_ids: int, tops: int
) -> float:
    """The natural logarithm of the chosen id's probability; writes ids and logarithms of the `top` likeliest, best
    first and the lowest id first among equals."""
    highest = largest(logits, blocks)
    weights = scratch + before_weights(blocks)
    weigh(weights, logits, blocks, highest, LOG2_E)
    whole = np.float32(_logarithm(np.float64(sum_from(weights, blocks, 0))))
    found = 0
    for i in range(16 * blocks):
        logit = read_float32(logits, i)
        if found < top or (top and logit > read_float32(tops, top - 1)):
            place = min(found, top - 1)
            while place > 0 and logit > read_float32(tops, place - 1):
                write_float32(tops, place, read_float32(tops, place - 1))
                write_int32(top_ids, place, read_int32(top_ids, place - 1))
                place -= 1
            write_float32(tops, place, logit)
            write_int32(top_ids, place, i)
            found = min(found + 1, top)
    for i in range(top):
        write_float32(tops, i, read_float32(tops, i) - highest - whole)
    return float(read_float32(logits, chosen) - highest - whole)


@njit(error_model="numpy")
def _logarithm(x: float) -> float:
    """ln x of a sum of weights, x >= 1, with float32's precision and without the C library, which code out of a file is
    not linked with: ln 2^e m = e ln 2 + 2 artanh((m - 1) / (m + 1)), m in [1, 2)."""
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
