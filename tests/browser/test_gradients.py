"""Gradients: missing cell types are shown, trained as shown, and then compared."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ADMIN_KEY
from tests.browser.watched import Watched
from tests.system.running import ROOT
from tests.texts import FOX
from tests.waiting import until

pytestmark = pytest.mark.system

SHOWN = "SCREENSHOTS" in os.environ
TEXT = "".join(path.read_text() for path in sorted((ROOT / "service").rglob("*.py"))) if SHOWN else FOX
SIZES = (
    {"hidden_size": 128, "layers": 1, "segment_length": 100, "budget": {"steps": 600}}
    if SHOWN
    else {"hidden_size": 8, "layers": 1, "segment_length": 30, "budget": {"steps": 20}}
)
LONG = 400 if SHOWN else 90
ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}


def asked(page: Page, path: str, data: Any = None, **headers: str) -> Any:
    sent = page.request.get if data is None else page.request.post
    more = {} if data is None else {"data": data}
    reply = sent(path, headers=ADMIN | headers, **more)
    assert reply.ok, reply.text()
    return reply.json()


def trained(page: Page) -> None:
    """One version of each cell, as the page says how."""
    corpus = asked(page, "/corpora?name=fox", TEXT, **{"Content-Type": "text/plain"})
    jobs = [
        asked(page, "/jobs", {"corpus": corpus["id"], "model": f"gradients-{cell}", "cell": cell, **SIZES})
        for cell in ("rnn", "gru", "lstm")
    ]
    until(lambda: {asked(page, f"/jobs/{job['id']}")["status"] for job in jobs} == {"succeeded"}, LONG)


def test_the_three_cells_are_trained_and_set_side_by_side(
    new_page: Callable[..., Watched], shoot: Callable[..., None]
) -> None:
    page = new_page(viewport={"width": 1200, "height": 1440}).page
    page.goto("/ui/gradients")
    expect(page.get_by_role("heading", name="Missing cell types")).to_be_visible()
    expect(page.locator("#requests")).to_contain_text('"cell":"rnn"')
    trained(page)

    page.reload()
    told = page.locator("#descriptions li")
    expect(told).to_have_count(3)
    assert [each.split("@")[0] for each in told.all_inner_texts()] == [
        "gradients-rnn",
        "gradients-gru",
        "gradients-lstm",
    ]
    expect(page.locator("#compared")).to_contain_text("times as much of its gradient")
    expect(page.locator("#missing")).to_be_hidden()
    chart = page.get_by_role("img", name="Gradient norm by steps back")
    expect(chart).to_be_visible()
    assert chart.evaluate("e => e.decode().then(() => e.naturalWidth)") > 500
    shoot(page, "gradients")

    for place in ("Second", "Third"):
        page.get_by_label(place).select_option("none")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(told).to_have_count(1)
    expect(page.locator("#requests")).to_contain_text('"cell":"gru"')
    assert page.url.endswith("?versions=gradients-rnn@1")
    page.reload()
    expect(told).to_have_count(1)
    page.get_by_role("button", name="Newest of each cell type").click()
    expect(told).to_have_count(3)


def test_a_version_that_cannot_be_shown_is_reported_in_the_services_words(watched: Watched) -> None:
    watched.expect("404")
    watched.page.goto("/ui/gradients?versions=shakespeare@99")
    expect(watched.page.get_by_role("alert")).to_contain_text("model shakespeare has no version 99")
