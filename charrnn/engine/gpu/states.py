"""A batch whose hidden states are on a torch device: everything except stepping."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from charrnn.engine.base import Sequence, State
from charrnn.engine.gpu.holding import HeldValues
from charrnn.engine.gpu.network import Network
from charrnn.engine.sequences import Members


class HiddenStates:
    """A hidden state for each slot: `tensor` [capacity + 1, layers, state_parts, padded hidden_size]. States are stored
    bit for bit.

    The last slot, `spare`, belongs to no sequence: the rows that fill up a tile read from it and write to it.
    """

    def __init__(self, network: Network, capacity: int) -> None:
        layers, parts, self._size = network.config.state_shape
        self.tensor = torch.zeros(capacity + 1, layers, parts, network.hidden_size, device=network.device)
        self.spare = capacity

    def put(self, slot: int, state: State | None) -> None:
        """Store the state's hidden state in the slot; for None the initial one, all zeros."""
        self.tensor[slot] = 0
        if state is not None:
            self.tensor[slot, :, :, : self._size] = torch.tensor(state.hidden)

    def get(self, slot: int) -> npt.NDArray[np.float32]:
        """A copy of the hidden state in the slot, [layers, state_parts, hidden_size]."""
        hidden: npt.NDArray[Any] = self.tensor[slot, :, :, : self._size].cpu().numpy().copy()
        return hidden


class DeviceBatch:
    """The members of a batch, their hidden states and what they hold: a `charrnn.engine.base.Batch` without `step`."""

    def __init__(self, network: Network, capacity: int) -> None:
        self._members = Members(network.config, capacity)
        self._states = HiddenStates(network, capacity)
        self._held = HeldValues(network, capacity)
        self._network = network

    def __len__(self) -> int:
        return len(self._members)

    def add(self, sequence: Sequence) -> int:
        """Add a sequence before the next step; returns its handle. Raises OverflowError and ValueError as `Members.add`
        does."""
        member = self._members.add(sequence)
        self._states.put(member.slot, sequence.state)
        self._held.put(member.slot, sequence.held)
        return member.handle

    def remove(self, handle: int) -> None:
        """Remove a sequence, done or not. Raises KeyError for an unknown handle."""
        self._members.remove(handle)

    def state(self, handle: int) -> State:
        """A copy of a sequence's current state. Raises KeyError for an unknown handle."""
        member = self._members[handle]
        return member.state(self._states.get(member.slot))
