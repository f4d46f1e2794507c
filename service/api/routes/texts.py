"""`POST /tokenize`, `/detokenize` and `/score`: what a model makes of a text that is there already."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from service.api.http.auth import Guard
from service.api.http.connection import client_of
from service.api.http.errors import unknown_ids, unknown_in
from service.api.http.large_json import Rows, json_response, rows
from service.api.http.parsing import json_body
from service.api.openapi.described import describe
from service.api.routes.generation import skipped_characters
from service.api.schemas.bodies import DetokenizeBody, ScoreBody, TokenizeBody
from service.api.schemas.replies import DetokenizeReply, ScoreReply, TokenizeReply
from service.generation.scoring import Scorer
from service.generation.tokenization import Tokenizer, UnknownIdsError
from service.settings import Settings


def blueprint(tokenizer: Tokenizer, scorer: Scorer, settings: Settings, guard: Guard) -> Blueprint:
    """The routes that read texts."""
    routes = Blueprint("texts", __name__)
    routes.before_request(guard)

    @routes.post("/tokenize")
    @describe(
        "Turn text into token ids",
        body=TokenizeBody,
        reply=TokenizeReply,
        errors=(404, 503),
        examples={"a text": {"text": "ROMEO:"}},
    )
    def tokenize() -> Response:
        body = json_body(TokenizeBody, settings)
        with unknown_in("text"):
            found = tokenizer.encode(body.reference(settings), body.text, skip_unknown=body.unknown == "skip")
        reply: dict[str, Any] = {"model": found.model, "version": found.version, "count": found.ids.size}
        reply |= {"ids": Rows(found.ids.size, lambda start, stop: found.ids[start:stop]), "tokens": rows(found.tokens)}
        return json_response(reply | ({"skipped": skipped_characters(found.skipped)} if found.skipped else {}))

    @routes.post("/detokenize")
    @describe(
        "Turn token ids into text",
        body=DetokenizeBody,
        reply=DetokenizeReply,
        errors=(404, 503),
        examples={"some ids": {"ids": [1, 2, 3]}},
    )
    def detokenize() -> Response:
        body = json_body(DetokenizeBody, settings)
        try:
            found = tokenizer.decode(body.reference(settings), body.ids)
        except UnknownIdsError as error:
            raise unknown_ids(error, "ids") from error
        return json_response({"model": found.model, "version": found.version, "text": "".join(found.tokens)})

    @routes.post("/score")
    @describe(
        "How likely a model finds a text",
        body=ScoreBody,
        reply=ScoreReply,
        errors=(404, 429, 503),
        examples={"a text": {"text": "ROMEO:\nBut soft!"}},
    )
    def score() -> Response:
        body = json_body(ScoreBody, settings)
        with unknown_in("text", can_skip=False):
            found = scorer.score(body.reference(settings), body.text, client_of(request.environ))
        return json_response(
            {
                "model": found.model,
                "version": found.version,
                "tokens": rows(found.tokens),
                "logprobs": rows(found.logprobs),
                "bits_per_character": found.bits_per_character,
                "perplexity": found.perplexity,
            }
        )

    return routes
