"""Pages of other origins that call the service as OpenAI's client for JavaScript does, headers of its own included."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from playwright.sync_api import Error

from tests.browser.conftest import blank_pages
from tests.browser.watched import Watched
from tests.replies import sent_events
from tests.system.running import Service

pytestmark = pytest.mark.system

ASK: Final[dict[str, Any]] = {"model": "shakespeare", "prompt": "ROMEO:", "max_tokens": 30, "seed": 7}
CALL: Final = """async ([url, body]) => {
    const own = {lang: "js", "package-version": "6.49.0", os: "Unknown", arch: "unknown", "retry-count": "0",
                 runtime: "browser:chrome", "runtime-version": "140.0.0", timeout: "600"};
    const headers = {Accept: "application/json", "Content-Type": "application/json", Authorization: "Bearer none"};
    for (const name in own)
        headers[`x-stainless-${name}`] = own[name];
    const reply = await fetch(url, {method: "POST", headers, body: JSON.stringify(body)});
    return [reply.status, reply.headers.get("x-request-id"), await reply.text()];
}"""


def call(watched: Watched, service: Service, origin: str, **fields: Any) -> tuple[int, str, str]:
    watched.page.goto(origin)
    asked = [f"http://127.0.0.1:{service.port}/v1/completions", {**ASK, **fields}]
    status, request_id, text = watched.page.evaluate(CALL, asked)
    return status, request_id, text


def test_a_text_and_a_stream_and_an_error(watched: Watched, service: Service, other_origin: str) -> None:
    watched.expect("status of 422")
    status, request_id, text = call(watched, service, other_origin)
    whole = json.loads(text)["choices"][0]["text"]
    assert (status, len(request_id), len(whole)) == (200, 32, 30)
    status, _, text = call(watched, service, other_origin, stream=True)
    *events, done = sent_events(text)
    assert (status, done.data) == (200, "[DONE]")
    assert "".join(json.loads(event.data)["choices"][0]["text"] for event in events) == whole
    status, _, text = call(watched, service, other_origin, prompt="\u00e9")
    assert (status, json.loads(text)["error"]["code"]) == (422, "unknown_character")


def test_not_from_an_origin_that_may_not(new_page: Callable[..., Watched], service: Service) -> None:
    watched = new_page()
    watched.expect("blocked by CORS policy", "Failed to load resource")
    with blank_pages() as origin, pytest.raises(Error, match="Failed to fetch"):
        call(watched, service, origin)
