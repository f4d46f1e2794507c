"""The moving average of a network's weights, which predicts better than the weights of any one step; knows no data.

Polyak, Juditsky: Acceleration of Stochastic Approximation by Averaging, 1992. The average is what is evaluated and
kept; the network itself is trained on unchanged.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Final

import torch

from charrnn.checkpoint import Weights
from charrnn.model import CharRNN

DECAY: Final = 0.998
"""What is left of a step's weights in the average after one more step: it reaches back some hundred steps."""


class Average:
    """`model`: a network like the one given, whose weights are the average of that one's after each `update`."""

    def __init__(self, model: CharRNN) -> None:
        self.model = deepcopy(model)
        self.model.rnn.flatten_parameters()  # copies are not one block of memory, as cuDNN needs them; on CPUs nothing
        self._steps = 0

    @torch.no_grad()
    def update(self, model: CharRNN) -> None:
        """Take in the weights after one more step; the first ones, which are soon outdated, count for little."""
        self._steps += 1
        decay = min(DECAY, self._steps / (10 + self._steps))
        for averaged, weight in zip(self.model.parameters(), model.parameters(), strict=True):
            averaged.lerp_(weight, 1 - decay)

    def restore(self, weights: Weights, steps: int) -> None:
        """Put back the average of so many steps."""
        self.model.load_weights(weights)
        self._steps = steps
