"""W, whole and split: both give torch's numbers, and so do sigmoid and softmax."""

from __future__ import annotations

import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from tests.browser.learning import learn, numbers

pytestmark = pytest.mark.system


def typed(part: Locator, place: str, index: int) -> torch.Tensor:
    table = part.locator(f"{place} table").nth(index)
    return torch.tensor(
        [
            [float(field.input_value()) for field in line.locator("input").all()]
            for line in table.locator("tbody tr").all()
        ]
    )


def shown(part: Locator, place: str, caption: str) -> torch.Tensor:
    cells = part.locator(f"{place} table").filter(has=part.page.get_by_text(caption, exact=True)).locator("td.tinted")
    return torch.tensor([numbers(each)[0] for each in cells.all_inner_texts()])


def compare(part: Locator) -> torch.Tensor:
    """The product, whole and split; gives the new state."""
    W, both = typed(part, "[data-whole]", 0), typed(part, "[data-whole]", 1)[:, 0]
    assert W.shape == (2, 5)
    assert both.shape == (5,)
    whole, halves = shown(part, "[data-whole]", "W [h; x]"), shown(part, "[data-halves]", "the sum")
    torch.testing.assert_close(whole, W @ both, atol=6e-5, rtol=0)
    torch.testing.assert_close(halves, W[:, :2] @ both[:2] + W[:, 2:] @ both[2:], atol=6e-5, rtol=0)
    torch.testing.assert_close(shown(part, "[data-halves]", "W_xh x"), W[:, 2:] @ both[2:], atol=6e-5, rtol=0)
    state = torch.tanh(W @ both)
    assert numbers(part.locator("[data-same]").inner_text())[-2:] == pytest.approx(state.tolist(), abs=6e-5)
    return state


def test_halves_give_what_the_whole_gives(page: Page) -> None:
    part = learn(page, "split")
    compare(part)
    part.get_by_label("W, 2, x₁", exact=True).fill("-1.7")
    part.get_by_label("[h; x], h₂", exact=True).fill("0.35")
    state = compare(part)
    sums = [numbers(line)[-1] for line in part.locator("[data-terms]").inner_text().splitlines()]
    assert torch.tanh(torch.tensor(sums)).tolist() == pytest.approx(state.tolist(), abs=6e-5)


def test_a_sigmoid_for_two_classes_and_softmax_for_more(page: Page) -> None:
    part = learn(page, "split")
    state = compare(part)
    told = part.locator("[data-probable]")
    part.get_by_label("W_hy, y, h₁").fill("2")
    y = typed(part, "[data-output]", 0) @ state
    assert numbers(told.inner_text())[0] == pytest.approx(torch.sigmoid(y).item(), abs=6e-5)
    assert numbers(told.inner_text())[2] == pytest.approx(torch.sigmoid(y).item(), abs=6e-5)
    for classes in ("3", "4"):
        part.get_by_label("Classes").select_option(classes)
        expect(told).to_contain_text(f"The sum of all {classes}: 1.0000")
        p = torch.softmax(typed(part, "[data-output]", 0) @ state, 0)
        shares = [numbers(each)[0] / 100 for each in part.locator(".bars td.number").all_inner_texts()]
        assert shares == pytest.approx(p.tolist(), abs=6e-4)
