"""Sets the headers that every reply of the application has."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response

from service.browser_headers import headers_for


def register(app: Flask) -> None:
    """Set them in every reply, errors and redirections included."""
    app.after_request(_complete)


def _complete(response: Response) -> Response:
    response.headers.update(headers_for(response.mimetype or ""))
    if response.location:
        # Redirections would name the host that the request names, which is the client's or a proxy's to choose.
        moved = urlsplit(response.location)
        response.location = f"/{moved.path.lstrip('/')}" + (f"?{moved.query}" if moved.query else "")
    return response
