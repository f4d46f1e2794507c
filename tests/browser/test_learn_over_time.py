"""One set of parameters over time: the cell's numbers, at every step, with any weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from charrnn.cells import step
from charrnn.config import ModelConfig
from tests.browser.learning import learn, numbers, row
from tests.browser.test_learn_network import NAMES

pytestmark = pytest.mark.system

IDS = [0, 1, 2, 2, 3]
CONFIG = ModelConfig(cell="rnn", vocabulary_size=4, hidden_size=2, layers=1, embedding_size=0)


def weights(part: Locator) -> dict[str, np.ndarray]:
    """Those in the tables, as a checkpoint names them."""
    found = {"rnn.bias_hh_l0": np.zeros(2)}
    for table in part.locator("[data-weights] table").all():
        name = (table.locator("caption").inner_text()).split(":")[0]
        rows = [
            [float(field.input_value()) for field in line.locator("input").all()]
            for line in table.locator("tbody tr").all()
        ]
        found[NAMES[name]] = np.array(rows) if name.startswith("W") else np.array(rows)[:, 0]
    return found


def shown(part: Locator, key: str) -> np.ndarray:
    cells = row(part.locator("[data-unrolled]"), key)
    return np.array([numbers(cell.replace("unit 1", "").replace("unit 2", "")) for cell in cells])


def compare(part: Locator) -> None:
    """With the service's definition of the network, and with torch's cell."""
    W = weights(part)
    state: np.ndarray = np.zeros((1, 1, 2))
    cell = torch.nn.RNNCell(4, 2).double()
    torch_names = (
        ("weight_ih", "weight_ih"),
        ("weight_hh", "weight_hh"),
        ("bias_ih", "bias_ih"),
        ("bias_hh", "bias_hh"),
    )
    cell.load_state_dict({name: torch.tensor(W[f"rnn.{other}_l0"]) for name, other in torch_names})
    h = torch.zeros(1, 2, dtype=torch.float64)
    for t, id_ in enumerate(IDS):
        y, state = step(CONFIG, W, id_, state)
        h = cell(torch.eye(4, dtype=torch.float64)[[id_]], h)
        np.testing.assert_allclose(h[0].detach(), state[0, 0], atol=1e-12)
        np.testing.assert_allclose(shown(part, "y")[t], y, atol=0.0051)
        np.testing.assert_allclose(shown(part, "h")[t], state[0, 0], atol=0.0051)
        assert shown(part, "x")[t].tolist() == np.eye(4)[id_].tolist()


def test_all_steps_share_the_weights(page: Page) -> None:
    part = learn(page, "over-time")
    compare(part)
    assert [cell.split()[0] for cell in row(part.locator("[data-unrolled]"), "next")[:4]] == list("ello")
    before = shown(part, "h")
    part.get_by_label("W_hh, unit 1, unit 2").fill("-0.5")
    compare(part)
    assert (shown(part, "h")[1:] != before[1:]).any(1).all()
    expect(part.locator("[data-changed]")).to_contain_text("h differs at 4 of 5 steps from what it was, y at 4")
    for wrong in ("", "1000"):  # half typed, or far too much: nothing happens
        part.get_by_label("b, unit 1").fill(wrong)
        part.get_by_label("b, unit 1").blur()
        expect(part.get_by_label("b, unit 1")).to_have_value("0.1")
    part.get_by_label("W_xh, unit 1, h").fill("1.25")
    assert "tanh(1.25 +" in part.locator("[data-worked] pre").inner_text()
    part.get_by_role("button", name="Weights as they were").click()
    np.testing.assert_array_equal(shown(part, "h"), before)
    expect(part.locator("[data-changed]")).to_contain_text("h differs at 0 of 5 steps")
    expect(part.locator(".other")).to_have_count(0)


def test_buttons_and_arrow_keys_go_from_step_to_step(page: Page, shoot: Callable[..., None]) -> None:
    part = learn(page, "over-time")
    said, table = part.locator("[data-step]"), part.locator("[data-unrolled]")
    expect(said).to_have_text("Step 1 of 5 reads “h” and expects “e” next.")
    part.get_by_role("button", name="Next step").click()
    expect(said).to_contain_text("Step 2 of 5")
    told = str(part.get_by_role("img").get_attribute("aria-label"))
    assert numbers(told) == [0.92, 0.2, -0.05, -0.98]
    table.focus()
    for key, step_ in (("ArrowRight", 3), ("End", 5), ("ArrowRight", 5), ("ArrowLeft", 4), ("Home", 1)):
        page.keyboard.press(key)
        expect(said).to_contain_text(f"Step {step_} of 5")
    expect(part.get_by_role("button", name="Back")).to_have_attribute("aria-disabled", "true")
    table.get_by_role("button", name="t = 4").press("Enter")
    expect(said).to_have_text("Step 4 of 5 reads “l” and expects “o” next.")
    expect(table.get_by_role("button", name="t = 4")).to_be_focused()
    line = part.locator("[data-worked] pre").inner_text().splitlines()[0]
    assert np.tanh(eval_sum(line)) == pytest.approx(numbers(line)[-1], abs=0.01)
    part.get_by_role("heading", level=2).scroll_into_view_if_needed()
    shoot(page, "learn")


def eval_sum(line: str) -> float:
    """The sum of a line like "unit 1 of h₄ = tanh(-1.0 + 0.1 · (-0.93) + 0.8 · (-0.70) + 0.1) = -0.91"."""
    terms = line.split("tanh(")[1].rsplit(") =", 1)[0].split(" + ")
    return sum(float(np.prod(numbers(term))) for term in terms)
