"""A browser, a service with a worker, and pages whose every complaint is kept; without a browser these tests are left
out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect, sync_playwright

from tests.browser.program import PROGRAM
from tests.browser.watched import Watched
from tests.system.running import Service
from tests.waiting import until

QUIET: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--renderer-process-limit=1",
)
PATIENCE_MS: Final = 60_000
"""What takes a moment on a machine with nothing else to do takes many where all tests run beside each other."""

WINDOW: Final[ViewportSize] = {"width": 1200, "height": 900}
ADMIN_KEY: Final = "admin-key"
LONGEST: Final = 20_000_000
"""Characters of a text whose writing takes long enough to be broken off."""

collect_ignore_glob: list[str] = [] if PROGRAM else ["test_*.py"]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=QUIET)
        yield browser
        browser.close()


class _Blank(BaseHTTPRequestHandler):
    """Pages with nothing on them."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def blank_pages() -> Iterator[str]:
    """Another origin with pages."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Blank) as server:
        Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.fixture(scope="package")
def other_origin() -> Iterator[str]:
    """One whose pages may call the service."""
    with blank_pages() as origin:
        yield origin


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory, other_origin: str) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("pages")
    settings = {"ADMIN_API_KEYS": ADMIN_KEY, "LOG_LEVEL": "warning"}
    settings |= {"MAX_LENGTH": str(LONGEST), "MAX_REPLY_VALUES": str(LONGEST)}
    settings |= {"CORS_ORIGINS": other_origin}
    service = Service(folder / "data", folder / "log", **settings)
    try:
        until(lambda: service.answers("/readyz") and service.request("/readyz")["degraded"] == [])
        yield service
    finally:
        service.end()


@pytest.fixture
def new_page(browser: Browser, service: Service) -> Iterator[Callable[..., Watched]]:
    """Opens pages, each in a browser of its own that knows nothing of the others; what they complained of and no test
    foresaw fails the test."""
    opened: list[tuple[BrowserContext, Watched]] = []

    def new(**options: object) -> Watched:
        context = browser.new_context(base_url=f"http://127.0.0.1:{service.port}", **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        opened.append((context, Watched(context.new_page())))
        return opened[-1][1]

    yield new
    for context, watched in opened:
        context.close()
        assert watched.unforeseen() == []


@pytest.fixture
def watched(new_page: Callable[..., Watched]) -> Watched:
    return new_page(viewport=WINDOW)


@pytest.fixture
def page(watched: Watched) -> Page:
    return watched.page


@pytest.fixture
def play(page: Page) -> Page:
    page.goto("/")
    expect(page.get_by_label("Version", exact=True)).to_contain_text("current")
    return page


@pytest.fixture
def admin(page: Page) -> Page:
    """A page whose reader has entered the admin's key."""
    page.goto("/ui/models")
    enter_key(page, ADMIN_KEY)
    return page


def enter_key(page: Page, key: str) -> None:
    """Enter an admin's key, and wait until the service has taken it."""
    page.locator("#key summary").click()
    page.get_by_label("Key", exact=True).fill(key)
    page.keyboard.press("Enter")
    expect(page.locator("#key-state")).to_contain_text("Admin")


def generate(page: Page, **fields: str) -> str:
    """Fill in the fields, generate, and give the text once it is whole."""
    for label, value in fields.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(value)
    page.get_by_role("button", name="Generate").click()
    expect(page.locator("#status")).to_contain_text("seed")
    return page.locator("#text").inner_text()


def card_of(page: Page, model: str) -> Locator:
    """The model's card, open."""
    card = page.get_by_role("region", name=model, exact=True)
    if card.locator("> details").get_attribute("open") is None:
        card.locator("summary").first.click()
    return card


@pytest.fixture(scope="session")
def shoot() -> Callable[..., None]:
    """Takes a picture for the documentation, if SCREENSHOTS names the folder that it goes to."""

    def shoot(seen: Page | Locator, name: str) -> None:
        if (folder := os.environ.get("SCREENSHOTS")) is None:
            return
        if isinstance(seen, Locator):  # all of it, without what stays at the top of a window
            seen.page.set_viewport_size({"width": WINDOW["width"], "height": 2400})
        seen.screenshot(path=Path(folder, f"{name}.png"), animations="disabled", scale="css")
        if isinstance(seen, Locator):
            seen.page.set_viewport_size(WINDOW)

    return shoot
