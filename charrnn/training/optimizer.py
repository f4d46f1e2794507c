"""AdamW for a network, and its state as plain arrays; knows no schedule and no data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from charrnn.training.state import Tensors

BETA1: Final = 0.9
BETA2: Final = 0.99
EPSILON: Final = 1e-8
FIRST, SECOND, STEP = "first_moment", "second_moment", "step"


class AdamW:
    """AdamW (Loshchilov, Hutter: Decoupled Weight Decay Regularization, 2019); biases are not decayed.

    The numbers are torch's. Its optimizer of that name would import torch's compiler in every process that trains.
    """

    def __init__(self, model: nn.Module, weight_decay: float) -> None:
        self._model = model
        self._weight_decay = weight_decay
        self._state: dict[str, dict[str, Tensor]] = {}

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Change each weight that has a gradient."""
        given = {name: each for name, each in self._model.named_parameters() if each.grad is not None}
        for name, parameter in given.items():
            if name not in self._state:
                zeros = {kind: torch.zeros_like(parameter) for kind in (FIRST, SECOND)}
                self._state[name] = {STEP: torch.zeros((), device=parameter.device), **zeros}
        for decay, decays in ((self._weight_decay, True), (0.0, False)):
            self._change(
                {name: each for name, each in given.items() if (each.ndim > 1) is decays}, learning_rate, decay
            )

    def _change(self, parameters: Mapping[str, nn.Parameter], learning_rate: float, weight_decay: float) -> None:
        states = [self._state[name] for name in parameters]
        adamw(
            list(parameters.values()),
            [each.grad for each in parameters.values() if each.grad is not None],
            [state[FIRST] for state in states],
            [state[SECOND] for state in states],
            [],
            [state[STEP] for state in states],
            fused=True,
            amsgrad=False,
            beta1=BETA1,
            beta2=BETA2,
            lr=learning_rate,
            weight_decay=weight_decay,
            eps=EPSILON,
            maximize=False,
        )

    def moments(self) -> dict[str, Tensors]:
        """A copy of both moments of every weight, by kind; empty before the first step."""
        return {
            kind: {name: state[kind].cpu().numpy().copy() for name, state in self._state.items()}
            for kind in (FIRST, SECOND)
        }

    def restore(self, tensors: Mapping[str, Tensors], steps: int) -> None:
        """Restore the result of `moments` after `steps` steps."""
        if steps == 0:
            return
        for name, parameter in self._model.named_parameters():
            moments = {kind: torch.tensor(tensors[kind][name]).to(parameter) for kind in (FIRST, SECOND)}
            self._state[name] = {STEP: torch.tensor(float(steps), device=parameter.device), **moments}
