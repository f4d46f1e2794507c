"""Counts which tokens follow which contexts in a text, in bounded memory; knows no network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charrnn.ngrams import KEY_BITS, MAX_IDS, ORDERS, context_keys

LEAST: Final = 2
"""How often a context must occur: what stands in a text once is not repeated word for word by its counts."""
SUCCESSORS: Final = 16
"""How many of the tokens that follow a context are kept, the most frequent ones."""
PART: Final = 1 << 21
"""About how many tokens' contexts are sorted at a time."""
PIECE: Final = 1 << 16

IdsOfText = npt.NDArray[np.integer[Any]]
_ID_BITS: Final = np.uint64(MAX_IDS.bit_length() - 1)


@dataclass(frozen=True, eq=False, slots=True)
class Counts:
    """Pairs of a context and a token that followed it, [n] each, sorted by both: `keys` and `ids` as in a NgramTable,
    how often the token followed (`counts`), and the context's length (`orders`)."""

    keys: npt.NDArray[np.uint32]
    ids: npt.NDArray[np.uint16]
    counts: npt.NDArray[np.int64]
    orders: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return self.keys.size

    def kept(self, which: npt.NDArray[Any]) -> Counts:
        """Those pairs, by a mask or by their indices."""
        return Counts(self.keys[which], self.ids[which], self.counts[which], self.orders[which])


def count(passages: Iterable[IdsOfText], tokens: int, most: int, never: int | None = None) -> Counts:
    """The counts of a text of so many `tokens`, in passages that are read several times if it is long, at most `most`
    pairs: those of the contexts that occur most often. `never` is an id that is not to be predicted."""
    passages = list(passages)
    least, parts = LEAST, max(1, -(-tokens // PART))
    found: list[Counts] = []
    for part in range(parts):
        bounds = (part << KEY_BITS) // parts, (part + 1 << KEY_BITS) // parts
        found.append(_frequent(_counted(passages, *bounds), least, never))
        while sum(map(len, found)) > most:
            least += 1
            found = [_frequent(each, least) for each in found]
    return Counts(*(np.concatenate(arrays) for arrays in zip(*map(_columns, found), strict=True)))


def _columns(counts: Counts) -> tuple[npt.NDArray[Any], ...]:
    return counts.keys, counts.ids, counts.counts, counts.orders


def _counted(passages: list[IdsOfText], low: int, high: int) -> Counts:
    """All pairs whose keys are from `low` to less than `high`."""
    codes: dict[int, list[npt.NDArray[np.uint64]]] = {order: [] for order in ORDERS}
    for piece in _pieces(passages):
        following = piece[ORDERS[-1] :].astype(np.uint64)
        for order, keys in context_keys(piece[:-1], ORDERS[-1]).items():
            chosen = (keys >= low) & (keys < high)
            codes[order].append(keys[chosen].astype(np.uint64) << _ID_BITS | following[chosen])
    found = [np.unique(np.concatenate([*each, _NO_CODES]), return_counts=True) for each in codes.values()]
    orders = np.repeat(np.array(ORDERS), [pairs.size for pairs, _ in found])
    pairs, first = np.unique(np.concatenate([pairs for pairs, _ in found]), return_index=True)
    keys, ids = (pairs >> _ID_BITS).astype(np.uint32), (pairs & np.uint64(MAX_IDS - 1)).astype(np.uint16)
    return Counts(keys, ids, np.concatenate([counts for _, counts in found])[first], orders[first])


_NO_CODES: Final = np.zeros(0, dtype=np.uint64)


def _pieces(passages: list[IdsOfText]) -> Iterator[IdsOfText]:
    """The passages in pieces, each of which repeats the end of the one before as context."""
    longest = ORDERS[-1]
    for passage in passages:
        for start in range(0, len(passage) - longest, PIECE):
            yield np.asarray(passage[start : start + PIECE + longest])


def _frequent(counts: Counts, least: int, never: int | None = None) -> Counts:
    """The pairs of contexts that occur at least so often, without rare tokens of contexts that have many."""
    if never is not None:
        counts = counts.kept(counts.ids != never)
    counts = counts.kept(totals(counts) >= least)
    order = np.lexsort((counts.ids, -counts.counts, counts.keys))
    rank = np.arange(len(counts)) - np.repeat(_starts(counts), _sizes(counts))
    return counts.kept(np.sort(order[rank < SUCCESSORS]))


def _starts(counts: Counts) -> npt.NDArray[np.int64]:
    """The first pair of each context."""
    return np.flatnonzero(np.append(True, counts.keys[1:] != counts.keys[:-1])[: len(counts)])


def _sizes(counts: Counts) -> npt.NDArray[np.int64]:
    """The number of pairs of each context."""
    return np.diff(np.append(_starts(counts), len(counts)))


def totals(counts: Counts) -> npt.NDArray[np.int64]:
    """For each pair how often its context occurs, as far as its tokens were kept."""
    sums = np.add.reduceat(counts.counts, _starts(counts)) if len(counts) else counts.counts
    return np.repeat(sums, _sizes(counts))


def variety(counts: Counts) -> npt.NDArray[np.int64]:
    """For each pair how many tokens its context has."""
    return np.repeat(_sizes(counts), _sizes(counts))
