"""The character language model: trained in the page as torch trains it, then "h" alone becomes "hello"."""

from __future__ import annotations

import math
from itertools import count
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect
from torch.nn import functional

from charrnn.sampling import uniform
from tests.browser.learning import learn, numbers, row
from tests.browser.test_learn_network import adam_trained, logits_along

pytestmark = pytest.mark.system

HELL, ELLO = [0, 1, 2, 2], [1, 2, 2, 3]


def initial(seed: int) -> dict[str, Any]:
    """The weights before training: evenly drawn, with a variance of 1 over the number of inputs."""
    positions = count()

    def matrix(rows: int, columns: int, counting: int) -> Any:
        values = [2 * uniform(seed, next(positions)) - 1 for _ in range(rows * columns)]
        return (np.reshape(values, (rows, columns)) * math.sqrt(3 / counting)).tolist()

    return {
        "W_xh": matrix(8, 4, 1),
        "W_hh": matrix(8, 8, 8),
        "b": [0.0] * 8,
        "W_hy": matrix(4, 8, 8),
        "b_y": [0.0] * 4,
    }


def compare(part: Locator, steps: int) -> None:
    """What the table shows after so many steps of training, with torch's."""
    W = {
        name: torch.tensor(each, dtype=torch.float64)
        for name, each in adam_trained(initial(2), HELL, ELLO, steps).items()
    }
    logits, targets = logits_along(W, HELL), torch.tensor(ELLO)
    table = part.locator("[data-reads]")
    each = functional.cross_entropy(logits, targets, reduction="none")
    assert [numbers(cell)[0] for cell in row(table, "loss")] == pytest.approx(each.tolist(), abs=6e-5)
    assert numbers(part.locator("[data-learned]").inner_text())[-1] == pytest.approx(each.mean().item(), abs=6e-5)
    p = logits.softmax(1)
    for t in range(len(HELL)):
        assert numbers(row(table, "y, logits")[t]) == pytest.approx(logits[t].tolist(), abs=0.0051)
        assert numbers(row(table, "p, softmax")[t]) == pytest.approx(p[t].tolist(), abs=0.0051)
        assert numbers(row(table, "its p")[t])[0] == pytest.approx(100 * p[t, ELLO[t]].item(), abs=0.051)


def test_it_learns_hello_while_one_watches_and_spells_it(page: Page) -> None:
    part = learn(page, "language-model")
    said, text = part.locator("[data-learned]"), part.locator("[data-text]")
    compare(part, 0)
    first = round(numbers(said.inner_text())[-1], 2)
    expect(text).not_to_contain_text("hello")
    part.get_by_role("button", name="One training step").click()
    compare(part, 1)
    part.get_by_role("button", name="Train 200 steps").click()
    expect(said).to_contain_text("After 201 training steps")
    compare(part, 201)
    assert numbers(str(part.get_by_role("img").get_attribute("aria-label"))) == [
        201,
        first,
        numbers(said.inner_text())[-1],
    ]
    expect(text).to_contain_text("h alone becomes hello, always")
    expect(part.get_by_role("button", name="Draw another text")).to_have_attribute("aria-disabled", "true")
    assert [cell.strip() for cell in row(part.locator("[data-writes]"), "draws")] == list("ello")


def test_temperature_changes_what_is_drawn(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    part = learn(page, "language-model")
    part.get_by_role("button", name="Train 200 steps").click()
    expect(part.locator("[data-learned]")).to_contain_text("After 200 training steps")
    shares = []
    for temperature in ("0", "1", "3"):
        part.get_by_label("Temperature").fill(temperature)
        counts = dict(
            zip(
                part.locator("[data-counts] th").all_inner_texts(),
                part.locator("[data-counts] .number").all_inner_texts(),
                strict=True,
            )
        )
        shares.append(numbers(counts["hello"])[0])
    assert shares[0] == 100
    assert shares[0] >= shares[1] > shares[2]
    text = part.locator("[data-text]")
    drawn = {text.inner_text()}
    for _ in range(5):
        part.get_by_role("button", name="Draw another text").click()
        drawn.add(text.inner_text())
    assert len(drawn) > 1
    part.get_by_role("button", name="Begin with other weights").click()
    expect(part.locator("[data-learned]")).to_contain_text("After 0 training steps")
