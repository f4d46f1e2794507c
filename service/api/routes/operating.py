"""`GET /healthz` (and `/health`), `GET /readyz` and `GET /metrics`."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from durable.reading import message_of
from service.api.http.errors import ApiError
from service.api.openapi.operations import describe
from service.api.schemas.replies.operating import HealthReply, ReadyReply

Degraded = Callable[[], list[str]]


def blueprint(check_ready: Callable[[], None], degraded: Degraded, metrics: Callable[[], bytes]) -> Blueprint:
    """`check_ready` raises if nothing can be generated now; `degraded` lists what else is wrong; `metrics` returns the
    page for Prometheus."""
    routes = Blueprint("operating", __name__)

    @routes.get("/health", endpoint="health")
    @routes.get("/healthz")
    @describe("Whether the process is alive", access="open")
    def healthz() -> HealthReply:
        return {"status": "ok"}

    @routes.get("/readyz")
    @describe("Whether the service can generate text, and what is degraded", access="open", errors=(503,))
    def readyz() -> ReadyReply:
        try:
            check_ready()
        except Exception as error:
            message = f"cannot generate: {message_of(error)}"
            raise ApiError(503, "not_ready", message, retry_after=2, more={"degraded": degraded()}) from error
        return {"status": "ready", "degraded": degraded()}

    @routes.get("/metrics")
    @describe("Metrics for Prometheus", access="open", content_type="text/plain")
    def prometheus_metrics() -> Response:
        return Response(metrics(), content_type=CONTENT_TYPE_PLAIN_0_0_4)

    return routes
