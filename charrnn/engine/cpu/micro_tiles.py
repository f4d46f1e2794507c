"""What both kinds of layers do around a product: divide the rows into micro-tiles, initialize the sums, and convert
them to float32; knows no cells.

A micro-tile (the word is BLIS's) is the rows by columns of sums that one pass over the weights holds in registers.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from charrnn.engine.cpu.lanes import FLOATS, I64, VECTOR_BYTES, Value
from charrnn.engine.cpu.products import Arithmetic


def constants_bytes(precision: str, columns: int, biases: int) -> int:
    """Bytes of a block's constants: first sums and scales of the columns where there are any, and the biases."""
    return VECTOR_BYTES * ((2 * columns if precision == "int8" else 0) + biases)


def first_sums(arithmetic: Arithmetic, constants: Value, columns: int, rows: int) -> list[list[Value]]:
    """The sums [rows, columns] that products are added to: -128 sum(w) if the inputs are stored as x + 128, because
    sum(w (x + 128)) - 128 sum(w) = sum(w x); else zeros."""
    if not arithmetic.is_offset:
        return [[arithmetic.zero() for _ in range(columns)] for _ in range(rows)]
    first = [arithmetic.lanes.load(arithmetic.sums, constants, VECTOR_BYTES * column) for column in range(columns)]
    return [list(first) for _ in range(rows)]


def dequantized(  # noqa: PLR0917
    arithmetic: Arithmetic, total: Value, constants: Value, columns: int, column: int, added: Value | None
) -> Value:
    """total * scale + added, [16] float32: an int8 sum of (w / scale_w) (127 x) times the column's scale_w / 127, which
    already includes the gate's factor (charrnn.engine.cpu.gates)."""
    v = arithmetic.lanes
    if arithmetic.precision == "float32":
        return total if added is None else v.add(total, added)
    scale = v.load(FLOATS, constants, VECTOR_BYTES * (columns + column))
    sums = arithmetic.to_floats(total)
    return v.multiply(sums, scale) if added is None else v.fma(sums, scale, added)


def for_each_micro_tile(arithmetic: Arithmetic, row_count: Value, emit: Callable[[Value, int], None]) -> None:
    """Emit a loop over as few micro-tiles as cover the rows, of nearly equal size. `emit` is called once for each
    number of rows that a micro-tile can have, with the index of the first row and this number.

    The number must be known when code is emitted, because registers cannot be indexed. 7 rows are divided into 4 and 3,
    not 6 and 1, because a micro-tile of one row loads all weights for little work.
    """
    v, builder, most = arithmetic.lanes, arithmetic.lanes.builder, arithmetic.max_rows
    tiles = builder.udiv(builder.add(row_count, ir.Constant(I64, most - 1)), ir.Constant(I64, most))
    least = builder.udiv(row_count, builder.select(_is_zero(builder, tiles), ir.Constant(I64, 1), tiles))
    larger = builder.sub(row_count, builder.mul(least, tiles))  # so many micro-tiles, the first ones, have one row more
    with v.repeat(tiles, [ir.Constant(I64, 0)]) as loop:
        first = loop.values[0]
        extra = builder.zext(builder.icmp_signed("<", loop.index, larger), I64)
        rows = builder.add(least, extra)
        with _switch(builder, rows, most) as case:
            for size in range(1, most + 1):
                with case(size):
                    emit(first, size)
        loop.after = [builder.add(first, rows)]


def _is_zero(builder: ir.IRBuilder, value: Value) -> Value:
    return builder.icmp_signed("==", value, ir.Constant(I64, 0))


@contextmanager
def _switch(builder: ir.IRBuilder, value: Value, cases: int) -> Any:
    """Basic blocks for the values 1 to `cases`; other values do not occur."""
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
