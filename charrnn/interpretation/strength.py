"""How strongly each of many units follows a label, all units at once; knows no text and no network.

A strength is from -1 to 1. For a boolean label it is 2 AUC - 1, AUC being the probability that the unit is higher where
the label is true than where it is false (Mann and Whitney 1947; ties count half). For a number it is Spearman's rank
correlation, in which one very long line counts for no more than others. Both are a product of the label's coefficients
and the unit's centred ranks, so that one matrix product gives all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.interpretation.labels import Labels, Mask, is_mask

Floats = npt.NDArray[np.float32]

GROUPS: Final = 16
"""Parts of a text that are left out one by one: enough to tell how much they differ."""


@dataclass(frozen=True, eq=False, slots=True)
class Units:
    """The centred ranks [n, units], and their lengths as vectors [units]."""

    ranks: Floats
    lengths: Floats

    @classmethod
    def of(cls, values: Floats) -> Units:
        """The units of the values [n, units]."""
        ranks = _centred_ranks(values)
        return cls(ranks, np.sqrt(np.einsum("ij,ij->j", ranks, ranks)))


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
            row[:] = _auc_coefficients(each) if is_mask(each) else _rank_coefficients(each)
        return cls(values, np.array([is_mask(each) for each in labels]))

    def strengths(self, units: Units) -> Floats:
        """The strengths [labels, units]."""
        found: Floats = self.values @ units.ranks
        found[~self.masks] /= np.maximum(units.lengths, np.finfo(np.float32).tiny)
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


def _rank_coefficients(numbers: Labels) -> Floats:
    """The coefficients whose product with centred ranks of length 1 is the rank correlation."""
    units = Units.of(numbers.astype(np.float32)[:, None])
    coefficients: Floats = units.ranks[:, 0] / units.lengths[0]
    return coefficients
