"""The optimizer against torch's own."""

from __future__ import annotations

import pytest
import torch

from charrnn.config import CELLS, Cell, ModelConfig
from charrnn.model import CharRNN
from charrnn.training.optimizer import BETA1, BETA2, AdamW

DECAY = 0.1
RATES = (0.01, 0.02, 0.005, 0.03)


def model(cell: Cell) -> CharRNN:
    torch.manual_seed(0)
    return CharRNN(ModelConfig(9, cell, hidden_size=8, layers=2))


def gradients(of: CharRNN, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    for parameter in of.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=random)


@pytest.mark.parametrize("cell", CELLS)
def test_it_gives_the_bits_of_torchs_which_decays_no_biases(cell: Cell) -> None:
    ours, theirs = model(cell), model(cell)
    groups = [
        {"params": [each for each in theirs.parameters() if each.ndim > 1], "weight_decay": DECAY},
        {"params": [each for each in theirs.parameters() if each.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer, torchs = AdamW(ours, DECAY), torch.optim.AdamW(groups, lr=0.0, betas=(BETA1, BETA2), fused=True)
    assert list(optimizer.moments()["first_moment"]) == []
    for steps, rate in enumerate(RATES):
        saved, optimizer = optimizer.moments(), AdamW(ours, DECAY)
        optimizer.restore(saved, steps)  # nothing but the moments and the number of steps goes on
        for group in torchs.param_groups:
            group["lr"] = rate
        for each in (ours, theirs):
            gradients(each, steps)
        optimizer.step(rate)
        torchs.step()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_weight_without_a_gradient_stays_as_it_is() -> None:
    ours = model("lstm")
    gradients(ours, 1)
    weight = dict(ours.named_parameters())["output.weight"]
    weight.grad = None
    before = weight.detach().clone()
    optimizer = AdamW(ours, DECAY)
    optimizer.step(0.1)
    assert torch.equal(weight, before)
    assert "output.weight" not in optimizer.moments()["second_moment"]
