"""SplitMix64 for many numbers at once: the same bits as `charrnn.sampling.uniform` uses one by one.

Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

GAMMA: Final = np.uint64(0x9E3779B97F4A7C15)
"""The k-th number of a generator with this seed is `mixed(seed + k * GAMMA)`."""


def mixed(z: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """A bijection of 64-bit numbers, after which those of similar numbers have nothing in common."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
