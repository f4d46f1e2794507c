"""A checkpoint's weights as the kernels read them, in one buffer that can be a file; knows no batch.

The buffer is an index and then arrays, each at a multiple of 64 bytes:

    8 bytes     b"charrnnp"
    8 bytes     length n of the index, little-endian
    n bytes     the index, JSON: format, digest, precision, config, arrays {name: [offset, dtype, shape]}
    ...         the arrays

Layers are padded to whole blocks of units (16; 64 for an rnn). With w for sixteen outputs' weights of one step of the
product (int8: 16 outputs by 4 inputs; float32: 16 outputs), and columns as in charrnn.engine.cpu.gates:

    table                   [vocabulary, blocks, added columns, 16] float32, biases included
    weights_l{k}            [blocks, (steps of the input, its columns), (steps of the state, its columns)] of w
    constants_l{k}          [blocks, first sums (int32) and scales of the columns if int8, the cell's biases, 16]
    bias_l{k}               [blocks, added columns, 16] float32, for k > 0
    output_weights          [groups, steps, 4] of w; the last group may be [steps, 2]
    output_constants        [groups, first sums, scales if int8, biases, 4 or 2, 16]; bias -inf beyond the vocabulary

and where not every id may follow every other, charrnn.following's

    kinds                   [vocabulary] int32
    rules                   [KINDS, KINDS] int32
    masks                   [n, blocks of logits, 16] float32
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charrnn.checkpoint import Checkpoint, Weights
from charrnn.config import GATES, ModelConfig
from charrnn.engine.cpu.gates import LAYOUTS, OUTPUT_COLUMNS, Layout
from charrnn.engine.cpu.instructions import Precision
from charrnn.engine.cpu.lanes import LANES
from durable.drafts import draft

Floats = npt.NDArray[np.float32]
Array = npt.NDArray[Any]

FORMAT: Final = 2
_MAGIC: Final = b"charrnnp"
_ALIGNMENT: Final = 64


@dataclass(frozen=True)
class PackedModel:
    """A network ready to run: `buffer` uint8, read-only, at a multiple of 64 bytes; laid out as the module says."""

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
        """Whether there are ids that may not follow others."""
        return "masks" in self._index["arrays"]

    def array(self, name: str) -> Array:
        """One of the arrays, without a copy. Raises KeyError."""
        offset, dtype, shape = self._index["arrays"][name]
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        array: Array = self.buffer[offset : offset + size].view(dtype).reshape(shape)
        return array

    def save(self, path: Path) -> None:
        """Write the buffer to a file that is there whole or not at all. Raises OSError."""
        with draft(path.parent) as new:
            new.file.write(self.buffer.data)
            new.put(path)

    @classmethod
    def map(cls, path: Path) -> PackedModel:
        """The model of a file, shared with every process that maps it. Raises FileNotFoundError, ValueError."""
        model = cls(np.memmap(path, dtype=np.uint8, mode="r"))
        _ = model._index
        return model


def pack(checkpoint: Checkpoint, precision: Precision = "int8") -> PackedModel:
    """Lay a checkpoint's weights out for the kernels; int8 weights are symmetric, with one scale an output."""
    config, weights = checkpoint.config, checkpoint.weights
    arrays: dict[str, Array] = {"table": _table(config, weights)}
    for layer in range(config.layers):
        arrays |= _layer(config, weights, layer, precision)
    arrays |= _outputs(config, weights, precision) | _following(checkpoint)
    description = {"digest": checkpoint.digest, "precision": precision, "config": asdict(config)}
    return PackedModel(_buffer(description, arrays))


def precision_of(checkpoint: Checkpoint) -> Precision:
    """int8, unless the version missed the float network by too much when that was measured at its publication."""
    return "float32" if checkpoint.record.precision == "float32" else "int8"


