"""`GET /healthz` and `GET /readyz`."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify

from service.api.errors import ApiError

Degraded = Callable[[], list[str]]


def blueprint(check_ready: Callable[[], None], degraded: Degraded) -> Blueprint:
    """`check_ready` raises when nothing can be generated now; `degraded` lists what else is amiss."""
    routes = Blueprint("operating", __name__)

    @routes.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @routes.get("/readyz")
    def readyz() -> Response:
        try:
            check_ready()
        except Exception as error:
            raise ApiError(503, "not_ready", f"cannot generate: {error}", retry_after=2) from error
        return jsonify(status="ready", degraded=degraded())

    return routes
