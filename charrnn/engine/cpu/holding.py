"""Cells that are held at values, inside the compiled step: after a layer's step, what was computed is overwritten."""

from __future__ import annotations

from typing import Any

from numba import carray, njit  # type: ignore[attr-defined]

from charrnn.engine.cpu.intrinsics import as_pointer, read_int64, write_float32, write_int8, write_int32
from charrnn.engine.cpu.lanes import VECTOR_BYTES
from charrnn.engine.cpu.structs import HELD_STRUCT


@njit(error_model="numpy", inline="never")
def hold(b: Any, sequences: Any, layer: int, hidden: int) -> None:
    """Overwrite what the sequences hold of the layer's state; `hidden` is the address of its new one, at slot 0."""
    for i in range(b.active_count):
        slot = read_int64(b.active, i)
        sequence = sequences[slot]
        if sequence.held_count and sequence.computed >= sequence.held_from:
            cells = carray(as_pointer(sequence.held), sequence.held_count, HELD_STRUCT)
            for k in range(sequence.held_count):
                if cells[k].layer == layer:
                    _overwrite(b, cells[k], slot, hidden)


@njit(error_model="numpy")
def _overwrite(b: Any, cell: Any, slot: int, hidden: int) -> None:
    if cell.hidden >= 0:
        address = hidden + slot * b.hidden_stride + cell.hidden
        if cell.hidden_size == 1:
            write_int8(address, 0, cell.hidden_bits)
        else:
            write_int32(address, 0, cell.hidden_bits)
    if cell.gate >= 0:
        gates = b.gate_state + cell.layer * b.gate_state_layer_stride
        write_float32(gates + VECTOR_BYTES * slot + cell.gate, 0, cell.gate_value)
