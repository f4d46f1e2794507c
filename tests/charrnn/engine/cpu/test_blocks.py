"""Operations on blocks of numbers: their accuracy, and the order of sums."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from charrnn.engine.cpu.blocks import exponentiate, largest, logarithms, sum_from


@njit
def _probs(logits: Any, factor: Any) -> Any:
    probs = np.empty_like(logits)
    top = largest(logits.ctypes.data, 1)
    exponentiate(probs.ctypes.data, logits.ctypes.data, logits.size // 16, top, factor)
    return probs


@njit
def _sum(numbers: Any) -> Any:
    return sum_from(numbers.ctypes.data, numbers.size // 16, 0)


def test_powers_are_accurate_and_the_largest_is_one() -> None:
    logits = np.concatenate([[0], -np.geomspace(1e-6, 86, 16 * 5000 - 1)]).astype(np.float32)
    found = _probs(logits, np.float32(1 / np.log(2)))
    expected = np.exp(logits.astype(np.float64))
    # The argument of the power is a float32, whose rounding is a relative error of 86 * 2^-24 at the far end.
    assert (np.abs(found / expected - 1) < 2.2e-7 - logits * 1.3e-7).all()
    assert found[0] == 1


@njit
def _logarithms(numbers: Any) -> Any:
    found = np.empty_like(numbers)
    logarithms(found.ctypes.data, numbers.ctypes.data, numbers.size // 16)
    return found


def test_logarithms_are_accurate() -> None:
    exact = [1.0, 2.0, 0.5, 2.0**-126, 3e38, np.sqrt(2), np.sqrt(0.5), np.nextafter(np.float32(1), 0)]
    numbers = np.concatenate([exact, np.geomspace(6e-8, 1e10, 16 * 5000 - 8)]).astype(np.float32)
    expected = np.log(numbers.astype(np.float64))
    assert (np.abs(_logarithms(numbers) - expected) < 1e-7 + 1.2e-7 * np.abs(expected)).all()
    assert _logarithms(numbers)[0] == 0


def test_probabilities_too_small_to_count_are_zero() -> None:
    logits = np.array([0, -80, -90, -1e30, -np.inf, *[-np.inf] * 11], dtype=np.float32)
    found = _probs(logits, np.float32(1 / np.log(2)))
    assert found[1] > 0
    assert (found[2:] == 0).all()


def test_sums_are_taken_in_the_documented_order() -> None:
    numbers = np.random.default_rng(0).uniform(0, 1, 16 * 37).astype(np.float32)
    lanes = np.zeros(16, dtype=np.float32)
    for block in numbers.reshape(-1, 16):
        lanes += block
    while lanes.size > 1:
        lanes = lanes[: lanes.size // 2] + lanes[lanes.size // 2 :]
    assert _sum(numbers) == lanes[0]
