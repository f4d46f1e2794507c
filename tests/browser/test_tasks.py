"""What Play and Models show of models of records, each by its task."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from charrnn.checkpoint import Checkpoint
from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import Vocabulary
from service.client import Client
from tests.browser.axe import violations
from tests.browser.conftest import ADMIN_KEY, card_of
from tests.browser.examples import KINDS as KINDS_OF_LINES
from tests.browser.examples import lines_by_kind, tagged_python
from tests.browser.watched import Watched
from tests.networks import random_network
from tests.system.running import Service

pytestmark = pytest.mark.system

LETTERS: Final = Vocabulary.of(["abc 0123456789"])
LANGUAGES: Final = tuple(f"language {n:02}" for n in range(12))
KINDS: Final = ("NAME", "NUMBER", "OTHER")
MODELS: Final = {
    "names": Arrangement("generate", "line", "\n", ("de", "es")),
    "languages": Arrangement("classify", "line", "\n", LANGUAGES),
    "kinds": Arrangement("tag", "line", "\n", KINDS),
    "dates": Arrangement("transduce", "line", "\n"),
}


@pytest.fixture(scope="module", autouse=True)
def models(service: Service, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One of each task, which were never trained."""
    client, path = Client(f"http://127.0.0.1:{service.port}", ADMIN_KEY), tmp_path_factory.mktemp("models") / "model"
    for name, arrangement in MODELS.items():
        write(path, random_network(LETTERS, "lstm", 16, arrangement=arrangement))
        client.publish(name, path)


def write(path: Path, checkpoint: Checkpoint) -> None:
    path.write_bytes(checkpoint.to_bytes())


def play(page: Page, model: str, **fields: str) -> Page:
    page.goto(f"/#model={model}" + "".join(f"&{name}={value}" for name, value in fields.items()))
    expect(page.locator("#play")).to_have_attribute("data-view", MODELS[model].task.replace("generate", "records"))
    expect(page.locator("#play")).not_to_have_attribute("inert", "")
    return page


def test_records_as_a_list_that_its_address_shows_again(page: Page, new_page: Callable[..., Watched]) -> None:
    play(page, "names")
    page.get_by_label("Records", exact=True).first.fill("30")
    expect(page.get_by_label("Label", exact=True).locator("option:checked")).to_have_text("any")
    page.get_by_label("Label", exact=True).select_option("es")
    page.get_by_label("None twice").check()
    page.get_by_role("button", name="Generate").click()
    expect(page.locator("#status")).to_contain_text("30 records in")
    records = page.locator("#records li").all_inner_texts()
    assert len({*records}) == 30
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download").click()
    assert saved.value.path().read_text() == "".join(f"{each}\n" for each in records)
    assert re.fullmatch(r"names-1-seed-\d+\.txt", saved.value.suggested_filename)
    other = new_page().page
    other.goto(page.url)
    expect(other.locator("#status")).to_contain_text("30 records in")
    assert other.locator("#records li").all_inner_texts() == records
    assert other.get_by_label("Label", exact=True).input_value() == "es"


def test_records_that_fit_a_pattern_which_their_address_has(page: Page, new_page: Callable[..., Watched]) -> None:
    play(page, "names")
    page.get_by_label("Pattern").select_option("regular expression")
    page.get_by_label("Regular expression").fill("[a-c\u00e9]{1,4}|[0-9]")
    page.get_by_role("button", name="Generate").click()
    expect(page.locator("#status")).to_contain_text('the model does not know them: "\u00e9"')
    records = page.locator("#records li").all_inner_texts()
    assert len(records) == 20 and all(re.fullmatch("[a-c]{1,4}|[0-9]", each) for each in records)
    other = new_page().page
    other.goto(page.url)
    expect(other.locator("#status")).to_contain_text("20 records in")
    assert other.locator("#records li").all_inner_texts() == records
    assert other.get_by_label("Regular expression").input_value() == "[a-c\u00e9]{1,4}|[0-9]"


def test_the_labels_of_a_text_follow_while_it_is_written(page: Page) -> None:
    play(page, "languages")
    page.get_by_label("Text").and_(page.get_by_role("textbox")).press_sequentially("abc a")
    bars = page.locator("#bars li")
    expect(bars).to_have_count(10)
    shares = [float(each.removesuffix(" %")) for each in page.locator("#bars output").all_inner_texts()]
    assert shares == sorted(shares, reverse=True)
    expect(page.locator("#status")).to_contain_text(bars.first.locator("span").inner_text())
    page.get_by_role("button", name="All 12 labels").click()
    expect(bars).to_have_count(12)
    assert "text=abc+a" in page.url
    expect(page.locator("#request")).to_contain_text('/classify --json \'{"model":"languages","text":"abc a"}\'')


def test_tags_are_named_coloured_and_listed(page: Page) -> None:
    play(page, "kinds", text="abc 0 1 2 3 4")
    tagged = page.locator("#tagged")
    expect(tagged).to_have_text("abc 0 1 2 3 4")
    first = tagged.locator("mark").first
    tag = first.get_attribute("data-tag")
    assert tag in KINDS
    assert tag in first.evaluate("e => getComputedStyle(e, '::after').content")
    page.get_by_label("Names in the text").uncheck()
    assert first.evaluate("e => getComputedStyle(e, '::after').content") == "none"
    page.get_by_text("As a table").click()
    expect(page.locator("#spans-table tbody tr").first).to_contain_text(tag)
    page.locator("#kinds button").first.click()
    alone = page.locator("#kinds button[aria-pressed=true]").get_attribute("data-tag")
    assert {each.get_attribute("data-tag") for each in tagged.locator("mark:not(.dim)").all()} == {alone}


