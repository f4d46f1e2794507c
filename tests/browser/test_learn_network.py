"""The tiny networks of Learn compute what the service's own network computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Page
from torch.nn import functional

from charrnn import sampling
from charrnn.config import ModelConfig
from charrnn.model import CharRNN
from charrnn.sampling import SamplingParams
from tests.browser.learning import in_module

pytestmark = pytest.mark.system

SIZES = ((2, 4), (8, 4), (5, 7))
"""Units and vocabulary."""
FORWARD_BACKWARD = """({ forward, loss, backward, oneHot }, { W, ids, targets, before }) => {
    const steps = forward(W, ids.map((id) => oneHot(id, W.b_y.length)), before);
    const { gradients } = backward(W, steps, targets);
    return { y: steps.map(({ y }) => y), h: steps.at(-1).h, loss: loss(steps, targets), gradients };
}"""
TRAINED = """({ forward, backward, oneHot, Adam }, { W, ids, targets, steps }) => {
    const adam = new Adam(0.01);
    for (let step = 0; step < steps; step++) {
        W = adam.step(W, backward(W, forward(W, ids.map((id) => oneHot(id, W.b_y.length))), targets).gradients);
    }
    return W;
}"""


def network(units: int, vocabulary: int) -> CharRNN:
    torch.manual_seed(units)
    return CharRNN(
        ModelConfig(cell="rnn", vocabulary_size=vocabulary, hidden_size=units, layers=1, embedding_size=0)
    ).double()


NAMES = {
    "W_xh": "rnn.weight_ih_l0",
    "W_hh": "rnn.weight_hh_l0",
    "b": "rnn.bias_ih_l0",
    "W_hy": "output.weight",
    "b_y": "output.bias",
}


def weights(of: CharRNN) -> dict[str, Any]:
    """The weights as the page names them, with one bias for torch's two."""
    tensors = {name: of.get_parameter(other).detach() for name, other in NAMES.items()}
    tensors["b"] = tensors["b"] + of.get_parameter("rnn.bias_hh_l0").detach()
    return {name: each.tolist() for name, each in tensors.items()}


@pytest.fixture
def opened(page: Page) -> Page:
    page.goto("/ui/learn")
    return page


def test_outputs_loss_and_gradients_through_time(opened: Page) -> None:
    random = np.random.default_rng(1)
    for units, vocabulary in SIZES:
        model = network(units, vocabulary)
        ids, targets = random.integers(0, vocabulary, (2, 9)).tolist()
        masked = [None if t in {0, 4} else target for t, target in enumerate(targets)]
        before = random.uniform(-1, 1, units).tolist()
        argument = {"W": weights(model), "ids": ids, "targets": masked, "before": before}
        found = in_module(opened, "network", f"({FORWARD_BACKWARD})(m, argument)", argument)

        state = torch.tensor(before, dtype=torch.float64).view(1, 1, 1, -1)
        logits, after = model(torch.tensor([ids]), state)
        known = torch.tensor([-100 if target is None else target for target in masked])
        loss = functional.cross_entropy(logits[0], known)
        gradients = torch.autograd.grad(loss, [model.get_parameter(name) for name in NAMES.values()])
        np.testing.assert_allclose(found["y"], logits[0].tolist(), atol=1e-12)
        np.testing.assert_allclose(found["h"], after.flatten().tolist(), atol=1e-12)
        assert found["loss"] == pytest.approx(loss.item(), abs=1e-12)
        for name, expected in zip(NAMES, gradients, strict=True):
            np.testing.assert_allclose(found["gradients"][name], expected.tolist(), atol=1e-12, err_msg=name)


def test_training_moves_the_weights_as_torchs_adam_does(opened: Page) -> None:
    ids, targets = [0, 1, 2, 2], [1, 2, 2, 3]
    W = weights(network(8, 4))
    found = in_module(
        opened, "network", f"({TRAINED})(m, argument)", {"W": W, "ids": ids, "targets": targets, "steps": 60}
    )
    for name, expected in adam_trained(W, ids, targets, 60).items():
        np.testing.assert_allclose(found[name], expected, atol=1e-6, err_msg=name)


def adam_trained(W: dict[str, Any], ids: list[int], targets: list[int], steps: int) -> dict[str, Any]:
    """The weights after so many steps of torch's Adam on one text."""
    tensors = {name: torch.tensor(each, dtype=torch.float64, requires_grad=True) for name, each in W.items()}
    optimizer = torch.optim.Adam(tensors.values(), lr=0.01)
    for _ in range(steps):
        loss = functional.cross_entropy(logits_along(tensors, ids), torch.tensor(targets))
        for tensor, gradient in zip(tensors.values(), torch.autograd.grad(loss, list(tensors.values())), strict=True):
            tensor.grad = gradient
        optimizer.step()
    return {name: each.tolist() for name, each in tensors.items()}


def logits_along(W: dict[str, torch.Tensor], ids: list[int]) -> torch.Tensor:
    h, found = torch.zeros_like(W["b"]), []
    for id_ in ids:
        h = torch.tanh(W["W_xh"][:, id_] + W["W_hh"] @ h + W["b"])
        found.append(W["W_hy"] @ h + W["b_y"])
    return torch.stack(found)


def test_random_numbers_and_what_is_drawn_are_the_services(opened: Page) -> None:
    places = [(seed, position) for seed in (0, 1, 7, -1, 2**53 - 1) for position in (0, 1, 199)]
    uniform = "argument.map(([seed, position]) => m.uniform(seed, position))"
    assert in_module(opened, "network", uniform, places) == [sampling.uniform(*place) for place in places]

    logits = np.random.default_rng(2).normal(0, 2, (40, 4)).astype(np.float32)
    for temperature in (0, 0.3, 1, 2.5):
        argument = {"logits": logits.tolist(), "temperature": temperature}
        choose = "argument.logits.map((y, t) => m.choose(y, argument.temperature, m.uniform(5, t)))"
        params, nothing = SamplingParams(seed=5, temperature=temperature), np.zeros(0, np.int32)
        expected = [
            sampling.choose(y, params, nothing, np.zeros(0, bool), position) for position, y in enumerate(logits)
        ]
        assert in_module(opened, "network", choose, argument) == expected
