"""Play: a text as it is written, again, coloured, read character by character; and what goes wrong on the way."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import LONGEST, card_of, generate
from tests.browser.watched import Watched
from tests.system.running import Service
from tests.waiting import until

pytestmark = pytest.mark.system


def shades(page: Page) -> set[str]:
    """The colours of the text's characters."""
    return set(page.locator("#text i").evaluate_all("all => all.map(e => e.style.backgroundColor)"))


def test_a_text_is_written_and_its_seed_writes_it_again(
    play: Page, service: Service, shoot: Callable[..., None]
) -> None:
    text = generate(play, Prompt="ROMEO:\n", Length="300")
    assert text.startswith("ROMEO:\n")
    assert len(text) == len("ROMEO:\n") + 300
    play.get_by_role("button", name="Same seed again").click()
    expect(play.locator("#status")).to_contain_text("The same text: 300 characters")
    assert play.locator("#text").inner_text() == text
    seed = int(play.get_by_label("Seed").input_value())
    asked = {"prompt": "ROMEO:\n", "length": 300, "temperature": 0.8, "seed": seed}
    assert service.request("/generate", asked)["text"] == text.removeprefix("ROMEO:\n")
    shoot(play, "play")


def test_it_is_shown_while_it_is_written(play: Page) -> None:
    play.get_by_label("Length", exact=True).fill(str(LONGEST))
    play.get_by_label("Prompt").fill("KING")
    with play.expect_response("**/generate") as sent:
        play.get_by_role("button", name="Generate").click()
    assert sent.value.headers["content-type"].startswith("text/event-stream")
    expect(play.locator("#text")).to_have_attribute("aria-busy", "true")
    expect(play.locator("#text")).to_have_text(re.compile("KING.{40}", re.DOTALL))
    play.get_by_role("button", name="Stop").click()
    expect(play.locator("#status")).to_contain_text("Incomplete")
    assert 44 <= len(play.locator("#text").inner_text()) < LONGEST + 4
    expect(play.get_by_role("button", name="Stop")).to_be_hidden()


def test_the_request_is_there_for_a_shell(play: Page) -> None:
    play.get_by_label("Prompt").fill("It's")
    play.get_by_label("Length", exact=True).fill("9")
    play.get_by_label("Stop at").fill("\\n\nEnd")
    expected = """curl {}/generate --json '{{"model":"shakespeare","prompt":"It'\\''s","length":9,"temperature":0.8,"""
    expected += """"stop":["\\n","End"]}}'"""
    expect(play.locator("#request")).to_have_text(expected.format(play.url.rstrip("/")))


def test_a_text_has_an_address_that_shows_it_again(play: Page, new_page: Callable[..., Watched]) -> None:
    first = generate(play, Prompt="It's & 3\n", Length="90", Stop_at="\\n\\nEnd")
    address = play.url
    assert "seed=" in address.partition("#")[2]
    assert urlsplit(address).query == "", "no prompt stands in a server's log"
    other = new_page().page
    other.goto(address)
    expect(other.locator("#status")).to_contain_text("90 characters")
    assert other.locator("#text").inner_text() == first
    assert other.get_by_label("Stop at").input_value() == "\\n\\nEnd"

    second = generate(play, Prompt="JULIET:\n", Length="60")
    assert play.url != address
    play.go_back()
    expect(play.locator("#text")).to_have_text(first)
    expect(play.get_by_label("Length", exact=True)).to_have_value("90")
    play.go_forward()
    expect(play.locator("#text")).to_have_text(second)


def test_a_refused_request_leaves_the_text_and_its_address(watched: Watched, play: Page) -> None:
    watched.expect("status of 422")
    text, address = generate(play, Prompt="ROMEO:\n", Length="80"), play.url
    play.get_by_label("Temperature", exact=True).fill("11")
    play.get_by_role("button", name="Generate").click()
    expect(play.locator("#error")).to_be_visible()
    assert (play.locator("#text").inner_text(), play.url) == (text, address)
    expect(play.locator("#status")).to_contain_text("80 characters")


