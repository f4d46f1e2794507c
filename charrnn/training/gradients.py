"""How far back a network learns: the norm of the loss's gradient with respect to the state k steps back; changes
nothing.

This gradient vanishes or explodes, because with each step back it is multiplied by the same matrix and by derivatives
of the same functions (Bengio, Simard, Frasconi: Learning Long-Term Dependencies with Gradient Descent is Difficult,
1994; Pascanu, Mikolov, Bengio: On the Difficulty of Training Recurrent Neural Networks, 2013).
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from charrnn.config import Cell
from charrnn.model import CharRNN
from charrnn.torch_threads import one_thread
from charrnn.training.text import Passages, TextIds

SEQUENCES: Final = 16

Norms = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Rounded = tuple[tuple[float, ...], ...]


def gradient_norms(model: CharRNN, text: TextIds | Passages, steps: int, sequences: int = SEQUENCES) -> Norms:
    """The norm of d loss_t / d state_{t-k}, [layers, steps + 1], k from 0 to `steps` along the second axis.

    The loss is that of one character, in nats; the state is all that a layer carries (h, and c of an LSTM), with all
    paths from there to the loss. The mean over `sequences` positions spread over the text, each read from `steps`
    tokens before. Fewer steps are taken if no passage of the text is long enough; one must have 2 tokens.
    """
    passages = text if isinstance(text, Passages) else Passages(text)
    steps = min(steps, passages.longest - 2)
    windows = passages.windows(steps + 2, sequences).astype(np.int64)
    return norms_back(model, windows[:, :-1], windows[:, -1])


def norms_back(model: CharRNN, inputs: Indices, targets: Indices) -> Norms:
    """The same for given sequences: `inputs` [sequences, steps + 1], read from a state of zeros, and the target
    [sequences] after the last."""
    sequences, device = len(inputs), model.output.bias.device
    with torch.enable_grad(), one_thread():  # so that the training record is the same on any number of cores
        states, logits = _unrolled(model, torch.from_numpy(inputs).to(device))
        # The sum, so that sequences are independent.
        loss = functional.cross_entropy(logits, torch.from_numpy(targets).to(device), reduction="sum")
        flat = [part for state in states for layer in state for part in layer]
        gradients = torch.autograd.grad(loss, flat, materialize_grads=True)  # the last c is not used
    shape = (len(states), model.config.layers, -1, sequences, model.config.hidden_size)
    by_step = torch.stack(gradients).reshape(shape).flip(0)  # [k, layers, state_parts, sequences, hidden_size]
    norms = by_step.square().sum((2, 4)).sqrt().mean(2)
    return np.ascontiguousarray(norms.T.cpu().numpy(), dtype=np.float32)


def rounded(norms: Norms) -> Rounded:
    """Rounded to the precision of a chart; NaN and infinity become 0."""
    return tuple(tuple(float(f"{norm:.4g}") if math.isfinite(norm) else 0.0 for norm in layer) for layer in norms)


def _unrolled(model: CharRNN, ids: Tensor) -> tuple[list[list[tuple[Tensor, ...]]], Tensor]:
    """Every layer's state after each of the ids [B, T], and the last logits [B, outputs]; unrolled, because the
    fused modules do not return intermediate states."""
    layers: list[tuple[Tensor, ...]] = [tuple(layer) for layer in model.initial_state(ids.shape[0]).transpose(0, 1)]
    states = []
    hidden = torch.empty(0)
    for t in range(ids.shape[1]):
        hidden = model.input_vectors(ids[:, t])
        for number, state in enumerate(layers):
            layers[number] = _step(model, number, hidden, state)
            hidden = layers[number][0]
        states.append(list(layers))
    return states, model.logits(hidden)


def _step(model: CharRNN, layer: int, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    weights: list[Any] = [getattr(model.rnn, f"{name}_l{layer}") for name in names]
    cell: Cell = model.config.cell
    if cell == "lstm":
        h, c = torch.lstm_cell(x, list(state), *weights)
        return h, c.clone()  # h_t is computed from c_t: only the copy gets the gradient of the carried state alone
    return ((torch.gru_cell if cell == "gru" else torch.rnn_tanh_cell)(x, state[0], *weights),)
