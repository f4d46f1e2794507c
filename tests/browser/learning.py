"""A part of the page Learn, once it has begun, what it shows, and its script's module."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

FOLDER = "document.querySelector('script[src$=\"/learn.js\"]').src.replace('learn.js', 'learn/')"


def learn(page: Page, name: str) -> Locator:
    """The part, loaded and without an error."""
    page.goto(f"/ui/learn#{name}", wait_until="commit", timeout=120_000)
    part = page.locator(f"#{name}")
    expect(part).to_have_attribute("aria-busy", "false", timeout=120_000)
    expect(part.locator(":scope > .error")).to_be_hidden()
    return part


def in_module(page: Page, name: str, expression: str, argument: object = None) -> Any:
    """The value of an expression over a module `m` of the page, and an `argument`."""
    script = f"async (argument) => {{ const m = await import({FOLDER} + '{name}.js'); return {expression}; }}"
    return page.evaluate(script, argument)


def numbers(text: str) -> list[float]:
    """All numbers in a text that is shown."""
    return [float(each) for each in re.findall(r"-?\d*\.?\d+", text.replace("\N{MINUS SIGN}", "-"))]


def row(place: Locator, title: str) -> list[str]:
    """The cells of a table's row."""
    found = place.locator("tr").filter(has=place.page.locator("th", has_text=re.compile(rf"^{re.escape(title)}$")))
    return found.locator("td").all_inner_texts()
