"""Every exception that a route may let out becomes an error as the document of the routes shows it."""

from __future__ import annotations

import errno
import itertools
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from charrnn.checkpoint import CheckpointError
from charrnn.config import ModelConfig
from charrnn.patterns import errors as patterns
from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import UnknownCharactersError, Vocabulary
from durable.locks import HeldError
from durable.objects import ObjectDamagedError, StoreUnavailableError
from durable.reading import DamagedFileError
from model_store import errors as store
from service.api.http import exceptions
from service.api.http.errors import ApiError
from service.api.http.exceptions import to_api_error, unknown_in
from service.generation import errors as generation
from service.generation.resident import ResidentModel
from service.generation.tasks import SeparatorError, UnknownLabelError, WrongTaskError
from service.generation.tokenization import UnknownIdsError
from service.generation.units.selection import UnitSelectionError, UnknownUnitError
from service.generation.units.tracing import NothingToTraceError
from service.keys.errors import KeysUnavailableError
from service.training import errors as training
from service.training.gradients import NoGradientsError
from tests.replies import shape
from tests.service.conftest import CountingEngine

LINES = Arrangement("generate", "line", "\n")
MODEL = ResidentModel("lines", 1, "0", ModelConfig(3), LINES.vocabulary(Vocabulary("ab")), CountingEngine(), LINES)
UNKNOWN = UnknownCharactersError([(3, "é")])
GUESSES = [("cp1252", "naïve"), ("cp1250", "naďve")]


def not_a_number() -> ValidationError:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(dict[str, int]).validate_python({"length": "many"})
    return raised.value


ERRORS: dict[Exception, tuple[int, str, str | None]] = {
    not_a_number(): (422, "invalid_value", "length"),
    UNKNOWN: (422, "unknown_character", "prompt"),
    UnknownIdsError("ids are from 0 to 3, not 4"): (422, "unknown_id", "prompt"),
    generation.ItemError("prompt", 2, UNKNOWN): (422, "unknown_character", "prompt[2]"),
    generation.ItemError("prompt", 2, UnknownIdsError("no")): (422, "unknown_id", "prompt[2]"),
    generation.ItemError("prompt", 2, ValueError("no")): (422, "invalid_value", "prompt[2]"),
    WrongTaskError(MODEL): (422, "wrong_task", "model"),
    UnknownLabelError("x", MODEL): (422, "unknown_label", "label"),
    SeparatorError("a\nb", MODEL): (422, "invalid_value", "prompt"),
    generation.InvalidContinuationError("no"): (422, "invalid_continuation", "continue"),
    generation.OtherModelError("m", "plays", 2): (422, "invalid_value", "model"),
    generation.RecordEndedError(): (422, "invalid_value", "prompt"),
    generation.NoKnownTextsError("names", 1): (422, "no_known_texts", "novel"),
    generation.SamplingIdsError("logit_bias", "no"): (422, "unknown_id", "logit_bias"),
    generation.NeverFitsError(8, 9): (422, "invalid_value", "n"),
    generation.ReplyTooLargeError(8, 9, "logprobs"): (422, "reply_too_large", "logprobs"),
    UnknownUnitError("cells[0].unit", "no"): (422, "unknown_cell", "cells"),
    UnitSelectionError("cells", "no"): (422, "invalid_value", "cells"),
    NothingToTraceError("no"): (422, "invalid_value", "text"),
    store.InvalidNameError("no"): (422, "invalid_name", "model"),
    store.DamagedVersionError("plays", 1, "no"): (409, "version_damaged", "version"),
    DamagedFileError("no"): (409, "file_damaged", None),
    store.NotFoundError("model", "no"): (404, "model_not_found", "model"),
    store.CurrentAliasError("plays"): (409, "alias_needed", "alias"),
    store.AliasedError("plays", 1, ["best"]): (409, "version_in_use", "version"),
    NoGradientsError("no"): (404, "no_gradients", "version"),
    CheckpointError("no"): (422, "invalid_checkpoint", "file"),
    training.TooLargeError(8): (413, "too_large", "file"),
    training.EmptyCorpusError("no"): (422, "empty_corpus", "file"),
    training.IncompleteUploadError("no"): (400, "incomplete_upload", "file"),
    training.BinaryCorpusError("no"): (422, "binary_corpus", "file"),
    training.UnclearEncodingError(0, "no", GUESSES): (422, "unclear_encoding", "file"),
    training.DeclaredEncodingError(0, "no"): (422, "wrong_encoding", "encoding"),
    training.UnknownEncodingError("cp0"): (422, "unknown_encoding", "encoding"),
    training.EncodingError(0, "no"): (422, "unknown_encoding", "file"),
    training.RecordsError("no", 3, "fields"): (422, "invalid_records", "fields"),
    training.CorpusError("no"): (422, "invalid_corpus", "file"),
    training.CorpusNotFoundError("no"): (404, "corpus_not_found", "corpus"),
    training.CorpusDamagedError("0", "no"): (409, "corpus_damaged", "corpus"),
    training.CorpusInUseError("0", ["1"]): (409, "corpus_in_use", "corpus"),
    patterns.PatternError("no"): (422, "invalid_pattern", None),
    patterns.InvalidPatternError("missing )", "at position 0", 0): (422, "invalid_pattern", None),
    patterns.UnsupportedPatternError("look-ahead"): (422, "unsupported_pattern", None),
    patterns.EmptyPatternError(): (422, "empty_pattern", None),
    patterns.UnknownPatternCharactersError("é"): (422, "unknown_character", None),
    patterns.NothingLeftError("stop"): (422, "empty_pattern", "stop"),
    patterns.PatternTooLargeError("states", 20_000): (422, "pattern_too_large", None),
    generation.LengthTooShortError(3, 10, "2026-11-26"): (422, "length_too_short", "length"),
    generation.BesidePatternError("min_tokens", "must be 0"): (422, "invalid_value", "min_tokens"),
    training.JobRequestError("layers", "no"): (422, "invalid_value", "layers"),
    training.JobNotFoundError("no"): (404, "job_not_found", "job"),
    training.JobDamagedError("0", "no"): (409, "job_damaged", "job"),
    training.JobUnfinishedError("no"): (409, "job_unfinished", "job"),
    training.JobFinishedError("no"): (409, "job_finished", "job"),
    generation.EventIdError("no"): (422, "invalid_value", "Last-Event-ID"),
    generation.BusyError(8): (429, "busy", None),
    generation.ClosedError("no"): (503, "shutting_down", None),
    generation.DeadlineError(1): (503, "deadline_exceeded", "timeout"),
    generation.ModelUnavailableError("no"): (503, "model_unavailable", "model"),
    KeysUnavailableError("no"): (503, "keys_unavailable", None),
    HeldError("no"): (503, "locked", None),
    StoreUnavailableError("s3://bucket: no"): (503, "store_unavailable", None),
    ObjectDamagedError("models/a/1.safetensors", "was cut short"): (409, "file_damaged", None),
    OSError(errno.ENOSPC, "no"): (503, "disk_full", None),
    OSError(errno.EROFS, "no"): (503, "disk_read_only", None),
    OSError(errno.EMFILE, "no"): (503, "overloaded", None),
    OSError(errno.EIO, "no"): (500, "internal_error", None),
    generation.ClientGoneError("no"): (499, "client_gone", None),
    RuntimeError("not foreseen"): (500, "internal_error", None),
    ApiError(503, "not_ready", "no", more={"degraded": ["the queue"]}): (503, "not_ready", None),
}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_is_as_the_document_shows_it(error: Exception) -> None:
    found = to_api_error(error)
    assert (found.status, found.code, found.param) == ERRORS[error]
    shape("ErrorReply").validate_python(found.body(), strict=True)


