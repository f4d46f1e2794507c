"""The gates of each cell against the equations in float64, as near as their documentation says."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit, types

from charrnn.engine.cpu.gates import APPLY_GATES, LAYOUTS, SIGMOID, TANH
from charrnn.engine.cpu.intrinsics import operation
from charrnn.engine.cpu.lanes import FLOATS, VECTOR_BYTES, Lanes, Value

Floats = npt.NDArray[np.float64]
ROWS = 20_000
ERRORS = {4: 1e-5, 5: 1e-6}
"""Of a state, by the degree of the polynomial for powers."""


def compiled(cell: str, degree: int) -> Any:
    """A function of sums [n, 5, 16], the last of them a bias, gate states [n, 16], which it replaces, and h [n, 16]."""

    @operation(types.void, types.int64, types.int64, types.int64)
    def apply(v: Lanes, sums: Value, gate_state: Value, h: Value) -> None:
        v = Lanes(v.builder, "portable", degree)
        *t, bias = (v.load(FLOATS, sums, VECTOR_BYTES * i) for i in range(5))
        states, kept = APPLY_GATES[cell](v, t, [bias], v.load(FLOATS, gate_state))
        v.store(states[0], h)
        if kept is not None:
            v.store(kept, gate_state)

    @njit
    def run(sums: Any, gate_states: Any, h: Any) -> None:
        for i in range(len(h)):
            apply(sums[i].ctypes.data, gate_states[i].ctypes.data, h[i].ctypes.data)

    return run


def sigmoid(t: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-t / SIGMOID)))


def tanh(t: Floats) -> Floats:
    return np.asarray(np.tanh(t / TANH))


def exact(cell: str, t: Floats, bias: Floats, gate_state: Floats) -> tuple[Floats, Floats]:
    """h and the gate state of charrnn.cells, from sums in units of log2 [4, n, 16]."""
    if cell == "rnn":
        return tanh(t[0]), gate_state
    if cell == "gru":
        z = sigmoid(t[1])
        h = (1 - z) * tanh(t[2] + sigmoid(t[0]) * (t[3] + bias)) + z * gate_state
        return h, h
    c = sigmoid(t[1]) * gate_state + sigmoid(t[0]) * tanh(t[2])
    return sigmoid(t[3]) * np.tanh(c), c


@pytest.mark.parametrize("degree", ERRORS)
@pytest.mark.parametrize("cell", LAYOUTS)
def test_a_step_is_as_exact_as_documented(cell: str, degree: int) -> None:
    rng = np.random.default_rng(1)
    sums = rng.normal(0, 4, (ROWS, 5, 16)).astype(np.float32)
    before = (rng.uniform(-1, 1, (ROWS, 16)) * (2 if cell == "lstm" else 1)).astype(np.float32)
    after, h = before.copy(), np.empty_like(before)
    compiled(cell, degree)(sums, after, h)
    t = np.moveaxis(sums.astype(np.float64), 1, 0)
    expected_h, expected_state = exact(cell, t[:4], t[4], before.astype(np.float64))
    assert np.abs(h - expected_h).max() < ERRORS[degree]
    assert np.abs(after - expected_state).max() < ERRORS[degree]


@pytest.mark.parametrize("cell", LAYOUTS)
def test_no_sum_is_too_large(cell: str) -> None:
    sums = np.random.default_rng(2).choice(np.array([-1e30, -200, 0, 200, 1e30], np.float32), (ROWS, 5, 16))
    gate_states, h = np.full((ROWS, 16), 100 if cell == "lstm" else 1, np.float32), np.empty((ROWS, 16), np.float32)
    compiled(cell, 5)(sums, gate_states, h)
    assert np.isfinite(gate_states).all()
    assert (np.abs(h) <= 1).all()
