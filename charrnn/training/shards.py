"""Divides a batch's streams into shards that are computed in parallel, each on its own core; knows no networks.

Torch divides each of the hundreds of products in a step among the cores, and a core that must be woken each time, or
that is used by another process, delays all of them. Shards wait for each other only twice in a step. On two cores of an
AMD Zen 5, an LSTM trains on this many characters per second with torch's threads sleeping while they wait
(OMP_WAIT_POLICY passive), spinning, and in two shards: 1x128 71,000, 448,000 and 494,000; 1x256 60,000, 193,000 and
193,000; 1x512 33,000, 52,000 and 74,000. Beside one busy program, 1x512: 30,000, 495 and 19,000.
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
"""The minimum number of streams in a shard: fewer take as long."""

Shard = TypeVar("Shard")
Result = TypeVar("Result")


class Shards:
    """`count` shards of any number of streams, consecutive in the batch. Their number determines the order of
    summation: the same number gives the same bits, however many cores compute them."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count, "shard", torch.set_num_threads, (1,)) if count > 1 else None

    def of(self, streams: slice) -> list[slice]:
        """The shards of these streams, none of them empty."""
        size = streams.stop - streams.start
        bounds = [streams.start + size * shard // self.count for shard in range(self.count + 1)]
        return [slice(*bound) for bound in pairwise(bounds) if bound[0] < bound[1]]

    def each(self, compute: Callable[[Shard], Result], shards: list[Shard]) -> list[Result]:
        """The results of `compute` for each shard, computed in parallel, each with one torch thread."""
        if self._pool is None or len(shards) == 1:
            return [compute(shard) for shard in shards]
        return list(self._pool.map(compute, shards))


def usual_count(streams: int, device: torch.device) -> int:
    """As many shards as torch has threads, if there are enough streams; one on a GPU. Torch counts the cores in its
    affinity mask, but ignores a container's CPU quota."""
    if device.type != "cpu":
        return 1
    return max(1, min(MAX_SHARDS, torch.get_num_threads(), cpu_quota() or MAX_SHARDS, streams // MIN_STREAMS))