def test_each_kind_of_the_table_is_tried() -> None:
    assert {kind for kind, _ in exceptions.CONVERSIONS} <= {type(error) for error in ERRORS}


def test_no_kind_of_the_table_hides_one_below_it() -> None:
    kinds = [kind for kind, _ in exceptions.CONVERSIONS]
    assert not [(above, below) for above, below in itertools.combinations(kinds, 2) if issubclass(below, above)]


@pytest.mark.parametrize(
    ("error", "field"),
    [
        (patterns.InvalidPatternError("missing )", "at position 0", 0), {"position": 0, "place": "at position 0"}),
        (
            patterns.UnsupportedPatternError("look-ahead", "at position 3", 3),
            {"unsupported": "look-ahead", "position": 3, "place": "at position 3"},
        ),
        (patterns.UnknownPatternCharactersError("é"), {"unknown": [{"character": "é"}]}),
        (generation.LengthTooShortError(3, 10, "2026-11-26"), {"shortest": 10, "example": "2026-11-26"}),
        (UNKNOWN, {"unknown": [{"position": 3, "character": "é"}]}),
        (training.UnclearEncodingError(0, "", GUESSES), {"guesses": [{"encoding": e, "line": x} for e, x in GUESSES]}),
    ],
)
def test_some_errors_have_further_fields(error: Exception, field: dict[str, Any]) -> None:
    body: Any = to_api_error(error).body()
    assert body["error"] == body["error"] | field


@pytest.mark.parametrize("error", [UNKNOWN, UnknownIdsError("ids are from 0 to 3, not 4")])
def test_an_error_names_the_field_that_was_read(error: Exception) -> None:
    with pytest.raises(ApiError) as raised, unknown_in("seed_text"):
        raise error
    assert raised.value.param == "seed_text"
    assert raised.value.message.startswith("seed_text: ")
