"""The hidden states of a batch on a torch device; the same bits go in and come out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from charrnn.engine.base import State
from charrnn.engine.gpu.network import Network


class HiddenStates:
    """A hidden state a slot: `tensor` [capacity + 1, layers, state_parts, padded hidden_size].

    The last slot, `spare`, belongs to no sequence: the rows that fill up a tile read from it and write to it.
    """

    def __init__(self, network: Network, capacity: int) -> None:
        layers, parts, self._size = network.config.state_shape
        self.tensor = torch.zeros(capacity + 1, layers, parts, network.hidden_size, device=network.device)
        self.spare = capacity

    def put(self, slot: int, state: State | None) -> None:
        """The slot gets the state's hidden; for None that before a text, all zeros."""
        self.tensor[slot] = 0
        if state is not None:
            self.tensor[slot, :, :, : self._size] = torch.tensor(state.hidden)

    def get(self, slot: int) -> npt.NDArray[np.float32]:
        """The hidden state in the slot, [layers, state_parts, hidden_size], a copy."""
        hidden: npt.NDArray[Any] = self.tensor[slot, :, :, : self._size].cpu().numpy().copy()
        return hidden
