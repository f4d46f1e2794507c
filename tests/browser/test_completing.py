"""Play completes the prompt while it is typed, where that is switched on."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from tests.system.running import Service

pytestmark = pytest.mark.system

TYPED = "But soft, what li"


def test_tab_takes_and_escape_leaves(play: Page, service: Service) -> None:
    prompt, offered = play.get_by_label("Prompt"), play.get_by_role("group", name="Completions").get_by_role("button")
    prompt.fill(TYPED)
    play.get_by_label("Complete while typing").check()
    texts = [each["text"] for each in service.request("/complete", {"prompt": TYPED})["completions"] if each["text"]]
    expect(offered.first).to_contain_text(texts[0])
    expect(play.locator("#completion")).to_contain_text(f"{texts[0]}, ")
    below = play.locator("#generate").bounding_box()
    prompt.press("Tab")
    expect(prompt).to_have_value(TYPED + texts[0])
    expect(prompt).to_be_focused()
    prompt.fill(TYPED)
    expect(offered.nth(1)).to_contain_text(texts[1])
    assert play.locator("#generate").bounding_box() == below, "nothing moves"
    offered.nth(1).click()
    expect(prompt).to_have_value(TYPED + texts[1])
    prompt.fill(TYPED)
    expect(offered.first).to_be_visible()
    prompt.press("Escape")
    expect(offered).to_have_count(0)
    expect(play.locator("#completion")).to_be_empty()
    prompt.press("Tab")
    expect(prompt).not_to_be_focused()


def test_a_phone_has_room_for_it(play: Page) -> None:
    play.set_viewport_size({"width": 360, "height": 740})
    play.get_by_label("Prompt").fill(TYPED)
    play.get_by_label("Complete while typing").check()
    expect(play.get_by_role("group", name="Completions").get_by_role("button").first).to_be_visible()
    assert play.evaluate("document.documentElement.scrollWidth <= innerWidth")


KEYS = """(field, keys) => {
  for (const key of keys) {
    field.value += key;
    field.dispatchEvent(new InputEvent("input", {bubbles: true}));
  }
}"""
"""Keys that follow each other at once, however busy the machine is."""


def test_only_what_was_typed_last_is_asked_for(play: Page) -> None:
    prompt, asked = play.get_by_label("Prompt"), list[str]()
    prompt.fill("ROMEO")
    with play.expect_response("**/complete"):
        play.get_by_label("Complete while typing").check()
    play.on("request", lambda request: asked.append(request.post_data or ""))
    with play.expect_response("**/complete"):
        prompt.evaluate(KEYS, ": I lo")
    (one,) = asked
    assert json.loads(one)["prompt"] == "ROMEO: I lo"
