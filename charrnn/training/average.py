"""The exponential moving average of a network's weights, which predicts better than the weights of any single step;
knows no data.

Polyak, Juditsky: Acceleration of Stochastic Approximation by Averaging, 1992. The average is evaluated and kept; the
training of the network itself is not affected.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Final

import torch

from charrnn.checkpoint import Weights
from charrnn.model import CharRNN

DECAY: Final = 0.998
"""The decay per step: the average covers some hundred steps."""


class Average:
    """`model`: a copy of the given network, whose weights are the average of that network's weights at each
    `update`."""

    def __init__(self, model: CharRNN) -> None:
        self.model = deepcopy(model)
        self.model.rnn.flatten_parameters()  # cuDNN needs weights in one block of memory, unlike copies
        self._steps = 0

    @torch.no_grad()
    def update(self, model: CharRNN) -> None:
        """Update the average after a step; the first weights, which are soon outdated, have little influence."""
        self._steps += 1
        decay = min(DECAY, self._steps / (10 + self._steps))
        for averaged, weight in zip(self.model.parameters(), model.parameters(), strict=True):
            averaged.lerp_(weight, 1 - decay)

    def restore(self, weights: Weights, steps: int) -> None:
        """Restore the average after `steps` steps."""
        self.model.load_weights(weights)
        self._steps = steps
