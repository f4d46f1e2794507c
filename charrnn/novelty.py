"""The texts that a network was trained on as a compact set, which tells whether a generated one is new: a Bloom filter,
which knows every text that was added, and takes few others for one of them."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import numpy.typing as npt
from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from charrnn.fingerprints import Fingerprints, fingerprints
from charrnn.splitmix import GAMMA, mixed
from durable import files
from durable.reading import DamagedFileError, fault_of

RATE: Final = 1 / 2000
"""The share of other texts that may be taken for known ones: 16 bits and 11 places for each text."""
FORMAT: Final = "known texts 1"
HEADER: Final = 256
"""A file begins with this many bytes of JSON and spaces, ended by LF."""
BATCH: Final = 1 << 14

_MAX_BITS: Final = (1 << 32) - 64

Bits = npt.NDArray[np.uint8]


class _Header(TypedDict):
    """What a file says of its bits; `false_positive_rate` is for who reads it."""

    format: Annotated[str, Field(pattern=f"^{FORMAT}$")]
    texts: Annotated[int, Field(ge=0)]
    bits: Annotated[int, Field(ge=64, le=_MAX_BITS, multiple_of=64)]
    places: Annotated[int, Field(ge=1, le=64)]
    false_positive_rate: Annotated[float, Field(ge=0, le=1)]
    crc32: int


_SHAPE: Final = TypeAdapter(_Header)


class KnownTexts:
    """A set of texts, without the texts. `texts` counts those that were added, repeated ones again."""

    def __init__(self, bits: Bits, places: int, texts: int = 0) -> None:
        self._bits = bits
        self._places = places
        self.texts = texts

    @classmethod
    def room_for(cls, texts: int, rate: float = RATE) -> KnownTexts:
        """An empty set for this many texts, which then takes other texts for known ones at this rate."""
        bits = math.ceil(max(1, texts) * -math.log(rate) / math.log(2) ** 2)
        size = min(_MAX_BITS, max(64, -(-bits // 64) * 64))
        return cls(np.zeros(size // 8, np.uint8), max(1, round(-math.log2(rate))))

    def add(self, hashes: Fingerprints) -> None:
        """Add texts, by their `fingerprints`, [n]. Raises ValueError for a set that was read from a file."""
        if not self._bits.flags.writeable:  # numpy's ufunc.at does not look, and a write to the map ends the process
            raise ValueError("a set that was read from a file is read-only")
        for start in range(0, len(hashes), BATCH):
            places = self._places_of(hashes[start : start + BATCH]).ravel()
            np.bitwise_or.at(self._bits, places >> 3, np.left_shift(1, places & 7).astype(np.uint8))
        self.texts += len(hashes)

    def __contains__(self, text: str) -> bool:
        return bool(self.contains_all([text])[0])

    def contains_all(self, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Which of the texts are known, [n]."""
        places = self._places_of(fingerprints(texts))
        found: npt.NDArray[np.bool_] = (self._bits[places >> 3] >> (places & 7) & 1).all(axis=1)
        return found

    @property
    def false_positive_rate(self) -> float:
        """The probability that a text which was not added is taken for one that was."""
        ones = int(np.bitwise_count(self._bits).sum(dtype=np.int64))
        return float((ones / (8 * len(self._bits))) ** self._places)

    def to_bytes(self) -> bytes:
        """A file's bytes; `load` is the inverse."""
        header: _Header = {
            "format": FORMAT,
            "texts": self.texts,
            "bits": 8 * len(self._bits),
            "places": self._places,
            "false_positive_rate": self.false_positive_rate,
            "crc32": zlib.crc32(self._bits.data),
        }
        return json.dumps(header).encode().ljust(HEADER - 1) + b"\n" + self._bits.tobytes()

    def save(self, path: Path) -> None:
        """Write the file, in one step."""
        files.put(path, self.to_bytes())

    def _places_of(self, hashes: Fingerprints) -> npt.NDArray[np.int64]:
        """The bits of each text, [n, places]: the high halves of SplitMix64's numbers from its hash on, scaled."""
        x = mixed(hashes[:, None] + np.arange(1, self._places + 1, dtype=np.uint64) * GAMMA)
        places: npt.NDArray[np.uint64] = (x >> np.uint64(32)) * np.uint64(8 * len(self._bits)) >> np.uint64(32)
        return places.astype(np.int64)


def load(path: Path) -> KnownTexts:
    """The set in a file, read-only, after its content was compared with its checksum. It is not mapped: a file that is
    cut off while it is mapped ends the process. Raises FileNotFoundError, DamagedFileError."""
    try:
        data = files.read(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DamagedFileError(f"{path.name} {fault_of(error)}") from error
    header, bits = _header(path, data[:HEADER]), np.frombuffer(memoryview(data)[HEADER:], dtype=np.uint8)
    if 8 * len(bits) != header["bits"]:
        raise DamagedFileError(f"{path.name} has {8 * len(bits)} of {header['bits']} bits")
    if zlib.crc32(bits.data) != header["crc32"]:
        raise DamagedFileError(f"{path.name} does not match its checksum")
    return KnownTexts(bits, header["places"], header["texts"])


def _header(path: Path, start: bytes) -> _Header:
    try:
        return _SHAPE.validate_json(start, strict=True)
    except ValidationError as error:
        raise DamagedFileError(f"{path.name} does not begin as a set of known texts does") from error
