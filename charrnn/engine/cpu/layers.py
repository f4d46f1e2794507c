"""A whole layer for all rows as one compiled operation: product, dequantization, gates, and the state written back;
knows no sampling and no sequences.

Rows are given as a list of places in the state arrays, so that rows come and go without anything being moved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from charrnn.engine.cpu.gates import LAYOUTS, OUTPUT_COLUMNS, STEPS, Layout
from charrnn.engine.cpu.lanes import BYTES, I8, I32, I64, LANES, Lanes, Value
from charrnn.engine.cpu.products import Arithmetic

HIDDEN_STEP: Final = {"int8": LANES, "float32": 4 * LANES}
"""Bytes of sixteen units of the hidden state."""

DEGREE: Final = {"int8": 4, "float32": 5}
"""Of the powers' polynomial: an error of 3e-6 is far below what eight bits of a state tell apart."""

ROUNDING: Final = 12582912.0
"""1.5 * 2^23: added to a small number it leaves the number, rounded to even, in the low bits."""


def _type_hidden_layer(
    context: Any,
    cell: types.StringLiteral,
    precision: types.StringLiteral,
    isa: types.StringLiteral,
    arguments: types.UniTuple,
) -> Any:
    """Advance one layer by one step, for a tuple of int64 in the order of `Hidden`'s fields."""
    del context
    signature = types.void(cell, precision, isa, arguments)

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, values: Sequence[Value]) -> Value:
        lanes = Lanes(builder, isa.literal_value, DEGREE[precision.literal_value])
        layer = Hidden(*(builder.extract_value(values[3], i) for i in range(arguments.count)))
        _hidden(cell.literal_value, Arithmetic(precision.literal_value, lanes), layer)
        return ir.Constant(ir.LiteralStructType([]).as_pointer(), None)

    return signature, generate


def _type_output_layer(
    context: Any, precision: types.StringLiteral, isa: types.StringLiteral, arguments: types.UniTuple
) -> Any:
    """The logits of the rows, for a tuple of int64 in the order of `Outputs`' fields."""
    del context
    signature = types.void(precision, isa, arguments)

    def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, values: Sequence[Value]) -> Value:
        lanes = Lanes(builder, isa.literal_value)
        outputs = Outputs(*(builder.extract_value(values[2], i) for i in range(arguments.count)))
        _outputs(Arithmetic(precision.literal_value, lanes), outputs)
        return ir.Constant(ir.LiteralStructType([]).as_pointer(), None)

    return signature, generate


hidden_layer: Any = intrinsic(prefer_literal=True)(_type_hidden_layer)
output_layer: Any = intrinsic(prefer_literal=True)(_type_output_layer)


@dataclass(frozen=True)
class Hidden:
    """What a layer's step works on. Addresses: `rows` [count] int64, places of the rows; `adds` [count] int64,
    addresses of what is added to their sums; `weights`; `constants`; `input`, `hidden` and `output`, states at place 0,
    a place every `stride` bytes; `memory` [blocks, places, 16], a block every `memory_stride` bytes. Counts: rows,
    blocks of units, and steps of the products over the layer's input (0 in the first layer) and its hidden state."""

    count: Value
    rows: Value
    adds: Value
    blocks: Value
    weights: Value
    input_steps: Value
    hidden_steps: Value
    constants: Value
    input: Value
    hidden: Value
    output: Value
    stride: Value
    memory: Value
    memory_stride: Value


@dataclass(frozen=True)
class Outputs:
    """What the output layer works on: as in `Hidden`; `groups` full groups of ids and `rest` (0 or 1) half ones;
    `logits` [count, ...] float32, a row every `logits_stride` bytes."""

    count: Value
    rows: Value
    groups: Value
    rest: Value
    weights: Value
    steps: Value
    constants: Value
    hidden: Value
    stride: Value
    logits: Value
    logits_stride: Value


def constants_size(precision: str, columns: int, biases: int) -> int:
    """Bytes of the constants of a block: first sums and scales of the columns where there are any, and the biases."""
    return BYTES * ((2 * columns if precision == "int8" else 0) + biases)


