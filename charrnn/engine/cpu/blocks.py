"""Operations on numbers in memory, in blocks of sixteen: maxima, powers, sums, comparisons; knows no sampling.

All addresses, counts and bits are int64. Each lane is summed over the blocks in ascending order, then the lanes are
added pairwise, halves to halves, so that the result is the same on every processor. `bits` is the bit pattern of a
float32 that is not negative; these patterns, as integers, are ordered like the numbers.
"""

from __future__ import annotations

from typing import Final

from llvmlite import ir
from numba.core import types

from charrnn.engine.cpu.intrinsics import operation
from charrnn.engine.cpu.lanes import FLOATS, I16, I32, I64, INTS, VECTOR_BYTES, Lanes, Value

_address = _count = _bits = types.int64
"""What an int64 parameter means."""


@operation(types.void, _address, _address, _count)
def copy_blocks(v: Lanes, target: Value, source: Value, blocks: Value) -> None:
    """Copy blocks of sixteen."""
    with v.repeat(blocks, []) as loop:
        v.store(v.load(FLOATS, _block(v, source, loop.index)), _block(v, target, loop.index))


@operation(types.void, _address, _address, _address, _count)
def add_blocks(v: Lanes, target: Value, source: Value, other: Value, blocks: Value) -> None:
    """target = source + other."""
    with v.repeat(blocks, []) as loop:
        total = v.add(v.load(FLOATS, _block(v, source, loop.index)), v.load(FLOATS, _block(v, other, loop.index)))
        v.store(total, _block(v, target, loop.index))


@operation(types.float32, _address, _count)
def largest(v: Lanes, address: Value, blocks: Value) -> Value:
    """The largest number in the blocks."""
    with v.repeat(blocks, [v.floats(float("-inf"))]) as loop:
        loop.after = [v.maximum(v.load(FLOATS, _block(v, address, loop.index)), loop.values[0])]
    return v.largest(loop.results[0])


@operation(types.int64, _address, _count, types.float32)
def first_equal(v: Lanes, address: Value, block: Value, value: Value) -> Value:
    """The first lane of a block that equals the value; 16 when none does."""
    equal = v.builder.fcmp_ordered("==", v.load(FLOATS, _block(v, address, block)), v.splat(value))
    return _first_lane(v, equal)


@operation(types.void, _address, _address, _count, types.float32, types.float32)
def exponentiate(  # noqa: PLR0917
    v: Lanes, target: Value, source: Value, blocks: Value, top: Value, factor: Value
) -> None:
    """target = 2^((source - top) * factor), and 0 where that is below 2^-125, so that no result is subnormal."""
    tops, factors, least = v.splat(top), v.splat(factor), v.floats(-125.0)
    with v.repeat(blocks, []) as loop:
        t = v.multiply(v.subtract(v.load(FLOATS, _block(v, source, loop.index)), tops), factors)
        power = v.exp2(v.maximum(t, least))
        probs = v.builder.select(v.builder.fcmp_ordered(">=", t, least), power, v.floats(0.0))
        v.store(probs, _block(v, target, loop.index))


_LN_2: Final = 0.6931471805599453
_SQUARE_ROOT_OF_HALF: Final = 0x3F3504F3
"""Its bits."""


@operation(types.void, _address, _address, _count)
def logarithms(v: Lanes, target: Value, source: Value, blocks: Value) -> None:
    """target = ln source, of positive numbers that are not subnormal: ln 2^e m = e ln 2 + 2 artanh(s) with
    s = (m - 1) / (m + 1), m from the square root of 1/2 to that of 2."""
    one = v.floats(1.0)
    with v.repeat(blocks, []) as loop:
        bits = v.load(INTS, _block(v, source, loop.index))
        exponent = v.builder.ashr(v.builder.sub(bits, v.ints(_SQUARE_ROOT_OF_HALF)), v.ints(23))
        m = v.builder.bitcast(v.builder.sub(bits, v.builder.shl(exponent, v.ints(23))), FLOATS)
        s = v.divide(v.subtract(m, one), v.add(m, one))
        square, series = v.multiply(s, s), v.floats(2 / 9)
        for odd in (7, 5, 3, 1):
            series = v.fma(series, square, v.floats(2 / odd))
        whole = v.multiply(v.builder.sitofp(exponent, FLOATS), v.floats(_LN_2))
        v.store(v.fma(s, series, whole), _block(v, target, loop.index))


@operation(types.float32, _address, _address, _count)
def cumulate(v: Lanes, target: Value, address: Value, blocks: Value) -> Value:
    """Write to the sixteen numbers at the target the cumulative sums of the blocks, up to and including block b;
    returns the total."""
    # In registers: the sum of block b is added to lane b and all lanes after it.
    numbers = ir.Constant(INTS, list(range(16)))
    with v.repeat(blocks, [v.floats(0.0)]) as loop:
        total = v.splat(v.sum(v.load(FLOATS, _block(v, address, loop.index))))
        later = v.builder.icmp_signed(">=", numbers, v.splat(v.builder.trunc(loop.index, I32)))
        loop.after = [v.add(loop.values[0], v.builder.select(later, total, v.floats(0.0)))]
    v.store(loop.results[0], target)
    return v.builder.extract_element(loop.results[0], _lane(15))


