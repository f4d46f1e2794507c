"""Maps exceptions to errors of the API: the only table of exceptions and statuses."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any, Final

from flask import Flask, current_app, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

import service.training.errors as training
from charrnn.checkpoint import CheckpointError
from charrnn.patterns.errors import PatternError
from charrnn.vocabulary import UnknownCharactersError
from durable import space
from durable.locks import HeldError
from durable.objects import ObjectDamagedError, StoreUnavailableError
from durable.reading import DamagedFileError
from model_store.errors import (
    AliasedError,
    CurrentAliasError,
    DamagedVersionError,
    InvalidNameError,
    NotFoundError,
)
from service.api.http.errors import SHOWN, ApiError, shown
from service.api.http.pattern_errors import length_too_short, pattern_error
from service.api.http.validation import invalid
from service.api.schemas.texts import TextsBody
from service.generation.errors import (
    BesidePatternError,
    BusyError,
    ClientGoneError,
    ClosedError,
    DeadlineError,
    EventIdError,
    InvalidContinuationError,
    ItemError,
    LengthTooShortError,
    ModelUnavailableError,
    NeverFitsError,
    NoKnownTextsError,
    OtherModelError,
    RecordEndedError,
    ReplyTooLargeError,
    SamplingIdsError,
)
from service.generation.tasks import SeparatorError, UnknownLabelError, WrongTaskError
from service.generation.tokenization import UnknownIdsError
from service.generation.units.selection import UnitSelectionError, UnknownUnitError
from service.generation.units.tracing import NothingToTraceError
from service.keys.errors import KeysUnavailableError
from service.training.gradients import NoGradientsError

log = logging.getLogger(__name__)

INTERNAL: Final = "an error on the server; the request id finds it in the log"


def register(app: Flask) -> None:
    """Answer every exception raised by a route in the API's error format."""
    app.register_error_handler(Exception, lambda error: to_api_error(error).response())


def to_api_error(error: Exception) -> ApiError:
    """The API's error for an exception; an unexpected one is logged and becomes a 500 without details."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, HTTPException):
        return _from_http(error)
    for kind, convert in CONVERSIONS:
        if isinstance(error, kind):
            return convert(error)
    log.error("unforeseen error", exc_info=error)
    return ApiError(500, "internal_error", INTERNAL)


def to_stream_error(error: Exception) -> ApiError:
    """The API's error for an exception in the middle of a stream, whose status was sent already."""
    made = to_api_error(error)
    if isinstance(error, ClosedError):
        return ApiError(made.status, "server_ending", made.message)
    return made


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
    """The 404 for an unknown path, with a suggestion: base URLs often lack /v1."""
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
    """The file is named in the log and in /readyz, not in the reply."""
    message = "the service's keys cannot be read, so no key can be checked; see /readyz and the log"
    return ApiError(503, "keys_unavailable", message, retry_after=10)


def _held(error: HeldError) -> ApiError:
    """/readyz names a process that is suspended."""
    log.error("another process is in the middle of a change: %s", error)
    message = "another process is in the middle of a change of the same; nothing was changed, see /readyz"
    return ApiError(503, "locked", message, retry_after=10)


def _without_store(error: StoreUnavailableError) -> ApiError:
    """The address and the reason are in the log and in /readyz, not in the reply."""
    log.error("the store refused: %s", error)
    message = (
        "the object store of models, corpora and jobs does not answer at the moment; what was asked for has perhaps"
        " not been done, and can be asked for again"
    )
    return ApiError(503, "store_unavailable", message, retry_after=10)


@contextmanager
def unknown_in(field: str, *, can_skip: bool = True) -> Iterator[None]:
    """A context for reading a request's text, in which errors about unknown characters or ids name the field."""
    try:
        yield
    except UnknownCharactersError as error:
        raise unknown_characters(error, field, can_skip=can_skip) from error
    except UnknownIdsError as error:
        raise _unknown_ids(error, field) from error
    except SeparatorError as error:
        raise _separated(error, field) from error


def _unknown_ids(error: UnknownIdsError, field: str = "prompt") -> ApiError:
    """The error for a field whose ids the model does not have."""
    return ApiError(422, "unknown_id", f"{field}: {error}", field)


def _separated(error: SeparatorError, field: str = "prompt") -> ApiError:
    """The error for a field with more than one record."""
    return ApiError(422, "invalid_value", f"{field}: {error}", field)


