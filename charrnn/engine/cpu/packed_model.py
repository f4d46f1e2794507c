"""A packed model: named arrays in one buffer, which can be kept in a file, and in memory that processes share; knows no
networks.

The buffer is an index and then the arrays of charrnn.engine.cpu.packing, each at a multiple of 64 bytes, the size of a
vector and of a cache line:

    8 bytes     b"charrnnp"
    8 bytes     length n of the index, little-endian
    n bytes     the index, JSON: format, digest, precision, config, arrays {name: [offset, dtype, shape]}
    ...         the arrays
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charrnn.config import ModelConfig
from charrnn.engine.cpu.instructions import Precision
from charrnn.ngrams import EARLIER_ORDERS
from durable.drafts import draft

Array = npt.NDArray[Any]

FORMAT: Final = 2
_MAGIC: Final = b"charrnnp"
_ALIGNMENT: Final = 64


@dataclass(frozen=True)
class PackedModel:
    """A network ready to run: `buffer` uint8, read-only, aligned to 64 bytes, in the layout described in the module's
    docstring."""

    buffer: npt.NDArray[np.uint8]

    @cached_property
    def _index(self) -> dict[str, Any]:
        if self.buffer.size < 16 or self.buffer[:8].tobytes() != _MAGIC:
            raise ValueError("not a packed model")
        length = int.from_bytes(self.buffer[8:16].tobytes(), "little")
        index = json.loads(self.buffer[16 : 16 + length].tobytes())
        if index["format"] != FORMAT or index["size"] != self.buffer.size:
            raise ValueError(f"not a whole packed model of format {FORMAT}")
        return dict(index)

    @property
    def digest(self) -> str:
        """The checkpoint's."""
        return str(self._index["digest"])

    @property
    def precision(self) -> Precision:
        precision: Precision = self._index["precision"]
        return precision

    @cached_property
    def config(self) -> ModelConfig:
        return ModelConfig(**self._index["config"])

    @property
    def has_masks(self) -> bool:
        """Whether some ids may not follow others."""
        return "masks" in self._index["arrays"]

    @property
    def has_ngrams(self) -> bool:
        """Whether counts are mixed with the logits."""
        return "pairs" in self._index["arrays"]

    @property
    def longest_context(self) -> int:
        """Of the n-gram table, in tokens."""
        return int(self.array("orders")[-1]) if "orders" in self._index["arrays"] else EARLIER_ORDERS[-1]

    def array(self, name: str) -> Array:
        """One of the arrays, without a copy. Raises KeyError."""
        offset, dtype, shape = self._index["arrays"][name]
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        array: Array = self.buffer[offset : offset + size].view(dtype).reshape(shape)
        return array

    def save(self, path: Path) -> None:
        """Write the buffer to a file that only this user can access, atomically. Raises OSError."""
        with draft(path.parent, 0o600) as new:
            new.file.write(self.buffer.data)
            new.put(path)

    @classmethod
    def of(cls, description: Mapping[str, Any], arrays: Mapping[str, Array]) -> PackedModel:
        """The model with this digest, precision and config, and these arrays."""
        return cls(_buffer(description, arrays))


def _buffer(description: Mapping[str, Any], arrays: Mapping[str, Array]) -> npt.NDArray[np.uint8]:
    # The index contains the arrays' offsets, so its length is not known yet: this is an upper bound.
    offset = _aligned(1024 + 128 * len(arrays) + len(json.dumps(description)))
    entries: dict[str, tuple[int, str, tuple[int, ...]]] = {}
    for name, array in arrays.items():
        entries[name] = (offset, array.dtype.str, array.shape)
        offset = _aligned(offset + array.nbytes)
    index = json.dumps({"format": FORMAT, "size": offset, **description, "arrays": entries}).encode()
    allocated = np.zeros(offset + _ALIGNMENT, dtype=np.uint8)
    start = -allocated.ctypes.data % _ALIGNMENT
    buffer = allocated[start : start + offset]
    head = _MAGIC + len(index).to_bytes(8, "little") + index
    buffer[: len(head)] = np.frombuffer(head, dtype=np.uint8)
    for name, array in arrays.items():
        first = entries[name][0]
        buffer[first : first + array.nbytes] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    buffer.flags.writeable = False
    return buffer


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGNMENT) * _ALIGNMENT
