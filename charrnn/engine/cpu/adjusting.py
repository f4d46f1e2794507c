"""What acts on scores before the temperature, inside the compiled step: bias and penalties; knows no weights."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from charrnn.engine.cpu.rows import add_blocks, copy_blocks, read_float32, read_int32, write_float32, write_int32

GENERATED: Final = 256
"""More than the recent ids are."""


@njit(inline="never", error_model="numpy")
def adjust(slot: Any, adjusted: int, scores: int, blocks: int) -> None:
    """The scores with what acts before the temperature; the counts of ids lie behind them."""
    if slot.bias:
        add_blocks(adjusted, scores, slot.bias, blocks)
    else:
        copy_blocks(adjusted, scores, blocks)
    if slot.penalized:
        _penalize(slot, adjusted, adjusted + 64 * blocks)


@njit(error_model="numpy")
def _penalize(slot: Any, scores: int, counts: int) -> None:
    """Penalize the scores of the recent ids, each once. `counts`, int32 that are 0 before and after, has the ids that
    were not yet looked at: how often they occur and, in units of GENERATED, how often they were generated."""
    latest = min(slot.recent_count, slot.recent.size)
    for i in range(latest):
        id_ = slot.recent[i]
        write_int32(counts, id_, read_int32(counts, id_) + 1 + GENERATED * slot.generated[i])
    for i in range(latest):
        id_ = slot.recent[i]
        count = read_int32(counts, id_)
        if count:
            write_float32(scores, id_, _penalized(slot, read_float32(scores, id_), count // GENERATED))
            write_int32(counts, id_, 0)


@njit(error_model="numpy")
def _penalized(slot: Any, score: Any, generated: int) -> Any:
    """The score of a recent id, which was generated so often."""
    score = score / slot.penalty if score > 0 else score * slot.penalty
    score -= np.float32(generated) * slot.frequency
    return score - slot.presence if generated else score
