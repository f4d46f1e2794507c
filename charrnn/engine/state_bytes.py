"""A state as bytes and back, bit for bit, for networks of the same shape; knows no engine.

Little-endian:

    1 byte      FORMAT
    1 byte      ROUNDED or EXACT: how h is written
    4 bytes     layers, parts of the state, units (two bytes)
    1 byte      n, how many recent ids there are
    4 bytes     the last id
    8 bytes     the position
    4n bytes    the recent ids
    n bits      which of them were generated, in whole bytes

then of a ROUNDED state h as bytes, because the int8 engine knows only 255 values of it, and c in float32; of any other
all numbers in float32, cut into mantissas with their signs, 3 bytes each, and exponents, which alone can be compressed
(zlib).
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.config import ModelConfig
from charrnn.engine.base import State
from charrnn.sampling import RECENT_IDS

FORMAT: Final = 1
EXACT, ROUNDED = 0, 1
_HEAD: Final = struct.Struct("<BBBBHBIQ")
_INT: Final = np.dtype("<i4")
_BITS: Final = np.dtype("<u4")
_FLOAT: Final = np.dtype("<f4")
_LARGEST: Final = np.float32(127)
_ZERO: Final = 128
_LAST_POSITION: Final = (1 << 63) - 1
_BOUND: Final = 1 << 25
"""A cell state grows by at most 1 in a step, and in float32 not beyond 2^24; every product of it stays finite."""

Hidden = npt.NDArray[np.float32]


def packed(state: State) -> bytes:
    """The state's bytes: in int8 about 1 for each unit of an rnn, 4 of a gru, 5 of an lstm; in float32 about 3.4 for
    each number."""
    layers, parts, units = state.hidden.shape
    levels = _levels(state.hidden[:, 0])
    form = EXACT if levels is None else ROUNDED
    head = _HEAD.pack(FORMAT, form, layers, parts, units, state.recent.size, state.last_id, state.position)
    if levels is None:
        numbers = _planes(state.hidden)
    else:
        numbers = levels.tobytes() + state.hidden[:, 1:].astype(_FLOAT).tobytes()
    return head + state.recent.astype(_INT).tobytes() + np.packbits(state.generated).tobytes() + numbers


def unpacked(data: bytes, config: ModelConfig) -> State:
    """The state of a network with this config. Raises ValueError for anything but the bytes of such a state, whole."""
    if len(data) < _HEAD.size or data[0] != FORMAT:
        raise ValueError(f"not a state in format {FORMAT}")
    _, form, *shape, count, last_id, position = _HEAD.unpack_from(data)
    if tuple(shape) != config.state_shape:
        raise ValueError(f"the state must have the shape {config.state_shape}, not {tuple(shape)}")
    if form not in (EXACT, ROUNDED) or count > RECENT_IDS or position > _LAST_POSITION:
        raise ValueError("the state's head has values that no state has")
    flags_at = _HEAD.size + count * _INT.itemsize
    numbers_at = flags_at + -(-count // 8)
    if len(data) < numbers_at:
        raise ValueError("the state is incomplete")
    recent = np.frombuffer(data, _INT, count, _HEAD.size)
    # An id below 0 is a large one without its sign.
    if max(last_id, int(recent.view(_BITS).max(initial=0))) >= config.vocabulary_size:
        raise ValueError(f"the state's ids must be from 0 to {config.vocabulary_size - 1}")
    flags = np.frombuffer(data, np.uint8, numbers_at - flags_at, flags_at)
    generated = np.unpackbits(flags, count=count).view(np.bool_)
    numbers = data[numbers_at:]
    hidden = _from_levels(numbers, config) if form == ROUNDED else _from_planes(numbers, config)
    if not (np.abs(hidden) <= _BOUND).all():  # NaN is not
        raise ValueError("the state has numbers that no state has")
    return State(hidden, last_id, position, recent.astype(np.int32, copy=False), generated)


def _levels(h: Hidden) -> npt.NDArray[np.uint8] | None:
    """h [layers, units] as the int8 engine has it, 128 + 127 h; None if that is not exactly h."""
    levels = np.rint(h.clip(-1, 1) * _LARGEST)
    if (levels / _LARGEST + np.float32(0)).tobytes() != h.tobytes():  # which has no -0
        return None
    return (levels + _ZERO).astype(np.uint8)


def _from_levels(numbers: bytes, config: ModelConfig) -> Hidden:
    layers, parts, units = config.state_shape
    if len(numbers) != layers * units * (1 + _FLOAT.itemsize * (parts - 1)):
        raise ValueError("the state does not have as many numbers as its shape says")
    hidden = np.empty(config.state_shape, dtype=np.float32)
    levels = np.frombuffer(numbers, np.uint8, layers * units).reshape(layers, units).astype(np.float32)
    hidden[:, 0] = (levels - _ZERO) / _LARGEST
    hidden[:, 1:] = np.frombuffer(numbers, _FLOAT, offset=layers * units).reshape(layers, parts - 1, units)
    return hidden


def _planes(hidden: Hidden) -> bytes:
    """Mantissas and signs, the lowest bytes of all numbers first, and then the compressed exponents."""
    bits = hidden.astype(_FLOAT).view(_BITS).ravel()
    turned = (bits << 1) | (bits >> 31)  # the sign is the lowest bit, the exponent the highest byte
    planes = turned.view(np.uint8).reshape(-1, 4).T
    return planes[:3].tobytes() + zlib.compress(planes[3].tobytes(), 1)


def _from_planes(numbers: bytes, config: ModelConfig) -> Hidden:
    layers, parts, units = config.state_shape
    count = layers * parts * units
    unpacking = zlib.decompressobj()
    try:
        exponents = unpacking.decompress(numbers[3 * count :], count + 1)
    except zlib.error as error:
        raise ValueError(f"the state's numbers cannot be unpacked: {error}") from error
    if len(exponents) != count or not unpacking.eof or unpacking.unused_data:
        raise ValueError("the state does not have as many numbers as its shape says")
    planes = np.frombuffer(numbers[: 3 * count] + exponents, np.uint8).reshape(4, count)
    turned = np.ascontiguousarray(planes.T).view(_BITS).ravel()
    bits = (turned >> 1) | (turned << 31)
    return bits.view(_FLOAT).astype(np.float32).reshape(config.state_shape)
