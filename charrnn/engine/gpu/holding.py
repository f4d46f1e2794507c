"""The values at which the sequences of a batch hold cells, as a tensor that is laid over their states."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from charrnn.engine.gpu.network import Network
from charrnn.engine.steering import Held


class HeldValues:
    """What each slot holds: `tensor` [capacity + 1, layers, state_parts, padded hidden_size], NaN where nothing is
    held; None until a sequence holds something. The last slot belongs to no sequence."""

    def __init__(self, network: Network, capacity: int) -> None:
        layers, parts, _ = network.config.state_shape
        self._shape = capacity + 1, layers, parts, network.hidden_size
        self._device = network.device
        self.tensor: Tensor | None = None

    def put(self, slot: int, held: Sequence[Held]) -> None:
        """From now on the slot holds these cells."""
        if self.tensor is None:
            if not held:
                return
            self.tensor = torch.full(self._shape, torch.nan, device=self._device)
        self.tensor[slot] = torch.nan
        for each in held:
            self.tensor[slot][each.index] = each.value


def during(held: Tensor, holding: Tensor) -> Tensor:
    """What the rows hold in a step, [rows, layers, state_parts, hidden_size], if only those of `holding` [rows] do."""
    return held.masked_fill(~holding[:, None, None, None], torch.nan)
