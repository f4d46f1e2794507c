"""Weighs a text's counts against a network's probabilities on a text that neither has seen, and tells what they gain
there: the weights that mix them are those under which that text is likeliest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charrnn.engine.base import Engine
from charrnn.engine.scoring import scored
from charrnn.ngram_counts import Counts, totals, variety
from charrnn.ngrams import ORDERS, NgramTable, context_keys
from charrnn.vocabulary import Ids

WINDOW, WARM_UP = 1000, 200
"""Held-out text is read in windows of this many tokens, side by side; what a network says of the first ones is not
used, because it knows too little then."""

LARGEST_WEIGHT: Final = 0.98
PASSES: Final = 40
PRIOR: Final = 5.0
"""So many more tokens, which the network alone predicts, count for each weight."""

UNSEEN_WEIGHT: Final = 0.5
"""Of a kind of context that the held-out text never needed, because longer ones were known everywhere: a generated text
needs it after an odd token, to find its way back."""

_TOTALS: Final = (1, 2, 3, 5, 9, 17, 65)
_VARIETIES: Final = (1, 2, 3, 5, 9)

Floats = npt.NDArray[np.float64]
Kinds = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Gain:
    """Losses on the same held-out `tokens`, in nats per token: of the network, and of the mixture, whose weights for
    each half of the text are from the other. `share`: the counts' part of the probability of what came next."""

    network_loss: float
    loss: float
    share: float
    tokens: int

    @property
    def nats(self) -> float:
        """How much less the mixture loses."""
        return self.network_loss - self.loss


@dataclass(frozen=True, eq=False, slots=True)
class _Predictions:
    """What was predicted of held-out tokens, [n] each: their probability by the network and by the longest known
    context, the context's kind, which has one weight (0: none is known), and which half of the text they are in."""

    network: Floats
    counted: Floats
    kinds: Kinds
    second: npt.NDArray[np.bool_]


def mixture(
    counts: Counts, engine: Engine, held_out: Iterable[npt.NDArray[np.integer[Any]]]
) -> tuple[NgramTable, Gain]:
    """The counts, weighed on the passages of a held-out text that are long enough, and what they gain there. `engine`:
    of the network alone. Raises ValueError if there are no counts, or no passage is long enough."""
    if not len(counts):
        raise ValueError("a table needs at least 1 pair of a context and a token, not 0")
    kinds, shares = _kinds(counts), counts.counts / totals(counts)
    found = _predictions(counts, kinds, shares, engine, held_out)
    size = 1 + int(kinds.max())
    weights = [_weights(found, chosen, size) for chosen in (found.second, ~found.second)]
    of_each = np.where(found.second, weights[1][found.kinds], weights[0][found.kinds])
    by_counts = of_each * found.counted
    both = (1 - of_each) * found.network + by_counts
    gain = Gain(
        float(-np.log(found.network).mean()),
        float(-np.log(both).mean()),
        float((by_counts / both).mean()),
        found.network.size,
    )
    return _table(counts, shares, _weights(found, np.ones_like(found.second), size)[kinds]), gain


def _kinds(counts: Counts) -> Kinds:
    """For each pair the kind of its context, from 1: its length, how often it occurs, how many tokens follow it."""
    kind = np.searchsorted(ORDERS, counts.orders)
    for number, bounds in ((totals(counts), _TOTALS), (variety(counts), _VARIETIES)):
        kind = kind * (len(bounds) + 1) + np.digitize(number, bounds)
    return 1 + kind


def _table(counts: Counts, shares: Floats, weights: Floats) -> NgramTable:
    odds = (weights / (1 - weights) * shares).astype(np.float16)
    kept = odds > 0
    return NgramTable(counts.keys[kept], counts.ids[kept], odds[kept])


def _weights(found: _Predictions, chosen: npt.NDArray[np.bool_], size: int) -> Floats:
    """The weight of each kind under which the chosen tokens are likeliest, by expectation and maximization; 0 for none.
    Most of these are weak priors: tokens that the network alone predicts."""
    network, counted, kinds = found.network[chosen], found.counted[chosen], found.kinds[chosen]
    counts = np.bincount(kinds, minlength=size) + PRIOR
    weights = np.full(size, 0.5)
    for _ in range(PASSES):
        weights[0] = 0
        by_counts = weights[kinds] * counted
        both = (1 - weights[kinds]) * network + by_counts
        weights = np.minimum(LARGEST_WEIGHT, np.bincount(kinds, by_counts / both, size) / counts)
    weights[np.bincount(kinds, minlength=size) == 0] = UNSEEN_WEIGHT
    weights[0] = 0
    return weights


def _predictions(
    counts: Counts, kinds: Kinds, shares: Floats, engine: Engine, held_out: Iterable[npt.NDArray[np.integer[Any]]]
) -> _Predictions:
    windows = list(_windows(held_out))
    if not windows:
        raise ValueError(f"counts are weighed on a text of at least {WARM_UP + 2} tokens in a row")
    order = {id(window): number for number, window in enumerate(windows)}
    network, counted, of_kind, second = [], [], [], []
    for window, bits in (each for some in scored(engine, windows) for each in some):
        number = order[id(window)]
        network.append(np.maximum(2.0 ** -bits[WARM_UP - 1 :], 1e-9))
        p, kind = _counted(counts, kinds, shares, window, WARM_UP)
        counted.append(p)
        of_kind.append(kind)
        second.append(np.full(p.size, number % 2 == 1))
    return _Predictions(*map(np.concatenate, (network, counted, of_kind, second)))


def _windows(held_out: Iterable[npt.NDArray[np.integer[Any]]]) -> Iterator[Ids]:
    for passage in held_out:
        for start in range(0, len(passage) - WARM_UP - 1, WINDOW):
            yield np.asarray(passage[start : start + WARM_UP + WINDOW], dtype=np.int32)


def _counted(counts: Counts, kinds: Kinds, shares: Floats, window: Ids, start: int) -> tuple[Floats, Kinds]:
    """For the tokens from `start` on: their share of what followed the longest known context, and its kind."""
    following = window[start:].astype(np.uint64)
    p, kind = np.zeros(following.size), np.zeros(following.size, dtype=np.int64)
    pairs = counts.keys.astype(np.uint64) << np.uint64(16) | counts.ids
    for keys in context_keys(window[:-1], start).values():
        first = np.minimum(np.searchsorted(counts.keys, keys), len(counts) - 1)
        known = counts.keys[first] == keys
        wanted = keys.astype(np.uint64) << np.uint64(16) | following
        pair = np.minimum(np.searchsorted(pairs, wanted), len(counts) - 1)
        p[known] = np.where(pairs[pair] == wanted, shares[pair], 0.0)[known]
        kind[known] = kinds[first][known]
    return p, kind
