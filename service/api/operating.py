"""`GET /healthz` and `GET /readyz`."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify

from service.api.described import describe
from service.api.errors import ApiError
from service.api.replies import HealthReply, ReadyReply

Degraded = Callable[[], list[str]]


def blueprint(check_ready: Callable[[], None], degraded: Degraded) -> Blueprint:
    """`check_ready` raises when nothing can be generated now; `degraded` lists what else is amiss."""
    routes = Blueprint("operating", __name__)

    @routes.get("/healthz")
    @describe("Whether the process is alive", access="open", reply=HealthReply)
    def healthz() -> Response:
        return jsonify(status="ok")

    @routes.get("/readyz")
    @describe("Whether text can be generated now, and what is degraded", access="open", reply=ReadyReply, errors=(503,))
    def readyz() -> Response:
        try:
            check_ready()
        except Exception as error:
            raise ApiError(503, "not_ready", f"cannot generate: {error}", retry_after=2) from error
        return jsonify(status="ready", degraded=degraded())

    return routes
