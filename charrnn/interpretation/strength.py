"""How strongly each of many units follows a label, all units at once; knows no text and no network.

A strength is from -1 to 1. For a boolean label it is 2 AUC - 1, AUC being the probability that the unit is higher where
the label is true than where it is false (Mann and Whitney 1947; ties count half). For a number it is Pearson's
correlation, the highest hundredth of the numbers counted alike. Both are a product of the label's coefficients and the
unit's standardized values, so that one matrix product gives all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charrnn.interpretation.labels import Labels, Mask, is_mask

Floats = npt.NDArray[np.float32]

ORDINARY: Final = 0.99
"""The quantile of a label's numbers that higher ones count as."""

GROUPS: Final = 16
"""Parts of a text that are left out one by one: enough to tell how much they differ."""


@dataclass(frozen=True, eq=False, slots=True)
class Units:
    """The centred ranks and standardized values [n, units], which the products take."""

    ranks: Floats
    standard: Floats

    @classmethod
    def of(cls, values: Floats) -> Units:
        """The units of the values [n, units]."""
        return cls(_centred_ranks(values), _standard(values))


@dataclass(frozen=True, eq=False, slots=True)
class Coefficients:
    """Those of labels, [labels, n], and which of the labels are masks; they are the same for all units."""

    values: Floats
    masks: Mask

    @classmethod
    def of(cls, labels: Sequence[Labels]) -> Coefficients:
        """The coefficients of each label [n], which must vary."""
        values = np.empty((len(labels), len(labels[0])), np.float32)
        for row, each in zip(values, labels, strict=True):
            row[:] = _auc_coefficients(each) if is_mask(each) else _standard(_bounded(each))
        return cls(values, np.array([is_mask(each) for each in labels]))

    def strengths(self, units: Units) -> Floats:
        """The strengths [labels, units]."""
        found = np.empty((len(self.values), units.ranks.shape[1]), dtype=np.float32)
        found[self.masks] = self.values[self.masks] @ units.ranks
        found[~self.masks] = self.values[~self.masks] @ units.standard
        return found


def strengths(labels: Sequence[Labels], units: Units) -> Floats:
    """The strengths [labels, units] of each label [n], which must vary, with each unit."""
    return Coefficients.of(labels).strengths(units)


def standard_error(labels: Labels, values: npt.NDArray[np.float32]) -> float:
    """That of the strength of a label [n] with one unit [n], from what it is without each of GROUPS parts of the text
    (the jackknife; Quenouille 1956, Tukey 1958), since neighbouring characters are not independent. Infinite if the
    label varies in one part alone."""
    groups = np.arange(len(labels)) * GROUPS // len(labels)
    kept = [groups != group for group in range(GROUPS)]
    if any((left := labels[each]).max() == left.min() for each in kept):
        return math.inf
    without = [float(strengths([labels[each]], Units.of(values[each, None]))[0, 0]) for each in kept]
    return math.sqrt((GROUPS - 1) * float(np.var(without)))


def _centred_ranks(values: Floats) -> Floats:
    """Ranks in each column as shares of n, minus their mean; ties share their mean rank."""
    rows = np.ascontiguousarray(values.T)
    n = rows.shape[1]
    order = np.argsort(rows, axis=1)
    ordered = np.take_along_axis(rows, order, axis=1)
    ranks = np.empty(rows.shape, dtype=np.float32)
    np.put_along_axis(ranks, order, _mean_ranks(ordered), axis=1)
    centred: Floats = (ranks.T - np.float32((n - 1) / 2)) / np.float32(n)
    return centred


def _mean_ranks(ordered: Floats) -> Floats:
    """The rank from 0 of each value in ascending rows; ties share their mean rank."""
    n = ordered.shape[1]
    index = np.arange(n, dtype=np.int32)
    begins = np.ones(ordered.shape, dtype=np.bool_)
    begins[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    ends = np.ones_like(begins)
    ends[:, :-1] = begins[:, 1:]
    first = np.maximum.accumulate(np.where(begins, index, 0), axis=1)
    last = np.minimum.accumulate(np.where(ends, index, n)[:, ::-1], axis=1)[:, ::-1]
    return ((first + last) / 2).astype(np.float32)


def _auc_coefficients(mask: Labels) -> Floats:
    """The coefficients whose product with centred ranks is 2 AUC - 1."""
    n, true = len(mask), np.count_nonzero(mask)
    return np.where(mask, 2 / true, -2 / (n - true)).astype(np.float32)


def _bounded(numbers: Labels) -> Labels:
    """Without outliers: one line of a thousand characters would outweigh all others."""
    return np.minimum(numbers, np.quantile(numbers, ORDINARY, method="higher"))


def _standard(values: npt.NDArray[Any]) -> Floats:
    """Each column with mean 0 and length 1, so that products are correlations; zeros where nothing varies."""
    centred = values - values.mean(axis=0, dtype=np.float64)
    length = np.sqrt((centred**2).sum(axis=0))
    standard: Floats = np.divide(centred, length, out=np.zeros_like(centred), where=length > 0).astype(np.float32)
    return standard
