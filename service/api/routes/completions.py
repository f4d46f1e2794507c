"""`/v1`: the OpenAI shapes of completions and models, so that its clients work by changing their base URL."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from flask import Blueprint, Response, g, jsonify, request

from charrnn.vocabulary import Ids
from model_store.errors import NotFoundError
from model_store.faults import version_fault
from model_store.names import CURRENT, parse_reference
from model_store.store import ModelStore
from service.api.http.auth import Guard
from service.api.http.connection import client_of
from service.api.http.large_json import Rows, json_response
from service.api.http.parsing import json_body
from service.api.http.sse import Event, event_stream, fitting
from service.api.openapi.described import describe
from service.api.routes.generation import cache_header, ids_field, new_ids, prompt_events, usage
from service.api.schemas.completions import CompletionBody
from service.api.schemas.model_json import damaged
from service.api.schemas.replies import CompletionChunk, CompletionReply, ModelCard, ModelCards
from service.generation.errors import PromptError
from service.generation.generator import Stream, TextGenerator
from service.generation.logprobs import TextLogprobs, TokenLogprobs
from service.generation.reading import Piece
from service.generation.requests import Choice, Generation, GenerationRequest
from service.settings import Settings

OWNER = "charrnn"

EXAMPLES = {
    "a completion": {"prompt": "ROMEO:", "max_tokens": 60, "temperature": 0.8},
    "two choices with logarithms": {"prompt": "ROMEO:", "max_tokens": 8, "n": 2, "seed": 7, "logprobs": 3},
    "a stream with its usage": {
        "prompt": "ROMEO:",
        "max_tokens": 30,
        "stream": True,
        "stream_options": {"include_usage": True},
    },
}


def blueprint(generator: TextGenerator, store: ModelStore, settings: Settings, guard: Guard) -> Blueprint:
    """The routes that OpenAI's clients know."""
    routes = Blueprint("completions", __name__, url_prefix="/v1")
    routes.before_request(guard)

    @routes.post("/completions")
    @describe(
        "Generate text (OpenAI-compatible)",
        description="Other servers' fields that do not apply here are accepted with neutral values.",
        body=CompletionBody,
        reply=CompletionReply,
        events=(CompletionChunk,),
        errors=(404, 429, 503),
        examples=EXAMPLES,
    )
    def complete() -> Response:
        body = json_body(CompletionBody, settings)
        asked = _requests(body, settings, read_cache=not request.cache_control.no_cache)
        client = client_of(request.environ)
        head = _head(body, settings)
        if body.stream:
            # The first is begun before the reply is: what can be refused then has its status.
            with _place_told(body):
                first, rest = generator.stream_all(asked, client)
            chunks = _chunks(head, itertools.chain([first], rest), body)
            return event_stream(chunks, cache_header(asked[0], first.cached and len(asked) == 1))
        with _place_told(body):
            made = generator.generate_all(asked, client)
        return json_response(_reply(head, made), cache_header(asked[0], all(each.cached for each in made)))

    @routes.get("/models")
    @describe("List the models (OpenAI-compatible)", reply=ModelCards)
    def list_model_cards() -> Response:
        names = (name for name in store.models() if CURRENT in store.aliases(name))
        return jsonify(object="list", data=[_model(store, name) for name in names])

    @routes.get("/models/<reference>")
    @describe("A model, version or alias (OpenAI-compatible)", reply=ModelCard, errors=(404, 422))
    def show_model_card(reference: str) -> Response:
        return jsonify(_model(store, reference))

    return routes


def _requests(body: CompletionBody, settings: Settings, *, read_cache: bool) -> list[GenerationRequest]:
    """One request a prompt."""
    model = body.reference(settings)
    return [body.continuing(prompt, body.max_tokens, model, read_cache=read_cache) for prompt in body.prompts()]


@contextmanager
def _place_told(body: CompletionBody) -> Iterator[None]:
    """An error of one prompt in a list names its place; one of a prompt that stands alone has none."""
    try:
        yield
    except PromptError as error:
        raise error if body.is_list else error.error from error


def _head(body: CompletionBody, settings: Settings) -> dict[str, Any]:
    return {
        "id": f"cmpl-{g.request_id}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": body.reference(settings),
    }


def _reply(head: dict[str, Any], made: list[Generation]) -> dict[str, Any]:
    choices = [(choice, each.prompt) for each in made for choice in each.choices]
    prompt_tokens = sum(each.prompt_tokens for each in made)
    return {
        **head,
        "system_fingerprint": _fingerprint(made[0].model, made[0].version),
        "choices": [_choice(index, choice, prompt) for index, (choice, prompt) in enumerate(choices)],
        "usage": usage(prompt_tokens, sum(choice.completion_tokens for choice, _ in choices)),
    }


