"""The output layer for the sequences whose logits a step needs, as one operation of the compiled step; knows no
sampling.

    logits = W h + b       [row_count, outputs], -inf beyond them

in groups of four vectors of sixteen ids, as laid out by charrnn.engine.cpu.packing; the last group may have two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from charrnn.engine.cpu.gates import OUTPUT_COLUMNS
from charrnn.engine.cpu.lanes import FLOATS, I64, VECTOR_BYTES, Int64, Lanes, Value
from charrnn.engine.cpu.micro_tiles import constants_bytes, dequantized, first_sums, for_each_micro_tile
from charrnn.engine.cpu.products import Arithmetic


class OutputLayerArguments(NamedTuple):
    """The arguments of the output layer, all int64: addresses, counts, and strides in bytes."""

    row_count: Int64
    slots: Int64  # [row_count] int64: the slot of each row
    groups: Int64  # full groups of ids
    rest: Int64  # half groups, 0 or 1
    weights: Int64  # laid out by charrnn.engine.cpu.packing, as are the constants
    depth: Int64  # multiply-adds of a sum
    constants: Int64
    hidden: Int64  # the last layer's state, at slot 0
    hidden_stride: Int64  # from slot to slot
    logits: Int64  # [row_count, ...] float32, to be written
    logits_stride: Int64  # from row to row


def _type_output_layer(
    context: Any, precision: types.StringLiteral, isa: types.StringLiteral, arguments: types.NamedUniTuple
) -> Any:
    """The logits of the rows, with OutputLayerArguments."""
    del context
    signature = types.void(precision, isa, arguments)

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, values: Sequence[Value]) -> Value:
        lanes = Lanes(builder, isa.literal_value)
        layer = OutputLayerArguments(*(builder.extract_value(values[2], i) for i in range(arguments.count)))
        _emit(Arithmetic(precision.literal_value, lanes), layer)
        return ir.Constant(ir.LiteralStructType([]).as_pointer(), None)

    return signature, generate


output_layer: Any = intrinsic(prefer_literal=True)(_type_output_layer)


def _emit(arithmetic: Arithmetic, layer: OutputLayerArguments) -> None:
    """The full groups, then the half group, if any."""
    v, builder = arithmetic.lanes, arithmetic.lanes.builder
    for columns, first, count in (
        (OUTPUT_COLUMNS, ir.Constant(I64, 0), layer.groups),
        (OUTPUT_COLUMNS // 2, layer.groups, layer.rest),
    ):
        group_constants = constants_bytes(arithmetic.precision, OUTPUT_COLUMNS, OUTPUT_COLUMNS)
        group_weights = builder.mul(layer.depth, ir.Constant(I64, OUTPUT_COLUMNS * VECTOR_BYTES))
        part = layer._replace(
            groups=count,
            weights=v.address(layer.weights, builder.mul(first, group_weights)),
            constants=v.address(layer.constants, builder.mul(first, ir.Constant(I64, group_constants))),
            logits=v.address(layer.logits, builder.mul(first, ir.Constant(I64, OUTPUT_COLUMNS * VECTOR_BYTES))),
        )
        _emit_groups(arithmetic, part, columns)


def _emit_groups(arithmetic: Arithmetic, layer: OutputLayerArguments, columns: int) -> None:
    v = arithmetic.lanes
    builder = v.builder
    group_weights = builder.mul(layer.depth, ir.Constant(I64, columns * VECTOR_BYTES))
    group_constants = constants_bytes(arithmetic.precision, columns, columns)
    with v.repeat(layer.groups, []) as groups:
        weights = v.address(layer.weights, builder.mul(groups.index, group_weights))
        constants = v.address(layer.constants, builder.mul(groups.index, ir.Constant(I64, group_constants)))
        logits = v.address(layer.logits, builder.mul(groups.index, ir.Constant(I64, columns * VECTOR_BYTES)))

        def micro_tile(first: Value, rows: int) -> None:
            start = v.address(layer.slots, builder.shl(first, ir.Constant(I64, 3)))
            slots = [v.load(I64, start, 8 * r) for r in range(rows)]
            h = [v.address(layer.hidden, builder.mul(slot, layer.hidden_stride)) for slot in slots]
            sums = first_sums(arithmetic, constants, columns, rows)  # [rows, columns] of vectors
            sums = arithmetic.accumulate(sums, range(columns), weights, h, layer.depth)
            first_bias = constants_bytes(arithmetic.precision, columns, 0)
            for r in range(rows):
                row = builder.add(first, ir.Constant(I64, r))
                target = v.address(logits, builder.mul(row, layer.logits_stride))
                for column in range(columns):
                    bias = v.load(FLOATS, constants, first_bias + VECTOR_BYTES * column)
                    logit = dequantized(arithmetic, sums[r][column], constants, columns, column, bias)
                    v.store(logit, target, VECTOR_BYTES * column)

        for_each_micro_tile(arithmetic, layer.row_count, micro_tile)
