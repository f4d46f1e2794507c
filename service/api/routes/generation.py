"""`POST /generate`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from flask import Blueprint, Response, g, request

from charrnn.vocabulary import Ids
from service.api.http.auth import Guard
from service.api.http.connection import client_of
from service.api.http.errors import unknown_in
from service.api.http.large_json import Rows, json_response, rows
from service.api.http.parsing import json_body
from service.api.http.sse import Event, event_stream, fitting
from service.api.openapi.described import describe
from service.api.schemas.generation import GenerateBody
from service.api.schemas.replies import GenerateChunk, GenerateEnd, GenerateReply
from service.api.schemas.trace_json import trace_fields
from service.generation.generator import Stream, TextGenerator
from service.generation.logprobs import TextLogprobs
from service.generation.reading import Piece
from service.generation.requests import Choice, Generation, GenerationRequest, Skipped
from service.generation.tracing import TextTrace, Tracer
from service.settings import Settings

EXAMPLES = {
    "a text": {"prompt": "ROMEO:", "length": 200, "temperature": 0.8},
    "the same text every time": {"prompt": "ROMEO:", "length": 100, "seed": 7},
    "three choices that end with a line": {"prompt": "JULIET:\n", "length": 80, "n": 3, "stop": "\n"},
    "less of the same": {"prompt": "ROMEO:", "length": 100, "presence_penalty": 0.5, "frequency_penalty": 0.2},
    "with biased and allowed tokens": {"length": 20, "logit_bias": {"5": 2.5}, "allowed_token_ids": [1, 3, 5]},
    "a stream": {"prompt": "ROMEO:", "length": 50, "stream": True},
    "logarithms": {"prompt": "ROMEO:", "length": 5, "temperature": 0, "logprobs": 2, "echo": True},
    "what a cell does": {"prompt": "ROMEO:", "length": 50, "trace": {"cells": [{"layer": 0, "unit": 0}]}},
}


def blueprint(generator: TextGenerator, tracer: Tracer, settings: Settings, guard: Guard) -> Blueprint:
    """The routes that generate."""
    routes = Blueprint("generation", __name__)
    routes.before_request(guard)

    @routes.post("/generate")
    @describe(
        "Generate text",
        description="An identical request gets the same text. A stream's events are JSON chunks, ending with `[DONE]`.",
        body=GenerateBody,
        reply=GenerateReply,
        events=(GenerateChunk, GenerateEnd),
        errors=(404, 429, 503),
        examples=EXAMPLES,
    )
    def generate() -> Response:
        body = json_body(GenerateBody, settings)
        asked = body.request(settings, read_cache=not _no_cache())
        client = client_of(request.environ)
        if body.stream:
            with unknown_in(body.prompt_field):
                stream = generator.stream(asked, client)
            chunks = _chunks(stream, g.request_id, counts=body.stream_options.continuous_usage_stats)
            return event_stream(chunks, cache_header(asked, stream.cached))
        cells = None if body.trace is None else body.trace.selections()
        if cells:
            tracer.check(asked.model, cells, "trace.cells")
        with unknown_in(body.prompt_field):
            generation = generator.generate(asked, client)
        traces = None if cells is None else tracer.trace_choices(asked, generation, cells, client)
        reply = _reply(generation, with_logprobs=body.logprobs is not None)
        headers = cache_header(asked, generation.cached)
        return json_response(reply if traces is None else _traced(reply, traces), headers)

    return routes


def _traced(reply: dict[str, Any], traces: list[TextTrace]) -> dict[str, Any]:
    """The reply, each choice with its trace."""
    for choice, trace in zip(reply["choices"], traces, strict=True):
        choice["trace"] = trace_fields(trace)
    return reply


def _no_cache() -> bool:
    return "HTTP_CACHE_CONTROL" in request.environ and bool(request.cache_control.no_cache)


def cache_header(asked: GenerationRequest, cached: bool) -> dict[str, str]:
    """What the cache had to do with a reply."""
    return {"X-Cache": "hit" if cached else "miss" if asked.read_cache else "bypass"}


def usage(prompt_tokens: int, completion_tokens: int) -> dict[str, int]:
    """The tokens of a request, as they are counted everywhere."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def _reply(generation: Generation, *, with_logprobs: bool) -> dict[str, Any]:
    reply: dict[str, Any] = {
        "id": f"gen-{g.request_id}",
        "model": generation.model,
        "version": generation.version,
        "text": generation.choices[0].text,
        "choices": [
            _choice(index, choice, generation.prompt, with_logprobs) for index, choice in enumerate(generation.choices)
        ],
        "usage": usage(generation.prompt_tokens, sum(choice.completion_tokens for choice in generation.choices)),
        "cached": generation.cached,
        "timing": {"total": round(time.perf_counter() - g.began, 6)},
    }
    if generation.skipped:
        reply["skipped"] = skipped_characters(generation.skipped)
    return reply


