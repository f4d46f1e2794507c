"""The machine's limits, measured with the engine's own instructions: products and bytes per second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from charrnn.engine.cpu.instructions import host_isa
from charrnn.engine.cpu.lanes import I64, VECTOR_BYTES, Lanes
from charrnn.engine.cpu.products import Arithmetic

ROWS, COLUMNS, DEPTH = 6, 4, 128
"""The largest micro-tile; its weights, 32 KB, stay in the first cache."""


def _micro_tile(rows: int, precision: str) -> Any:
    def emit(context: Any, weights: Any, inputs: Any, sums: Any) -> Any:
        del context

        def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, values: Sequence[Any]) -> Any:
            lanes = Lanes(builder, host_isa())
            arithmetic = Arithmetic(precision, lanes)
            totals = [[arithmetic.zero()] * COLUMNS for _ in range(rows)]
            sources = [lanes.address(values[1], 4 * DEPTH * row) for row in range(rows)]
            depth = ir.Constant(I64, DEPTH)
            totals = arithmetic.accumulate(totals, range(COLUMNS), values[0], sources, depth)
            for i, total in enumerate(total for row in totals for total in row):
                lanes.store(total, values[2], i * VECTOR_BYTES)
            return ir.Constant(ir.IntType(8).as_pointer(), None)

        return types.void(weights, inputs, sums), generate

    return intrinsic(emit)


def _sweeps(rows: int, precision: str) -> Any:
    micro_tile = _micro_tile(rows, precision)
    size = DEPTH * COLUMNS * VECTOR_BYTES

    @njit
    def sweeps(weights: Any, inputs: Any, sums: Any, times: int) -> None:
        for _ in range(times):
            for first in range(0, weights.size, size):
                micro_tile(weights.ctypes.data + first, inputs.ctypes.data, sums.ctypes.data)

    return sweeps


def _runner(rows: int, precision: str, blocks: int, times: int) -> Callable[[], None]:
    sweeps = _sweeps(rows, precision)
    weights = np.ones(blocks * DEPTH * COLUMNS * VECTOR_BYTES, dtype=np.uint8)
    inputs, sums = np.ones(rows * DEPTH * 4, dtype=np.uint8), np.zeros(rows * COLUMNS * 16, dtype=np.int32)
    sweeps(weights, inputs, sums, 1)
    return lambda: sweeps(weights, inputs, sums, times)


def products(precision: str) -> tuple[Callable[[], None], float]:
    """A run of the bare micro-tile, and how many operations (a product and a sum are two) it does."""
    times, inputs_of_a_product = 4000, 4 if precision == "int8" else 1
    operations = 2.0 * ROWS * COLUMNS * 16 * inputs_of_a_product * DEPTH * times
    return _runner(ROWS, precision, 1, times), operations


def bandwidth(megabytes: float) -> tuple[Callable[[], None], float]:
    """A run of one row over weights of this size, as a single sequence reads them, and the bytes that it reads."""
    size = DEPTH * COLUMNS * VECTOR_BYTES
    blocks = max(1, int(megabytes * 1e6 / size))
    times = max(1, int(60e6 / (blocks * size)))
    return _runner(1, "int8", blocks, times), float(blocks * size * times)
