from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charrnn.sampling import uniform
from charrnn.splitmix import GAMMA, mixed


def numbers(*values: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.array(values, dtype=np.uint64)


def test_the_first_numbers_are_those_of_the_reference() -> None:
    found = mixed(numbers(1, 2, 3) * GAMMA)
    assert found.tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**40))
def test_they_are_the_numbers_that_ids_are_drawn_with(seed: int, position: int) -> None:
    (found,) = mixed(mixed(numbers(seed)) + numbers(position + 1) * GAMMA).tolist()
    assert (found >> 11) * 2.0**-53 == uniform(seed, position)