def test_several_texts_side_by_side_and_one_of_them_alone(play: Page, shoot: Callable[..., None]) -> None:
    play.get_by_label("Texts").fill("3")
    generate(play, Prompt="ROMEO:\n", Length="70", Seed="7")
    texts = play.locator("#alternatives .text")
    expect(texts).to_have_count(3)
    expect(play.locator("#status")).to_contain_text("3 texts, 210 characters")
    third = texts.nth(2).inner_text()
    shoot(play, "several")
    assert len({*texts.all_inner_texts()}) == 3
    with play.expect_download() as saved:
        play.get_by_role("button", name="Download").nth(2).click()
    assert saved.value.suggested_filename == "shakespeare-1-seed-9.txt"
    assert saved.value.path().read_text() == third
    play.get_by_role("link", name="Text 3 alone").click()
    expect(play.locator("#status")).to_contain_text("seed 9")
    assert play.locator("#text").inner_text() == third


def test_sliders_and_numbers_are_one(play: Page) -> None:
    number = play.get_by_label("Temperature", exact=True)
    number.fill("1.5")
    slider = play.locator("[data-for=temperature]")
    assert slider.input_value() == "1.5"
    slider.fill("0.25")
    assert number.input_value() == "0.25"


@pytest.mark.parametrize(
    ("label", "value", "message"),
    [
        ("Temperature", "11", re.compile("^Temperature.* 10, not 11")),
        ("Length", f"{LONGEST + 1}", re.compile(f"^Length must be at most {LONGEST} tokens .*not {LONGEST + 1}")),
        ("Seed", "seven", re.compile("^Seed must be an integer.*“Prompt”")),
        (
            "Prompt",
            "naïve",
            re.compile("^Prompt: 1 character outside the vocabulary.*“Drop characters that the model does not know”"),
        ),
    ],
)
def test_what_the_service_says_is_wrong_is_shown_at_its_field(
    watched: Watched, play: Page, label: str, value: str, message: re.Pattern[str]
) -> None:
    watched.expect("status of 422")
    field = play.get_by_label(label, exact=True)
    field.fill(value)
    play.get_by_role("button", name="Generate").click()
    expect(play.locator("#error")).to_contain_text(message)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()


def test_surprise_and_what_was_expected(play: Page) -> None:
    text = generate(play, Prompt="ROMEO:\n", Length="120", Seed="7")
    play.get_by_label("Colour by").select_option("surprise")
    characters = play.locator("#text i")
    expect(characters).to_have_count(len(text))
    assert len(shades(play)) > 5
    characters.nth(20).hover()
    expect(play.locator("#inspector")).to_contain_text("bits of surprisal")
    expect(play.locator("#inspector li")).to_have_count(10)


def test_colour_by_a_cell(play: Page) -> None:
    generate(play, Length="100", Seed="7")
    play.get_by_label("Colour by").select_option("unit")
    play.get_by_label("Unit").fill("3")
    play.get_by_label("Unit").press("Tab")
    expect(play.locator("#legend")).to_contain_text("negative")
    assert {shade[:18] for shade in shades(play) if shade} == {"rgb(var(--negative", "rgb(var(--positive"}


