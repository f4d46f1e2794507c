"""What two simple models reach on a held-out text, to compare a network's loss with: PPM, which predicts from counts of
what followed the last few bytes, and xz, which copies. Knows no networks."""

from __future__ import annotations

import lzma
import math
from dataclasses import asdict, dataclass
from typing import Any, Final

import pyppmd

ORDER: Final = 6
"""The longest context that PPM counts, in bytes. On tiny Shakespeare it is the best of 5, 6 and 8; code is predicted
better with more."""

MEMORY: Final = 256 << 20
"""PPM's counts take at most so many bytes; about 30 for each byte that it learns from."""


@dataclass(frozen=True, slots=True)
class Yardsticks:
    """Nats for each character of a held-out text of `held_out` characters, after a training text of `training`
    characters: `ppm` of Ppmd7 (Shkarin: PPM: one step to practicality, 2002) of the order ORDER, `xz` of LZMA2. Both
    also learn from what they have coded of the held-out text."""

    ppm: float
    xz: float
    training: int
    held_out: int

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def yardsticks(training: str, held_out: str) -> Yardsticks:
    """Takes about two seconds for a million characters. Raises ValueError if nothing is held out."""
    if not held_out:
        raise ValueError("there is no held-out text to measure on")
    first, second = training.encode(), held_out.encode()
    each = 8 * math.log(2) / len(held_out)
    return Yardsticks(each * _ppm_bytes(first, second), each * _xz_bytes(first, second), len(training), len(held_out))


def ppm_loss(training: str, held_out: str, order: int) -> float:
    """PPM of another order, in nats for each character."""
    return 8 * math.log(2) / len(held_out) * _ppm_bytes(training.encode(), held_out.encode(), order)


def _ppm_bytes(training: bytes, held_out: bytes, order: int = ORDER) -> int:
    """The length of what is coded after the training text."""
    encoder = pyppmd.Ppmd7Encoder(max_order=order, mem_size=MEMORY)
    encoder.encode(training)
    return len(encoder.encode(held_out)) + len(encoder.flush())


def _xz_bytes(training: bytes, held_out: bytes) -> int:
    """How much longer the compressed text becomes by the held-out part."""
    return _xz_size(training + held_out) - _xz_size(training)


def _xz_size(text: bytes) -> int:
    return len(lzma.compress(text, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 6}]))
