"""The same training on several processes at once, each with some of the streams; knows no network and no schedule.

Data parallelism: every process has the whole network, reads its share of every batch, and takes the step that the sum
of all gradients asks for, so that all networks stay the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import torch
import torch.distributed
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Team:
    """`size` processes that train one network, this one being number `rank` of them.

    Every process must ask for the same things in the same order: each request waits for all of them.
    """

    rank: int = 0
    size: int = 1

    def shard(self, streams: int) -> slice:
        """Which of a batch's streams this process reads: equally many, but for one, as the others."""
        return slice(streams * self.rank // self.size, streams * (self.rank + 1) // self.size)

    def sum(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by the sum of what all processes have in its place."""
        if self.size == 1:
            return
        changed = list(tensors)
        flat = torch.cat([tensor.flatten() for tensor in changed])  # one message instead of many
        torch.distributed.all_reduce(flat)
        for tensor, summed in zip(changed, torch.split(flat, [tensor.numel() for tensor in changed]), strict=True):
            tensor.copy_(summed.view_as(tensor))

    def agreed(self, value: float) -> float:
        """The first process's value, for what each measures differently."""
        if self.size == 1:
            return value
        values = [value]
        torch.distributed.broadcast_object_list(values, src=0)
        return values[0]


ALONE: Final = Team()


@contextmanager
def launched() -> Iterator[tuple[Team, str]]:
    """The team that torchrun started this process in, and the device that is its own; alone without torchrun.

    Over gloo on CPUs; over NCCL, one process a GPU, where there are GPUs. Raises RuntimeError where more processes
    are started on a machine than it has GPUs.
    """
    gpus = torch.cuda.device_count()
    if not torch.distributed.is_torchelastic_launched():
        yield ALONE, "cuda" if gpus else "cpu"
        return
    device = device_of(torch.distributed.get_node_local_rank(), gpus)
    if gpus:
        torch.cuda.set_device(device)
    torch.distributed.init_process_group("nccl" if gpus else "gloo")
    try:
        yield Team(torch.distributed.get_rank(), torch.distributed.get_world_size()), device
    finally:
        torch.distributed.destroy_process_group()


def device_of(process: int, gpus: int) -> str:
    """The device of a machine's process with this number, from 0 on: a GPU of its own, where there are GPUs. Raises
    RuntimeError when there are too few."""
    if not gpus:
        return "cpu"
    if process >= gpus:
        raise RuntimeError(
            f"process number {process + 1} on this machine has no GPU of its own, of which there are {gpus}: start no"
            " more processes than that, or set CUDA_VISIBLE_DEVICES to nothing, and they train on CPUs"
        )
    return f"cuda:{process}"