@operation(types.float32, _address, _count, _bits)
def sum_from(v: Lanes, address: Value, blocks: Value, bits: Value) -> Value:
    """The sum of the numbers whose bits are at least `bits`."""
    bound = v.splat(v.builder.trunc(bits, I32))
    with v.repeat(blocks, [v.floats(0.0)]) as loop:
        numbers = v.load(INTS, _block(v, address, loop.index))
        kept = v.builder.icmp_signed(">=", numbers, bound)
        chosen = v.builder.select(kept, v.builder.bitcast(numbers, FLOATS), v.floats(0.0))
        loop.after = [v.add(loop.values[0], chosen)]
    return v.sum(loop.results[0])


@operation(types.int64, _address, _count, _bits)
def count_from(v: Lanes, address: Value, blocks: Value, bits: Value) -> Value:
    """How many numbers of the blocks have bits of at least `bits`."""
    # The lanes of a comparison, sign-extended, are 0 or -1.
    bound = v.splat(v.builder.trunc(bits, I32))
    with v.repeat(blocks, [v.ints(0)]) as loop:
        kept = v.builder.icmp_signed(">=", v.load(INTS, _block(v, address, loop.index)), bound)
        loop.after = [v.builder.sub(loop.values[0], v.builder.sext(kept, INTS))]
    counts = loop.results[0]
    total = v.builder.extract_element(counts, _lane(0))
    for lane in range(1, 16):
        total = v.builder.add(total, v.builder.extract_element(counts, _lane(lane)))
    return v.builder.sext(total, I64)


@operation(types.void, _address, _count, _bits)
def drop_below(v: Lanes, address: Value, blocks: Value, bits: Value) -> None:
    """Set numbers whose bits are below `bits` to 0."""
    bound = v.splat(v.builder.trunc(bits, I32))
    with v.repeat(blocks, []) as loop:
        numbers = v.load(INTS, _block(v, address, loop.index))
        kept = v.builder.icmp_signed(">=", numbers, bound)
        v.store(v.builder.select(kept, numbers, v.ints(0)), _block(v, address, loop.index))


@operation(types.int64, types.float32)
def bits_of(v: Lanes, value: Value) -> Value:
    """The bits of a number that is not negative."""
    return v.builder.zext(v.builder.bitcast(value, I32), I64)


@operation(types.int64, _address, _count, types.float32)
def first_beyond(v: Lanes, address: Value, block: Value, point: Value) -> Value:
    """The first lane of a block that is greater than `point`; 16 when none is."""
    return _first_lane(v, v.builder.fcmp_ordered(">", v.load(FLOATS, _block(v, address, block)), v.splat(point)))


@operation(types.int64, _address, _count, types.float32)
def lane_beyond(v: Lanes, address: Value, block: Value, point: Value) -> Value:
    """The first positive lane of a block at which the cumulative sum of its lanes exceeds `point`; 16 when none
    does."""
    probs = v.load(FLOATS, _block(v, address, block))
    beyond = v.builder.fcmp_ordered(">", v.prefix_sums(probs), v.splat(point))
    return _first_lane(v, v.builder.and_(beyond, v.builder.fcmp_ordered(">", probs, v.floats(0.0))))


@operation(types.int64, _address, _count)
def last_positive(v: Lanes, address: Value, block: Value) -> Value:
    """The last positive lane of a block; -1 when none is."""
    # One bit for each lane: the last lane is 63 minus the leading zeros.
    positive = v.builder.fcmp_ordered(">", v.load(FLOATS, _block(v, address, block)), v.floats(0.0))
    mask = v.builder.zext(v.builder.bitcast(positive, I16), I64)
    zeros = v.call("llvm.ctlz.i64", I64, mask, ir.Constant(ir.IntType(1), 0))
    return v.builder.sub(_int(63), zeros)


def _int(value: int) -> Value:
    return ir.Constant(I64, value)


def _lane(value: int) -> Value:
    return ir.Constant(I32, value)


def _block(v: Lanes, address: Value, index: Value) -> Value:
    return v.address(address, v.builder.mul(index, _int(VECTOR_BYTES)))


def _first_lane(v: Lanes, mask: Value) -> Value:
    """Index of the first set lane, 16 when there is none. Lane 0 is the lowest bit on a little-endian machine."""
    wide = v.builder.or_(v.builder.zext(v.builder.bitcast(mask, I16), I64), _int(1 << 16))
    return v.call("llvm.cttz.i64", I64, wide, ir.Constant(ir.IntType(1), 1))