def _hidden(cell: str, arithmetic: Arithmetic, layer: Hidden) -> None:
    layout, v = LAYOUTS[cell], arithmetic.lanes
    builder = v.builder
    input_size = builder.mul(layer.input_steps, ir.Constant(I64, len(layout.input) * BYTES))
    hidden_size = builder.mul(layer.hidden_steps, ir.Constant(I64, len(layout.hidden) * BYTES))
    weights_size = builder.add(input_size, hidden_size)
    constants_step = constants_size(arithmetic.precision, layout.columns, layout.biases)
    state_step = layout.groups * HIDDEN_STEP[arithmetic.precision]
    with v.repeat(layer.blocks, []) as blocks:
        weights = v.address(layer.weights, builder.mul(blocks.index, weights_size))
        constants = v.address(layer.constants, builder.mul(blocks.index, ir.Constant(I64, constants_step)))
        output = v.address(layer.output, builder.mul(blocks.index, ir.Constant(I64, state_step)))
        add_offset = builder.mul(blocks.index, ir.Constant(I64, BYTES * len(layout.added)))
        memory = v.address(layer.memory, builder.mul(blocks.index, layer.memory_stride))

        def tile(first: Value, rows: int) -> None:
            start = builder.shl(first, ir.Constant(I64, 3))
            places = [v.load(I64, v.address(layer.rows, start), 8 * r) for r in range(rows)]
            offsets = [builder.mul(place, layer.stride) for place in places]
            totals = _first_sums(arithmetic, constants, layout.columns, rows)
            x = [v.address(layer.input, offset) for offset in offsets]
            totals = arithmetic.accumulate(totals, layout.input, weights, x, layer.input_steps)
            h = [v.address(layer.hidden, offset) for offset in offsets]
            after_input = v.address(weights, input_size)
            totals = arithmetic.accumulate(totals, layout.hidden, after_input, h, layer.hidden_steps)
            for r in range(rows):
                add = v.address(v.load(I64, v.address(layer.adds, start), 8 * r), add_offset)
                kept = v.address(memory, builder.mul(places[r], ir.Constant(I64, BYTES)))
                row = _Row(add, constants, kept, v.address(output, offsets[r]))
                _gates(cell, layout, arithmetic, totals[r], row)

        _tiles(arithmetic, layer.count, tile)


@dataclass(frozen=True)
class _Row:
    """Addresses of a row's part in a tile of a hidden layer."""

    add: Value
    constants: Value
    memory: Value
    output: Value


def _gates(cell: str, layout: Layout, arithmetic: Arithmetic, totals: list[Value], row: _Row) -> None:
    v = arithmetic.lanes
    added = {column: v.load(_FLOATS, row.add, BYTES * i) for i, column in enumerate(layout.added)}
    sums = [
        _scaled(arithmetic, total, row.constants, layout.columns, column, added.get(column))
        for column, total in enumerate(totals)
    ]
    first_bias = constants_size(arithmetic.precision, layout.columns, 0)
    biases = [v.load(_FLOATS, row.constants, first_bias + BYTES * i) for i in range(layout.biases)]
    memory = v.load(_FLOATS, row.memory) if layout.memory else None
    states, memory = STEPS[cell](v, sums, biases, memory)
    if memory is not None:
        v.store(memory, row.memory)
    for group, state in enumerate(states):
        v.store(_stored(arithmetic, state), row.output, group * HIDDEN_STEP[arithmetic.precision])


def _stored(arithmetic: Arithmetic, state: Value) -> Value:
    """The state as the products read it: round(127 h) + 128 in eight bits, or as it is."""
    if arithmetic.precision == "float32":
        return state
    v = arithmetic.lanes
    rounded = v.fma(state, v.floats(127.0), v.floats(ROUNDING + 128.0))
    return v.builder.trunc(v.builder.bitcast(rounded, ir.VectorType(I32, LANES)), ir.VectorType(I8, LANES))


