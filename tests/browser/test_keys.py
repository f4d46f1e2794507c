"""Keys: asked for once, kept for the tab alone, refused in the service's words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from service.data_dir import DataDir
from service.keys.key_file import KeyFile
from tests.browser.conftest import ADMIN_KEY
from tests.browser.watched import Watched
from tests.system.running import Service
from tests.waiting import until

pytestmark = pytest.mark.system


def test_a_wrong_key_is_refused_and_a_right_one_is_kept_for_the_tab(
    watched: Watched, page: Page, new_page: Callable[..., Watched]
) -> None:
    watched.expect("status of 401")
    page.goto("/ui/train")
    page.get_by_role("button", name="Enter the key").click()
    page.get_by_label("Key", exact=True).fill("wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#key-error")).to_have_text("The service does not accept this key.")
    expect(page.locator("#key-state")).to_have_text("Key refused")
    expect(page.get_by_label("Key", exact=True)).to_be_focused()
    page.get_by_label("Key", exact=True).fill(ADMIN_KEY)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    expect(page.locator("#key-state")).to_contain_text("Admin")
    page.reload()
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    other = new_page().page
    other.goto("/ui/train")
    expect(other.get_by_role("button", name="Enter the key")).to_be_visible()
    page.locator("#key summary").click()
    page.get_by_role("button", name="Forget this key").click()
    expect(page.get_by_role("button", name="Enter the key")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_where_apps_need_a_key_the_page_does_too(watched: Watched, service: Service) -> None:
    watched.expect("status of 40[13]")
    keys = KeyFile(DataDir(service.data_dir))
    try:
        key = keys.add("app", "a page")
        until(lambda: not service.answers("/models"))
        page = watched.page
        page.goto("/")
        expect(page.locator("#key-error")).to_have_text("This needs a key.")
        page.get_by_label("Key", exact=True).fill(key)
        page.keyboard.press("Enter")
        expect(page.locator("#key-state")).to_contain_text("App")
        expect(page.get_by_label("Version", exact=True)).to_contain_text("current")
        expect(page.locator("#request")).to_contain_text('-H "Authorization: Bearer $KEY"')
        page.get_by_role("button", name="Generate").click()
        expect(page.locator("#status")).to_contain_text("seed")
        page.goto("/ui/train")
        expect(page.locator("#key-error")).to_contain_text("this route needs an admin key")
    finally:
        keys.revoke(keys.all()[0].id)
        keys.open()
        until(lambda: service.answers("/models"))
