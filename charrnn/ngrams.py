"""Which tokens have followed the latest few in the text that a network was trained on, and how much more likely that
makes them: counts mixed with a network's probabilities.

The longest context of ORDERS tokens that the table has adds to the probability p_c of each token c that it names, and
all are divided by their sum again: p_c + r_c, in logits z

    z_c <- ln(exp(z_c) + r_c sum_i exp(z_i))

With r_c = w q_c / (1 - w) that is the mixture (1 - w) p + w q of the network's probabilities with the context's own (as
Mikolov et al., RNNLM, 2011, mix with an n-gram model). Tokens that the context does not name keep their logits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charrnn.sampling import Logits
from charrnn.splitmix import GAMMA, mixed

ORDERS: Final = (3, 4, 6, 8, 14)
"""The lengths of contexts, in tokens. On Python source and C headers all lengths from 3 to 8 gain no more than those up
to 8, in 1.6 times the memory; what the longest one gains is in docs/training.md."""

EARLIER_ORDERS: Final = ORDERS[:4]
"""Those of tables that were made before there were longer ones."""

KEY_BITS: Final = 31
MAX_PAIRS: Final = 1 << 20
"""The largest table: 8 MiB in a file. The contexts that occur twice in a million characters have about half as many."""
MAX_IDS: Final = 1 << 16
"""Outputs that a table can name."""
MAX_BUCKET: Final = 1 << 10
"""How many pairs a bucket may have, so that no table makes a look-up slow; usually there are four."""

_DTYPES: Final = {"keys": np.uint32, "ids": np.uint16, "odds": np.float16}

Keys = npt.NDArray[np.uint32]
Ids = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False, slots=True)
class NgramTable:
    """Pairs of a context and a token that may follow it, [n] each: `keys` uint32, the contexts' (`context_keys`), in
    ascending order; `ids` uint16, the tokens', ascending within a context; `odds` float16, r above. `orders` are the
    lengths of its contexts: ORDERS or EARLIER_ORDERS.

    Raises ValueError, naming the array and the bound, for arrays that are not that.
    """

    keys: Keys
    ids: npt.NDArray[np.uint16]
    odds: npt.NDArray[np.float16]
    orders: tuple[int, ...] = ORDERS

    def __post_init__(self) -> None:
        check_orders(self.orders)
        check_shapes({name: (array.dtype.name, array.shape) for name, array in self.arrays().items()})
        if self.keys[-1] >> KEY_BITS:
            raise ValueError(f"keys must be less than {1 << KEY_BITS}, not {self.keys[-1]}")
        pairs = self.keys.astype(np.uint64) * np.uint64(MAX_IDS) + self.ids
        if (pairs[1:] <= pairs[:-1]).any():
            raise ValueError("keys and ids must be in ascending order, no pair twice")
        if not (np.isfinite(self.odds) & (self.odds > 0)).all():
            raise ValueError("odds must be finite and more than 0")
        if (most := int(np.diff(self.buckets()).max())) > MAX_BUCKET:
            raise ValueError(f"a bucket must have at most {MAX_BUCKET} pairs, not {most}")

    def __len__(self) -> int:
        return self.keys.size

    @property
    def nbytes(self) -> int:
        """Bytes in a file."""
        return sum(array.nbytes for array in self.arrays().values())

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays by name."""
        return {"keys": self.keys, "ids": self.ids, "odds": self.odds}

    def buckets(self) -> npt.NDArray[np.int32]:
        """Where the pairs begin whose keys have the same first bits, [2^bits + 1]: the last one is their number."""
        bits = max(0, min(KEY_BITS, len(self).bit_length() - 2))
        firsts = np.arange((1 << bits) + 1, dtype=np.uint64) << np.uint64(KEY_BITS - bits)
        return np.searchsorted(self.keys, firsts.astype(np.uint32)).astype(np.int32)

    def following(self, recent: Ids) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.float32]]:
        """The tokens that the longest known context names, [k], and their odds; `recent` [m] are the latest ids, the
        newest last. Nothing if no context is known."""
        for (key,) in reversed(context_keys(recent, recent.size, self.orders).values()):
            start, stop = np.searchsorted(self.keys, key), np.searchsorted(self.keys, key, side="right")
            if start < stop:
                return self.ids[start:stop], self.odds[start:stop].astype(np.float32)
        return self.ids[:0], np.zeros(0, dtype=np.float32)

    def mix(self, logits: Logits, recent: Ids) -> Logits:
        """The logits [outputs] with the counts; `recent` as in `following`."""
        ids, odds = self.following(recent)
        if not ids.size:
            return logits
        top, result = logits.max(), logits.copy()
        powers = np.exp(logits - top)
        result[ids] = top + np.log(powers[ids] + odds * powers.sum(dtype=np.float32))
        return result


def check_orders(orders: tuple[int, ...]) -> None:
    """Raises ValueError for lengths of contexts that no table has."""
    if orders not in (ORDERS, EARLIER_ORDERS):
        raise ValueError(f"the orders of an n-gram table must be {ORDERS} or {EARLIER_ORDERS}, not {orders!r:.80}")


def check_shapes(found: Mapping[str, tuple[str, tuple[int, ...]]]) -> None:
    """Raises ValueError unless these, by name, are the dtypes and shapes of a table's arrays."""
    if {name: dtype for name, (dtype, _) in found.items()} != {name: np.dtype(d).name for name, d in _DTYPES.items()}:
        raise ValueError(f"the arrays must be {', '.join(_DTYPES)}, not {sorted(found.items())}")
    shapes = {shape for _, shape in found.values()}
    if len(shapes) != 1 or len(shape := shapes.pop()) != 1 or not 0 < shape[0] <= MAX_PAIRS:
        raise ValueError(f"keys, ids and odds must have one length, from 1 to {MAX_PAIRS}, not {sorted(found.items())}")


def context_keys(ids: npt.NDArray[np.integer[Any]], start: int, orders: tuple[int, ...] = ORDERS) -> dict[int, Keys]:
    """The keys of the contexts before each position from `start` to the end of the ids [n], that after the last one
    included: [n - start + 1] for each of the orders up to `start`.

    A key is a hash of the ids, from the newest to the oldest, so of their number too. Contexts that have the same, one
    in a billion, are taken for one.
    """
    count, found = len(ids) - start + 1, {}
    state = np.zeros(max(0, count), dtype=np.uint64)
    for age in range(min(start, orders[-1])):
        older = ids[start - 1 - age :][:count]
        state = mixed(state + (older.astype(np.uint64) + np.uint64(1)) * GAMMA)
        if age + 1 in orders:
            found[age + 1] = (state >> np.uint64(64 - KEY_BITS)).astype(np.uint32)
    return found
