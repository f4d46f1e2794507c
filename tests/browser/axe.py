"""What axe finds on a page: names, roles, order, contrast and more, of WCAG 2.2 and beyond."""

from __future__ import annotations

from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

CONTRAST: Final = "color-contrast"
ALIKE: Final = "data-alike"
MARK_ALIKE: Final = """mark => {
    const kind = (element) => `${element.tagName}.${element.className}`;
    const seen = new Set();
    for (const article of document.querySelectorAll("article")) {
        const kinds = [...article.querySelectorAll("*")].map((e) => `${kind(e.parentElement)} ${kind(e)}`);
        article.toggleAttribute(mark, kinds.every((each) => seen.has(each)));
        kinds.forEach((each) => seen.add(each));
    }
}"""
"""Mark every article in which no element is of another kind than in those before it."""


def violations(page: Page) -> dict[str, list[str]]:
    """By rule, the elements that violate it. Contrast takes most of the time, and is measured in each scheme, but not
    in articles that look like others; what no scheme changes is looked at once, everywhere."""
    page.evaluate(MARK_ALIKE, ALIKE)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found = _run(page, rules={CONTRAST: {"enabled": False}})
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # on its way a colour has another contrast
        contrast = _run(page, {"exclude": f"[{ALIKE}]"}, runOnly=[CONTRAST])
        found |= {f"{rule}, {scheme}": elements for rule, elements in contrast.items()}
    return found


def _run(page: Page, context: Any = None, **options: Any) -> dict[str, list[str]]:
    """Without a list of all that is as it should be, which is long."""
    result = Axe().run(page, context, {"resultTypes": ["violations"], **options})
    return {each["id"]: [node["html"] for node in each["nodes"]] for each in result.response["violations"]}
