"""Tiles of matrix products: rows of the batch times columns of sixteen outputs, held in registers; knows no cells.

A tile starts from given sums and adds weight times activation in ascending order of the inputs, one output a lane.
int8: four inputs a step, integers, so no order matters. float32: one input a step, one fused multiply-add an output,
so the order is the same in every tile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from llvmlite import ir

from charrnn.engine.cpu.lanes import BYTES, F32, FLOATS, I8, I16, I32, I64, INTS, LANES, Lanes, Value

_BYTES: Final = ir.VectorType(I8, BYTES)
_HALF: Final = BYTES // 2
"""Bytes of an AVX2 register."""

MAX_ROWS: Final = {"vnni": 6, "avx2": 1, "portable": 1}
"""Rows of a tile at most: with four columns 24 sums of AVX-512's 32 registers, and what others can still hold."""


@dataclass(frozen=True)
class Arithmetic:
    """How numbers are multiplied: `precision` int8 or float32, and the instructions of `isa`."""

    precision: str
    lanes: Lanes

    @property
    def sums(self) -> ir.Type:
        return INTS if self.precision == "int8" else FLOATS

    @property
    def is_offset(self) -> bool:
        """Whether sums contain 128 times the sum of the weights, because activations are taken as they are stored."""
        return self.precision == "int8" and self.lanes.isa != "avx2"

    @property
    def max_rows(self) -> int:
        return MAX_ROWS[self.lanes.isa]

    def zero(self) -> Value:
        return self.lanes.ints(0) if self.precision == "int8" else self.lanes.floats(0.0)

    def add(self, a: Value, b: Value) -> Value:
        return self.lanes.builder.add(a, b) if self.precision == "int8" else self.lanes.add(a, b)

    def weights(self, address: Value, offset: int) -> Value:
        return self.lanes.load(self.sums, address, offset)

    def inputs(self, address: Value, offset: int) -> Value:
        """The four activations (int8) or the one (float32) of a step, in all lanes; what `multiply_add` takes."""
        x = self.lanes.splat(self.lanes.load(I32 if self.precision == "int8" else F32, address, offset))
        return self._signed_inputs(x) if self.precision == "int8" and self.lanes.isa == "avx2" else x

    def multiply_add(self, total: Value, inputs: Value, weights: Value) -> Value:
        if self.precision == "float32":
            return self.lanes.fma(inputs, weights, total)
        if self.lanes.isa == "vnni":
            return self.lanes.call("llvm.x86.avx512.vpdpbusd.512", INTS, total, inputs, weights)
        if self.lanes.isa == "avx2":
            return self._multiply_add_avx2(total, inputs, weights)
        return self._multiply_add_portable(total, inputs, weights)

    def _signed_inputs(self, x: Value) -> tuple[Value, Value]:
        """The activations less their offset, in [-127, 127], and their magnitudes; half a vector is enough."""
        builder, lanes = self.lanes.builder, self.lanes
        half = lanes.shuffle(builder.bitcast(x, _BYTES), range(_HALF))
        signed = builder.xor(half, ir.Constant(half.type, [128] * _HALF))
        return signed, lanes.call("llvm.abs.v32i8", half.type, signed, ir.Constant(ir.IntType(1), 0))

    def _multiply_add_avx2(self, total: Value, inputs: tuple[Value, Value], weights: Value) -> Value:
        """|x| times w with the sign of x: pairs of products of 127 by 127 at most fit into the 16 bits of vpmaddubsw,
        which would not hold pairs of products of the offset activations."""
        builder, lanes = self.lanes.builder, self.lanes
        words, sums = ir.VectorType(I16, _HALF // 2), ir.VectorType(I32, _HALF // 4)
        signed, magnitudes = inputs
        halves = []
        for first in (0, _HALF):
            half = lanes.shuffle(builder.bitcast(weights, _BYTES), range(first, first + _HALF))
            half = lanes.call("llvm.x86.avx2.psign.b", half.type, half, signed)
            pairs = lanes.call("llvm.x86.avx2.pmadd.ub.sw", words, magnitudes, half)
            ones = ir.Constant(words, [1] * (_HALF // 2))
            halves.append(lanes.call("llvm.x86.avx2.pmadd.wd", sums, pairs, ones))
        mask = ir.Constant(INTS, list(range(LANES)))
        return builder.add(total, builder.shuffle_vector(halves[0], halves[1], mask))

    def _multiply_add_portable(self, total: Value, inputs: Value, weights: Value) -> Value:
        builder, lanes = self.lanes.builder, self.lanes
        words = ir.VectorType(I16, 4 * LANES)
        unsigned = builder.zext(builder.bitcast(inputs, _BYTES), words)
        signed = builder.sext(builder.bitcast(weights, _BYTES), words)
        pair, quads = ir.VectorType(I32, 2 * LANES), range(LANES)
        halves = []
        for part in (0, 1):
            pick = [2 * i + part for i in range(2 * LANES)]
            x, w = lanes.shuffle(unsigned, pick), lanes.shuffle(signed, pick)
            halves.append(builder.mul(builder.sext(x, pair), builder.sext(w, pair)))
        pairs = builder.add(*halves)
        evens, odds = (lanes.shuffle(pairs, [2 * i + part for i in quads]) for part in (0, 1))
        return builder.add(total, builder.add(evens, odds))

    def to_floats(self, total: Value) -> Value:
        return self.lanes.builder.sitofp(total, FLOATS) if self.precision == "int8" else total

    def accumulate(
        self, totals: list[list[Value]], columns: Sequence[int], weights: Value, inputs: list[Value], steps: Value
    ) -> list[list[Value]]:
        """Add the product of one matrix to totals[row][column]; the matrix has a vector a step for each of `columns`.

        Steps come in fours (the packing pads them). Few sums would wait for one another, so that integers, which may
        be added in any order, get a second set.
        """
        sets = 2 if self.precision == "int8" and len(inputs) * len(columns) <= 8 else 1
        flat = [t for row in totals for t in row]
        spare = [self.zero() for _ in range((sets - 1) * len(flat))]
        width = len(totals[0])
        rounds = self.lanes.builder.lshr(steps, ir.Constant(I64, 2))
        with self.lanes.repeat(rounds, [*flat, *spare]) as loop:
            values = loop.values
            at = self.lanes.builder.mul(loop.index, ir.Constant(I64, 4 * BYTES * len(columns)))
            block = self.lanes.address(weights, at)
            sources = [self.lanes.address(x, self.lanes.builder.shl(loop.index, ir.Constant(I64, 4))) for x in inputs]
            now = list(values)
            for step in range(4):
                first = (step % sets) * len(flat)
                loaded = [self.weights(block, (step * len(columns) + c) * BYTES) for c in range(len(columns))]
                for row, source in enumerate(sources):
                    x = self.inputs(source, 4 * step)
                    for column, w in zip(columns, loaded, strict=True):
                        slot = first + row * width + column
                        now[slot] = self.multiply_add(now[slot], x, w)
            loop.after = now
        totals_flat = loop.results[: len(flat)]
        for extra in range(1, sets):
            more = loop.results[extra * len(flat) : (extra + 1) * len(flat)]
            totals_flat = [self.add(a, b) for a, b in zip(totals_flat, more, strict=True)]
        return [totals_flat[row * width : (row + 1) * width] for row in range(len(inputs))]
