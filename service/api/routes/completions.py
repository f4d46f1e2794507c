"""`/v1`: completions and models in OpenAI's format, so that its clients work with another base URL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from operator import itemgetter

from flask import Blueprint, g, request

from model_store.names import CURRENT
from model_store.store import ModelStore
from service.api.http.auth import Guard, guarded
from service.api.http.caching import cache_header, cache_scope, may_read_cache
from service.api.http.client_connection import client_of
from service.api.http.large_json import json_response
from service.api.http.paging import requested
from service.api.http.parsing import json_body
from service.api.http.pattern_errors import pattern_in
from service.api.http.responses import EventStream, JsonResponse
from service.api.http.sse import Event, event_stream
from service.api.http.text_events import cut_off_event, last_event_id, text_events
from service.api.openapi.operations import describe, last_event
from service.api.openapi.page_parameters import PAGE_PARAMETERS
from service.api.schemas.completions import CompletionBody
from service.api.schemas.replies.cards import ModelCard, ModelCards, model_card
from service.api.schemas.replies.common import usage
from service.api.schemas.replies.completions import (
    CompletionChunk,
    CompletionChunks,
    CompletionHead,
    CompletionReply,
    completion_reply,
    empty_chunk,
    fingerprint,
)
from service.api.schemas.replies.cut_off import CutOff, TokenOf
from service.generation.continuations.continuation import CutOffError
from service.generation.continuations.tokens import Continuations
from service.generation.errors import ItemError
from service.generation.generator import TextGenerator
from service.generation.pieces import Stream
from service.generation.progress import EVENT_ID
from service.generation.requests import GenerationRequest
from service.settings import Settings

AnyChunk = CompletionChunk | CutOff

EXAMPLES = {
    "a completion": {"prompt": "ROMEO:", "max_tokens": 60, "temperature": 0.8},
    "two choices with logarithms": {"prompt": "ROMEO:", "max_tokens": 8, "n": 2, "seed": 7, "logprobs": 3},
    "one that fits, as vLLM's clients ask for it": {
        "prompt": "ROMEO:\n",
        "max_tokens": 40,
        "guided_regex": "[A-Z][a-z]+( [a-z]+){1,6}[!?]",
    },
    "a stream with its usage": {
        "prompt": "ROMEO:",
        "max_tokens": 30,
        "stream": True,
        "stream_options": {"include_usage": True},
    },
}


def blueprint(
    generator: TextGenerator, store: ModelStore, continuations: Continuations, settings: Settings, guard: Guard
) -> Blueprint:
    """The OpenAI-compatible routes."""
    routes = guarded("completions", guard, "/v1")

    @routes.post("/completions")
    @describe(
        "Generate text (OpenAI-compatible)",
        description="Other servers' fields that do not apply here are accepted with neutral values. A stream's events"
        " have ids as those of `POST /generate` do.",
        body=CompletionBody,
        parameters=(last_event(EVENT_ID),),
        errors=(404, 429, 503),
        examples=EXAMPLES,
    )
    def complete() -> JsonResponse[CompletionReply] | EventStream[AnyChunk]:
        body = json_body(CompletionBody, settings)
        with _naming_the_fields(body):
            asked, head = _requests(body, settings), _head(body, settings)
            client, last = client_of(request.environ), last_event_id(stream=body.stream)
            if body.stream:
                stream = generator.stream_all(asked, client, last)
                chunks = _chunks(head, stream, body, continuations.token)
                return event_stream(chunks, cache_header(asked[0], stream.heads))
            made = generator.generate_all(asked, client)
        return json_response(completion_reply(head, made), cache_header(asked[0], made))

    @routes.get("/models")
    @describe("List the models (OpenAI-compatible)", parameters=PAGE_PARAMETERS, errors=(422,))
    def list_model_cards() -> ModelCards:
        with_current = [(began, name) for began, name in store.places() if CURRENT in store.aliases(name)]
        page = requested(with_current, store.place, "the name of a model", itemgetter(1))
        return {"object": "list", "data": [model_card(store, name) for _, name in page.places], **page.fields}

    @routes.get("/models/<reference>")
    @describe("A model, version or alias (OpenAI-compatible)", errors=(404, 422))
    def show_model_card(reference: str) -> ModelCard:
        return model_card(store, reference)

    return routes


def _requests(body: CompletionBody, settings: Settings) -> list[GenerationRequest]:
    """One request for each prompt."""
    model = body.reference(settings)
    scope, read_cache = cache_scope(), may_read_cache()
    return [
        body.continuing(prompt, body.max_tokens, model, cache_scope=scope, read_cache=read_cache)
        for prompt in body.prompts()
    ]


@contextmanager
def _naming_the_fields(body: CompletionBody) -> Iterator[None]:
    """A context in which errors name the fields as the body does: those of one prompt in a list its index, those of a
    single prompt not."""
    try:
        with pattern_in(body.pattern_field, "max_tokens"):
            yield
    except ItemError as error:
        if body.is_list:
            raise
        raise error.error from error


def _head(body: CompletionBody, settings: Settings) -> CompletionHead:
    return {
        "id": f"cmpl-{g.request_id}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": body.reference(settings),
    }


def _chunks(
    head: CompletionHead, stream: Stream, body: CompletionBody, token_of: TokenOf
) -> Iterator[Event[AnyChunk] | None]:
    """Chunks of all prompts' choices as they are generated, and the total usage at the end if requested."""
    if stream.progress.ended:
        return
    options = body.stream_options
    first = stream.heads[0]
    empty = empty_chunk(head, fingerprint(first.model, first.version), with_usage=options.include_usage)
    counts = options.include_usage and options.continuous_usage_stats
    choices = [(seed, each.prompt_tokens if counts else None) for each in stream.heads for seed in each.seeds]
    chunks = [CompletionChunks(empty, index, seed, counted) for index, (seed, counted) in enumerate(choices)]
    try:
        yield from text_events(stream, chunks)
    except CutOffError as error:
        yield cut_off_event(stream, error, token_of)
        return
    if options.include_usage:
        cached_counts = [(each.prompt_tokens, each.cached_tokens, each.cached_prompt_tokens) for each in stream.heads]
        prompt_tokens, *cached = map(sum, zip(*cached_counts, strict=True))
        counted = usage(prompt_tokens, stream.completion_tokens(), *cached)
        yield Event({**empty, "choices": [], "usage": counted}, id=stream.progress.last_id)
