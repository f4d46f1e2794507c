"""One shape for every error, and the one place where exceptions become statuses."""

from __future__ import annotations

import errno
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any, Final

from flask import Flask, Response, current_app, request
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from charrnn.checkpoint import CheckpointError
from charrnn.vocabulary import UnknownCharactersError
from durable.reading import DamagedFileError
from model_store.errors import (
    AliasedError,
    CurrentAliasError,
    DamagedVersionError,
    InvalidNameError,
    NotFoundError,
)
from service.api.schemas.faults import PREDICATE, SENTENCE, SEVERAL, TAG
from service.generation.cells import CellSelectionError, UnknownCellError
from service.generation.errors import (
    BusyError,
    ClientGoneError,
    ClosedError,
    DeadlineError,
    ModelUnavailableError,
    NeverFitsError,
    PromptError,
    ReplyTooLargeError,
    SamplingIdsError,
)
from service.generation.tokenization import UnknownIdsError
from service.generation.tracing import NothingToTraceError
from service.keys.recent import KeysUnavailableError
from service.training import errors as training
from service.training.gradients import NoGradientsError

log = logging.getLogger(__name__)

TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
INTERNAL: Final = "an error on the server; the request id finds it in the log"
MOST_SENTENCES: Final = 5
_COUNTED: Final = frozenset({"too_long", "too_short", "string_too_long"})
SHOWN: Final = 200
"""Longest part of a refused value that a message repeats, in characters."""


class ApiError(Exception):
    """An error as the contract has it; `more` adds fields beside the four that are always there."""

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
        """The family that clients map to their exception classes."""
        return TYPES.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")

    def body(self) -> dict[str, Any]:
        """The JSON value of the reply."""
        error = {"type": self.type, "code": self.code, "message": self.message, "param": self.param, **self.more}
        return {"error": error}

    def response(self) -> Response:
        """The reply, with Retry-After where there is one."""
        response = Response(json.dumps(self.body()), self.status, mimetype="application/json")
        if self.retry_after is not None:
            response.headers["Retry-After"] = str(self.retry_after)
        if self.allow is not None:
            response.headers["Allow"] = self.allow
        if self.should_retry is not None:  # OpenAI's clients would ask again by themselves, for as long again
            response.headers["X-Should-Retry"] = str(self.should_retry).lower()
        if self.status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response


def register(app: Flask) -> None:
    """Answer every exception that a route lets out in the contract's shape."""
    app.register_error_handler(Exception, lambda error: to_api_error(error).response())


