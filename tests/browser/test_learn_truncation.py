"""Truncated backpropagation: losses, states and gradients of each segment are torch's, and stop where it detaches."""

from __future__ import annotations

import pytest
import torch
from playwright.sync_api import Locator, Page, expect
from torch import Tensor
from torch.nn import functional

from tests.browser.learning import in_module, learn, numbers, row

pytestmark = pytest.mark.system

VOCABULARY, TEXT = "helo ", "hello hello hello "
IDS = [VOCABULARY.index(each) for each in TEXT]
TARGETS = torch.tensor([*IDS[1:], IDS[0]])


def states_of(rnn: torch.nn.RNN, begin: int, end: int, before: Tensor) -> list[Tensor]:
    """The state after each step."""
    found = []
    for id_ in IDS[begin:end]:
        _, before = rnn(torch.eye(5, dtype=torch.float64)[[id_]], before)
        found.append(before)
    return found


class Torch:
    """The network on the page in torch: what one segment's loss gives."""

    def __init__(self, page: Page) -> None:
        self.W = {
            name: torch.tensor(each, dtype=torch.float64) for name, each in in_module(page, "truncation", "m.W").items()
        }

    def of(
        self, begin: int, end: int, *, carried: bool = True, through: bool = False
    ) -> tuple[float, float, list[float]]:
        """The mean loss, the norm of W_hh's gradient, and the norms of the gradients of all 18 states."""
        rnn = torch.nn.RNN(5, 2).double()
        names = {"weight_ih_l0": "W_xh", "weight_hh_l0": "W_hh", "bias_ih_l0": "b"}
        rnn.load_state_dict({name: self.W[other] for name, other in names.items()} | {"bias_hh_l0": torch.zeros(2)})
        zero = torch.zeros(1, 2, dtype=torch.float64)
        past = states_of(rnn, 0, begin, zero) if carried else []
        before = past[-1] if past else zero
        states = states_of(rnn, begin, end, before if through else before.detach())
        logits = torch.cat(states) @ self.W["W_hy"].T + self.W["b_y"]
        loss = functional.cross_entropy(logits, TARGETS[begin:end])
        by_W_hh, *by_state = torch.autograd.grad(
            loss, [rnn.get_parameter("weight_hh_l0"), *past, *states], allow_unused=True
        )
        norms = [0.0 if each is None else each.norm().item() for each in by_state]
        assert by_W_hh is not None
        return loss.item(), by_W_hh.norm().item(), [0.0] * (begin - len(past)) + norms + [0.0] * (len(IDS) - end)


def check(part: Locator, expected: tuple[float, float, list[float]]) -> None:
    loss, norm, reached = expected
    assert numbers(part.locator("[data-segment]").inner_text().split("mean loss is")[1])[0] == pytest.approx(
        loss, abs=6e-5
    )
    assert numbers(part.locator("[data-compared]").inner_text())[0] == pytest.approx(norm, abs=6e-5)
    shown = [numbers(cell)[0] for cell in row(part.locator("[data-text]"), "gradient")]
    assert shown == pytest.approx(reached, abs=6e-4)


def test_gradients_stop_at_each_border_and_the_state_goes_on(page: Page) -> None:
    part = learn(page, "truncation")
    network = Torch(page)
    check(part, network.of(0, 4))
    part.get_by_role("button", name="Next segment").click()
    check(part, network.of(4, 8))
    expect(part.locator("[data-segment]")).to_contain_text("Segment 2 of 5, “o␣he”")
    whole = network.of(4, 8, through=True)
    assert numbers(part.locator("[data-compared]").inner_text())[1] == pytest.approx(whole[1], abs=6e-5)
    part.get_by_label("Let the gradient pass the borders, too").check()
    shown = [numbers(cell)[0] for cell in row(part.locator("[data-text]"), "gradient")]
    assert shown == pytest.approx(whole[2], abs=6e-4)
    assert shown[3] > 0
    assert [bool(numbers(cell)) for cell in row(part.locator("[data-text]"), "loss")] == [4 <= t < 8 for t in range(18)]


def test_without_the_state_the_past_is_lost(page: Page) -> None:
    part = learn(page, "truncation")
    network = Torch(page)
    part.locator("[data-text]").focus()
    page.keyboard.press("ArrowRight")
    part.get_by_label("Carry the state over the borders").uncheck()
    check(part, network.of(4, 8, carried=False))
    expect(part.get_by_label("Let the gradient pass the borders, too")).to_be_disabled()
    part.get_by_label("Carry the state over the borders").check()
    part.get_by_label("Segment length").fill("18")
    check(part, network.of(0, 18))
    part.get_by_label("Segment length").fill("5")
    part.locator("[data-text]").press("End")
    check(part, network.of(15, 18))