def test_what_each_line_becomes_is_beside_it(page: Page) -> None:
    play(page, "dates", text="1 a%0A2 b")
    expect(page.locator("#outputs li")).to_have_count(2)
    expect(page.locator("#outputs small").first).to_contain_text("%")
    page.get_by_label("Beams").fill("2")
    page.get_by_label("Beams").press("Tab")
    expect(page.locator("#request")).to_contain_text('"texts":["1 a","2 b"],"beams":2}')


def test_what_is_refused_is_shown_at_the_text(watched: Watched) -> None:
    watched.expect("status of 422")
    page = play(watched.page, "languages", text="abc")
    field = page.get_by_label("Text").and_(page.get_by_role("textbox"))
    field.fill("é")
    expect(page.locator("#error")).to_contain_text("outside the vocabulary")
    expect(field).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Drop characters that the model does not know").check()
    field.fill("éa")
    expect(page.locator("#error")).to_be_hidden()


def test_another_model_has_another_view(page: Page) -> None:
    play(page, "languages", text="abc")
    expect(page.locator("#bars li")).to_have_count(10)
    page.get_by_label("Model", exact=True).select_option("shakespeare")
    expect(page.get_by_label("Prompt")).to_have_value("First Citizen:")
    expect(page.locator("#bars")).to_be_hidden()
    page.get_by_label("Model", exact=True).select_option("names")
    expect(page.get_by_label("None twice")).to_be_visible()
    expect(page.get_by_label("Stop at")).to_be_hidden()


@pytest.mark.parametrize("model", MODELS)
def test_everyone_can_use_every_view_on_a_phone_too(new_page: Callable[..., Watched], model: str) -> None:
    page = new_page(viewport={"width": 360, "height": 740}, reduced_motion="reduce").page
    play(page, model, **({"seed": "7"} if model == "names" else {"text": "abc 0 1 2"}))
    expect(page.locator("#status")).to_contain_text("version 1")
    assert violations(page) == {}
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [360, 360]


def test_records_and_texts_of_every_task_are_seen_character_by_character(page: Page) -> None:
    play(page, "names", seed="7", count="3")
    expect(page.locator("#records li")).to_have_count(3)
    page.locator("#records").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    second = page.locator("#records li").nth(1)
    expect(second).to_have_attribute("aria-current", "true")
    expect(page.locator("#text")).to_have_text(second.inner_text())
    page.get_by_label("Model", exact=True).select_option("languages")
    page.locator("#written").fill("abc")
    expect(page.locator("#text")).to_have_text("abc")
    page.locator("#text").focus()
    page.keyboard.press("End")
    expect(page.locator("#inspector h3")).to_have_text("Likely labels after c")
    likeliest = page.locator("#bars li").first.inner_text().replace("\n", "")
    expect(page.locator("#inspector li").first).to_have_text(likeliest)
    page.get_by_label("Colour by").select_option("unit")
    expect(page.locator("#inspector h3")).to_contain_text("the cell at")


@pytest.mark.skipif("SCREENSHOTS" not in os.environ, reason="trains for two minutes, for pictures alone")
def test_pictures_of_models_that_were_trained(
    admin: Page, service: Service, tmp_path: Path, shoot: Callable[..., None]
) -> None:
    client, jobs = Client(f"http://127.0.0.1:{service.port}", ADMIN_KEY), {}
    fields = {"text": "line", "label": "language"}
    for model, text, more in (
        ("code-languages", lines_by_kind(), {"task": "classify", "format": "csv", "fields": fields}),
        ("python-tokens", tagged_python(), {"task": "tag", "delay": 2}),
    ):
        (tmp_path / model).write_text(text)
        corpus = client.upload(tmp_path / model)["id"]
        jobs[model] = client.train(corpus=corpus, model=model, budget={"minutes": 1}, **more)["id"]
    for model, job in jobs.items():
        admin.goto(f"/ui/train#{job}")
        expect(admin.locator("#watch-title")).to_have_text(model)
        expect(admin.locator("#job-status")).to_have_text("succeeded", timeout=180_000)
    admin.goto("/#model=code-languages&text=const move = (elements, key) => elements[key]; // by name")
    expect(admin.locator("#bars li")).to_have_count(len(KINDS_OF_LINES))
    admin.locator("h1").click()
    shoot(admin, "labels")
    admin.goto("/#model=python-tokens&text=def double(x: int) -> int: return 2 * x  # twice")
    expect(admin.locator("#tagged mark").nth(9)).to_be_visible()
    shoot(admin, "tags")
    admin.goto("/ui/models")
    card = card_of(admin, "code-languages")
    card.get_by_role("button", name="About version 1").click()
    expect(card.get_by_role("table", name="Rows: the right label")).to_be_visible()
    shoot(card.get_by_role("region", name="On held-out records"), "confusion")
