"""Learn, what cells do: a text in the colours of a trace, the search as it was stored, a cell held at a value."""

from __future__ import annotations

import math
import re
from functools import partial

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.learning import learn, numbers
from tests.browser.watched import Watched

pytestmark = pytest.mark.system

TEXT = "ROMEO:\nO, I am fortune's fool!"


def test_a_text_of_ones_own_has_the_colours_of_the_trace(page: Page) -> None:
    part = learn(page, "cells")
    part.get_by_label("A text of your own").fill(TEXT)
    coloured = part.locator("[data-coloured] i")
    expect(coloured).to_have_count(len(TEXT))
    cell = page.request.get("/models/shakespeare/versions/1/cells").json()["cells"][0]
    chosen = {name: cell[name] for name in ("layer", "unit", "part")}
    trace = page.request.post("/trace", data={"text": TEXT, "cells": [chosen]}).json()
    values = trace["cells"][0]["values"]
    expect(part.locator("[data-range]")).to_contain_text(f"{max(values):.2f}")
    assert cell["part"] == "cell"
    held = part.get_by_role("slider", name="Hold the chosen cell at")
    expect(held).to_have_attribute("min", str(math.floor(min(values))))
    expect(held).to_have_attribute("max", str(math.ceil(max(values))))
    for element, value in zip(coloured.all(), values, strict=True):
        if abs(value) > 0.05:
            assert ("--positive" if value > 0 else "--negative") in (element.get_attribute("style") or "")
    part.get_by_text("The values, character by character").click()
    listed = part.locator("[data-values] li").all_inner_texts()
    assert [numbers(each[1:])[-1] for each in listed] == pytest.approx(values, abs=0.0051)


def test_each_cell_is_held_at_a_value_that_it_takes_until_the_reader_says_another(page: Page) -> None:
    part = learn(page, "cells")
    held = part.get_by_role("slider", name="Hold the chosen cell at")
    cells = page.request.get("/models/shakespeare/versions/1/cells").json()["cells"]
    assert {cell["sign"] for cell in cells} == {-1, 1}
    for cell in cells:
        part.get_by_label("A cell that follows").select_option(label=f"{cell['follows']}: unit {cell['unit']}")
        told = part.locator("[data-range]")
        expect(told).to_contain_text(f"unit {cell['unit']} ")
        least, most = numbers(told.inner_text())[-2:]
        begun = float(held.input_value())
        assert least <= begun <= most
        assert min(begun - least, most - begun) <= 0.11, "where what it follows holds"
        assert (begun < 0) == (cell["sign"] < 0)
    held.fill("0.3")
    part.get_by_label("A text of your own").fill(TEXT)
    expect(part.locator("[data-coloured] i")).to_have_count(len(TEXT))
    expect(held).to_have_value("0.3")


def test_a_slow_reply_does_not_replace_that_of_a_newer_question(page: Page) -> None:
    part = learn(page, "cells")
    expect(part.locator("[data-coloured] i").first).to_be_visible()
    slow: list[Route] = []
    page.route("**/trace", lambda route: route.continue_() if slow else slow.append(route))
    part.get_by_role("button", name="Quotes").click()
    part.get_by_label("A text of your own").fill(TEXT)
    expect(part.locator("[data-coloured] i")).to_have_count(len(TEXT))
    with page.expect_response("**/trace"):
        slow[0].continue_()
    page.wait_for_timeout(200)  # it would be shown within that
    expect(part.locator("[data-coloured]")).to_have_text(TEXT)


def answer(route: Route, status: int) -> None:
    """Refuse it as a service does that is busy."""
    error = {"code": "overloaded", "message": "the service is busy", "param": None}
    route.fulfill(status=status, headers={"Retry-After": "7"}, json={"error": error})


