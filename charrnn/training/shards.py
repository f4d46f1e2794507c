"""A batch's streams in shards that are computed side by side, each on a core of its own; knows no network.

Torch shares out every single product among the cores, hundreds of them a step, and a core that has to be woken each
time, or that something else uses, holds all of them up. Shards wait for one another twice a step. On two cores of an
AMD Zen 5, an LSTM trains on so many characters a second with torch's threads asleep while they wait (OMP_WAIT_POLICY
passive), spinning, and in two shards: 1x128 71,000, 448,000 and 494,000; 1x256 60,000, 193,000 and 193,000; 1x512
33,000, 52,000 and 74,000. Beside one busy program, 1x512: 30,000, 495 and 19,000.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Final, TypeVar

import torch

from charrnn.cores import cpu_quota

MAX_SHARDS: Final = 8

MIN_STREAMS: Final = 8
"""Streams of a shard, at least: fewer take as long."""

Shard = TypeVar("Shard")
Result = TypeVar("Result")


class Shards:
    """`count` shards of any number of streams, one after the other in the batch. How many they are decides in what
    order numbers are summed: as many give the same bits, however many cores compute them."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count, "shard", torch.set_num_threads, (1,)) if count > 1 else None

    def of(self, streams: slice) -> list[slice]:
        """The shards of these streams, none of them empty."""
        size = streams.stop - streams.start
        bounds = [streams.start + size * shard // self.count for shard in range(self.count + 1)]
        return [slice(*bound) for bound in pairwise(bounds) if bound[0] < bound[1]]

    def each(self, compute: Callable[[Shard], Result], shards: list[Shard]) -> list[Result]:
        """What `compute` returns for each shard, all of them at once, each with one of torch's threads."""
        if self._pool is None or len(shards) == 1:
            return [compute(shard) for shard in shards]
        return list(self._pool.map(compute, shards))


def usual_count(streams: int, device: torch.device) -> int:
    """As many shards as torch has threads, as far as there are streams for them; a GPU takes all as one. Torch counts
    the cores of its affinity, but knows nothing of a container's share of time."""
    if device.type != "cpu":
        return 1
    return max(1, min(MAX_SHARDS, torch.get_num_threads(), cpu_quota() or MAX_SHARDS, streams // MIN_STREAMS))
