"""`POST /records`: any number of records, as lines of JSON or as plain text."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from typing import Final

from flask import Blueprint, g, request

from service.api.http.auth import Guard, guarded
from service.api.http.client_connection import client_of
from service.api.http.exceptions import to_stream_error, unknown_in
from service.api.http.parsing import json_body
from service.api.http.pattern_errors import pattern_in
from service.api.http.responses import JSON_LINES, TEXT, JsonLines, PlainText
from service.api.http.sse import HEADERS
from service.api.openapi.operations import describe
from service.api.schemas.records import RecordsBody
from service.api.schemas.replies.records import RecordLine, RecordsEnd, record_lines, records_end
from service.generation.records.generator import RecordGenerator
from service.generation.records.stream import RecordStream
from service.settings import Settings

log = logging.getLogger(__name__)

KINDS: Final = (JSON_LINES, TEXT)
"""The content types of records; the first is the default."""

EXAMPLES: Final = {
    "ten records": {"model": "names", "count": 10},
    "each once, none of the training data": {"model": "names", "count": 5, "unique": True, "novel": True},
    "that fit": {"model": "names", "count": 5, "regex": "[A-Z][a-z]{2,9}"},
    "the next ten of the same": {"model": "names", "count": 10, "seed": 7, "offset": 10, "temperature": 0.8},
}


def blueprint(generator: RecordGenerator, settings: Settings, guard: Guard) -> Blueprint:
    """The route that generates records."""
    routes = guarded("records", guard)

    @routes.post("/records")
    @describe(
        "Generate records",
        description="One JSON object a line: the records, then the counts, or an error if one occurs meanwhile. With"
        " `Accept: text/plain` the records alone, each followed by the model's separator. What is refused by `unique`"
        " or `novel` is passed over; after 50 in a row the reply ends early.",
        body=RecordsBody,
        errors=(404, 429, 503),
        examples=EXAMPLES,
    )
    def records() -> JsonLines[RecordLine | RecordsEnd] | PlainText:
        body = json_body(RecordsBody, settings)
        with unknown_in("prompt"), pattern_in(body.pattern_field):
            stream = generator.stream(body.request(settings), client_of(request.environ))
        stream.start()
        kind = request.accept_mimetypes.best_match(KINDS, JSON_LINES)
        headers = {
            **HEADERS,
            "Vary": "Accept",
            "X-Seed": str(stream.seed),
            "X-Model": f"{stream.model.name}@{stream.model.version}",
        }
        reply: JsonLines[RecordLine | RecordsEnd] | PlainText
        if kind == JSON_LINES:
            reply = JsonLines(_lines(stream, g.began), headers=headers)
        else:
            reply = PlainText(_texts(stream), headers=headers)
        reply.call_on_close(stream.close)
        return reply

    return routes


def _lines(stream: RecordStream, began: float) -> Iterator[str]:
    """The records, and the counts or what went wrong: the status was sent already."""
    index = 0
    try:
        for records in stream:
            yield record_lines(index, records)
            index += len(records)
    except Exception as error:
        yield f"{json.dumps(to_stream_error(error).body())}\n"
    else:
        yield f"{json.dumps(records_end(stream, time.perf_counter() - began))}\n"


def _texts(stream: RecordStream) -> Iterator[str]:
    """The records alone. Raises ConnectionAbortedError for any error: the client then sees an incomplete reply."""
    separator = stream.model.arrangement.separator
    try:
        for records in stream:
            yield separator.join([*records.texts, ""])
    except Exception as error:
        message = to_stream_error(error).body()["error"]["message"]
        log.warning("records as plain text are cut off: %s", message)
        raise ConnectionAbortedError(message) from error
