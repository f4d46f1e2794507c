"""Errors in the API's JSON format for input that no thread answers: what is no valid HTTP request, or has no place."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final

from service.browser_headers import headers_for
from service.processes.web_server.client_socket import ClientSocket

JSON: Final = "application/json"
CODES: Final = {
    400: ("bad_request", "this is no HTTP request"),
    403: ("forbidden", "this request is not let through"),
    408: ("request_timeout", "the headers did not end in time (CLIENT_TIMEOUT)"),
    414: ("uri_too_long", "the request line is too long"),
    417: ("expectation_failed", "what Expect asks for is not done here"),
    429: ("busy", "so many uploads are running that this one must wait"),
    431: ("headers_too_large", "the headers are too many or too long"),
    500: ("internal_error", "internal error"),
    501: ("not_implemented", "this transfer coding is not supported"),
}

RETRY_SECONDS: Final = 10
"""When a client that found no place for its upload may try again."""


class ErrorsInJson:
    """Stands in for a connection to which gunicorn writes an error page: sends the error as JSON instead."""

    def __init__(self, client: ClientSocket) -> None:
        self._client = client

    def sendall(self, page: bytes) -> None:
        """Send the error with the status of the page's status line."""
        self._client.sendall(error_response(int(page.split(b" ", 2)[1])))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def error_response(status: int) -> bytes:
    """A complete HTTP response."""
    code, message = CODES.get(status, CODES[400])
    kind = "server_error" if status >= 500 else "invalid_request_error"
    body = json.dumps({"error": {"type": kind, "code": code, "message": message, "param": None}}).encode()
    about = {"Connection": "close", "Content-Type": JSON, "Content-Length": str(len(body)), **headers_for(JSON)}
    if status == 429:
        about["Retry-After"] = str(RETRY_SECONDS)
    head = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in about.items())]
    return "\r\n".join([*head, "", ""]).encode() + body
