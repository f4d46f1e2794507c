"""What holds for every page: nothing from elsewhere, little to load, for keyboards, phones and the dark as well."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from service.api.pages.learn import PARTS
from service.api.pages.routes import PAGES
from tests.browser.axe import violations
from tests.browser.conftest import ADMIN_KEY, card_of, enter_key
from tests.browser.watched import Watched

pytestmark = pytest.mark.system

PATHS = [page.path for page in PAGES]
WHOLE = [*PATHS, f"/ui/learn#{PARTS[-1].name}"]
"""With what is loaded later: all parts are, on the way to the last."""
MOST_BYTES = 100_000


@pytest.mark.parametrize("path", PATHS)
def test_the_first_view_is_small_and_all_of_it_from_here(watched: Watched, path: str) -> None:
    watched.page.goto(path, wait_until="networkidle")
    sizes = [request.sizes() for request in watched.asked]
    received = sum(each["responseBodySize"] + each["responseHeadersSize"] for each in sizes)
    assert 1000 < received < MOST_BYTES


def test_one_request_lists_the_models_whatever_their_number(watched: Watched) -> None:
    for path in ("/", "/ui/models", "/ui/gradients"):
        watched.asked.clear()
        watched.page.goto(path, wait_until="networkidle")
        paths = [urlsplit(request.url).path for request in watched.asked]
        assert [each for each in paths if each.startswith("/models")] == ["/models"], path


def test_a_request_is_tried_where_it_is_documented(page: Page, shoot: Callable[..., None]) -> None:
    page.goto("/docs")
    page.get_by_role("navigation", name="Contents").get_by_role("link", name="POST /generate").click()
    route = page.get_by_role("article", name="POST /generate")
    expect(route).to_be_in_viewport()
    route.get_by_text("Try it").click()
    route.get_by_label("Body").fill('{"prompt": "ROMEO:", "length": 9, "seed": 7}')
    route.get_by_role("button", name="Send").click()
    expect(route.locator(".answer")).to_contain_text('"seed": 7')
    expect(route.locator(".try .status")).to_contain_text("200 OK")
    route.get_by_text("Try it").scroll_into_view_if_needed()
    shoot(page, "docs")
    route = page.get_by_role("article", name="GET /models/{name}", exact=True)
    route.get_by_text("Try it").click()
    route.get_by_label("name").fill("shakespeare")
    route.get_by_role("button", name="Send").click()
    expect(route.locator(".answer")).to_contain_text('"current": 1')


def test_a_second_view_fetches_no_file_again(watched: Watched) -> None:
    for path in ("/", "/ui/models", "/"):
        watched.page.goto(path)
    fetched = watched.page.evaluate("performance.getEntriesByType('resource').map((e) => [e.name, e.transferSize])")
    files = [size for name, size in fetched if "/ui/files/" in name]
    assert len(files) > 5
    assert set(files) == {0}


def test_with_the_keyboard_alone(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_label("Version", exact=True)).to_contain_text("current")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Model", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Prompt")).to_be_focused()
    assert page.get_by_label("Prompt").evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    page.keyboard.press("Control+A")
    page.keyboard.type("JULIET:")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#status")).to_contain_text("seed")
    for _ in range(9):
        page.keyboard.press("Tab")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#inspector")).to_contain_text("Expected at U")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#inspector")).to_contain_text("Likely after J")
    page.keyboard.press("End")
    place = int(page.locator("#text .chosen").get_attribute("data-index") or "")
    page.keyboard.press("ArrowUp")
    above = int(page.locator("#text .chosen").get_attribute("data-index") or "")
    assert 0 <= above < place


def test_on_a_phone_nothing_is_wider_than_it(new_page: Callable[..., Watched]) -> None:
    page = new_page(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True).page
    for path in WHOLE:
        page.goto(path, wait_until="networkidle")
        assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [360, 360], path
        for button in page.get_by_role("button").all():
            if button.is_visible() and (box := button.bounding_box()):
                assert 0 <= box["x"] <= 360 - box["width"], (path, button.inner_text())


def test_a_text_on_a_phone(new_page: Callable[..., Watched], shoot: Callable[..., None]) -> None:
    page = new_page(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True, device_scale_factor=2).page
    page.goto("/")
    page.get_by_label("Seed").fill("7")
    page.get_by_role("button", name="Generate").tap()
    expect(page.locator("#status")).to_contain_text("seed 7")
    page.get_by_label("Colour by").select_option("surprise")
    page.locator("#text i").nth(30).tap()
    expect(page.locator("#inspector")).to_contain_text("Expected at")
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [360, 360]
    shoot(page, "phone")


@pytest.mark.parametrize("path", PATHS)
def test_everyone_can_read_and_use_it(page: Page, path: str, shoot: Callable[..., None]) -> None:
    """With the admin's key, as most is on the page then."""
    page.goto(path)
    enter_key(page, ADMIN_KEY)
    OPENED[path](page)
    assert violations(page) == {}
    if path == "/":
        shoot(page, "play-dark")


def _play(page: Page) -> None:
    page.get_by_label("Colour by").select_option("unit")
    page.get_by_label("Seed").fill("7")
    page.get_by_role("button", name="Generate").click()
    page.locator("#text i").nth(99).hover()
    expect(page.locator("#inspector")).to_contain_text("the cell at")
    page.locator("#text").press("Enter")
    page.get_by_role("button", name="Fork").click()
    expect(page.get_by_role("link", name="Alone")).to_have_count(3)
    page.locator("#text").press("Enter")  # what is asked there, beside what came of it


def _models(page: Page) -> None:
    card_of(page, "shakespeare").get_by_role("button", name="About version 1").click()
    expect(page.locator(".about")).to_contain_text("What its cells follow")
    page.get_by_text("What this text does not tell").click()
    expect(page.get_by_text("inside double quotes", exact=False)).to_be_visible()


def _train(page: Page) -> None:
    page.locator("details.more summary").click()
    expect(page.get_by_label("Hidden size")).to_be_visible()


def _learn(page: Page) -> None:
    page.get_by_role("navigation", name="Parts").get_by_role("link").last.click()
    expect(page.locator(".part[aria-busy=false]")).to_have_count(len(PARTS))


OPENED: dict[str, Callable[[Page], None]] = {
    "/": _play,
    "/ui/models": _models,
    "/ui/train": _train,
    "/ui/learn": _learn,
}
OPENED |= dict.fromkeys(set(PATHS) - set(OPENED), lambda _: None)


def test_reduced_motion_is_respected(page: Page) -> None:
    page.goto("/")
    # In one step, since the page itself may end a stream in between.
    streaming = "e => (e.classList.add('streaming'), getComputedStyle(e, '::after').animationName)"

    def motion() -> list[str]:
        button: str = page.locator("#generate").evaluate("e => getComputedStyle(e).transitionProperty")
        cursor: str = page.locator("#text").evaluate(streaming)
        return [button, cursor]

    assert motion() == ["background-color, color", "blink"]
    page.emulate_media(reduced_motion="reduce")
    assert motion() == ["none", "none"]
