"""Gives every request an id, logs it, and counts it in the metrics."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from flask import Flask, Response, g, request

from service.api.http.metrics import Metrics
from service.logs import RequestLog, request_id

REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
UNMATCHED: Final = "(none)"
"""The route of a request without one: if each unknown path were a name, clients could create any number of them."""
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


class Request(NamedTuple):
    """What the log and the metrics record of a request."""

    method: str
    path: str
    route: str
    status: int
    began: float
    id: str


Done = Callable[[Request], None]


def register(app: Flask, log: RequestLog, metrics: Metrics) -> None:
    """Log and count every request of the application. A stream counts when it has ended, with its whole duration."""

    def done(seen: Request) -> None:
        seconds = time.perf_counter() - seen.began
        metrics.request(seen.method if seen.method in METHODS else "(other)", seen.route, seen.status, seconds)
        log.request(seen.method, seen.path, seen.status, seconds, seen.id)

    app.before_request(_begin)
    app.after_request(partial(_end, done))


def _begin() -> None:
    kept = g._get_current_object()  # resolving Flask's proxy each time would take longer
    kept.began = time.perf_counter()
    given = request.environ.get("HTTP_X_REQUEST_ID", "")
    kept.request_id = given if given and REQUEST_ID.fullmatch(given) else os.urandom(16).hex()
    request_id.set(kept.request_id)


def _end(done: Done, response: Response) -> Response:
    asked, kept = request._get_current_object(), g._get_current_object()  # type: ignore[attr-defined]
    response.headers["X-Request-Id"] = kept.request_id
    route = asked.url_rule.rule if asked.url_rule is not None else UNMATCHED
    seen = Request(asked.method, asked.path, route, response.status_code, kept.began, kept.request_id)
    if response.is_streamed:
        response.call_on_close(partial(done, seen))
    else:
        done(seen)
    return response
