"""AdamW for a network, and its state as plain arrays; knows no schedule and no data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import nn

from charrnn.training.state import Tensors

BETAS: Final = (0.9, 0.99)
MOMENTS: Final = {"first_moment": "exp_avg", "second_moment": "exp_avg_sq"}


def adamw(model: nn.Module, weight_decay: float) -> torch.optim.AdamW:
    """AdamW (Loshchilov, Hutter: Decoupled Weight Decay Regularization, 2019); biases are not decayed."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=0.0, betas=BETAS, fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Set the learning rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate


def moments(optimizer: torch.optim.AdamW, model: nn.Module) -> dict[str, Tensors]:
    """A copy of both moments of every weight, by kind; empty before the first step."""
    return {
        kind: {
            name: optimizer.state[parameter][key].cpu().numpy().copy()
            for name, parameter in model.named_parameters()
            if parameter in optimizer.state
        }
        for kind, key in MOMENTS.items()
    }


def restore_moments(optimizer: torch.optim.AdamW, model: nn.Module, tensors: Mapping[str, Tensors], steps: int) -> None:
    """Restore the result of `moments` after `steps` steps."""
    if steps == 0:
        return
    for name, parameter in model.named_parameters():
        optimizer.state[parameter] = {
            "step": torch.tensor(float(steps), device=parameter.device),
            **{key: torch.tensor(tensors[kind][name]).to(parameter) for kind, key in MOMENTS.items()},
        }
