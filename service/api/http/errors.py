"""The error of the HTTP API, always in the same format; knows no other exceptions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from flask import Response

from service.api.schemas.replies.common import ErrorBody, ErrorReply

TYPES: Final = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
SHOWN: Final = 200
"""The maximum length of a refused value that a message repeats, in characters."""


class ApiError(Exception):
    """An error of the API; `more` adds fields to the four that are always present."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        param: str | None = None,
        *,
        retry_after: int | None = None,
        allow: str | None = None,
        should_retry: bool | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.param = status, code, message, param
        self.retry_after, self.allow, self.should_retry = retry_after, allow, should_retry
        self.more = dict(more or {})

    @property
    def type(self) -> str:
        """The error type, which clients map to their exception classes."""
        return TYPES.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")

    def body(self) -> ErrorReply:
        """The JSON value of the reply."""
        error: ErrorBody = {"type": self.type, "code": self.code, "message": self.message, "param": self.param}
        return {"error": cast(ErrorBody, error | self.more)}

    def response(self) -> Response:
        """The reply, with Retry-After if set."""
        response = Response(json.dumps(self.body()), self.status, mimetype="application/json")
        if self.retry_after is not None:
            response.headers["Retry-After"] = str(self.retry_after)
        if self.allow is not None:
            response.headers["Allow"] = self.allow
        if self.should_retry is not None:  # OpenAI's clients would repeat the request by themselves
            response.headers["X-Should-Retry"] = str(self.should_retry).lower()
        if self.status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response


def shown(value: object) -> str:
    """A value as shown in a message, truncated to SHOWN characters."""
    text = json.dumps(value) if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text)} characters)"