def to_api_error(error: Exception) -> ApiError:
    """The contract's error for an exception; what is not foreseen is logged and becomes a bare 500."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, HTTPException):
        return _from_http(error)
    for kind, convert in _CONVERSIONS:
        if isinstance(error, kind):
            return convert(error)
    log.error("unforeseen error", exc_info=error)
    return ApiError(500, "internal_error", INTERNAL)


def invalid(error: ValidationError) -> ApiError:
    """400 for a body that is not JSON, else 422 naming each field with its bound and value."""
    details = error.errors(include_url=False)
    if details[0]["type"] == "json_invalid":
        return ApiError(400, "invalid_json", f"the body is not JSON: {details[0]['msg']}")
    if not details[0]["loc"] and details[0]["type"] in {"model_type", "model_attributes_type", "dict_type"}:
        return ApiError(422, "invalid_value", "the body must be a JSON object")
    first_of = {_field(detail): detail for detail in reversed(details)}  # one sentence a field
    messages = [_sentence(detail) for detail in list(reversed(first_of.values()))[:MOST_SENTENCES]]
    code = "unknown_field" if details[0]["type"] == "extra_forbidden" else "invalid_value"
    return ApiError(422, code, "; ".join(messages), _param(details[0]))


def _param(detail: ErrorDetails) -> str | None:
    """The field at fault, with its place where it is one of several texts."""
    location = detail["loc"]
    one_of_several = location[1:2] == (SEVERAL,) and len(location) > 2
    return f"{location[0]}[{location[2]}]" if one_of_several else _field(detail)


def _field(detail: ErrorDetails) -> str | None:
    """The field at fault; None where that is a matter of several."""
    return str(detail["loc"][0]) if detail["loc"] else detail.get("ctx", {}).get("field")


def _path(location: tuple[int | str, ...]) -> str:
    """Where the value stands, as in `cells[0].unit`; what tells alternatives apart is left out."""
    path = ""
    for part in location:
        if not path:
            path = str(part)
        elif isinstance(part, int) or not part.isidentifier():
            path += "" if str(part).startswith(TAG) else f"[{part!r}]"
        else:
            path += f".{part}"
    return path


def _sentence(detail: ErrorDetails) -> str:
    kind, path, message = detail["type"], _path(detail["loc"]), str(detail["msg"])
    if kind == SENTENCE:
        return message
    if kind == PREDICATE:
        return f"{path} {message}"
    if kind == "extra_forbidden":
        return f"{shown(path)} is not a field of this request"
    if kind == "missing":
        return f"{path} is required"
    bound = message[0].lower() + message[1:].partition(" after validation")[0]
    value = detail["input"]
    return f"{path}: {bound}, not {len(value) if kind in _COUNTED else shown(value)}"


def shown(value: object) -> str:
    """A value as a message repeats it."""
    text = json.dumps(value) if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text)} characters)"


def _from_http(error: HTTPException) -> ApiError:
    status = error.code or 500
    names = {
        400: "bad_request",
        404: "not_found",
        405: "method_not_allowed",
        413: "too_large",
        415: "wrong_content_type",
    }
    message = error.description or str(error)
    if isinstance(error, RequestEntityTooLarge):
        message = "the body is larger than this route takes"
    if isinstance(error, NotFound):
        message = _nowhere()
    allowed = error.valid_methods if isinstance(error, MethodNotAllowed) else None
    allow = ", ".join(sorted(allowed)) if allowed else None
    if allow is not None:
        message = f"{shown(request.path)} takes {allow}, not {request.method}"
    return ApiError(status, names.get(status, (error.name or "error").lower().replace(" ", "_")), message, allow=allow)


def _nowhere() -> str:
    """That there is nothing at the address, and what it was perhaps meant to be: base URLs often lack /v1."""
    routes = [rule.rule for rule in current_app.url_map.iter_rules() if request.method in (rule.methods or ())]
    meant = get_close_matches(request.path[:SHOWN], [rule for rule in routes if "<" not in rule], n=1, cutoff=0.75)
    hint = f"did you mean {meant[0]}?" if meant else "/docs lists all routes"
    return f"there is no route {shown(request.path)} for {request.method}; {hint}"


def unknown_characters(error: UnknownCharactersError, field: str = "prompt", *, can_skip: bool = True) -> ApiError:
    """The error for a field whose text has characters that the model does not know, listed with their positions."""
    listed = [{"position": position, "character": character} for position, character in error.unknown[:1000]]
    hint = ' ("unknown": "skip" drops what the model does not know)' if can_skip else ""
    return ApiError(422, "unknown_character", f"{field}: {error}{hint}", field, more={"unknown": listed})


def _without_keys(_: KeysUnavailableError) -> ApiError:
    """Which file it is stands in the log and in /readyz."""
    message = "the service's keys cannot be read, so no key can be checked; see /readyz and the log"
    return ApiError(503, "keys_unavailable", message, retry_after=10)


@contextmanager
def unknown_in(field: str, *, can_skip: bool = True) -> Iterator[None]:
    """Around reading a request's text: what is unknown in it is told of the field that it came in."""
    try:
        yield
    except UnknownCharactersError as error:
        raise unknown_characters(error, field, can_skip=can_skip) from error


def unknown_ids(error: UnknownIdsError, field: str = "prompt") -> ApiError:
    """The error for a field whose ids the model does not have."""
    return ApiError(422, "unknown_id", f"{field}: {error}", field)


def _one_of_several(error: PromptError) -> ApiError:
    """The error of one prompt, by its place among the others."""
    field = f"prompt[{error.place}]"
    if isinstance(error.error, UnknownCharactersError):
        return unknown_characters(error.error, field)
    if isinstance(error.error, UnknownIdsError):
        return unknown_ids(error.error, field)
    return ApiError(422, "invalid_value", str(error), field)


def _unclear_encoding(error: training.UnclearEncodingError) -> ApiError:
    guesses = [{"encoding": encoding, "line": line} for encoding, line in error.guesses]
    return ApiError(422, "unclear_encoding", str(error), "file", more={"guesses": guesses})