def test_hold_a_cell_at_a_value(play: Page, service: Service, new_page: Callable[..., Watched]) -> None:
    free = generate(play, Length="100", Seed="7")
    play.get_by_label("Colour by").select_option("unit")
    play.get_by_label("Unit").fill("92")
    steered = generate(play, Hold_at="-1")
    held = [{"layer": 0, "unit": 92, "part": "hidden", "value": -1}]
    expect(play.locator("#request")).to_contain_text('"set":[{"layer":0,"unit":92,"part":"hidden","value":-1}]')
    prompt = play.get_by_label("Prompt").input_value()
    asked = {"prompt": prompt, "length": 100, "temperature": 0.8, "seed": 7, "set": held}
    assert prompt + service.request("/generate", asked)["text"] == steered != free
    expect(play.locator("#legend")).to_contain_text("Read without holding the cell.")
    other = new_page().page
    other.goto(play.url)
    expect(other.locator("#text")).to_have_text(steered)
    expect(other.get_by_label("Hold at")).to_have_value("-1")
    play.get_by_label("Colour by").select_option("")
    expect(play.locator("#request")).not_to_contain_text("set")
    assert generate(play, Length="100") == free


def test_of_a_long_text_the_beginning_is_coloured_and_all_is_shown(play: Page) -> None:
    text = generate(play, Length="10500", Seed="7")
    play.get_by_label("Colour by").select_option("surprise")
    expect(play.locator("#legend")).to_contain_text("Only the first 10,000 characters are analysed.")
    assert play.locator("#text i").count() == 10_000
    assert play.locator("#text").inner_text() == text


def test_the_cells_that_were_found(admin: Page, service: Service, shoot: Callable[..., None]) -> None:
    found = service.request("/models/shakespeare/versions/1/cells")["cells"]
    card = card_of(admin, "shakespeare")
    card.get_by_role("button", name="About version 1").click()
    expect(card.locator(".cells tbody tr")).to_have_count(len(found))
    best = found[0]["follows"]
    card.get_by_role("button", name=f"Picture of the cell that follows {best}").click()
    expect(card.get_by_role("img", name=f"follows {best}")).to_be_visible()
    assert card.get_by_role("img", name=f"follows {best}").evaluate("e => e.naturalWidth") > 100
    shoot(card, "version")
    card.get_by_role("link", name=f"coloured by the cell that follows {best}").click()
    expect(admin.get_by_label("Version", exact=True)).to_have_value("1")
    generate(admin, Length="700", Seed="7")
    expect(admin.locator("#legend")).to_contain_text("negative")
    expect(admin.get_by_label("Colour by").locator("option:checked")).to_contain_text(best)
    admin.locator("#text i").nth(120).hover()
    expect(admin.locator("#inspector")).to_contain_text("bits of surprisal, the cell at")
    shoot(admin, "play-coloured")


def test_a_cell_that_is_not_there(watched: Watched, play: Page) -> None:
    watched.expect("status of 422")
    generate(play, Prompt="ROMEO:\n", Length="50")
    play.get_by_label("Colour by").select_option("unit")
    play.get_by_label("Unit").fill("99999")
    play.get_by_label("Unit").press("Tab")
    expect(play.locator("#trace-error")).to_contain_text("99999")


def test_the_service_goes_in_mid_stream_and_comes_back(watched: Watched, play: Page, service: Service) -> None:
    watched.expect("ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RE|ERR_EMPTY_RESPONSE|status of 503")
    play.get_by_label("Prompt").fill("ROMEO:")
    play.get_by_label("Length", exact=True).fill(str(LONGEST))
    play.get_by_role("button", name="Generate").click()
    expect(play.locator("#text")).to_have_text(re.compile("ROMEO.{20}", re.DOTALL))
    os.killpg(service.children()["web"], signal.SIGKILL)
    expect(play.locator("#status")).to_contain_text("The connection was lost")
    written = play.locator("#text").inner_text()
    until(lambda: service.answers("/readyz"))
    until(lambda: len(play.locator("#text").inner_text()) > len(written))
    assert play.locator("#text").inner_text().startswith(written)
    play.get_by_role("button", name="Stop").click(timeout=60_000)  # the page draws a long text meanwhile
    expect(play.locator("#status")).to_contain_text("Incomplete")
    generate(play, Length="50")
    expect(play.locator("#error")).to_be_hidden()
    expect(play.locator("#status")).to_contain_text("50 characters")
