"""`GET /key`: what the key of a request permits, so that a page or a program can check it before it is needed."""

from __future__ import annotations

from flask import Blueprint

from service.api.http.auth import KeyRing, require_valid
from service.api.openapi.operations import describe
from service.api.schemas.replies.operating import KeyReply


def blueprint(ring: KeyRing) -> Blueprint:
    """The route about keys; it reveals no more than what other routes refuse or permit."""
    routes = Blueprint("key", __name__)

    @routes.get("/key")
    @describe(
        "What this request's key permits",
        access="open",
        description="Without a key: whether generating needs one. An invalid key is refused.",
        errors=(401, 429, 503),
    )
    def show_key() -> KeyReply:
        require_valid(ring)
        return {"role": ring.role(), "needed": not ring.is_open()}

    return routes