def _outputs(arithmetic: Arithmetic, outputs: Outputs) -> None:
    builder = arithmetic.lanes.builder
    for columns, first, count in (
        (OUTPUT_COLUMNS, ir.Constant(I64, 0), outputs.groups),
        (OUTPUT_COLUMNS // 2, outputs.groups, outputs.rest),
    ):
        full = constants_size(arithmetic.precision, OUTPUT_COLUMNS, OUTPUT_COLUMNS)
        step = builder.mul(outputs.steps, ir.Constant(I64, OUTPUT_COLUMNS * BYTES))
        v = arithmetic.lanes
        start = replace(
            outputs,
            groups=count,
            weights=v.address(outputs.weights, builder.mul(first, step)),
            constants=v.address(outputs.constants, builder.mul(first, ir.Constant(I64, full))),
            logits=v.address(outputs.logits, builder.mul(first, ir.Constant(I64, OUTPUT_COLUMNS * BYTES))),
        )
        _output_groups(arithmetic, start, columns)


def _output_groups(arithmetic: Arithmetic, outputs: Outputs, columns: int) -> None:
    v = arithmetic.lanes
    builder = v.builder
    step = builder.mul(outputs.steps, ir.Constant(I64, columns * BYTES))
    constants_step = constants_size(arithmetic.precision, columns, columns)
    with v.repeat(outputs.groups, []) as groups:
        weights = v.address(outputs.weights, builder.mul(groups.index, step))
        constants = v.address(outputs.constants, builder.mul(groups.index, ir.Constant(I64, constants_step)))
        logits = v.address(outputs.logits, builder.mul(groups.index, ir.Constant(I64, columns * BYTES)))

        def tile(first: Value, rows: int) -> None:
            start = v.address(outputs.rows, builder.shl(first, ir.Constant(I64, 3)))
            places = [v.load(I64, start, 8 * r) for r in range(rows)]
            h = [v.address(outputs.hidden, builder.mul(place, outputs.stride)) for place in places]
            totals = _first_sums(arithmetic, constants, columns, rows)
            totals = arithmetic.accumulate(totals, range(columns), weights, h, outputs.steps)
            first_bias = constants_size(arithmetic.precision, columns, 0)
            for r in range(rows):
                row = builder.add(first, ir.Constant(I64, r))
                target = v.address(logits, builder.mul(row, outputs.logits_stride))
                for column in range(columns):
                    bias = v.load(_FLOATS, constants, first_bias + BYTES * column)
                    logit = _scaled(arithmetic, totals[r][column], constants, columns, column, bias)
                    v.store(logit, target, BYTES * column)

        _tiles(arithmetic, outputs.count, tile)


_FLOATS: Final = ir.VectorType(ir.FloatType(), LANES)


def _first_sums(arithmetic: Arithmetic, constants: Value, columns: int, rows: int) -> list[list[Value]]:
    """Minus 128 times the sums of the weights, where the activations' offset will add that; else zeros."""
    if not arithmetic.is_offset:
        return [[arithmetic.zero() for _ in range(columns)] for _ in range(rows)]
    first = [arithmetic.lanes.load(arithmetic.sums, constants, BYTES * column) for column in range(columns)]
    return [list(first) for _ in range(rows)]


def _scaled(  # noqa: PLR0917
    arithmetic: Arithmetic, total: Value, constants: Value, columns: int, column: int, add: Value | None
) -> Value:
    v = arithmetic.lanes
    if arithmetic.precision == "float32":
        return total if add is None else v.add(total, add)
    scale = v.load(_FLOATS, constants, BYTES * (columns + column))
    sums = arithmetic.to_floats(total)
    return v.multiply(sums, scale) if add is None else v.fma(sums, scale, add)


def _tiles(arithmetic: Arithmetic, count: Value, tile: Callable[[Value, int], None]) -> None:
    """Call `tile` with (first row, rows) for as few tiles as cover `count` rows, as even as they can be."""
    v, builder, most = arithmetic.lanes, arithmetic.lanes.builder, arithmetic.max_rows
    tiles = builder.udiv(builder.add(count, ir.Constant(I64, most - 1)), ir.Constant(I64, most))
    least = builder.udiv(count, builder.select(_is_zero(builder, tiles), ir.Constant(I64, 1), tiles))
    larger = builder.sub(count, builder.mul(least, tiles))
    with v.repeat(tiles, [ir.Constant(I64, 0)]) as loop:
        first = loop.values[0]
        extra = builder.zext(builder.icmp_signed("<", loop.index, larger), I64)
        rows = builder.add(least, extra)
        with _switch(builder, rows, most) as case:
            for size in range(1, most + 1):
                with case(size):
                    tile(first, size)
        loop.after = [builder.add(first, rows)]


def _is_zero(builder: ir.IRBuilder, value: Value) -> Value:
    return builder.icmp_signed("==", value, ir.Constant(I64, 0))


@contextmanager
def _switch(builder: ir.IRBuilder, value: Value, cases: int) -> Any:
    """Blocks for value = 1 to `cases`; other values do not occur."""
    end = builder.append_basic_block("joined")
    blocks = [builder.append_basic_block(f"case{i + 1}") for i in range(cases)]
    switch = builder.switch(value, end)
    for i, block in enumerate(blocks):
        switch.add_case(ir.Constant(I64, i + 1), block)

    @contextmanager
    def case(number: int) -> Any:
        builder.position_at_end(blocks[number - 1])
        yield
        builder.branch(end)

    yield case
    builder.position_at_end(end)