def _fingerprint(model: str, version: int) -> str:
    """What a seed gives the same text with."""
    return f"{model}@{version}"


def _choice(index: int, choice: Choice, prompt: Ids) -> dict[str, Any]:
    return {
        "index": index,
        "text": choice.text,
        "seed": choice.seed,
        "finish_reason": choice.finish_reason,
        "logprobs": None if choice.logprobs is None else _logprobs(choice.logprobs, _starts(choice.logprobs)),
        **ids_field(choice, prompt),
    }


def _logprobs(tokens: TextLogprobs, starts: npt.NDArray[np.int64]) -> dict[str, Rows]:
    """Four lists of one length; `starts` is where in the choice's text each of the tokens stands."""

    columns: dict[str, Callable[[int, int], list[Any]]] = {
        "tokens": lambda start, stop: list(tokens[start:stop].tokens),
        "token_logprobs": lambda start, stop: tokens[start:stop].chosen,
        "top_logprobs": lambda start, stop: [_top(token) for token in tokens[start:stop]],
        "text_offset": lambda start, stop: starts[start:stop].tolist(),
    }
    return {name: Rows(len(tokens), part) for name, part in columns.items()}


def _top(token: TokenLogprobs) -> dict[str, float] | None:
    return None if token.logprob is None else {**dict(token.top), token.token: token.logprob}


def _starts(tokens: TextLogprobs, first: int = 0) -> npt.NDArray[np.int64]:
    """Where each of the tokens begins in its choice's text, and where the last one ends."""
    return np.append(first, first + np.cumsum(tokens.lengths()))


def _chunks(head: dict[str, Any], streams: Iterator[Stream], body: CompletionBody) -> Iterator[Event | None]:
    """Chunks of one prompt's choices after the other's, the usage of all at the end if it was asked for."""
    options = body.stream_options
    prompt_tokens = completion_tokens = 0
    for at, stream in enumerate(streams):
        head = {**head, "system_fingerprint": _fingerprint(stream.model, stream.version)}
        head |= {"usage": None} if options.include_usage else {}
        counts = options.include_usage and options.continuous_usage_stats
        yield from _choice_chunks(head, stream, at * body.n, counts=counts)
        prompt_tokens += stream.prompt_tokens
        completion_tokens += stream.completion_tokens()
    if options.include_usage:
        yield Event({**head, "choices": [], "usage": usage(prompt_tokens, completion_tokens)})


def _choice_chunks(head: dict[str, Any], stream: Stream, first_index: int, *, counts: bool) -> Iterator[Event | None]:
    """`counts`: each chunk has the usage of its choice so far."""
    told, begun = [0] * len(stream.seeds), set[int]()
    for news in stream.pieces:
        if news is None:
            yield None
            continue
        index, piece = news
        choice = {"index": first_index + index, "seed": stream.seeds[index]}

        def event(chunk: dict[str, Any], tokens: int = 0, choice: dict[str, Any] = choice) -> Event:
            counted = {"usage": usage(stream.prompt_tokens, tokens)} if counts else {}
            return Event({**head, **counted, "choices": [{**choice, "logprobs": None, **chunk}]})

        if piece.ids is not None and index not in begun:
            yield from prompt_events(stream.prompt, event)
        begun.add(index)
        yield from _piece_events(event, piece, told[index])
        told[index] += 0 if piece.logprobs is None else int(piece.logprobs.lengths().sum())


def _piece_events(event_of: Callable[[dict[str, Any], int], Event], piece: Piece, first: int) -> Iterator[Event]:
    """A piece of a choice, whose first token begins at `first` in the choice's text."""
    parts = piece.parts()
    starts = None if piece.logprobs is None else _starts(piece.logprobs, first)

    def event(start: int, stop: int) -> Event:
        part = parts.between(start, stop)
        told = None if part.logprobs is None or starts is None else _logprobs(part.logprobs, starts[start:])
        logprobs = None if told is None else {name: rows.all() for name, rows in told.items()}
        chunk = {"text": part.text, "finish_reason": part.finish_reason, "logprobs": logprobs, **new_ids(part)}
        return event_of(chunk, part.tokens.stop)

    yield from fitting(len(parts), event)


def _model(store: ModelStore, reference: str) -> dict[str, Any]:
    """A model by its name, or one version or alias of it: whatever `model` of a request may be."""
    name, selector = parse_reference(reference)
    version = store.resolve(name, selector)
    card = {"id": reference, "object": "model", "created": 0, "owned_by": OWNER}
    try:
        published = store.size_and_time(name, version)[1]
    except NotFoundError as error:
        return card | damaged([str(error)])
    created = int(datetime.fromisoformat(published).timestamp())
    return card | {"created": created} | damaged([version_fault(store, name, version)])
