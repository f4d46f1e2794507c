"""The gradient through time against automatic differentiation of the plain equation, and where its size is known."""

import numpy as np
import pytest
import torch

from charrnn.config import CELLS, Cell, ModelConfig
from charrnn.model import CharRNN
from charrnn.training.gradients import gradient_norms

TEXT = np.random.default_rng(0).integers(0, 5, 400).astype(np.uint8)


def model(cell: Cell, layers: int = 2, hidden_size: int = 6) -> CharRNN:
    torch.manual_seed(0)
    return CharRNN(ModelConfig(5, cell, hidden_size, layers, embedding_size=3), dropout=0.5)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("k", [1, 4])
def test_it_is_the_derivative_of_the_loss_by_the_state(cell: Cell, k: int) -> None:
    """One layer: the state k steps back is the initial state of the fused module over the last k characters."""
    network = model(cell, layers=1).eval()
    steps, ids = 9, torch.tensor(TEXT[None, :11]).long()
    state = network(ids[:, : steps + 1 - k])[1].detach().requires_grad_()
    logits, _ = network(ids[:, steps + 1 - k : steps + 1], state)
    (gradient,) = torch.autograd.grad(torch.nn.functional.cross_entropy(logits[:, -1], ids[:, -1]), state)
    norms = gradient_norms(network, TEXT[:11], steps, sequences=1)
    assert norms.shape == (1, steps + 1)
    assert norms[0, k] == pytest.approx(gradient.norm().item(), rel=1e-4)


@pytest.mark.parametrize("cell", CELLS)
def test_a_lower_layer_counts_every_way_to_the_loss(cell: Cell) -> None:
    """At k = 0 the lower layer's state reaches the loss through the upper layer alone, and does."""
    norms = gradient_norms(model(cell), TEXT, 20)
    assert norms.shape == (2, 21)
    assert (norms[:, 0] > 0).all()
    assert np.isfinite(norms).all()


@pytest.mark.parametrize(("scale", "factor"), [(0.5, 0.5), (2.0, 2.0)])
def test_a_vanilla_network_multiplies_by_its_matrix_at_every_step(scale: float, factor: float) -> None:
    """With inputs and biases of zero the states are zero, where tanh has the slope 1: what is left is W_hh^k."""
    network = model("rnn", layers=1)
    with torch.no_grad():
        for parameter in network.rnn.parameters():
            parameter.zero_()
        dict(network.named_parameters())["rnn.weight_hh_l0"].copy_(scale * torch.eye(6))
    norms = gradient_norms(network, TEXT, 30)[0]
    np.testing.assert_allclose(norms[1:] / norms[:-1], factor, rtol=1e-4)


def test_an_open_forget_gate_lets_everything_through() -> None:
    network = model("lstm", layers=1)
    with torch.no_grad():
        for parameter in network.rnn.parameters():
            parameter.zero_()
        dict(network.named_parameters())["rnn.bias_ih_l0"][6:12] = 20  # the forget gate
    norms = gradient_norms(network, TEXT, 30)[0]
    np.testing.assert_allclose(norms[2:], norms[1], rtol=1e-4)


def test_it_changes_nothing() -> None:
    network = model("gru")
    before = network.weights()
    gradient_norms(network, TEXT, 5)
    assert network.training and all(parameter.grad is None for parameter in network.parameters())
    for name, weight in network.weights().items():
        np.testing.assert_array_equal(weight, before[name])


def test_a_short_text_has_fewer_steps() -> None:
    assert gradient_norms(model("rnn"), TEXT[:4], 64).shape == (2, 3)
    assert gradient_norms(model("rnn"), TEXT[:2], 64).shape == (2, 1)
