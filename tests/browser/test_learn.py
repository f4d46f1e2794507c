"""Learn: parts are loaded when they come near, and lead to each other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from service.api.pages.learn import PARTS
from tests.browser.conftest import ADMIN_KEY, enter_key
from tests.browser.learning import learn
from tests.browser.watched import Watched
from tests.system.running import ROOT, Service
from tests.texts import FOX

pytestmark = pytest.mark.system


def test_the_contents_lead_to_each_part_which_is_loaded_then(page: Page) -> None:
    page.goto("/ui/learn")
    contents = page.get_by_role("navigation", name="Parts")
    for part in PARTS:
        contents.get_by_role("link", name=part.title).click()
        section = page.get_by_role("region", name=part.title)
        expect(section).to_have_attribute("aria-busy", "false")
        expect(section.get_by_role("heading", name=part.title)).to_be_in_viewport()
        expect(contents.get_by_role("link", name=part.title)).to_have_attribute("aria-current", "true")
        expect(section.locator(":scope > .error")).to_be_hidden()


def test_a_link_to_the_last_part_arrives_there(page: Page) -> None:
    page.goto(f"/ui/learn#{PARTS[-1].name}")
    expect(page.locator(".part[aria-busy=false]")).to_have_count(len(PARTS))
    expect(page.get_by_role("heading", name=PARTS[-1].title)).to_be_in_viewport()
    expect(page.locator("[data-language=curl]").last).to_contain_text(page.url.split("/ui/")[0])


def test_a_part_that_cannot_be_loaded_says_so(watched: Watched) -> None:
    page = watched.page
    watched.expect("ERR_FAILED")
    page.route("**/learn/*.js", lambda route: route.abort())
    page.goto("/ui/learn")
    error = page.locator(f"#{PARTS[0].name} > .error")
    expect(error).to_contain_text("This part could not be loaded")
    page.unroute("**/learn/*.js")
    error.get_by_role("button", name="Try again").click()
    expect(error).to_be_hidden()
    expect(page.locator("[data-step]")).to_contain_text("Step 1 of 5")


@pytest.mark.parametrize(
    ("name", "asked", "controls"),
    [
        ("cells", "**/models?details=true*", "[data-versions] option"),
        ("training", "**/samples.json", "[data-kinds] input"),
        ("vanishing", "**/gradients", "[data-power-told]"),
    ],
)
def test_a_part_whose_service_is_busy_says_so_and_begins_once_when_it_is_not(
    watched: Watched, name: str, asked: str, controls: str
) -> None:
    page = watched.page
    expected = learn(page, name).locator(controls).count()
    watched.expect("503")
    error = {"code": "overloaded", "message": "the service is busy", "param": None}
    page.route(asked, lambda route: route.fulfill(status=503, headers={"Retry-After": "7"}, json={"error": error}))
    page.reload()
    shown = page.locator(f"#{name} > .error")
    expect(shown).to_contain_text("the service is busy")
    page.unroute(asked)
    shown.get_by_role("button", name="Try again").click()
    expect(shown).to_be_hidden()
    expect(page.locator(f"#{name} {controls}")).to_have_count(expected)


def test_a_part_that_lacks_a_key_leaves_the_focus_and_begins_with_one(watched: Watched) -> None:
    page = watched.page
    watched.expect("401")
    error = {"code": "invalid_api_key", "message": "no key", "param": None}
    asked = "**/models?details=true*"
    page.route(asked, lambda route: route.fulfill(status=401, json={"error": error}))
    page.goto("/ui/learn#cells")
    shown = page.locator("#cells > .error")
    expect(shown).to_contain_text("needs a key")
    expect(page.locator("#key")).not_to_have_attribute("open", "")
    page.unroute(asked)
    enter_key(page, ADMIN_KEY)
    expect(shown).to_be_hidden()
    expect(page.locator("#cells [data-coloured] i").first).to_be_visible()


@pytest.mark.parametrize("part", [part.name for part in PARTS])
def test_what_one_can_do_oneself_works_as_it_is_written(
    page: Page, service: Service, tmp_path: Path, part: str
) -> None:
    commands = {"curl": ("bash", "-ec"), "Python": (sys.executable, "-c")}
    environment = os.environ | {"KEY": ADMIN_KEY, "PYTHONPATH": str(ROOT)}
    (tmp_path / "plays.txt").write_text(FOX)
    for example in learn(page, part).locator("[data-language]").all():
        command = (*commands[str(example.get_attribute("data-language"))], example.inner_text())
        run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        assert run.stdout.strip()
        if command[0] == "bash":
            assert [reply for reply in replies(run.stdout) if "error" in reply] == []
    for job in service.request("/jobs", key=ADMIN_KEY)["jobs"]:
        if job["status"] in {"queued", "running"}:
            service.request(f"/jobs/{job['id']}/cancel", {}, key=ADMIN_KEY)


def replies(text: str) -> Iterator[dict[str, Any]]:
    """Those of several requests, one after the other."""
    decoder = json.JSONDecoder()
    while text:
        reply, end = decoder.raw_decode(text)
        yield reply
        text = text[end:].lstrip()
