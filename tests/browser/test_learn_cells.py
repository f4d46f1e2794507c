"""Learn, what cells do: a text in the colours of a trace, the search as it was stored, a cell held at a value."""

from __future__ import annotations

import math
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.learning import learn
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


def test_what_was_looked_for_is_what_the_service_says_and_a_unit_that_is_not_there_is_refused(watched: Watched) -> None:
    watched.expect("422")
    page = watched.page
    part = learn(page, "cells")
    part.get_by_label("A cell that follows").select_option("own")
    part.get_by_label("Unit", exact=True).fill("9999")
    expect(part.locator("[data-cells-error]")).to_contain_text("9999")
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
