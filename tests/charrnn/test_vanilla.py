"""The vanilla cell's own layers, beside torch's."""

import pytest
import torch
from torch import Tensor, nn

from charrnn.vanilla import recur


@pytest.mark.parametrize(("rows", "steps", "layers"), [(1, 1, 1), (3, 1, 2), (2, 7, 1), (3, 5, 3)])
def test_outputs_states_and_gradients_are_those_of_torchs_layers(rows: int, steps: int, layers: int) -> None:
    torch.manual_seed(0)
    module = nn.RNN(4, 6, layers, batch_first=True, dtype=torch.float64)
    inputs = torch.randn(rows, steps, 4, dtype=torch.float64, requires_grad=True)
    state = torch.randn(layers, rows, 6, dtype=torch.float64, requires_grad=True)
    weights = [inputs, state, *module.parameters()]

    def gradients(found: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
        hidden, last = found
        by_step = torch.arange(1.0, 1.0 + hidden.numel(), dtype=torch.float64).view_as(hidden)
        return torch.autograd.grad((hidden * by_step).sum() + last.square().sum(), weights)

    own, torchs = recur(module, inputs, state), module(inputs, state)
    for one, other in zip(own, torchs, strict=True):
        torch.testing.assert_close(one, other)
    for one, other in zip(gradients(own), gradients(torchs), strict=True):
        torch.testing.assert_close(one, other)
