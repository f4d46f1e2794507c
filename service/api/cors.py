"""Which web pages may call the service from a browser: cross-origin resource sharing as the Fetch standard has it."""

from __future__ import annotations

from flask import Flask, Response, request

ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Cache-Control, Last-Event-ID, X-Request-Id",
    "Access-Control-Max-Age": "3600",
}
SHOWN = "X-Cache, X-Request-Id, Retry-After"


def register(app: Flask, origins: tuple[str, ...]) -> None:
    """Let pages of these origins call every route; `*` stands for any. Keys are sent by the page, never by cookies."""

    def is_allowed() -> bool:
        return "*" in origins or request.headers.get("Origin") in origins

    def answer_preflight() -> Response | None:
        asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        return Response(status=204, headers=ALLOWED) if asks and is_allowed() else None

    def allow(response: Response) -> Response:
        response.vary.add("Origin")
        if "Origin" in request.headers and is_allowed():
            response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response.headers["Access-Control-Expose-Headers"] = SHOWN
        return response

    app.before_request(answer_preflight)
    app.after_request(allow)