def test_that_the_service_is_busy_is_said_where_it_was_asked(watched: Watched) -> None:
    watched.expect("503", "429")
    page = watched.page
    part = learn(page, "cells")
    text = part.locator("[data-coloured]").inner_text()
    for asked, status, button, place in (
        ("**/trace", 429, "Quotes", "[data-cells-error]"),
        ("**/generate", 503, "Write", "[data-held-error]"),
    ):
        page.route(asked, partial(answer, status=status))
        part.get_by_role("button", name=button).click()
        expect(part.locator(place)).to_have_text("the service is busy Try again in 7 s.")
        page.unroute(asked)
        part.get_by_role("button", name=button).click()
        expect(part.locator(place)).to_be_hidden()
    expect(part.locator("[data-coloured]")).not_to_have_text(text)
    expect(part.locator("[data-held-told]")).to_contain_text("Free")


def test_without_a_version_that_was_searched_nothing_is_offered(page: Page) -> None:
    page.route(
        "**/models?details=true*", lambda route: route.fulfill(json={"models": [], "has_more": False, "last_id": None})
    )
    part = learn(page, "cells")
    expect(part.get_by_text("No version here has been searched for cells yet.")).to_be_visible()
    expect(part.get_by_role("button", name="Write")).to_be_hidden()


def test_what_was_looked_for_is_what_the_service_says_and_a_unit_that_is_not_there_is_refused(watched: Watched) -> None:
    watched.expect("422")
    page = watched.page
    part = learn(page, "cells")
    part.get_by_label("A cell that follows").select_option("own")
    part.get_by_label("Unit", exact=True).fill("9999")
    expect(part.locator("[data-cells-error]")).to_have_text("Unit must be from 0 to 255, not 9999")
    part.get_by_label("Unit", exact=True).fill("92")
    expect(part.locator("[data-cells-error]")).to_be_hidden()
    part.get_by_text("What was looked for, and what was found").click()
    found = page.request.get("/models/shakespeare/versions/1/cells").json()
    rows = part.locator("[data-verdicts] tbody tr")
    names = {"found": "cells", "not found": "not_found", "undecided": "undecided"}
    by_name = {each["follows"]: (verdict, each) for verdict, name in names.items() for each in found[name]}
    expect(rows).to_have_count(len(by_name))
    assert rows.first.get_by_role("rowheader").inner_text() == "inside double quotes"
    for row in rows.all():
        verdict, each = by_name[row.get_by_role("rowheader").inner_text()]
        reason = each.get("reason") or f"unit {each['unit']}"
        expect(row.get_by_role("cell").first).to_have_text(f"{verdict}: {reason}")


@pytest.mark.parametrize("kind", ["hidden", "cell"])
def test_a_cell_that_is_held_changes_the_text_and_nothing_else_does(page: Page, kind: str) -> None:
    part = learn(page, "cells")
    unit = 92
    if kind == "hidden":
        part.get_by_label("A cell that follows").select_option("own")
        part.get_by_label("Unit", exact=True).fill(str(unit))
    else:
        unit = page.request.get("/models/shakespeare/versions/1/cells").json()["cells"][0]["unit"]
    expect(part.locator("[data-range]")).to_contain_text(f"{kind} state of unit {unit} ")
    part.get_by_role("slider", name="Hold the chosen cell at").fill("1")
    part.get_by_role("button", name="Write").click()
    expect(part.locator("[data-held-told]")).to_contain_text("Held at 1.0:")
    body = {"prompt": "\n", "length": 220, "temperature": 0.8, "seed": 7}
    free = page.request.post("/generate", data=body).json()["text"]
    held = page.request.post(
        "/generate", data=body | {"set": [{"layer": 0, "unit": unit, "part": kind, "value": 1}]}
    ).json()["text"]
    assert free != held
    assert part.locator("[data-free]").evaluate("e => e.textContent") == free
    assert part.locator("[data-steered]").evaluate("e => e.textContent") == held
    assert re.match(r"Free: \d+ lines of \d+ characters", part.locator("[data-held-told]").inner_text())
