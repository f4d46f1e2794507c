"""A part of the page Learn, once it has begun, and its script's module."""

from __future__ import annotations

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


def in_module(page: Page, name: str, expression: str) -> Any:
    """The value of an expression over a module `m` of the page."""
    return page.evaluate(f"async () => {{ const m = await import({FOLDER} + '{name}.js'); return {expression}; }}")
