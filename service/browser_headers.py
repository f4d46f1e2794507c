"""The headers that tell browsers what they may do with a reply: every reply has them, whichever part of the service
makes it; knows no HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

_PAGE: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
_PICTURE: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""A picture's styles stand in it; text in it could not become a script even if it were not escaped."""
_OTHER: Final = "default-src 'none'; frame-ancestors 'none'"

POLICIES: Final = {"text/html": _PAGE, "image/svg+xml": _PICTURE}
"""The content security policies of what a browser shows as a document of its own."""


@cache
def headers_for(mimetype: str) -> Mapping[str, str]:
    """The headers of a reply with this content: it is what it says it is, loads only what is its own, and is in no
    other site's frame."""
    return {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": POLICIES.get(mimetype, _OTHER),
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
