"""What acts on logits before the temperature, inside the compiled step: bias and penalties; knows no weights."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from charrnn.engine.cpu.rows import add_blocks, copy_blocks, read_float32, read_int32, write_float32, write_int32

GENERATED: Final = 256
"""More than the recent ids are."""


@njit(inline="never", error_model="numpy")
def adjust(slot: Any, adjusted: int, logits: int, blocks: int) -> None:
    """The logits with what acts before the temperature; the counts of ids lie behind them."""
    if slot.bias:
        add_blocks(adjusted, logits, slot.bias, blocks)
    else:
        copy_blocks(adjusted, logits, blocks)
    if slot.penalized:
        _penalize(slot, adjusted, adjusted + 64 * blocks)


@njit(error_model="numpy")
def _penalize(slot: Any, logits: int, counts: int) -> None:
    """Penalize the logits of the recent ids, each once. `counts`, int32 that are 0 before and after, has the ids that
    were not yet looked at: how often they occur and, in units of GENERATED, how often they were generated."""
    latest = min(slot.recent_count, slot.recent.size)
    for i in range(latest):
        id_ = slot.recent[i]
        write_int32(counts, id_, read_int32(counts, id_) + 1 + GENERATED * slot.generated[i])
    for i in range(latest):
        id_ = slot.recent[i]
        count = read_int32(counts, id_)
        if count:
            write_float32(logits, id_, _penalized(slot, read_float32(logits, id_), count // GENERATED))
            write_int32(counts, id_, 0)


@njit(error_model="numpy")
def _penalized(slot: Any, logit: Any, generated: int) -> Any:
    """The logit of a recent id, which was generated so often."""
    logit = logit / slot.penalty if logit > 0 else logit * slot.penalty
    logit -= np.float32(generated) * slot.frequency
    return logit - slot.presence if generated else logit
