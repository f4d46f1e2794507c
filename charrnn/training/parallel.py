"""Data parallelism: training on several processes, each with a shard of the streams; knows no network and no schedule.

Every process has the whole network, reads its shard of every batch, and takes a step with the sum of all gradients, so
that all networks stay identical.
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
    """`size` processes that train one network; this one has number `rank`.

    Every process must call the same methods in the same order: each call waits for all processes.
    """

    rank: int = 0
    size: int = 1

    def shard(self, streams: int) -> slice:
        """The shard of a batch's streams that this process reads; the sizes of shards differ by at most one."""
        return slice(streams * self.rank // self.size, streams * (self.rank + 1) // self.size)

    def sum(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by its sum over all processes."""
        if self.size == 1:
            return
        changed = list(tensors)
        flat = torch.cat([tensor.flatten() for tensor in changed])  # one message instead of many
        torch.distributed.all_reduce(flat)
        for tensor, summed in zip(changed, torch.split(flat, [tensor.numel() for tensor in changed]), strict=True):
            tensor.copy_(summed.view_as(tensor))

    def agreed(self, value: float) -> float:
        """The first process's value, for values that processes measure differently."""
        if self.size == 1:
            return value
        values = [value]
        torch.distributed.broadcast_object_list(values, src=0)
        return values[0]


ALONE: Final = Team()


@contextmanager
def launched() -> Iterator[tuple[Team, str]]:
    """The team in which torchrun started this process, and this process's device; a team of one without torchrun.

    Uses gloo on CPUs, and NCCL with one process for each GPU. Raises RuntimeError if more processes are started on a
    machine than it has GPUs.
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
    """The device of process number `process`, from 0, on a machine: a GPU of its own if there are GPUs. Raises
    RuntimeError if there are too few."""
    if not gpus:
        return "cpu"
    if process >= gpus:
        raise RuntimeError(
            f"process number {process + 1} on this machine has no GPU of its own, of which there are {gpus}: start no"
            " more processes than that, or set CUDA_VISIBLE_DEVICES to nothing, and they train on CPUs"
        )
    return f"cuda:{process}"
