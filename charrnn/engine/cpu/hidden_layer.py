"""A hidden layer's step for every sequence that is not done, as one operation of the compiled step; knows no sampling.

For each row, a sequence, and each block of units, with columns as in charrnn.engine.cpu.gates:

    sums            = W_input x_t + W_hidden h_{t-1} + added      [columns, 16]
    h_t, gate_state = gates(sums, gate_state)                     [units of the block], [16]

In the first layer, W_input x_t is a row of a table, selected by the id, and is part of `added`. Rows are a list of
slots of the state arrays, so that sequences join and leave without copying. The loop over blocks is the outer one, so
that weights are read from memory once in a step, whatever the number of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from charrnn.engine.cpu.gates import APPLY_GATES, LAYOUTS, Layout
from charrnn.engine.cpu.lanes import FLOATS, I8, I32, I64, LANES, VECTOR_BYTES, Int64, Lanes, Value
from charrnn.engine.cpu.micro_tiles import constants_bytes, dequantized, first_sums, for_each_micro_tile
from charrnn.engine.cpu.products import Arithmetic

UNITS_BYTES: Final = {"int8": LANES, "float32": 4 * LANES}
"""Bytes of sixteen units of the hidden state."""

EXP2_DEGREE: Final = {"int8": 4, "float32": 5}
"""Of the polynomial for powers: degree 4's error of 3e-6 is far below the steps of 1/127 of a state in eight bits."""

ROUNDING: Final = 12582912.0
"""1.5 * 2^23. Between 2^23 and 2^24 float32 has only integers, so a small number added to this is rounded, half to
even, and can be read from the low bits."""


class HiddenLayerArguments(NamedTuple):
    """The arguments of a layer's step, all int64: addresses, counts, and strides in bytes."""

    row_count: Int64
    slots: Int64  # [row_count] int64: the slot of each row
    added: Int64  # [row_count] int64: addresses of float32 [blocks, added columns, 16]
    blocks: Int64  # of units
    weights: Int64  # laid out by charrnn.engine.cpu.packing, as are the constants
    input_depth: Int64  # multiply-adds in a sum over the layer's input; 0 in the first layer
    hidden_depth: Int64  # and over its hidden state
    constants: Int64
    input: Int64  # the layer below's state after this step, at slot 0
    before: Int64  # this layer's state before this step, at slot 0
    after: Int64  # and after it, to be written
    hidden_stride: Int64  # from slot to slot, of these three
    gate_state: Int64  # [blocks, slots, 16] float32
    gate_state_block_stride: Int64


def _type_hidden_layer(
    context: Any,
    cell: types.StringLiteral,
    precision: types.StringLiteral,
    isa: types.StringLiteral,
    arguments: types.NamedUniTuple,
) -> Any:
    """Advance one layer by one step, with HiddenLayerArguments."""
    del context
    signature = types.void(cell, precision, isa, arguments)

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, values: Sequence[Value]) -> Value:
        lanes = Lanes(builder, isa.literal_value, EXP2_DEGREE[precision.literal_value])
        layer = HiddenLayerArguments(*(builder.extract_value(values[3], i) for i in range(arguments.count)))
        _emit(cell.literal_value, Arithmetic(precision.literal_value, lanes), layer)
        return ir.Constant(ir.LiteralStructType([]).as_pointer(), None)

    return signature, generate


hidden_layer: Any = intrinsic(prefer_literal=True)(_type_hidden_layer)


