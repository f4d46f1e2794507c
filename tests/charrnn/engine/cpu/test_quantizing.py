"""Packed matrices: where each number is, and that nothing but a scale is needed to come back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from charrnn.engine.cpu.quantizing import packed_matrices, side_by_side

BLOCKS, INPUTS = 3, 8
COLUMN_SETS = [(0, 1, 2), (0, 1, 3)]
FACTORS = (-1.5, -1.5, -3.0, 0.5)
Floats = npt.NDArray[np.float32]


@pytest.fixture
def matrices() -> list[Floats]:
    rng = np.random.default_rng(0)
    found = [rng.normal(0, 2, (BLOCKS, 3, 16, INPUTS)).astype(np.float32) for _ in COLUMN_SETS]
    found[0][1, 2, 5] = 0  # one output without weights
    return found


def test_float32_has_one_input_of_sixteen_outputs_in_a_vector(matrices: list[Floats]) -> None:
    packed, constants = packed_matrices(matrices, COLUMN_SETS, FACTORS, "float32")
    assert constants == []
    first, second = np.split(packed, 2, axis=1)
    for part, matrix, columns in ((first, matrices[0], COLUMN_SETS[0]), (second, matrices[1], COLUMN_SETS[1])):
        vectors = part.reshape(BLOCKS, INPUTS, 3, 16)
        for i, column in enumerate(columns):
            expected = (matrix[:, i] * FACTORS[column]).astype(np.float32)  # [blocks, 16, inputs]
            np.testing.assert_array_equal(vectors[:, :, i], expected.transpose(0, 2, 1))


def test_int8_has_four_inputs_of_sixteen_outputs_in_a_vector_and_a_scale_an_output(matrices: list[Floats]) -> None:
    packed, (first_sums, scales) = packed_matrices(matrices, COLUMN_SETS, FACTORS, "int8")
    assert [each.dtype.name for each in (packed, first_sums, scales)] == ["int8", "int32", "float32"]
    assert first_sums.shape == scales.shape == (BLOCKS, 4, 16)
    x = np.random.default_rng(1).uniform(-1, 1, INPUTS)
    stored = np.rint(127 * x) + 128  # as products read a state
    sums, exact = first_sums.astype(np.float64), np.zeros((BLOCKS, 4, 16))
    for part, matrix, columns in zip(np.split(packed, 2, axis=1), matrices, COLUMN_SETS, strict=True):
        q = part.reshape(BLOCKS, INPUTS // 4, 3, 16, 4).transpose(0, 2, 3, 1, 4).reshape(BLOCKS, 3, 16, INPUTS)
        assert np.abs(q.astype(np.int32)).max() == 127
        sums[:, columns] += q @ stored
        exact[:, columns] += matrix @ x
    exact *= np.array(FACTORS)[:, None]
    # Each weight is off by half a scale at most, and each input by half of 1 / 127.
    largest = np.max([np.abs(matrix).max(axis=(1, 2, 3)) for matrix in matrices], axis=0)[:, None, None]
    bound = np.abs(FACTORS)[:, None] * largest * 2 * INPUTS / 127
    assert (np.abs(sums * scales - exact) <= bound).all()
    assert np.abs(sums * scales - exact).mean() < 0.05
    assert scales[1, 2, 5] == 0 and sums[1, 2, 5] == 0


def test_matrices_that_add_to_the_same_sum_share_its_scale(matrices: list[Floats]) -> None:
    _, (_, scales) = packed_matrices(matrices, COLUMN_SETS, FACTORS, "int8")
    largest = [np.abs(matrix).max(axis=3) for matrix in matrices]
    expected = [np.maximum(largest[0][:, 0], largest[1][:, 0]), largest[0][:, 2], largest[1][:, 2]]
    for column, most in zip((0, 2, 3), expected, strict=True):
        np.testing.assert_allclose(scales[:, column], most / 127 * FACTORS[column] / 127, rtol=1e-6)


def test_constants_of_both_types_lie_side_by_side_as_their_bits() -> None:
    integers = np.arange(BLOCKS * 16, dtype=np.int32).reshape(BLOCKS, 1, 16)
    floats = -integers.astype(np.float32)
    found = side_by_side([integers, floats], BLOCKS)
    np.testing.assert_array_equal(found[:, :16], integers[:, 0])
    np.testing.assert_array_equal(found[:, 16:].view(np.float32), floats[:, 0])
    assert side_by_side([], BLOCKS).shape == (BLOCKS, 0)
