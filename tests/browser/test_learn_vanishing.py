"""Learn, vanishing and exploding: powers, clipping as torch does it, and what the service has measured."""

from __future__ import annotations

import pytest
import torch
from playwright.sync_api import Page, expect
from torch.nn.utils import clip_grad_norm_

from tests.browser.learning import in_module, learn

pytestmark = pytest.mark.system


def test_a_scalar_to_the_power_of_the_steps(page: Page) -> None:
    part = learn(page, "vanishing")
    W = part.get_by_role("slider", name="W", exact=True)
    told = part.locator("[data-power-told]")
    for value, steps3, word in (
        ("0.5", "0.125", "vanishes"),
        ("1.2", "1.728", "explodes"),
        ("-0.9", "\N{MINUS SIGN}0.729", "vanishes"),
    ):
        W.fill(value)
        expect(part.get_by_role("row", name="Wᵏ").get_by_role("cell").nth(1)).to_have_text(steps3)
        expect(told).to_contain_text(word)
    W.fill("1")
    expect(told).to_contain_text("stays as large as it is")
    W.press("ArrowLeft")
    expect(told).to_contain_text("vanishes")
    gradient = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    h = gradient
    for _ in range(50):
        h = h * 0.8
    h.backward()  # type: ignore[no-untyped-call]
    assert gradient.grad is not None
    assert in_module(page, "vanishing", "m.powers(0.8)")[50] == pytest.approx(gradient.grad.item(), rel=1e-6)


def test_clipping_is_torchs_and_says_what_it_did(page: Page) -> None:
    part = learn(page, "vanishing")
    for gradient, most in (((4.0, 3.0), 1.0), ((0.3, -0.4), 1.0), ((-2.0, 1.0), 0.5)):
        parameter = torch.zeros(2, dtype=torch.float64, requires_grad=True)
        parameter.grad = torch.tensor(gradient, dtype=torch.float64)
        clip_grad_norm_([parameter], most)
        clipped = in_module(page, "vanishing", f"m.clipped({list(gradient)}, {most})")
        assert clipped == pytest.approx(parameter.grad.tolist(), abs=1e-6)
    told = part.locator("[data-clip-told]")
    expect(told).to_have_text(
        "The norm 5.00 is more than 1.0: the gradient becomes (0.80, 0.60), shorter and in the same direction."
    )
    part.get_by_label("Greatest norm").fill("5")
    expect(told).to_contain_text("the gradient stays (4.00, 3.00)")


def test_the_measured_gradients_are_the_services(page: Page) -> None:
    part = learn(page, "vanishing")
    compared = page.request.get("/gradients").json()
    for version in compared["versions"]:
        norms = version["measured"][-1]["norms"][-1]
        row = part.get_by_role("row", name=f"{version['model']}@{version['version']}")
        left = norms[5] / norms[0]
        if left >= 0.001:
            expect(row.get_by_role("cell").first).to_have_text(f"{100 * left:.1f} %")
    expect(part.locator("[data-measured] svg .line")).to_have_count(len(compared["versions"]))
    for missing in compared["missing"]:
        expect(part.locator("[data-measured-told]")).to_contain_text(missing["cell"].upper())
