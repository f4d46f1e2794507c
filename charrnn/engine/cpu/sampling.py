"""From logits to the next id, inside the compiled step: the definition in charrnn.sampling, up to rounding.

`probs` are unnormalized probabilities, 2^((logit - largest) * factor) with factor = log2(e) / temperature, the largest
1. Beyond the vocabulary logits are -inf and probabilities 0. An id is drawn by inversion: the first one at which the
cumulative sum exceeds a uniform share of the total. Sixteen blocks make a stretch, so that
the search in a large vocabulary finds a stretch, then a block in it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from charrnn.engine.cpu.blocks import (
    add_blocks,
    cumulate,
    exponentiate,
    first_beyond,
    first_equal,
    lane_beyond,
    largest,
    last_positive,
    sum_from,
)
from charrnn.engine.cpu.filters import filter_probs
from charrnn.engine.cpu.intrinsics import read_float32, write_float32
from charrnn.engine.cpu.lanes import VECTOR_BYTES
from charrnn.engine.cpu.penalties import adjust
from charrnn.engine.cpu.structs import STRETCH_SUMS, SUMS, bytes_before_probs

STRETCH: Final = 16
"""Blocks in a stretch: their sums make one vector."""

before_probs = njit(error_model="numpy")(bytes_before_probs)

NOTHING: Final = np.float32(-np.inf)


@njit(inline="never", error_model="numpy")
def choose(sequence: Any, logits: int, scratch: int, blocks: int) -> int:
    """The next id of a sequence, given its logits: charrnn.sampling.choose without a mask."""
    probs = scratch + before_probs(blocks)
    if sequence.adjusted:
        adjust(sequence, probs, logits, blocks)
        logits = probs
    top = largest(logits, blocks)
    if sequence.greedy:
        return int(position_of(logits, blocks, top))
    exponentiate(probs, logits, blocks, top, sequence.factor)
    if sequence.filtered:
        filter_probs(sequence, probs, blocks)
    return int(draw(sequence, probs, scratch, blocks))


@njit(inline="never", error_model="numpy")
def choose_among(sequence: Any, logits: int, mask: int, scratch: int, blocks: int) -> int:
    """The next id of a sequence with a mask, which is ignored if it would exclude every allowed id."""
    probs = scratch + before_probs(blocks)
    masked = probs + 2 * VECTOR_BYTES * blocks  # behind the probabilities and the counts
    add_blocks(masked, logits, mask, blocks)
    most = largest(masked, blocks)
    if sequence.bias:
        add_blocks(probs, masked, sequence.bias, blocks)
        most = largest(probs, blocks)
    return int(choose(sequence, masked if most > NOTHING else logits, scratch, blocks))


@njit(error_model="numpy")
def exponentiate_logits(sequence: Any, logits: int, blocks: int) -> None:
    """Turn logits into probabilities in place, for a sequence with a temperature and nothing else."""
    exponentiate(logits, logits, blocks, largest(logits, blocks), sequence.factor)


@njit(error_model="numpy")
def draw(sequence: Any, probs: int, scratch: int, blocks: int) -> int:
    """The next id of a sequence, drawn with these probabilities."""
    return int(pick(probs, scratch, blocks, np.float32(uniform(sequence.seed, sequence.position))))


@njit(error_model="numpy")
def uniform(seed: np.uint64, position: np.uint64) -> float:
    """charrnn.sampling.uniform, the same bits."""
    z = mix_bits(seed) + (position + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    return np.float64(mix_bits(z) >> np.uint64(11)) * 2.0**-53


@njit(error_model="numpy")
def mix_bits(z: np.uint64) -> np.uint64:
    """SplitMix64's bijection of 64-bit numbers (charrnn.splitmix)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(error_model="numpy")
def position_of(numbers: int, blocks: int, value: Any) -> int:
    """The first index of the value, which must be among the numbers."""
    for block in range(blocks):
        lane = first_equal(numbers, block, value)
        if lane < 16:
            return int(block * 16 + lane)
    return 0


@njit(error_model="numpy")
def pick(probs: int, scratch: int, blocks: int, share: Any) -> int:
    """The id at which the cumulative sum of the probabilities exceeds `share` of the total, never one of probability
    0."""
    if blocks <= STRETCH:
        return int(_find(probs, scratch, blocks, share * cumulate(scratch + SUMS, probs, blocks)))
    return int(_pick_in_stretches(probs, scratch, blocks, share))


@njit(error_model="numpy")
def _pick_in_stretches(probs: int, scratch: int, blocks: int, share: Any) -> int:
    """Find the stretch by the cumulative sums of stretches, then the id in it."""
    sums, stretches = scratch + STRETCH_SUMS, (blocks + STRETCH - 1) // STRETCH
    total = np.float32(0)
    for stretch in range(stretches):
        write_float32(sums, stretch, total)
        total += sum_from(probs + VECTOR_BYTES * STRETCH * stretch, min(STRETCH, blocks - STRETCH * stretch), 0)
    point, stretch = share * total, stretches - 1
    while stretch > 0 and read_float32(sums, stretch) > point:
        stretch -= 1
    first = STRETCH * stretch
    count = min(STRETCH, blocks - first)
    cumulate(scratch + SUMS, probs + VECTOR_BYTES * first, count)
    return int(16 * first + _find(probs + VECTOR_BYTES * first, scratch, count, point - read_float32(sums, stretch)))


@njit(error_model="numpy")
def _find(probs: int, scratch: int, blocks: int, point: Any) -> int:
    """The id at which the cumulative sum of up to sixteen blocks, computed already, exceeds `point`."""
    block, lane = first_beyond(scratch + SUMS, 0, point), 16
    if block < blocks:
        # Before block 0 the sum is 0: it is read from the zeros that precede the sums.
        lane = lane_beyond(probs, block, point - read_float32(scratch + SUMS - 4, block))
    if lane == 16:
        return int(_last_up_to(probs, min(block, blocks - 1)))
    return int(block * 16 + lane)


@njit(inline="never", error_model="numpy")
def _last_up_to(probs: int, block: int) -> int:
    """If, due to rounding, the sum does not reach the point: the last id of positive probability up to the block."""
    while block > 0 and last_positive(probs, block) < 0:
        block -= 1
    return int(block * 16 + last_positive(probs, block))
