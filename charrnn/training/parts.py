"""A batch's streams in parts that are computed side by side, each on a core of its own; knows no network.

Torch shares out every single product among the cores, hundreds of them a step, and a core that has to be woken each
time, or that something else uses, holds all of them up. Parts wait for one another twice a step. On two cores of an AMD
Zen 5, an LSTM trains on so many characters a second with torch's threads asleep while they wait (OMP_WAIT_POLICY
passive), spinning, and in two parts: 1x128 71,000, 448,000 and 494,000; 1x256 60,000, 193,000 and 193,000; 1x512
33,000, 52,000 and 74,000. Beside one busy program, 1x512: 30,000, 495 and 19,000.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Final, TypeVar

import torch

from charrnn.cores import cpu_quota

MOST: Final = 8
"""Parts, at most."""

LEAST_STREAMS: Final = 8
"""Streams of a part, at least: fewer take as long."""

Part = TypeVar("Part")
Result = TypeVar("Result")


class Parts:
    """`count` parts of any number of streams, one after the other in the batch. How many they are decides in what
    order numbers are summed: as many give the same bits, however many cores compute them."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count, "part", torch.set_num_threads, (1,)) if count > 1 else None

    def of(self, streams: slice) -> list[slice]:
        """The parts of these streams, none of them empty."""
        size = streams.stop - streams.start
        bounds = [streams.start + size * part // self.count for part in range(self.count + 1)]
        return [slice(*bound) for bound in pairwise(bounds) if bound[0] < bound[1]]

    def each(self, compute: Callable[[Part], Result], parts: list[Part]) -> list[Result]:
        """What `compute` makes of each part, all of them at once, each with one of torch's threads."""
        if self._pool is None or len(parts) == 1:
            return [compute(part) for part in parts]
        return list(self._pool.map(compute, parts))


def usual_count(streams: int, device: torch.device) -> int:
    """As many parts as torch has threads, as far as there are streams for them; a GPU takes all as one. Torch counts
    the cores of its affinity, but knows nothing of a container's share of time."""
    if device.type != "cpu":
        return 1
    return max(1, min(MOST, torch.get_num_threads(), cpu_quota() or MOST, streams // LEAST_STREAMS))
