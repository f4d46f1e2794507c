"""A page, and whatever it complained of: errors, refusals by its policy, requests to somewhere else."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page, Request


class Watched:
    """`expect` names complaints that a test is about, as patterns; `unforeseen` are the others."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[Request] = []
        self._complaints: list[str] = []
        self._expected: list[str] = []
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self._complaints.append(f"uncaught: {error}"))
        page.on("request", self._look)

    def expect(self, *patterns: str) -> None:
        self._expected += patterns

    def unforeseen(self) -> list[str]:
        return [each for each in self._complaints if not any(re.search(p, each) for p in self._expected)]

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _look(self, request: Request) -> None:
        self.asked.append(request)
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob"} and address.hostname != "127.0.0.1":
            self._complaints.append(f"asked {address.hostname}")
