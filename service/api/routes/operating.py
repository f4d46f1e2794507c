"""`GET /healthz` (and `/health`), `GET /readyz` and `GET /metrics`."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from service.api.http.errors import ApiError
from service.api.openapi.described import describe
from service.api.schemas.replies import HealthReply, ReadyReply

Degraded = Callable[[], list[str]]


def blueprint(check_ready: Callable[[], None], degraded: Degraded, metrics: Callable[[], bytes]) -> Blueprint:
    """`check_ready` raises when nothing can be generated now; `degraded` lists what else is amiss, `metrics` makes
    the page for Prometheus."""
    routes = Blueprint("operating", __name__)

    @routes.get("/health", endpoint="health")
    @routes.get("/healthz")
    @describe("Whether the process is alive", access="open", reply=HealthReply)
    def healthz() -> Response:
        return jsonify(status="ok")

    @routes.get("/readyz")
    @describe(
        "Whether the service can generate text, and what is degraded", access="open", reply=ReadyReply, errors=(503,)
    )
    def readyz() -> Response:
        try:
            check_ready()
        except Exception as error:
            message = f"cannot generate: {error}"
            raise ApiError(503, "not_ready", message, retry_after=2, more={"degraded": degraded()}) from error
        return jsonify(status="ready", degraded=degraded())

    @routes.get("/metrics")
    @describe("Metrics for Prometheus", access="open", reply="text/plain")
    def prometheus_metrics() -> Response:
        return Response(metrics(), content_type=CONTENT_TYPE_PLAIN_0_0_4)

    return routes
