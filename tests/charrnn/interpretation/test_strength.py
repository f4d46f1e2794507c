"""Strengths against the plain definitions of AUC and correlation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from charrnn.interpretation.strength import GROUPS, Units, standard_error, strengths

FEW_VALUES = st.sampled_from([-1.0, -0.5, 0.0, 0.25, 1.0])
"""So few that there are ties."""


def auc(unit: np.ndarray, mask: np.ndarray) -> float:
    """Of all pairs of a true and a false place: how often the unit is higher at the true one, ties counting half."""
    differences = unit[mask][:, None] - unit[~mask][None, :]
    return float((differences > 0).mean() + (differences == 0).mean() / 2)


@given(arrays(np.float32, (24, 3), elements=FEW_VALUES), arrays(np.bool_, 24))
def test_a_mask_gets_twice_its_auc_less_one(values: np.ndarray, mask: np.ndarray) -> None:
    assume(mask.any() and not mask.all())
    found = strengths([mask], Units.of(values))[0]
    assert found == pytest.approx([2 * auc(values[:, i], mask) - 1 for i in range(3)], abs=1e-6)


@given(arrays(np.float32, (24, 3), elements=FEW_VALUES), arrays(np.float32, 24, elements=st.integers(0, 9)))
def test_a_number_gets_its_correlation(values: np.ndarray, numbers: np.ndarray) -> None:
    assume((values.std(axis=0) > 0).all() and numbers.std() > 0)
    found = strengths([numbers], Units.of(values))[0]
    assert found == pytest.approx([np.corrcoef(values[:, i], numbers)[0, 1] for i in range(3)], abs=1e-5)


def test_one_very_long_line_does_not_outweigh_all_others() -> None:
    numbers = (np.arange(2_000) % 50).astype(np.float32)
    values = numbers[:, None] + np.random.default_rng(0).standard_normal((2_000, 1)).astype(np.float32)
    numbers[-15:] = 1e6
    assert strengths([numbers], Units.of(values))[0, 0] > 0.97


def test_masks_and_numbers_together() -> None:
    random = np.random.default_rng(0)
    values = random.standard_normal((500, 67)).astype(np.float32)
    mask, numbers = values[:, 5] > 1, values[:, 65] * -2 + 7
    found = strengths([mask, numbers, ~mask], Units.of(values))
    assert found.shape == (3, 67)
    assert (found[0].argmax(), found[0, 5]) == (5, pytest.approx(1))
    bounded = np.minimum(numbers, np.quantile(numbers, 0.99, method="higher"))
    expected = np.corrcoef(values[:, 65], bounded)[0, 1]
    assert (found[1].argmin(), found[1, 65]) == (65, pytest.approx(expected))
    assert found[2] == pytest.approx(-found[0])


def test_a_unit_that_never_moves_follows_nothing() -> None:
    values = np.full((10, 1), 0.3, np.float32)
    labels = np.arange(10) % 3 == 0
    assert strengths([labels, np.arange(10, dtype=np.float32)], Units.of(values)).tolist() == [[0], [0]]


def test_the_standard_error_of_a_strength_is_how_much_it_varies() -> None:
    """Compared with many texts of the same kind, for a mask and for a number."""
    random = np.random.default_rng(0)
    for mask in (True, False):
        found, errors = [], []
        for _ in range(60):
            labels = np.repeat(random.random(80), 10).astype(np.float32)
            values = (labels + random.standard_normal(800)).astype(np.float32)
            chosen = labels > 0.6 if mask else labels
            found.append(float(strengths([chosen], Units.of(values[:, None]))[0, 0]))
            errors.append(standard_error(chosen, values))
        assert np.median(errors) == pytest.approx(np.std(found), rel=0.35)


def test_what_varies_in_one_part_alone_has_no_standard_error() -> None:
    labels = np.arange(GROUPS * 10) < 5
    assert standard_error(labels, np.arange(GROUPS * 10, dtype=np.float32)) == np.inf
