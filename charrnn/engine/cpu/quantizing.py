"""Matrices as micro-tiles read them: vectors of sixteen outputs, in float32, or in int8 with a scale for each output.

A matrix is given as [blocks, columns, 16, inputs], one row for each output, and returned as [blocks, depth, columns] of
vectors w, so that a micro-tile reads its weights sequentially: int8 w is [16, 4], four inputs of sixteen outputs, which
is what vpdpbusd multiplies; float32 w is [16], one input's.

Quantization is symmetric, q = round(w / scale) with scale = max |w| / 127 over an output's weights. Zero stays zero,
and the scale alone is needed to convert back: w x is about scale / 127 * q round(127 x). Each output has one scale,
because its products are added as integers: matrices that contribute to the same sum share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.engine.cpu.instructions import Precision
from charrnn.engine.cpu.lanes import LANES

Floats = npt.NDArray[np.float32]
Array = npt.NDArray[Any]


def packed_matrices(
    matrices: Sequence[Floats], column_sets: Sequence[tuple[int, ...]], factors: Sequence[float], precision: Precision
) -> tuple[Array, list[Array]]:
    """Matrices [blocks, columns of its set, 16, inputs], concatenated as [blocks, numbers of all w]; and their
    constants: none for float32, for int8 the first sums and the scales, [blocks, len(factors), 16] each.

    `column_sets` has the sums to which each matrix contributes; `factors` has the factor of each sum.
    """
    every = np.array(factors)  # float64, [columns]
    if precision == "float32":
        scaled = [
            (matrix * every[list(columns)][:, None, None]).astype(np.float32)
            for matrix, columns in zip(matrices, column_sets, strict=True)
        ]
        return np.concatenate([_vectors(matrix, 1) for matrix in scaled], axis=1), []
    blocks = matrices[0].shape[0]
    scales = np.zeros((blocks, len(every), LANES), dtype=np.float32)
    for matrix, columns in zip(matrices, column_sets, strict=True):
        scales[:, columns] = np.maximum(scales[:, columns], np.abs(matrix).max(axis=3) / 127)
    first_sums = np.zeros((blocks, len(every), LANES), dtype=np.int32)
    packed = []
    for matrix, columns in zip(matrices, column_sets, strict=True):
        quantized = _quantized(matrix, scales[:, columns])
        # Inputs are stored as x + 128: sum(q (x + 128)) - 128 sum(q) = sum(q x).
        first_sums[:, columns] -= 128 * quantized.sum(axis=3, dtype=np.int32)
        packed.append(_vectors(quantized, 4))
    return np.concatenate(packed, axis=1), [first_sums, (scales * (every[:, None] / 127)).astype(np.float32)]


def side_by_side(arrays: Sequence[Array], blocks: int) -> npt.NDArray[np.int32]:
    """Constants [blocks, ..., 16] of int32 and float32 as one array of their bits, [blocks, n]."""
    parts = [np.ascontiguousarray(a).view(np.int32).reshape(blocks, -1) for a in arrays]
    return np.concatenate(parts, axis=1) if parts else np.zeros((blocks, 0), dtype=np.int32)


def _quantized(matrix: Floats, scales: Floats) -> npt.NDArray[np.int8]:
    """[..., inputs] by the scales [...]. -128 does not occur: AVX2 code negates weights where the input is negative,
    and 128 is not an int8."""
    safe = np.where(scales > 0, scales, np.float32(1))  # an output whose weights are all 0
    return np.rint(matrix / safe[..., None]).clip(-127, 127).astype(np.int8)


def _vectors(matrix: Array, inputs: int) -> Array:
    """[blocks, columns, 16, n] as [blocks, n / inputs, columns, 16, inputs], flat from the second axis on."""
    blocks, columns, lanes, n = matrix.shape
    vectors = matrix.reshape(blocks, columns, lanes, n // inputs, inputs).transpose(0, 3, 1, 2, 4)
    return np.ascontiguousarray(vectors).reshape(blocks, -1)
