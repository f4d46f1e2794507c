"""Cross-origin resource sharing (Fetch standard): which web pages may call the service from a browser."""

from __future__ import annotations

import re
from typing import Final

from flask import Flask, Response, request

METHODS: Final = "GET, HEAD, POST, PUT, DELETE"
HEADERS: Final = "Authorization, Content-Type, Cache-Control, Last-Event-ID, X-Request-Id"
"""The headers allowed if a preflight request does not list any."""
SHOWN: Final = "X-Cache, X-Model, X-Request-Id, X-Seed, X-Should-Retry, Retry-After, Content-Disposition"
SECONDS: Final = "3600"
PREFLIGHT: Final = ("Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers")
"""The request headers on which the answer to a preflight depends."""

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_TOKENS: Final = re.compile(rf"{_TOKEN}(\s*,\s*{_TOKEN})*")


def register(app: Flask, origins: tuple[str, ...]) -> None:
    """Let pages of these origins call every route; `*` stands for any. Keys are sent by pages, never in cookies.

    A page of an allowed origin may send any headers: clients add their own, and the origin is trusted.
    """

    def is_allowed() -> bool:
        return "*" in origins or request.headers.get("Origin") in origins

    def answer_preflight() -> Response | None:
        if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
            return None
        return Response(status=204, headers=_permission() if is_allowed() else {})

    def allow(response: Response) -> Response:
        response.vary.update(PREFLIGHT if request.method == "OPTIONS" else PREFLIGHT[:1])
        if "Origin" in request.headers and is_allowed():
            response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response.headers["Access-Control-Expose-Headers"] = SHOWN
        return response

    app.before_request(answer_preflight)
    app.after_request(allow)


def _permission() -> dict[str, str]:
    asked = request.headers.get("Access-Control-Request-Headers", "")
    return {
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": asked if _TOKENS.fullmatch(asked) else HEADERS,
        "Access-Control-Max-Age": SECONDS,
    }
