"""Sixteen numbers at a time: the vector operations that kernels are written in, as LLVM instructions; knows no cells.

Every operation is one IEEE operation for each lane, in a fixed order, never contracted or reassociated, so that all
processors and all kernels give the same bits. LLVM splits vectors of sixteen where registers are narrower.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from llvmlite import ir

LANES: Final = 16
"""Numbers of 32 bits in a vector: as many as an AVX-512 register holds."""

VECTOR_BYTES: Final = 4 * LANES
"""Bytes of a vector: sixteen float32 or int32, or sixty-four int8."""

I8, I16, I32, I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
F32 = ir.FloatType()
INTS = ir.VectorType(I32, LANES)
FLOATS = ir.VectorType(F32, LANES)

EXP2_COEFFICIENTS: Final = {
    4: (0.013426696881651878, 0.0522424541413784, 0.2412802129983902, 0.6930448412895203, 1.0),
    5: (
        0.0018671313300728798,
        0.009017027914524078,
        0.05579991638660431,
        0.24016444385051727,
        0.6931512951850891,
        1.0,
    ),
}
"""2^r on [0, 1] by degree, highest power first: the minimax polynomial in relative error (Lawson's iteration) among
those with value 1 at 0, with coefficients rounded to float32. Relative errors, rounding included: degree 4 at most
3.0e-6, degree 5 at most 1.5e-7."""

Value = Any
"""An LLVM value in a function under construction."""

Int64 = Any
"""An int in the kernel, its Value where code is emitted."""


class Lanes:
    """Emits operations into a function under construction; addresses are 64-bit integers; `degree` is that of exp2's
    polynomial."""

    def __init__(self, builder: ir.IRBuilder, isa: str, degree: int = 5) -> None:
        self.builder = builder
        self.isa = isa
        self.degree = degree

    def address(self, base: Value, offset: int | Value) -> Value:
        """base + offset, in bytes."""
        return self.builder.add(base, ir.Constant(I64, offset) if isinstance(offset, int) else offset)

    def load(self, type_: ir.Type, address: Value, offset: int = 0) -> Value:
        pointer = self.builder.inttoptr(self.address(address, offset), type_.as_pointer())
        return self.builder.load(pointer, align=1, typ=type_)

    def store(self, value: Value, address: Value, offset: int = 0) -> None:
        pointer = self.builder.inttoptr(self.address(address, offset), value.type.as_pointer())
        self.builder.store(value, pointer, align=1)

    def floats(self, value: float) -> Value:
        return ir.Constant(FLOATS, [value] * LANES)

    def ints(self, value: int) -> Value:
        return ir.Constant(INTS, [value] * LANES)

    def splat(self, scalar: Value) -> Value:
        """The scalar in all lanes."""
        undefined = ir.Constant(ir.VectorType(scalar.type, LANES), ir.Undefined)
        first = self.builder.insert_element(undefined, scalar, ir.Constant(I32, 0))
        return self.builder.shuffle_vector(first, undefined, self.ints(0))

    def shuffle(self, vector: Value, lanes: Sequence[int]) -> Value:
        mask = ir.Constant(ir.VectorType(I32, len(lanes)), list(lanes))
        return self.builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), mask)

    def call(self, name: str, result: ir.Type, *arguments: Value) -> Value:
        """Call one of LLVM's intrinsics."""
        signature = ir.FunctionType(result, [argument.type for argument in arguments])
        function = self.builder.module.globals.get(name) or ir.Function(self.builder.module, signature, name)
        return self.builder.call(function, arguments)

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """a * b + c with one rounding."""
        return self.call("llvm.fma.v16f32", FLOATS, a, b, c)

    def add(self, a: Value, b: Value) -> Value:
        return self.builder.fadd(a, b)

    def subtract(self, a: Value, b: Value) -> Value:
        return self.builder.fsub(a, b)

    def multiply(self, a: Value, b: Value) -> Value:
        return self.builder.fmul(a, b)

    def divide(self, a: Value, b: Value) -> Value:
        return self.builder.fdiv(a, b)

    def minimum(self, a: Value, b: Value) -> Value:
        return self.builder.select(self.builder.fcmp_ordered("<", a, b), a, b)

    def maximum(self, a: Value, b: Value) -> Value:
        return self.builder.select(self.builder.fcmp_ordered(">", a, b), a, b)

    def exp2(self, t: Value) -> Value:
        """2^t for t in [-125, 125]: a polynomial of t - floor(t), times 2^floor(t), which only changes the exponent."""
        floor, fraction = self._split(t)
        first, *others = EXP2_COEFFICIENTS[self.degree]
        power = self.floats(first)
        for coefficient in others:
            power = self.fma(power, fraction, self.floats(coefficient))
        return self._scale(power, floor)

    def exp2_at_most(self, t: Value, bound: float) -> Value:
        """2^t, limited to 2^bound; results below 2^-bound may be any number smaller than that."""
        limited = self.minimum(t, self.floats(bound))
        return self.exp2(limited if self.isa == "vnni" else self.maximum(limited, self.floats(-bound)))

    def _split(self, t: Value) -> tuple[Value, Value]:
        """floor(t), and t - floor(t), in [0, 1]."""
        floor = self.call("llvm.floor.v16f32", FLOATS, t)
        return floor, self.subtract(t, floor)

    def _scale(self, x: Value, exponent: Value) -> Value:
        """x * 2^exponent for an integer exponent, where neither x nor the result is subnormal: AVX-512 has an
        instruction for it; else the exponent is added to that of x, which begins at bit 23."""
        if self.isa == "vnni":
            mask, rounding = ir.Constant(I16, -1), ir.Constant(I32, 4)
            return self.call("llvm.x86.avx512.mask.scalef.ps.512", FLOATS, x, exponent, x, mask, rounding)
        builder = self.builder
        shifted = builder.shl(builder.fptosi(exponent, INTS), self.ints(23))
        return builder.bitcast(builder.add(builder.bitcast(x, INTS), shifted), FLOATS)

    def sum(self, vector: Value) -> Value:
        """The sum of all lanes as a scalar, added pairwise, halves to halves."""
        return self._fold(vector, self.add)

    def largest(self, vector: Value) -> Value:
        return self._fold(vector, self.maximum)

    def _fold(self, vector: Value, combine: Callable[[Value, Value], Value]) -> Value:
        width = LANES
        while width > 1:
            width //= 2
            upper = self.shuffle(vector, range(width, 2 * width))
            vector = combine(self.shuffle(vector, range(width)), upper)
        return self.builder.extract_element(vector, ir.Constant(I32, 0))

    def prefix_sums(self, vector: Value) -> Value:
        """Lane i becomes the sum of lanes 0 to i (Hillis, Steele: Data parallel algorithms, 1986)."""
        for distance in (1, 2, 4, 8):
            lanes = [i - distance if i >= distance else LANES for i in range(LANES)]
            moved = self.builder.shuffle_vector(vector, self.floats(0.0), ir.Constant(INTS, lanes))
            vector = self.add(vector, moved)
        return vector

    @contextmanager
    def repeat(self, count: Value, carried: Sequence[Value]) -> Iterator[Loop]:
        """A loop of `count` iterations that carries values from one to the next; the body sets `loop.after`."""
        builder = self.builder
        before = builder.block
        body, end = builder.append_basic_block("body"), builder.append_basic_block("end")
        zero = ir.Constant(I64, 0)
        builder.cbranch(builder.icmp_signed(">", count, zero), body, end)
        builder.position_at_end(body)
        index = builder.phi(I64)
        loop = Loop(index, [builder.phi(value.type) for value in carried])
        yield loop
        following = builder.add(index, ir.Constant(I64, 1))
        last = builder.block
        builder.cbranch(builder.icmp_signed("<", following, count), body, end)
        for phi, first, later in zip([index, *loop.values], [zero, *carried], [following, *loop.after], strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(later, last)
        builder.position_at_end(end)
        loop.results = [builder.phi(value.type) for value in carried]
        for phi, first, later in zip(loop.results, carried, loop.after, strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(later, last)


class Loop:
    """A loop under construction: the iteration's `index`, the carried `values` at its start and `after` it, and the
    loop's `results`."""

    def __init__(self, index: Value, values: list[Value]) -> None:
        self.index = index
        self.values = values
        self.after: list[Value] = list(values)
        self.results: list[Value] = []
