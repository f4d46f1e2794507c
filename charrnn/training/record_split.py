"""Which records are held out: whole ones, of each label as large a share as of all, and no text in both parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.fingerprints import Fingerprints

Labels = npt.NDArray[np.integer[Any]]
Mask = npt.NDArray[np.bool_]


def held_out(texts: Fingerprints, fraction: float, labels: Labels | None = None) -> Mask:
    """Which of the records are held out, [n]: `texts` has a hash of each one's text, [n], and `labels` the number of
    its label, from 0, [n], if they have any.

    All records of the same text are on the same side. Of each label, as near to the fraction as whole records allow is
    held out: what one label's rounding adds or leaves out the next one makes up for, so that the share of all is right
    even if each has few. So a label has a record held out if the fraction of its size rounds to one, and each keeps at
    least one text to train on. The choice depends on nothing but the records, whatever their order: the texts with the
    lowest hashes, so that when records are added most of those that were held out still are. Memory: up to 80 bytes a
    record.
    """
    if not len(texts):
        return np.zeros(0, np.bool_)
    groups = _Groups(texts, np.zeros(len(texts), np.int64) if labels is None else labels)
    chosen = groups.chosen(fraction)
    groups.keep_each_label(chosen)
    return groups.of_records(chosen)


class _Groups:
    """The records of the same text, as groups in ascending order of its hash. A text with several labels counts for the
    first of them."""

    def __init__(self, texts: Fingerprints, labels: Labels) -> None:
        self._order = np.argsort(texts)
        self._labels = labels[self._order]
        ascending = texts[self._order]
        begins = np.concatenate([[True], ascending[1:] != ascending[:-1]])
        self._starts = np.flatnonzero(begins)
        self._sizes = np.diff(self._starts, append=len(texts))
        self._first = np.minimum.reduceat(self._labels, self._starts)

    def chosen(self, fraction: float) -> Mask:
        """Which groups are held out."""
        chosen = np.zeros(len(self._starts), np.bool_)
        by_label = np.argsort(self._first, kind="stable")
        carried = 0.0
        for members in np.split(by_label, np.flatnonzero(np.diff(self._first[by_label])) + 1):
            sizes = self._sizes[members]
            wanted = fraction * int(sizes.sum()) + carried
            taken = _nearest(sizes, wanted)
            chosen[members[taken]] = True
            carried = float(np.clip(wanted - sizes[taken].sum(), -0.5, 0.5))
        return chosen

    def keep_each_label(self, chosen: Mask) -> None:
        """Give a text back to each label that all texts were taken of."""
        groups = np.repeat(np.arange(len(self._starts)), self._sizes)
        kept = np.zeros(int(self._labels.max()) + 1, np.bool_)
        kept[self._labels[~chosen[groups]]] = True
        last = np.zeros(len(kept), np.int64)
        last[self._labels] = groups  # the last group of each label, which is the last one to be chosen
        chosen[last[self._labels[~kept[self._labels]]]] = False

    def of_records(self, chosen: Mask) -> Mask:
        """The records of these groups."""
        mask = np.empty(len(self._order), np.bool_)
        mask[self._order] = np.repeat(chosen, self._sizes)
        return mask


def _nearest(sizes: npt.NDArray[np.int64], wanted: float) -> npt.NDArray[np.intp]:
    """Which of the groups together have as nearly as possible this many records, taken in order and without those that
    alone would be too many; never all groups."""
    small = np.flatnonzero(sizes < 2 * wanted)
    ends = np.cumsum(sizes[small])
    count = int(np.searchsorted(ends - sizes[small] / 2, wanted))
    return small[: min(count, len(sizes) - 1)]
