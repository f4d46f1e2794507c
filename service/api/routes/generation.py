"""`POST /generate`."""

from __future__ import annotations

import time
from collections.abc import Iterator

from flask import Blueprint, g, request

from service.api.http.auth import Guard, guarded
from service.api.http.caching import cache_header, cache_scope, may_read_cache
from service.api.http.client_connection import client_of
from service.api.http.exceptions import unknown_in
from service.api.http.large_json import json_response
from service.api.http.parsing import json_body
from service.api.http.pattern_errors import pattern_in
from service.api.http.responses import EventStream, JsonResponse
from service.api.http.sse import Event, event_stream, fitting
from service.api.http.text_events import cut_off_event, last_event_id, text_events
from service.api.openapi.operations import describe, last_event
from service.api.schemas.generate import GenerateBody
from service.api.schemas.replies.common import usage, with_skipped_now
from service.api.schemas.replies.cut_off import CutOff, TokenOf
from service.api.schemas.replies.generation import (
    GenerateChunk,
    GenerateChunks,
    GenerateEnd,
    GenerateHead,
    GenerateReply,
    GenerateSkipped,
    add_traces,
    generate_reply,
    timing,
)
from service.generation.continuations.continuation import CutOffError
from service.generation.continuations.tokens import Continuations
from service.generation.generator import TextGenerator
from service.generation.pieces import Stream, StreamHead
from service.generation.progress import EVENT_ID, StreamProgress
from service.generation.units.tracing import Tracer
from service.settings import Settings

AnyChunk = GenerateChunk | GenerateSkipped | GenerateEnd | CutOff

STREAM = (
    "A stream's events are JSON chunks, ending with `[DONE]`. Each has an `id`: the same request with the `seed` of"
    " the first one, the version (`name@version`) and the header `Last-Event-ID` goes on after it, in any process."
)

EXAMPLES = {
    "a text": {"prompt": "ROMEO:", "length": 200, "temperature": 0.8},
    "the same text every time": {"prompt": "ROMEO:", "length": 100, "seed": 7},
    "three choices that end with a line": {"prompt": "JULIET:\n", "length": 80, "n": 3, "stop": "\n"},
    "less of the same": {"prompt": "ROMEO:", "length": 100, "presence_penalty": 0.5, "frequency_penalty": 0.2},
    "with biased and allowed tokens": {"length": 20, "logit_bias": {"5": 2.5}, "allowed_token_ids": [1, 3, 5]},
    "a text that fits": {"prompt": "ROMEO:\n", "length": 40, "regex": "[A-Z][a-z]+( [a-z]+){1,6}[!?]"},
    "one of some strings": {"prompt": "JULIET:\n", "choice": ["But soft!", "What light?"], "n": 5},
    "a stream": {"prompt": "ROMEO:", "length": 50, "stream": True},
    "a text that can go on": {"prompt": "ROMEO:", "length": 50, "continuation": True},
    "logarithms": {"prompt": "ROMEO:", "length": 5, "temperature": 0, "logprobs": 2, "echo": True},
    "with a cell held at a value": {"prompt": "ROMEO:", "length": 50, "set": [{"layer": 0, "unit": 0, "value": -0.5}]},
    "what a cell does": {"prompt": "ROMEO:", "length": 50, "trace": {"cells": [{"layer": 0, "unit": 0}]}},
}


def blueprint(
    generator: TextGenerator, tracer: Tracer, continuations: Continuations, settings: Settings, guard: Guard
) -> Blueprint:
    """The routes that generate."""
    routes = guarded("generation", guard)

    @routes.post("/generate")
    @describe(
        "Generate text",
        description=f"An identical request gets the same text; one for more of it gets that and what follows. {STREAM}",
        body=GenerateBody,
        parameters=(last_event(EVENT_ID),),
        errors=(404, 429, 503),
        examples=EXAMPLES,
    )
    def generate() -> JsonResponse[GenerateReply] | EventStream[AnyChunk]:
        body = json_body(GenerateBody, settings)
        with unknown_in(body.prompt_field), pattern_in(body.pattern_field):
            asked = body.request(settings, continuations, cache_scope=cache_scope(), read_cache=may_read_cache())
            client, last = client_of(request.environ), last_event_id(stream=body.stream)
            if body.stream:
                stream = generator.stream(asked, client, last)
                counts = body.stream_options.continuous_usage_stats
                chunks = _chunks(stream, g.request_id, continuations.token, counts=counts)
                return event_stream(chunks, cache_header(asked, stream.heads))
            cells = None if body.trace is None else body.trace.selections()
            if cells:
                tracer.check(asked.model, cells, "trace.cells")
            generation = generator.generate(asked, client)
        traces = None if cells is None else tracer.trace_choices(asked, generation, cells, client)
        seconds = time.perf_counter() - g.began
        reply = generate_reply(
            *(generation, f"gen-{g.request_id}", seconds, continuations.token), with_logprobs=body.logprobs is not None
        )
        if traces is not None:
            add_traces(reply, traces)
        return json_response(reply, cache_header(asked, [generation]))

    return routes


def _chunks(stream: Stream, request_id: str, token_of: TokenOf, *, counts: bool) -> Iterator[Event[AnyChunk] | None]:
    """Chunks for each piece, with its choice's usage so far if it `counts`; the last chunk has the total usage."""
    if stream.progress.ended:
        return
    began = time.perf_counter()
    (head,) = stream.heads
    fields: GenerateHead = {"id": f"gen-{request_id}", "model": head.model, "version": head.version}
    counted = head.prompt_tokens if counts else None
    chunks = [GenerateChunks(fields, index, seed, counted, token_of) for index, seed in enumerate(head.seeds)]
    try:
        yield from text_events(stream, chunks)
    except CutOffError as error:
        yield cut_off_event(stream, error, token_of)
        return
    yield from _end(fields, head, stream.completion_tokens(), stream.progress, began)


def _end(
    fields: GenerateHead, head: StreamHead, completion_tokens: int, progress: StreamProgress, began: float
) -> Iterator[Event[GenerateSkipped | GenerateEnd]]:
    """The skipped characters, in as many events as needed; the last one includes the counts."""
    skipped, passed = head.skipped[progress.skipped :], progress.skipped

    def event(start: int, stop: int) -> Event[GenerateSkipped]:
        return Event(
            {**fields, "text": "", **with_skipped_now(skipped[start:stop])}, id=progress.id_after_skipped(passed + stop)
        )

    *before, last = fitting(max(1, len(skipped)), event)
    yield from before
    end: GenerateEnd = {
        **last.data,
        "usage": usage(head.prompt_tokens, completion_tokens, head.cached_tokens, head.cached_prompt_tokens),
        "cached": head.cached,
        "timing": timing(time.perf_counter() - began),
    }
    yield Event(end, id=progress.last_id)
