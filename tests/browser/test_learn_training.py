"""Learn, training: the samples as they are kept, the served model's own text, and the trainings of this service."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Locator, Page, expect

from benchmarks.lessons import SAMPLES
from tests.browser.conftest import ADMIN_KEY, enter_key
from tests.browser.learning import learn
from tests.browser.test_gradients import asked
from tests.texts import FOX
from tests.waiting import until

pytestmark = pytest.mark.system

TRAININGS = json.loads(SAMPLES.read_text(encoding="utf-8"))


def shown(sample: Locator) -> str:
    text: str = sample.evaluate("e => e.textContent")
    return text


def test_the_slider_goes_from_the_first_sample_to_the_last_and_the_served_model_writes(page: Page) -> None:
    part = learn(page, "training")
    slider = part.get_by_role("slider", name="Share of the training")
    sample, told = part.locator("[data-sample]"), part.locator("[data-told]")
    for title, name in (("Plays", "plays"), ("Papers in LaTeX", "latex"), ("C code", "c")):
        part.get_by_label(title).check()
        slider.press("Home")
        for stage in TRAININGS[name]["samples"]:
            assert shown(sample) == TRAININGS[name]["prompt"] + stage["text"]
            expect(told).to_contain_text(f"{stage['characters']:,} characters read")
            expect(told).to_contain_text(f"{stage['loss']:.2f}")
            slider.press("ArrowRight")
        expect(slider).to_have_attribute("aria-valuetext", "100 %")
        expect(part.locator("[data-about]")).to_contain_text(f"{TRAININGS[name]['characters']:,} characters")
    part.get_by_role("button", name="Let the served model write").click()
    expect(part.locator("[data-by]")).to_contain_text("shakespeare@1")
    assert len(part.locator("[data-written]").evaluate("e => e.textContent")) > 300


def test_an_admin_sees_the_trainings_of_versions_that_are_served(page: Page) -> None:
    part = learn(page, "training")
    jobs = part.get_by_label("Or the training of a version of this service")
    expect(jobs).to_be_hidden()
    corpus = asked(page, "/corpora?name=fox", FOX, **{"Content-Type": "text/plain"})
    sizes = {"hidden_size": 8, "layers": 1, "budget": {"steps": 20}}
    job = asked(page, "/jobs", {"corpus": corpus["id"], "model": "learned", **sizes})["id"]
    until(lambda: asked(page, f"/jobs/{job}")["status"] == "succeeded")
    enter_key(page, ADMIN_KEY)
    jobs.select_option(label="learned@1")
    last = asked(page, f"/jobs/{job}")["samples"][-1]
    expect(part.locator("[data-about]")).to_have_text("The training of learned@1.")
    expect(part.locator("[data-told]")).to_contain_text("After 100 % of the training")
    first = last["samples"][0]
    sample = part.locator("[data-sample]")
    assert shown(sample) == first["prompt"] + first["text"]
    part.get_by_label("C code").check()
    expect(jobs).to_have_value("")
    assert shown(sample) == TRAININGS["c"]["prompt"] + TRAININGS["c"]["samples"][-1]["text"]
    jobs.select_option(label="learned@1")
    expect(part.locator("[data-about]")).to_have_text("The training of learned@1.")
    jobs.select_option(label="none")
    expect(part.locator("[data-about]")).to_contain_text("The C code of")
