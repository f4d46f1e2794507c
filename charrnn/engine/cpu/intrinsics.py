"""Makes operations on vectors and memory callable from numba; reads and writes single numbers.

All addresses, counts and indices are int64: compiled code accesses arrays only by address.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from charrnn.engine.cpu.lanes import F32, I8, I32, I64, Lanes, Value

_TYPED: dict[int, Callable[[Callable[[], Any]], Callable[..., Any]]] = {
    1: lambda typed: lambda _context, _a: typed(),
    2: lambda typed: lambda _context, _a, _b: typed(),
    3: lambda typed: lambda _context, _a, _b, _c: typed(),
    4: lambda typed: lambda _context, _a, _b, _c, _d: typed(),
    5: lambda typed: lambda _context, _a, _b, _c, _d, _e: typed(),
}
"""numba requires a function with as many positional parameters as the operation has."""


def operation(result: types.Type, *arguments: types.Type) -> Callable[[Callable[..., Value]], Any]:
    """A decorator that makes a numba intrinsic with this signature of a function that emits its code, given Lanes and
    the arguments."""

    def decorate(emit: Callable[..., Value]) -> Any:
        def generate(_context: Any, builder: ir.IRBuilder, _signature: Any, values: Sequence[Value]) -> Value:
            # "portable" only means that no processor-specific instructions are used; vectors are as wide as available.
            made = emit(Lanes(builder, "portable"), *values)
            return ir.Constant(ir.IntType(8).as_pointer(), None) if made is None else made

        function = _TYPED[len(arguments)](lambda: (result(*arguments), generate))
        function.__name__ = emit.__name__
        function.__doc__ = emit.__doc__
        return intrinsic(function)

    return decorate


_address = _count = _bits = types.int64


@operation(types.int64, _address, _count)
def read_int64(v: Lanes, address: Value, index: Value) -> Value:
    """Number `index` of int64 at the address."""
    return v.load(I64, v.address(address, v.builder.shl(index, _int(3))))


@operation(types.void, _address, _count, types.int64)
def write_int64(v: Lanes, address: Value, index: Value, value: Value) -> None:
    """Number `index` of int64 at the address becomes `value`."""
    v.store(value, v.address(address, v.builder.shl(index, _int(3))))


@operation(types.int64, _address, _count)
def read_int32(v: Lanes, address: Value, index: Value) -> Value:
    """Number `index` of int32 at the address."""
    return v.builder.sext(v.load(I32, v.address(address, v.builder.shl(index, _int(2)))), I64)


@operation(types.void, _address, _count, types.int64)
def write_int32(v: Lanes, address: Value, index: Value, value: Value) -> None:
    """Number `index` of int32 at the address becomes `value`."""
    v.store(v.builder.trunc(value, I32), v.address(address, v.builder.shl(index, _int(2))))


@operation(types.void, _address, _count, types.int64)
def write_int8(v: Lanes, address: Value, index: Value, value: Value) -> None:
    """Byte `index` at the address becomes `value`."""
    v.store(v.builder.trunc(value, I8), v.address(address, index))


@operation(types.float32, _address, _count)
def read_float32(v: Lanes, address: Value, index: Value) -> Value:
    """Number `index` of float32 at the address."""
    return v.load(F32, v.address(address, v.builder.shl(index, _int(2))))


@operation(types.void, _address, _count, types.float32)
def write_float32(v: Lanes, address: Value, index: Value, value: Value) -> None:
    """Number `index` of float32 at the address becomes `value`."""
    v.store(value, v.address(address, v.builder.shl(index, _int(2))))


@operation(types.voidptr, _address)
def as_pointer(v: Lanes, address: Value) -> Value:
    """The address as a pointer."""
    return v.builder.inttoptr(address, I8.as_pointer())


def _int(value: int) -> Value:
    return ir.Constant(I64, value)
