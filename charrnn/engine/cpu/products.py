"""Products of states and a matrix, for the rows and columns of a micro-tile; knows no cells.

The sums, [rows, columns] vectors, stay in registers from the first input to the last (charrnn.engine.cpu.micro_tiles).
One multiply-add of a sum takes the next four inputs (int8) or the next one (float32); *depth* is how many of them make
a sum. Inputs are taken in ascending order, and each lane is one output. Integers give the same sum in any order;
float32 uses one fused multiply-add for each input in every micro-tile, so that a row's numbers do not depend on the
other rows.

No sum of int8 can overflow its 32 bits: inputs are 0 to 255, weights -127 to 127, and one sum has at most two matrices
of charrnn.config.MAX_WIDTH inputs each, so that it stays within 255 * 127 * 2 * 4096 < 2^28.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from llvmlite import ir

from charrnn.engine.cpu.lanes import F32, FLOATS, I8, I16, I32, I64, INTS, LANES, VECTOR_BYTES, Lanes, Value

_BYTES: Final = ir.VectorType(I8, VECTOR_BYTES)
_HALF: Final = VECTOR_BYTES // 2
"""Bytes of an AVX2 register."""

MAX_ROWS: Final = {"vnni": 6, "avx2": 1, "portable": 1}
"""The maximum number of rows in a micro-tile. With four columns, six rows have 24 sums, and of AVX-512's 32 registers
enough are left for four weights and an input. AVX2's 16 registers are half as wide, so that the sums of one row take
eight."""


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
        """Whether sums include 128 times the sum of the weights, because inputs are stored as x + 128: vpdpbusd, like
        the portable code, multiplies an unsigned byte by a signed one."""
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
        """The four inputs (int8) or the one input (float32) of a multiply-add, in all lanes, as `multiply_add` takes
        them."""
        x = self.lanes.splat(self.lanes.load(I32 if self.precision == "int8" else F32, address, offset))
        return self._signed_inputs(x) if self.precision == "int8" and self.lanes.isa == "avx2" else x

    def multiply_add(self, total: Value, inputs: Value, weights: Value) -> Value:
        """total[lane] + weights[lane] . inputs, over the four (int8) or the one (float32) of `inputs`."""
        if self.precision == "float32":
            return self.lanes.fma(inputs, weights, total)
        if self.lanes.isa == "vnni":
            return self.lanes.call("llvm.x86.avx512.vpdpbusd.512", INTS, total, inputs, weights)
        if self.lanes.isa == "avx2":
            return self._multiply_add_avx2(total, inputs, weights)
        return self._multiply_add_portable(total, inputs, weights)

    def _signed_inputs(self, x: Value) -> tuple[Value, Value]:
        """The inputs without their offset, in [-127, 127], and their magnitudes, in half a vector. Flipping the highest
        bit of x + 128 subtracts 128 in two's complement."""
        builder, lanes = self.lanes.builder, self.lanes
        half = lanes.shuffle(builder.bitcast(x, _BYTES), range(_HALF))
        signed = builder.xor(half, ir.Constant(half.type, [128] * _HALF))
        return signed, lanes.call("llvm.abs.v32i8", half.type, signed, ir.Constant(ir.IntType(1), 0))

    def _multiply_add_avx2(self, total: Value, inputs: tuple[Value, Value], weights: Value) -> Value:
        """|x| times w with the sign of x. vpmaddubsw adds pairs of products in 16 bits, saturating: 2 * 127 * 127 fits
        into 32767, but 2 * 255 * 127 of the inputs with their offset would not."""
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
        """The same in generic instructions: products of four adjacent bytes, added in pairs, then in fours."""
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
        self, totals: list[list[Value]], columns: Sequence[int], weights: Value, inputs: list[Value], depth: Value
    ) -> list[list[Value]]:
        """Add the product of one matrix to totals[row][column] for each of `columns`.

        `weights` is the address of [depth, columns] vectors, `inputs` [rows] of the rows' inputs. The loop is unrolled
        by four (the packing pads the hidden size to whole blocks, so that depth is a multiple of four). A multiply-add
        waits for the previous one of the same sum, so few sums would leave the processor idle. Integers, which may be
        added in any order, then get a second set of sums; float32, whose order matters, does not.
        """
        sets = 2 if self.precision == "int8" and len(inputs) * len(columns) <= 8 else 1
        flat = [t for row in totals for t in row]  # [rows * columns]
        spare = [self.zero() for _ in range((sets - 1) * len(flat))]
        width = len(totals[0])
        rounds = self.lanes.builder.lshr(depth, ir.Constant(I64, 2))
        with self.lanes.repeat(rounds, [*flat, *spare]) as loop:
            at = self.lanes.builder.mul(loop.index, ir.Constant(I64, 4 * VECTOR_BYTES * len(columns)))
            block = self.lanes.address(weights, at)
            sources = [self.lanes.address(x, self.lanes.builder.shl(loop.index, ir.Constant(I64, 4))) for x in inputs]
            sums = list(loop.values)
            for d in range(4):
                first = (d % sets) * len(flat)
                loaded = [self.weights(block, (d * len(columns) + c) * VECTOR_BYTES) for c in range(len(columns))]
                for row, source in enumerate(sources):
                    x = self.inputs(source, 4 * d)
                    for column, w in zip(columns, loaded, strict=True):
                        i = first + row * width + column
                        sums[i] = self.multiply_add(sums[i], x, w)
            loop.after = sums
        total = loop.results[: len(flat)]
        for extra in range(1, sets):
            more = loop.results[extra * len(flat) : (extra + 1) * len(flat)]
            total = [self.add(a, b) for a, b in zip(total, more, strict=True)]
        return [total[row * width : (row + 1) * width] for row in range(len(inputs))]