@contextmanager
def fault_in(body: TextsBody, *, can_skip: bool = True) -> Iterator[None]:
    """A context for reading a request's text or texts, in which a fault in one of them names it."""
    try:
        yield
    except ItemError as error:
        raise _one_of_several(error, None if body.texts is not None else "text", can_skip=can_skip) from error


def _one_of_several(error: ItemError, field: str | None = None, *, can_skip: bool | None = None) -> ApiError:
    """The error of one of several prompts or texts, with its index, or in the only one, `field`."""
    field = field or f"{error.field}[{error.index}]"
    if isinstance(error.error, UnknownCharactersError):
        can_skip = error.field == "prompt" if can_skip is None else can_skip
        return unknown_characters(error.error, field, can_skip=can_skip)
    if isinstance(error.error, UnknownIdsError):
        return _unknown_ids(error.error, field)
    return ApiError(422, "invalid_value", f"{field}: {error.error}", field)


def _unclear_encoding(error: training.UnclearEncodingError) -> ApiError:
    guesses = [{"encoding": encoding, "line": line} for encoding, line in error.guesses]
    return ApiError(422, "unclear_encoding", str(error), "file", more={"guesses": guesses})


def _from_system(error: OSError) -> ApiError:
    """What passes is reported to the client: a full or read-only disk, a lack of descriptors. Other errors are only
    logged."""
    log.error("the system refused", exc_info=error)
    if error.errno in space.FULL:
        return ApiError(503, "disk_full", "the server's disk is full; nothing was kept", retry_after=60)
    if error.errno == errno.EROFS:
        message = "the server's disk is read-only at the moment; nothing was changed"
        return ApiError(503, "disk_read_only", message, retry_after=60)
    if space.passes(error):
        return ApiError(503, "overloaded", "the server has too much open at the moment; try again", retry_after=5)
    return ApiError(500, "internal_error", INTERNAL)


CONVERSIONS: Final[tuple[tuple[type[Exception], Callable[[Any], ApiError]], ...]] = (
    (ValidationError, invalid),
    (UnknownCharactersError, unknown_characters),
    (UnknownIdsError, _unknown_ids),
    (ItemError, _one_of_several),
    (WrongTaskError, lambda e: ApiError(422, "wrong_task", str(e), "model")),
    (SeparatorError, _separated),
    (InvalidContinuationError, lambda e: ApiError(422, "invalid_continuation", str(e), "continue")),
    (OtherModelError, lambda e: ApiError(422, "invalid_value", str(e), "model")),
    (RecordEndedError, lambda e: ApiError(422, "invalid_value", str(e), "prompt")),
    (NoKnownTextsError, lambda e: ApiError(422, "no_known_texts", str(e), "novel")),
    (UnknownLabelError, lambda e: ApiError(422, "unknown_label", str(e), "label")),
    (PatternError, pattern_error),
    (LengthTooShortError, length_too_short),
    (BesidePatternError, lambda e: ApiError(422, "invalid_value", str(e), e.param)),
    (SamplingIdsError, lambda e: ApiError(422, "unknown_id", str(e), e.param)),
    (EventIdError, lambda e: ApiError(422, "invalid_value", str(e), "Last-Event-ID")),
    (NeverFitsError, lambda e: ApiError(422, "invalid_value", str(e), "n")),
    (ReplyTooLargeError, lambda e: ApiError(422, "reply_too_large", str(e), e.param)),
    (UnknownUnitError, lambda e: ApiError(422, "unknown_cell", str(e), e.param)),
    (UnitSelectionError, lambda e: ApiError(422, "invalid_value", str(e), e.param)),
    (NothingToTraceError, lambda e: ApiError(422, "invalid_value", str(e), "text")),
    (InvalidNameError, lambda e: ApiError(422, "invalid_name", str(e), "model")),
    (DamagedVersionError, lambda e: ApiError(409, "version_damaged", str(e), "version")),
    (DamagedFileError, lambda e: ApiError(409, "file_damaged", str(e))),
    (ObjectDamagedError, lambda e: ApiError(409, "file_damaged", str(e))),
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
    (training.RecordsError, lambda e: ApiError(422, "invalid_records", str(e), e.field)),
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
    (StoreUnavailableError, _without_store),
    (HeldError, _held),
    (OSError, _from_system),
    (ClientGoneError, lambda e: ApiError(499, "client_gone", str(e))),
)