def _from_system(error: OSError) -> ApiError:
    """A full disk is said; whatever else the system refuses stays in the log."""
    log.error("the system refused", exc_info=error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ApiError(503, "disk_full", "the server's disk is full; nothing was kept", retry_after=60)
    return ApiError(500, "internal_error", INTERNAL)


_CONVERSIONS: tuple[tuple[type[Exception], Callable[[Any], ApiError]], ...] = (
    (ValidationError, invalid),
    (UnknownCharactersError, unknown_characters),
    (UnknownIdsError, unknown_ids),
    (PromptError, _one_of_several),
    (SamplingIdsError, lambda e: ApiError(422, "unknown_id", str(e), e.param)),
    (NeverFitsError, lambda e: ApiError(422, "invalid_value", str(e), "n")),
    (ReplyTooLargeError, lambda e: ApiError(422, "reply_too_large", str(e), e.param)),
    (UnknownCellError, lambda e: ApiError(422, "unknown_cell", str(e), e.param)),
    (CellSelectionError, lambda e: ApiError(422, "invalid_value", str(e), e.param)),
    (NothingToTraceError, lambda e: ApiError(422, "invalid_value", str(e), "text")),
    (InvalidNameError, lambda e: ApiError(422, "invalid_name", str(e), "model")),
    (DamagedVersionError, lambda e: ApiError(409, "version_damaged", str(e), "version")),
    (DamagedFileError, lambda e: ApiError(409, "file_damaged", str(e))),
    (NotFoundError, lambda e: ApiError(404, f"{e.kind}_not_found", str(e), "model")),
    (CurrentAliasError, lambda e: ApiError(409, "alias_needed", str(e), "alias")),
    (AliasedError, lambda e: ApiError(409, "version_in_use", str(e), "version")),
    (NoGradientsError, lambda e: ApiError(404, "no_gradients", str(e), "version")),
    (CheckpointError, lambda e: ApiError(422, "invalid_checkpoint", str(e), "file")),
    (training.TooLargeError, lambda e: ApiError(413, "too_large", str(e), "file")),
    (training.EmptyCorpusError, lambda e: ApiError(422, "empty_corpus", str(e), "file")),
    (training.IncompleteUploadError, lambda e: ApiError(400, "incomplete_upload", str(e), "file")),
    (training.BinaryCorpusError, lambda e: ApiError(422, "binary_corpus", str(e), "file")),
    (training.UnclearEncodingError, _unclear_encoding),
    (training.DeclaredEncodingError, lambda e: ApiError(422, "wrong_encoding", str(e), "encoding")),
    (training.UnknownEncodingError, lambda e: ApiError(422, "unknown_encoding", str(e), "encoding")),
    (training.EncodingError, lambda e: ApiError(422, "unknown_encoding", str(e), "file")),
    (training.CorpusError, lambda e: ApiError(422, "invalid_corpus", str(e), "file")),
    (training.CorpusNotFoundError, lambda e: ApiError(404, "corpus_not_found", str(e), "corpus")),
    (training.CorpusDamagedError, lambda e: ApiError(409, "corpus_damaged", str(e), "corpus")),
    (training.CorpusInUseError, lambda e: ApiError(409, "corpus_in_use", str(e), "corpus")),
    (training.JobRequestError, lambda e: ApiError(422, "invalid_value", str(e), e.field)),
    (training.JobNotFoundError, lambda e: ApiError(404, "job_not_found", str(e), "job")),
    (training.JobDamagedError, lambda e: ApiError(409, "job_damaged", str(e), "job")),
    (training.JobUnfinishedError, lambda e: ApiError(409, "job_unfinished", str(e), "job")),
    (training.JobFinishedError, lambda e: ApiError(409, "job_finished", str(e), "job")),
    (BusyError, lambda e: ApiError(429, "busy", str(e), retry_after=e.retry_after)),
    (ClosedError, lambda e: ApiError(503, "shutting_down", str(e), retry_after=1)),
    (DeadlineError, lambda e: ApiError(503, "deadline_exceeded", str(e), "timeout", retry_after=5, should_retry=False)),
    (ModelUnavailableError, lambda e: ApiError(503, "model_unavailable", str(e), "model", retry_after=10)),
    (KeysUnavailableError, _without_keys),
    (OSError, _from_system),
    (ClientGoneError, lambda e: ApiError(499, "client_gone", str(e))),
)
