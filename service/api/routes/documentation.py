"""`GET /openapi.json`: the document of all routes, for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response

from service.api.openapi.operations import describe


def blueprint(made: Callable[[], dict[str, Any]]) -> Blueprint:
    """The route of the document that is `made`."""
    routes = Blueprint("documentation", __name__)

    @routes.get("/openapi.json")
    @describe("This document", access="open", content_type="application/json")
    def openapi() -> Response:
        return Response(json.dumps(made()), mimetype="application/json")

    return routes
