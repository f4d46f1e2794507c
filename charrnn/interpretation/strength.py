"""How strongly each of many units follows a label, all units at once; knows no text and no network.

A strength is from -1 to 1. For a boolean label it is 2 AUC - 1, AUC being the probability that the unit is higher where
the label is true than where it is false (Mann and Whitney 1947; ties count half). For a number it is Pearson's
correlation. Both are a product of the label's coefficients and the unit's standardized values, so that one matrix
product gives all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.interpretation.labels import Labels, is_mask

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False, slots=True)
class Units:
    """The centred ranks and standardized values [n, units], which the products take."""

    ranks: Floats
    standard: Floats

    @classmethod
    def of(cls, values: Floats) -> Units:
        """The units of the values [n, units]."""
        return cls(_centred_ranks(values), _standard(values))


def strengths(labels: Sequence[Labels], units: Units) -> Floats:
    """The strengths [labels, units] of each label [n], which must vary, with each unit."""
    coefficients = np.stack([_auc_coefficients(each) if is_mask(each) else _standard(each) for each in labels])
    masks = np.array([is_mask(each) for each in labels])
    found = np.empty((len(labels), units.ranks.shape[1]), dtype=np.float32)
    found[masks] = coefficients[masks] @ units.ranks
    found[~masks] = coefficients[~masks] @ units.standard
    return found


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


def _standard(values: npt.NDArray[Any]) -> Floats:
    """Each column with mean 0 and length 1, so that products are correlations; zeros where nothing varies."""
    centred = values - values.mean(axis=0, dtype=np.float64)
    length = np.sqrt((centred**2).sum(axis=0))
    standard: Floats = np.divide(centred, length, out=np.zeros_like(centred), where=length > 0).astype(np.float32)
    return standard
