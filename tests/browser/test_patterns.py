"""Play with a pattern: what is wrong with it is said while it is typed, and texts fit it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import generate
from tests.browser.watched import Watched

pytestmark = pytest.mark.system

REFUSED = "status of 422"
NAME = "[A-Z][a-z]{2,9}"


def choose(page: Page, kind: str, pattern: str) -> None:
    page.get_by_label("Pattern").select_option(kind)
    page.locator("#pattern").fill(pattern)


def test_what_is_wrong_is_said_with_its_place_and_nothing_moves(
    watched: Watched, play: Page, shoot: Callable[..., None]
) -> None:
    watched.expect(REFUSED)
    choose(play, "regular expression", "RO(ME|O")
    field, told, below = (
        play.get_by_label("Regular expression"),
        play.locator("#pattern-told"),
        play.locator("#generate"),
    )
    top = below.bounding_box()
    expect(told).to_contain_text("Regular expression: missing ), unterminated subpattern at position 2")
    expect(told.locator("pre")).to_have_text("RO(ME|O\n  ^")
    expect(told.locator("pre")).to_have_css("border-radius", "0px")  # a round corner hides part of the first letter
    expect(field).to_have_attribute("aria-invalid", "true")
    assert told.get_attribute("role") == "status" and "pattern-told" in (field.get_attribute("aria-describedby") or "")
    assert below.bounding_box() == top
    shoot(play, "pattern")
    field.fill("(JULIET|CAPULET)!")
    expect(told).to_have_text("The shortest text has a length of 7: “JULIET!”.")
    expect(field).not_to_have_attribute("aria-invalid", "true")
    play.get_by_label("Length", exact=True).fill("3")
    expect(told).to_have_text("Length must be at least 7, not 3: “JULIET!”.")
    field.fill("[a-z]*")
    expect(told).to_have_text("Fits within any length.")
    field.fill("(?=a)b")
    expect(told).to_contain_text("look-ahead at position 0 (line 1, column 1) is not supported")
    expect(told.locator("pre")).to_have_text("(?=a)b\n^")
    field.fill("Jul(iet|é)")
    expect(told).to_have_text(
        'Length must be at least 6, not 3: “Juliet”. Left out of the pattern, as the model does not know them: "é".'
    )
    assert below.bounding_box() == top
    play.get_by_label("Pattern").select_option("none: any text")
    expect(field).to_be_hidden()


def test_the_text_fits_and_its_address_has_the_pattern(
    watched: Watched, play: Page, new_page: Callable[..., Watched]
) -> None:
    watched.expect(REFUSED)
    choose(play, "regular expression", NAME)
    text = generate(play, Prompt="Enter ", Length="10")
    assert re.fullmatch(f"Enter {NAME}", text)
    expect(play.locator("#request")).to_contain_text(f'"regex":"{NAME}"')
    other = new_page()
    other.expect(REFUSED)
    other.page.goto(play.url)
    expect(other.page.locator("#text")).to_have_text(text)
    expect(other.page.get_by_label("Regular expression")).to_have_value(NAME)
    play.get_by_role("button", name="Go on").click()
    expect(play.locator("#status")).to_contain_text("seed")
    expect(play.locator("#text")).to_have_text(re.compile(f"^Enter {NAME}{NAME}$"))
    play.get_by_label("Pattern").select_option("none: any text")
    play.get_by_role("button", name="Go on").click()
    expect(play.locator("#text")).to_have_text(re.compile(f"^Enter {NAME}{NAME}.+", re.DOTALL))


def test_choices_and_schemas(watched: Watched, play: Page) -> None:
    watched.expect(REFUSED)
    choose(play, "one of several", "Ay\\n\nNo\n")
    play.get_by_label("Texts").fill("4")
    generate(play, Prompt="ROMEO:\n", Length="9")
    assert {*play.locator("#alternatives .text").all_inner_texts()} <= {"ROMEO:\nAy\n", "ROMEO:\nNo"}
    expect(play.locator("#request")).to_contain_text('"choice":["Ay\\n","No"]')
    play.get_by_label("Texts").fill("1")
    told = play.locator("#pattern-told")
    choose(play, "JSON schema", '{"enum": ["Ay", null]')
    expect(told).to_contain_text("JSON schema: a JSON schema must be JSON")
    expect(told.locator("pre")).to_have_text(re.compile(r"^.*null\]\n +\^$"))


def test_the_request_for_python_has_the_same_values(watched: Watched, play: Page) -> None:
    watched.expect(REFUSED)
    play.get_by_label("Prompt").fill("constructor")
    play.locator("#language").select_option("python")
    choose(play, "one of several", 'true\nnull\n"No"')
    expect(play.locator("#request")).to_contain_text("choice")
    (posted,) = (
        each for each in ast.walk(ast.parse(play.locator("#request").inner_text())) if isinstance(each, ast.Dict)
    )
    body = ast.literal_eval(posted)
    assert (body["prompt"], body["choice"]) == ("constructor", ["true", "null", '"No"'])


def test_characters_that_are_left_out_are_named(watched: Watched, play: Page) -> None:
    watched.expect(REFUSED)
    choose(play, "regular expression", "[eé]")
    left_out = 'Left out of the pattern, as the model does not know them: "é".'
    expect(play.locator("#pattern-told")).to_contain_text(left_out)
    assert generate(play, Prompt="ROM", Length="4") == "ROMe"
    expect(play.locator("#status")).to_contain_text(left_out)


def test_it_is_for_everyone(watched: Watched, play: Page) -> None:
    watched.expect(REFUSED)
    choose(play, "regular expression", "a)b")
    expect(play.locator("#pattern-told")).to_contain_text("position 1")
    assert violations(play) == {}
    play.set_viewport_size({"width": 360, "height": 740})
    assert play.evaluate("document.documentElement.scrollWidth <= innerWidth")
    play.get_by_label("Pattern").focus()
    play.keyboard.press("Tab")
    expect(play.get_by_label("Regular expression")).to_be_focused()