def padded_size(config: ModelConfig) -> int:
    """The hidden size in whole blocks."""
    unit = LANES * LAYOUTS[config.cell].groups
    return -(-config.hidden_size // unit) * unit


def _buffer(description: Mapping[str, Any], arrays: Mapping[str, Array]) -> npt.NDArray[np.uint8]:
    room = 1024 + 128 * len(arrays) + len(json.dumps(description))
    offset = _aligned(room)
    places: dict[str, tuple[int, str, tuple[int, ...]]] = {}
    for name, array in arrays.items():
        places[name] = (offset, array.dtype.str, array.shape)
        offset = _aligned(offset + array.nbytes)
    index = json.dumps({"format": FORMAT, "size": offset, **description, "arrays": places}).encode()
    memory = np.zeros(offset + _ALIGNMENT, dtype=np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    buffer = memory[start : start + offset]
    head = _MAGIC + len(index).to_bytes(8, "little") + index
    buffer[: len(head)] = np.frombuffer(head, dtype=np.uint8)
    for name, array in arrays.items():
        first = places[name][0]
        buffer[first : first + array.nbytes] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    buffer.flags.writeable = False
    return buffer


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGNMENT) * _ALIGNMENT


def _gates(config: ModelConfig, vector: Floats) -> Floats:
    """[gates * hidden, ...] as [gates, padded hidden, ...], zeros beyond the hidden size."""
    gates = vector.reshape(GATES[config.cell], config.hidden_size, *vector.shape[1:])
    return _pad(gates, 1, padded_size(config))


def _pad(array: Floats, axis: int, size: int) -> Floats:
    widths = [(0, size - n if i == axis else 0) for i, n in enumerate(array.shape)]
    return np.pad(array, widths)


def _columns(config: ModelConfig, gates: Floats) -> Floats:
    """[gates, padded hidden, ...] as [blocks, columns, 16, ...]: an rnn's columns are the groups of its one gate."""
    layout, rest = LAYOUTS[config.cell], gates.shape[2:]
    if layout.groups > 1:
        return gates.reshape(-1, layout.groups, LANES, *rest)
    return np.moveaxis(gates.reshape(gates.shape[0], -1, LANES, *rest), 0, 1)


def _bias(config: ModelConfig, weights: Weights, layer: int) -> Floats:
    """What is added whatever the input, [gates, padded hidden]; a GRU's last hidden bias stands apart."""
    hidden = _gates(config, weights[f"rnn.bias_hh_l{layer}"]).copy()
    if config.cell == "gru":
        hidden[2] = 0
    return _gates(config, weights[f"rnn.bias_ih_l{layer}"]) + hidden


def _factors(layout: Layout, columns: tuple[int, ...]) -> npt.NDArray[np.float64]:
    return np.array([layout.factors[c] for c in columns])


def _table(config: ModelConfig, weights: Weights) -> Floats:
    layout = LAYOUTS[config.cell]
    matrix = weights["rnn.weight_ih_l0"]
    product = weights["embedding.weight"] @ matrix.T if config.embedding_size else matrix.T
    bias, factors = _bias(config, weights, 0), _factors(layout, layout.added)[:, None]
    blocks = padded_size(config) // (LANES * layout.groups)
    table = np.empty((config.vocabulary_size, blocks, len(layout.added), LANES), dtype=np.float32)
    for row, added in zip(table, product, strict=True):
        row[:] = _columns(config, _gates(config, np.ascontiguousarray(added)) + bias) * factors
    return table


def _layer(config: ModelConfig, weights: Weights, layer: int, precision: Precision) -> dict[str, Array]:
    """Weights, constants and bias of a layer; rows of both matrices share a scale where they share a sum."""
    layout, parts = LAYOUTS[config.cell], []
    size = padded_size(config)
    names = ([f"rnn.weight_ih_l{layer}"] if layer else []) + [f"rnn.weight_hh_l{layer}"]
    for name in names:
        parts.append(_columns(config, _pad(_gates(config, weights[name]), 2, size)))
    column_sets = ([layout.input] if layer else []) + [layout.hidden]
    packed, constants = _products(parts, column_sets, layout, precision)
    biases = []
    if layout.biases:
        last = _columns(config, _gates(config, weights[f"rnn.bias_hh_l{layer}"]))[:, 2:3]
        biases = [(last * layout.factors[2]).astype(np.float32)]
    arrays = {f"weights_l{layer}": packed, f"constants_l{layer}": _constants([*constants, *biases], packed.shape[0])}
    if layer:
        added = _columns(config, _bias(config, weights, layer)) * _factors(layout, layout.added)[:, None]
        arrays[f"bias_l{layer}"] = added.astype(np.float32)
    return arrays


def _products(
    parts: list[Floats], column_sets: list[tuple[int, ...]], layout: Layout, precision: Precision
) -> tuple[Array, list[Array]]:
    """Matrices [blocks, columns, 16, inputs] that add to the given sums, as one array of w's, and their constants."""
    if precision == "float32":
        factors = [_factors(layout, columns)[:, None, None] for columns in column_sets]
        folded = [(part * factor).astype(np.float32) for part, factor in zip(parts, factors, strict=True)]
        return np.concatenate([_steps(part, 1) for part in folded], axis=1), []
    blocks = parts[0].shape[0]
    scales = np.zeros((blocks, layout.columns, LANES), dtype=np.float32)
    for part, columns in zip(parts, column_sets, strict=True):
        scales[:, columns] = np.maximum(scales[:, columns], np.abs(part).max(axis=3) / 127)
    first = np.zeros((blocks, layout.columns, LANES), dtype=np.int32)
    packed = []
    for part, columns in zip(parts, column_sets, strict=True):
        quantized = _quantized(part, scales[:, columns])
        first[:, columns] -= 128 * quantized.sum(axis=3, dtype=np.int32)
        packed.append(_steps(quantized, 4))
    factors_all = _factors(layout, tuple(range(layout.columns)))[:, None]
    return np.concatenate(packed, axis=1), [first, (scales * (factors_all / 127)).astype(np.float32)]


def _quantized(matrix: Floats, scales: Floats) -> npt.NDArray[np.int8]:
    safe = np.where(scales > 0, scales, np.float32(1))
    return np.rint(matrix / safe[..., None]).clip(-127, 127).astype(np.int8)


def _steps(matrix: Array, inputs: int) -> Array:
    """[blocks, columns, 16, n] as [blocks, bytes]: for each step the columns' w's, [16, inputs of a step]."""
    blocks, columns, lanes, n = matrix.shape
    steps = matrix.reshape(blocks, columns, lanes, n // inputs, inputs).transpose(0, 3, 1, 2, 4)
    return np.ascontiguousarray(steps).reshape(blocks, -1)


def _constants(arrays: list[Array], blocks: int) -> npt.NDArray[np.int32]:
    """[blocks, ..., 16] of int32 and float32 side by side, as bits."""
    parts = [np.ascontiguousarray(a).view(np.int32).reshape(blocks, -1) for a in arrays]
    return np.concatenate(parts, axis=1) if parts else np.zeros((blocks, 0), dtype=np.int32)


def _outputs(config: ModelConfig, weights: Weights, precision: Precision) -> dict[str, Array]:
    """The output layer in groups of 64 ids; the last one of 32 where that is enough."""
    width = OUTPUT_COLUMNS * LANES
    rows = logit_blocks(config) * LANES
    matrix = _pad(_pad(weights["output.weight"], 1, padded_size(config)), 0, rows)
    bias = np.full(rows, -np.inf, dtype=np.float32)
    bias[: config.vocabulary_size] = weights["output.bias"]
    full = rows // width * width
    packed, constants = [], []
    for first, last, columns in ((0, full, OUTPUT_COLUMNS), (full, rows, OUTPUT_COLUMNS // 2)):
        if last == first:
            continue
        part = matrix[first:last].reshape(-1, columns, LANES, matrix.shape[1])
        layout = Layout(columns, (), (), (), 0, 1, (1.0,) * columns, False)
        w, c = _products([part], [tuple(range(columns))], layout, precision)
        packed.append(w.reshape(-1))
        constants.append(_constants([*c, bias[first:last].reshape(-1, columns * LANES)], part.shape[0]).reshape(-1))
    return {"output_weights": np.concatenate(packed), "output_constants": np.concatenate(constants)}


def _following(checkpoint: Checkpoint) -> dict[str, Array]:
    following = checkpoint.vocabulary.following
    if following is None:
        return {}
    masks = _pad(following.masks, 1, logit_blocks(checkpoint.config) * LANES)
    return {"kinds": following.kinds, "rules": following.rules, "masks": masks}


def logit_blocks(config: ModelConfig) -> int:
    """Blocks of sixteen logits that the output layer writes: whole groups, the last one possibly half."""
    half = OUTPUT_COLUMNS // 2
    return -(-config.vocabulary_size // (LANES * half)) * half
