"""`/corpora`: preview, upload, list and delete texts to train on."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import Final, Literal, get_args

from flask import Blueprint

from charrnn.parameters import parameters
from charrnn.tasks.record import MAX_DELAY
from model_store.names import NAME_PATTERN
from service.api.http.auth import Guard, guarded
from service.api.http.errors import ApiError, shown
from service.api.http.paging import requested
from service.api.http.parsing import one_of
from service.api.http.record_fields import record_format
from service.api.http.responses import JsonResponse, NoContent, plain_json
from service.api.http.uploads import Upload, beginning, query_parameters, upload
from service.api.openapi.operations import RequestParameter, describe
from service.api.openapi.page_parameters import PAGE_PARAMETERS
from service.api.openapi.record_parameters import RECORD_PARAMETERS
from service.api.schemas.replies.corpora import (
    AnyCorpus,
    CorporaReply,
    DamagedCorpus,
    NewCorpus,
    any_corpus,
    new_corpus,
)
from service.api.schemas.replies.jobs import job_reply
from service.api.schemas.replies.previews import PreviewReply, preview_reply
from service.settings import Settings
from service.training.corpora.conversion import AS_FOUND, Conversion
from service.training.corpora.corpus import Corpus, name_of
from service.training.corpora.decoding import Newlines
from service.training.corpora.encodings.names import known
from service.training.corpora.store import CorpusStore
from service.training.errors import CorpusNotFoundError
from service.training.jobs.requests import JobRequest
from service.training.jobs.store import JobStore
from service.training.queue.submission import Queue, check_corpus, submit
from service.training.records.preview import PREVIEW_BYTES, preview

UPLOADING: Final = (
    "With `model`, training starts at once and its `job` is in the reply. The same text again: 200. The encoding is"
    " taken from `encoding` or the content type's charset, or else detected; 422 `unclear_encoding` if that is"
    " uncertain. Byte order marks are dropped. `encoding`, `newlines`, `line_ends` and `preview` show how the upload"
    " was decoded."
)
DELAY: Final = parameters(JobRequest)["delay"]
NEWLINES: Final[tuple[Newlines, ...]] = get_args(Newlines)
PREVIEWING: Final = (
    f"Send the first {PREVIEW_BYTES:,} bytes of the file, or all of a shorter one. What is left open is recognized by"
    " content; what is wrong is listed under `faults`. Nothing is kept."
)
DECODING: Final = (
    RequestParameter(
        "encoding",
        "encoding of the text, such as cp1252; detected if omitted",
        schema={"type": "string", "minLength": 1},
    ),
    RequestParameter(
        "newlines",
        "`lf`: convert all line endings to LF; `keep`: leave them as they are",
        schema={"type": "string", "enum": list(NEWLINES), "default": AS_FOUND.newlines},
    ),
)
FIELDS: Final = (
    RequestParameter("name", "name of the corpus"),
    RequestParameter(
        "model", "train a version of this model at once", schema={"type": "string", "pattern": f"^{NAME_PATTERN}$"}
    ),
    *DECODING,
    *RECORD_PARAMETERS,
    RequestParameter(
        "delay", DELAY.parameter.description, schema={"type": "integer", "minimum": 0, "maximum": MAX_DELAY}
    ),
)
STORED: Final = Conversion("utf-8", "keep")
"""How the text of a corpus is read, which was converted when it was uploaded."""
PREVIEW_FIELDS: Final = (*DECODING, *RECORD_PARAMETERS)


def blueprint(corpora: CorpusStore, jobs: JobStore, queue: Queue, settings: Settings, guard: Guard) -> Blueprint:
    """The routes of corpora, all for admins."""
    routes = guarded("corpora", guard, "/corpora")

    @routes.post("")
    @describe(
        "Upload a text to train on",
        description=UPLOADING,
        access="admin",
        uploads=("text/plain", "multipart/form-data"),
        parameters=FIELDS,
        errors=(503,),
    )
    def upload_corpus() -> tuple[JsonResponse[NewCorpus], Literal[201, 200]]:
        names = [field.name for field in FIELDS]
        with upload(settings.data.corpora, settings.max_corpus_bytes, names) as sent:
            request = _job_request(sent)

            def check(corpus: Corpus, text: Path) -> None:
                if request is not None:
                    check_corpus(corpus, text, request)

            name = name_of(sent.fields.get("name") or sent.file_name)
            corpus, created = corpora.add(sent.chunks, name, sent.size, _conversion(sent), check)
        job = None
        if request is not None:
            job = job_reply(submit(replace(request, corpus=corpus.id), corpora, jobs, queue))
        return plain_json(new_corpus(corpus, job)), 201 if created else 200

    @routes.post("/preview")
    @describe(
        "The first records of a file, before it is uploaded",
        description=PREVIEWING,
        access="admin",
        uploads=("text/plain", "multipart/form-data"),
        parameters=PREVIEW_FIELDS,
    )
    def preview_corpus() -> PreviewReply:
        names = [field.name for field in PREVIEW_FIELDS]
        with upload(settings.data.corpora, PREVIEW_BYTES, names) as sent:
            format, task = record_format(sent.fields)
            data = beginning(sent, PREVIEW_BYTES)
            found = preview(data, settings.data.corpora, format, task, _conversion(sent))
        return preview_reply(found, task)

    @routes.get("")
    @describe("All corpora", access="admin", parameters=PAGE_PARAMETERS, errors=(422,))
    def list_corpora() -> CorporaReply:
        page = requested(corpora.places(), corpora.place, "the id of a corpus", itemgetter(1))
        found: list[Corpus | DamagedCorpus] = []
        for _, id in page.places:
            with suppress(CorpusNotFoundError):  # deleted meanwhile
                found.append(any_corpus(corpora, id))
        return {"corpora": found, **page.fields}

    @routes.get("/<corpus_id>")
    @describe("A corpus", access="admin", errors=(404,))
    def show_corpus(corpus_id: str) -> JsonResponse[AnyCorpus]:
        return plain_json(any_corpus(corpora, corpus_id))

    @routes.get("/<corpus_id>/preview")
    @describe(
        "The first records of a corpus",
        description="As `POST /corpora/preview` for a file; `encoding` is that of the stored text.",
        access="admin",
        parameters=RECORD_PARAMETERS,
        errors=(404, 409, 422),
    )
    def preview_stored(corpus_id: str) -> PreviewReply:
        format, task = record_format(query_parameters([field.name for field in RECORD_PARAMETERS]))
        with corpora.path(corpora.get(corpus_id)).open("rb") as file:
            found = preview(file.read(PREVIEW_BYTES), settings.data.corpora, format, task, STORED)
        return preview_reply(found, task)

    @routes.delete("/<corpus_id>")
    @describe("Delete a corpus that no job is using", access="admin", errors=(404, 409))
    def delete_corpus(corpus_id: str) -> NoContent:
        corpora.delete(corpus_id)
        return NoContent()

    return routes


def _conversion(sent: Upload) -> Conversion:
    """How the upload is to be read, as declared in the request."""
    newlines = one_of(NEWLINES, sent.fields.get("newlines", AS_FOUND.newlines), "newlines")
    given = [each for each in (sent.fields.get("encoding"), sent.charset) if each is not None]
    if len({known(each) for each in given}) > 1:
        message = f"encoding is {given[0][:60]!r}, and the charset of Content-Type is {given[1][:60]!r}"
        raise ApiError(422, "conflicting_encoding", message, "encoding")
    return Conversion(given[0] if given else None, newlines)


def _job_request(sent: Upload) -> JobRequest | None:
    """The training that an upload with `model` asks for, of a corpus that has no id yet. Raises ApiError 422,
    InvalidNameError, JobRequestError."""
    model = sent.fields.get("model")
    given = [name for name in (*(each.name for each in RECORD_PARAMETERS), DELAY.name) if name in sent.fields]
    if model is None:
        if given:
            message = f"{given[0]} says how to train, so it needs model, the name of the model to train"
            raise ApiError(422, "invalid_value", message, given[0])
        return None
    format, task = record_format(sent.fields)
    delay = sent.fields.get("delay")
    if delay is not None and not (delay.isascii() and delay.isdigit()):
        message = f"delay must be an integer from 0 to {MAX_DELAY}, not {shown(delay)}"
        raise ApiError(422, "invalid_value", message, "delay")
    return JobRequest("", model, task=task, records=format, delay=None if delay is None else int(delay))