def _choice(index: int, choice: Choice, prompt: Ids, with_logprobs: bool) -> dict[str, Any]:
    reply: dict[str, Any] = {
        "index": index,
        "text": choice.text,
        "seed": choice.seed,
        "finish_reason": choice.finish_reason,
    }
    if with_logprobs and choice.logprobs is not None:
        tokens = choice.logprobs
        reply["logprobs"] = Rows(len(tokens), lambda start, stop: _logprobs(tokens[start:stop]))
    return reply | ids_field(choice, prompt)


def ids_field(choice: Choice, prompt: Ids) -> dict[str, Rows]:
    """What `return_token_ids` adds to a choice."""
    return {} if choice.ids is None else {"prompt_token_ids": ids_told(prompt), "token_ids": rows(choice.ids)}


def ids_told(ids: Ids) -> Rows:
    """An array of ids."""
    return Rows(ids.size, lambda start, stop: ids[start:stop].tolist())


def _logprobs(tokens: TextLogprobs) -> list[dict[str, Any]]:
    return [
        {"token": t.token, "logprob": t.logprob, "top": [{"token": o, "logprob": p} for o, p in t.top]} for t in tokens
    ]


def skipped_characters(skipped: Skipped) -> Rows:
    """What was dropped of a text, and where it stood."""
    return Rows(len(skipped), lambda start, stop: _skipped(skipped[start:stop]))


def _skipped(skipped: Skipped) -> list[dict[str, Any]]:
    return [{"position": position, "character": character} for position, character in skipped]


def _chunks(stream: Stream, request_id: str, *, counts: bool) -> Iterator[Event | None]:
    """Chunks for each piece, with the usage of its choice so far if it `counts`; the last one of all has the whole."""
    began = time.perf_counter()
    head: dict[str, Any] = {"id": f"gen-{request_id}", "model": stream.model, "version": stream.version}
    begun = set[int]()
    for news in stream.pieces:
        if news is None:
            yield None
            continue
        index, piece = news
        event = partial(_event, stream, {**head, "index": index, "seed": stream.seeds[index]}, counts)
        if piece.ids is not None and index not in begun:
            yield from prompt_events(stream.prompt, event)
        begun.add(index)
        yield from _piece_events(event, piece)
    *before, last = fitting(
        max(1, len(stream.skipped)),
        lambda start, stop: Event({**head, "text": "", **_skipped_field(stream.skipped[start:stop])}),
    )
    yield from before
    counted = usage(stream.prompt_tokens, stream.completion_tokens())
    timing = {"total": round(time.perf_counter() - began, 6)}
    yield Event({**last.data, "usage": counted, "cached": stream.cached, "timing": timing})


def _skipped_field(skipped: Skipped) -> dict[str, Any]:
    return {"skipped": _skipped(skipped)} if skipped else {}


def prompt_events(prompt: Ids, event_of: Callable[[dict[str, Any]], Event]) -> Iterator[Event]:
    """What a choice begins with where ids are wanted: those of the prompt, in as many chunks as they take."""
    nothing: dict[str, Any] = {"text": "", "finish_reason": None, "token_ids": []}
    yield from fitting(
        max(1, prompt.size),
        lambda start, stop: event_of({**nothing, "prompt_token_ids": prompt[start:stop].tolist()}),
    )


def _event(stream: Stream, choice: dict[str, Any], counts: bool, chunk: dict[str, Any], tokens: int = 0) -> Event:
    counted = {"usage": usage(stream.prompt_tokens, tokens)} if counts else {}
    return Event({**choice, **chunk, **counted})


def _piece_events(event_of: Callable[[dict[str, Any], int], Event], piece: Piece) -> Iterator[Event]:
    parts = piece.parts()

    def event(start: int, stop: int) -> Event:
        part = parts.between(start, stop)
        chunk = {"text": part.text, "finish_reason": part.finish_reason} | new_ids(part)
        told = {} if part.logprobs is None else {"logprobs": _logprobs(part.logprobs)}
        return event_of(chunk | told, part.tokens.stop)

    yield from fitting(len(parts), event)


def new_ids(piece: Piece) -> dict[str, Any]:
    """What `return_token_ids` adds to a chunk."""
    return {} if piece.ids is None else {"token_ids": list(piece.ids)}
