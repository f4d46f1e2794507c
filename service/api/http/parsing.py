"""Parses the bytes of a request's body to a valid value."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from flask import request
from werkzeug.exceptions import ClientDisconnected, HTTPException

from charrnn.wording import count
from service.api.http.errors import ApiError, shown
from service.api.schemas.base import Body
from service.settings import Settings

MAX_JSON_BYTES: Final = 4 << 20
UTF_8: Final = "utf-8"

B = TypeVar("B", bound=Body)
S = TypeVar("S", bound=str)


def json_body(schema: type[B], settings: Settings) -> B:
    """The validated body. Raises ApiError 413 and 415, and pydantic's ValidationError (400 or 422)."""
    environ = request.environ
    if environ.get("CONTENT_TYPE") != "application/json":  # what nearly all send, seen without parsing
        _check_mimetype(request.mimetype)
        _check_charset(request.mimetype_params.get("charset", UTF_8))
    with whole_body():
        data = _read(environ)
    return schema.model_validate_json(data.removeprefix(codecs.BOM_UTF8), context={"settings": settings})


def one_of(options: Sequence[S], given: str, field: str) -> S:
    """The option given in a field or parameter. Raises ApiError 422 for anything else."""
    for option in options:
        if option == given:
            return option
    *others, last = options
    raise ApiError(422, "invalid_value", f"{field} must be {', '.join(others)} or {last}, not {shown(given)}", field)


def _check_mimetype(mimetype: str) -> None:
    if mimetype != "application/json" and not mimetype.endswith("+json"):
        got = mimetype or "none"
        raise ApiError(415, "wrong_content_type", f"Content-Type must be application/json, not {got}")


def _check_charset(charset: str) -> None:
    try:
        known = codecs.lookup(charset).name
    except (LookupError, ValueError):
        known = ""
    if known != UTF_8:
        raise ApiError(415, "wrong_charset", f"Content-Type: the charset of JSON must be utf-8, not {charset[:50]!r}")


def _read(environ: dict[str, Any]) -> bytes:
    """The whole body, read directly from the server, which limits it to this request; werkzeug would wrap it twice.
    gunicorn does not report a body that ends early, so its length is checked."""
    announced = request.content_length
    if announced is None and not environ.get("wsgi.input_terminated"):
        return b""
    if announced is not None and announced > MAX_JSON_BYTES:
        raise _too_large(announced)
    data: bytes = environ["wsgi.input"].read(MAX_JSON_BYTES + 1 if announced is None else announced)
    if len(data) > MAX_JSON_BYTES:
        raise _too_large("more")
    if announced is not None and len(data) != announced:
        raise ApiError(
            400, "incomplete_body", f"the body must have {count(announced, 'byte')} (Content-Length), not {len(data)}"
        )
    return data


def _too_large(size: int | str) -> ApiError:
    return ApiError(413, "too_large", f"the body must have at most {MAX_JSON_BYTES} bytes, not {size}")


@contextmanager
def whole_body() -> Iterator[None]:
    """A context for reading a request's body: a body that ends early or arrives too slowly is a client error; a system
    error, such as a full disk, is not.

    WSGI does not define what a server raises then, and gunicorn has its own exceptions for invalid chunks.
    """
    try:
        yield
    except ClientDisconnected as error:  # werkzeug's exception for anything that the server raised
        raise _unread(error.__context__) from error
    except (HTTPException, ApiError):
        raise
    except Exception as error:
        if _from_system(error):
            raise
        raise _unread(error) from error


def _from_system(error: Exception) -> bool:
    """Whether it is a system error: errors of a connection are ConnectionError and TimeoutError, and gunicorn's have no
    errno."""
    return (
        isinstance(error, OSError) and error.errno is not None and not isinstance(error, ConnectionError | TimeoutError)
    )


def _unread(error: BaseException | None) -> ApiError:
    if isinstance(error, TimeoutError):
        return ApiError(408, "request_timeout", f"the body arrived too slowly: {error}; nothing was kept")
    return ApiError(400, "incomplete_body", "the body is incomplete; nothing was kept")