def _emit(cell: str, arithmetic: Arithmetic, layer: HiddenLayerArguments) -> None:
    layout, v = LAYOUTS[cell], arithmetic.lanes
    builder = v.builder
    # Bytes of a block: its weights, [depth, columns] vectors, those of the input first; its constants; its states.
    input_bytes = builder.mul(layer.input_depth, ir.Constant(I64, len(layout.input) * VECTOR_BYTES))
    hidden_bytes = builder.mul(layer.hidden_depth, ir.Constant(I64, len(layout.hidden) * VECTOR_BYTES))
    weights_bytes = builder.add(input_bytes, hidden_bytes)
    block_constants = constants_bytes(arithmetic.precision, layout.columns, layout.biases)
    block_states = layout.groups * UNITS_BYTES[arithmetic.precision]
    with v.repeat(layer.blocks, []) as blocks:
        weights = v.address(layer.weights, builder.mul(blocks.index, weights_bytes))
        constants = v.address(layer.constants, builder.mul(blocks.index, ir.Constant(I64, block_constants)))
        after = v.address(layer.after, builder.mul(blocks.index, ir.Constant(I64, block_states)))
        added_offset = builder.mul(blocks.index, ir.Constant(I64, VECTOR_BYTES * len(layout.added)))
        gate_state = v.address(layer.gate_state, builder.mul(blocks.index, layer.gate_state_block_stride))

        def micro_tile(first: Value, rows: int) -> None:
            start = builder.shl(first, ir.Constant(I64, 3))
            slots = [v.load(I64, v.address(layer.slots, start), 8 * r) for r in range(rows)]
            offsets = [builder.mul(slot, layer.hidden_stride) for slot in slots]
            sums = first_sums(arithmetic, constants, layout.columns, rows)  # [rows, columns] of vectors
            x = [v.address(layer.input, offset) for offset in offsets]
            sums = arithmetic.accumulate(sums, layout.input, weights, x, layer.input_depth)
            h = [v.address(layer.before, offset) for offset in offsets]
            after_input = v.address(weights, input_bytes)
            sums = arithmetic.accumulate(sums, layout.hidden, after_input, h, layer.hidden_depth)
            for r in range(rows):
                added = v.address(v.load(I64, v.address(layer.added, start), 8 * r), added_offset)
                kept = v.address(gate_state, builder.mul(slots[r], ir.Constant(I64, VECTOR_BYTES)))
                row = _Row(added, constants, kept, v.address(after, offsets[r]))
                _emit_gates(cell, layout, arithmetic, sums[r], row)

        for_each_micro_tile(arithmetic, layer.row_count, micro_tile)


@dataclass(frozen=True)
class _Row:
    """The addresses of one row's data in one block of units."""

    added: Value
    constants: Value
    gate_state: Value
    after: Value


def _emit_gates(cell: str, layout: Layout, arithmetic: Arithmetic, sums: list[Value], row: _Row) -> None:
    """From the sums [columns] of one row to its new states, both written back."""
    v = arithmetic.lanes
    added = {column: v.load(FLOATS, row.added, VECTOR_BYTES * i) for i, column in enumerate(layout.added)}
    activations = [
        dequantized(arithmetic, total, row.constants, layout.columns, column, added.get(column))
        for column, total in enumerate(sums)
    ]
    first_bias = constants_bytes(arithmetic.precision, layout.columns, 0)
    biases = [v.load(FLOATS, row.constants, first_bias + VECTOR_BYTES * i) for i in range(layout.biases)]
    gate_state = v.load(FLOATS, row.gate_state) if layout.has_gate_state else None
    states, gate_state = APPLY_GATES[cell](v, activations, biases, gate_state)
    if gate_state is not None:
        v.store(gate_state, row.gate_state)
    for group, state in enumerate(states):
        v.store(_as_products_read(arithmetic, state), row.after, group * UNITS_BYTES[arithmetic.precision])


def _as_products_read(arithmetic: Arithmetic, state: Value) -> Value:
    """h in [-1, 1] as uint8 round(127 h) + 128, in [1, 255], or as it is (float32). The offset makes it unsigned, as
    vpdpbusd requires of one factor; charrnn.engine.cpu.micro_tiles.first_sums compensates for it."""
    if arithmetic.precision == "float32":
        return state
    v = arithmetic.lanes
    rounded = v.fma(state, v.floats(127.0), v.floats(ROUNDING + 128.0))
    return v.builder.trunc(v.builder.bitcast(rounded, ir.VectorType(I32, LANES)), ir.VectorType(I8, LANES))
