"""Play: a text that goes on, after a turn of its reader's too, and goes on differently from one of its characters."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import generate
from tests.browser.watched import Watched
from tests.system.running import Service

pytestmark = pytest.mark.system

PROMPT = "ROMEO:\n"


def one_shot(service: Service, length: int) -> str:
    """All of the text with seed 7."""
    asked = {"prompt": PROMPT, "length": length, "temperature": 0.8, "seed": 7}
    text: str = service.request("/generate", asked)["text"]
    return PROMPT + text


def test_branches_from_a_character(
    watched: Watched, play: Page, service: Service, new_page: Callable[..., Watched]
) -> None:
    watched.expect("status of 422")
    text = generate(play, Prompt=PROMPT, Length="60", Seed="7")
    place = next(index for index in range(24, len(text)) if text[index].isalpha())
    play.locator("#text").hover()
    play.locator("#text i").nth(place).click()
    panel = play.get_by_role("group", name="Go on differently after")
    panel.get_by_label("Ways").select_option("2")
    panel.get_by_label("Seed").fill("7")
    panel.get_by_label("Temperature").fill("11")
    panel.get_by_role("button", name="Fork").click()
    expect(panel.get_by_role("alert")).to_contain_text(re.compile("^Temperature.* 10, not 11"))
    expect(panel.get_by_label("Temperature")).to_be_focused()
    panel.get_by_label("Temperature").fill("0.8")
    panel.get_by_role("button", name="Fork").click()
    forks = play.get_by_role("region", name="After")
    fork = forks.first
    status, branches = fork.get_by_role("status").first, fork.get_by_role("listitem").locator(".text")
    expect(status).to_contain_text("seeds 7 to 8")
    expect(panel).to_be_hidden()
    whole = one_shot(service, place + 1 - len(PROMPT) + 120)
    first, other = branches.all_inner_texts()
    assert first == whole[:-60], "with its own seed it goes on as it did"
    assert other[: place + 1] == text[: place + 1]
    assert other[: len(text)] != text

    fork.get_by_role("button", name="Go on").first.click()
    expect(status).to_contain_text("seed 7")
    assert branches.first.inner_text() == whole
    fork.get_by_role("button", name="Close", exact=True).nth(1).click()
    expect(branches).to_have_count(1)
    branches.first.press("End")
    branches.first.press("Enter")
    expect(panel.get_by_label("Ways")).to_be_focused()
    assert panel.locator("#fork-place").text_content() == f"Go on differently after “…{whole[-30:]}”"
    panel.get_by_label("Ways").press("Control+Enter")
    expect(forks).to_have_count(2)
    fork.get_by_role("link", name="Alone").click()
    expect(play.locator("#status")).to_contain_text(f"{len(whole) - len(PROMPT)} characters")
    other_page = new_page().page
    other_page.goto(play.url)
    expect(other_page.locator("#status")).to_contain_text(f"{len(whole) - len(PROMPT)} characters")
    assert other_page.locator("#text").inner_text() == whole


def test_a_dialogue(watched: Watched, play: Page, service: Service) -> None:
    watched.expect("status of 422")
    text = generate(play, Prompt=PROMPT, Length="60", Seed="7")
    turn, written, status = play.get_by_label("Your turn"), play.locator("#text"), play.locator("#status")
    turn.press("Control+Enter")
    expect(status).to_contain_text("120 characters")
    assert written.inner_text() == one_shot(service, 120)
    turn.fill("\u00e9")
    play.get_by_role("button", name="Go on").click()
    expect(play.locator("#turn-error")).to_contain_text("Your turn: 1 character outside")
    expect(turn).to_be_focused()
    turn.fill("\nJULIET:\n")
    play.get_by_role("button", name="Go on").click()
    expect(status).to_contain_text("180 characters")
    expect(turn).to_have_value("")
    spoken = written.inner_text()
    assert spoken.startswith(one_shot(service, 120) + "\nJULIET:\n")
    play.reload()
    expect(status).to_contain_text("180 characters")
    assert written.inner_text() == spoken
    play.go_back()
    play.go_back()
    expect(status).to_contain_text("60 characters")
    assert written.inner_text() == text
