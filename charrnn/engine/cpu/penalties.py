"""Bias and penalties, which act on logits before the temperature, inside the compiled step; knows no probabilities."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from charrnn.engine.cpu.blocks import add_blocks, copy_blocks
from charrnn.engine.cpu.intrinsics import read_float32, read_int32, write_float32, write_int32
from charrnn.engine.cpu.lanes import LANES, VECTOR_BYTES

GENERATED: Final = 256
"""More than RECENT_IDS, so that one int32 holds two counts."""


@njit(inline="never", error_model="numpy")
def adjust(sequence: Any, adjusted: int, logits: int, blocks: int) -> None:
    """charrnn.sampling.adjusted: what acts before the temperature. The counts of ids follow the logits in memory."""
    if sequence.bias:
        add_blocks(adjusted, logits, sequence.bias, blocks)
    else:
        copy_blocks(adjusted, logits, blocks)
    if sequence.penalized:
        _penalize(sequence, adjusted, adjusted + VECTOR_BYTES * blocks, LANES * blocks)


@njit(error_model="numpy")
def _penalize(sequence: Any, logits: int, counts: int, size: int) -> None:
    """Penalize the logits of the recent ids, each once. `counts` [size], int32 that are 0 before and afterwards, has
    for each id that is not yet penalized how often it occurs and, in units of GENERATED, how often it was generated.
    Ids from `size` on, which are only read, have no logits."""
    latest = min(sequence.recent_count, sequence.recent.size)
    for i in range(latest):
        id_ = sequence.recent[i]
        if id_ < size:
            write_int32(counts, id_, read_int32(counts, id_) + 1 + GENERATED * sequence.generated[i])
    for i in range(latest):
        id_ = sequence.recent[i]
        count = read_int32(counts, id_) if id_ < size else 0
        if count:
            write_float32(logits, id_, _penalized(sequence, read_float32(logits, id_), count // GENERATED))
            write_int32(counts, id_, 0)


@njit(error_model="numpy")
def _penalized(sequence: Any, logit: Any, generated: int) -> Any:
    """The penalized logit of a recent id that was generated this many times."""
    logit = logit / sequence.penalty if logit > 0 else logit * sequence.penalty
    logit -= np.float32(generated) * sequence.frequency
    return logit - sequence.presence if generated else logit
