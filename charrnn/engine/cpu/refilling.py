"""Refills the slots of a batch inside the compiled step: where a candidate of a series is done, the next one begins.

All candidates begin in the same state with the same logits, those after the state's last id, so that no step is needed
for their first ids.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, njit  # type: ignore[attr-defined]

from charrnn.engine.cpu.blocks import copy_blocks
from charrnn.engine.cpu.intrinsics import as_pointer, read_int32, read_int64, write_int32, write_int64
from charrnn.engine.cpu.lanes import VECTOR_BYTES
from charrnn.engine.cpu.next_id import has_ended, is_done, next_id, remember
from charrnn.engine.cpu.structs import SERIES_STRUCT


@njit(error_model="numpy")
def begin(b: Any, sequences: Any) -> None:
    """Let candidates begin in the free slots, as long as there is room for the results of all."""
    series = carray(as_pointer(b.series), 1, SERIES_STRUCT)[0]
    while series.free_count and series.next < series.stop and series.finished + b.active_count < series.room:
        slot = read_int64(series.free, series.free_count - 1)
        _begin(b, series, sequences, slot)
        if is_done(sequences[slot]):
            _write(series, sequences[slot], slot)
        else:
            series.free_count -= 1
            write_int64(b.active, b.active_count, slot)
            b.active_count += 1


@njit(error_model="numpy")
def finish(b: Any, sequences: Any, slot: int) -> None:
    """Write down the candidate in the slot, which is done, and free the slot."""
    series = carray(as_pointer(b.series), 1, SERIES_STRUCT)[0]
    _write(series, sequences[slot], slot)
    write_int64(series.free, series.free_count, slot)
    series.free_count += 1


@njit(error_model="numpy")
def _begin(b: Any, series: Any, sequences: Any, slot: int) -> None:
    """Let the next candidate choose its first id in the slot, and set the slot's state to the one after the last id
    that is read."""
    sequence, template = sequences[slot], sequences[series.template]
    write_int64(series.candidates, slot, series.next)
    sequence.seed = template.seed + np.uint64(series.next)
    sequence.position = template.position
    sequence.recent_count = template.recent_count
    for i in range(sequence.recent.size):
        sequence.recent[i], sequence.generated[i] = template.recent[i], template.generated[i]
    sequence.computed, sequence.fit_state, sequence.completed = 0, template.fit_state, 0
    first = next_id(b, sequence, series.logits)
    if first >= 0:
        remember(b, sequence, first, 1)
    _copy_state(b, series, slot)
    series.next += 1


@njit(error_model="numpy")
def _copy_state(b: Any, series: Any, slot: int) -> None:
    for layer in range(b.layers):
        hidden = b.hidden + (2 * layer + b.current_half) * b.hidden_half_stride
        source, target = hidden + series.template * b.hidden_stride, hidden + slot * b.hidden_stride
        copy_blocks(target, source, series.hidden_blocks)
        for block in range(series.gate_blocks):
            gates = b.gate_state + layer * b.gate_state_layer_stride + block * b.gate_state_block_stride
            copy_blocks(gates + VECTOR_BYTES * slot, gates + VECTOR_BYTES * series.template, 1)


@njit(error_model="numpy")
def _write(series: Any, sequence: Any, slot: int) -> None:
    """Write down a candidate that is done: its ids without the one that ends it."""
    ended = has_ended(sequence)
    for i in range(sequence.prompt_size, sequence.computed + (0 if ended else 1)):
        write_int32(series.ids, series.written, read_int32(sequence.ids, i))
        series.written += 1
    write_int64(series.finished_candidates, series.finished, read_int64(series.candidates, slot))
    write_int32(series.ended, series.finished, 1 if ended or sequence.completed else 0)
    series.finished += 1
    write_int64(series.offsets, series.finished, series.written)
