"""The ids with the largest logits, in order, inside the compiled step: by insertion if they are few, with a heap if
they are many."""

from __future__ import annotations

from typing import Final

from numba import njit

from charrnn.engine.cpu.intrinsics import read_float32, read_int32, write_float32, write_int32

FEW: Final = 128
"""Up to this many, insertion is faster, though it takes a number of steps that grows with the square."""


@njit(error_model="numpy")
def write_likeliest(logits: int, size: int, top: int, ids: int, values: int) -> None:
    """Write the `top` ids with the largest of the logits, and these, best first, the lowest id first among equals.
    `top` is at most `size`."""
    if top <= FEW:
        _insert_all(logits, size, top, ids, values)
    else:
        _heap(logits, size, top, ids, values)
        _sort(top, ids, values)


@njit(error_model="numpy")
def _insert_all(logits: int, size: int, top: int, ids: int, values: int) -> None:
    found = 0
    for i in range(size):
        logit = read_float32(logits, i)
        if found < top or (top and logit > read_float32(values, top - 1)):
            rank = min(found, top - 1)
            while rank > 0 and logit > read_float32(values, rank - 1):
                write_float32(values, rank, read_float32(values, rank - 1))
                write_int32(ids, rank, read_int32(ids, rank - 1))
                rank -= 1
            _write(ids, values, rank, i, logit)
            found = min(found + 1, top)


@njit(error_model="numpy")
def _heap(logits: int, size: int, top: int, ids: int, values: int) -> None:
    """Make a heap of the likeliest, with the worst of them first (Williams: Heapsort, 1964)."""
    for i in range(top):
        _write(ids, values, i, i, read_float32(logits, i))
    for i in range(top // 2 - 1, -1, -1):
        _sink(ids, values, i, top)
    for i in range(top, size):
        logit = read_float32(logits, i)
        if logit > read_float32(values, 0):
            _write(ids, values, 0, i, logit)
            _sink(ids, values, 0, top)


@njit(error_model="numpy")
def _sort(top: int, ids: int, values: int) -> None:
    """Sort the heap, the best first: the worst of those that are left goes to the end, time and again."""
    for end in range(top - 1, 0, -1):
        id_, value = read_int32(ids, 0), read_float32(values, 0)
        _write(ids, values, 0, read_int32(ids, end), read_float32(values, end))
        _write(ids, values, end, id_, value)
        _sink(ids, values, 0, end)


@njit(error_model="numpy")
def _sink(ids: int, values: int, at: int, size: int) -> None:
    """Let the entry sink until no entry below it is worse."""
    id_, value = read_int32(ids, at), read_float32(values, at)
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and _is_worse(ids, values, child + 1, read_int32(ids, child), read_float32(values, child)):
            child += 1
        if not _is_worse(ids, values, child, id_, value):
            break
        _write(ids, values, at, read_int32(ids, child), read_float32(values, child))
        at = child
    _write(ids, values, at, id_, value)


@njit(error_model="numpy")
def _is_worse(ids: int, values: int, at: int, id_: int, value: float) -> bool:
    """Whether the entry has a smaller logit, or the same and a higher id."""
    other = read_float32(values, at)
    return bool(other < value or (other == value and read_int32(ids, at) > id_))


@njit(error_model="numpy")
def _write(ids: int, values: int, at: int, id_: int, value: float) -> None:
    write_int32(ids, at, id_)
    write_float32(values, at, value)
