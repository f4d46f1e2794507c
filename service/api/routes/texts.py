"""`POST /tokenize`, `/detokenize` and `/score`: what a model makes of a given text."""

from __future__ import annotations

from flask import Blueprint, request

from service.api.http.auth import Guard, guarded
from service.api.http.client_connection import client_of
from service.api.http.exceptions import unknown_in
from service.api.http.large_json import json_response
from service.api.http.parsing import json_body
from service.api.http.responses import JsonResponse
from service.api.openapi.operations import describe
from service.api.schemas.replies.texts import (
    DetokenizeReply,
    ScoreReply,
    ScoresReply,
    TokenizeReply,
    detokenize_reply,
    score_reply,
    scores_reply,
    tokenize_reply,
)
from service.api.schemas.texts import DetokenizeBody, ScoreBody, TokenizeBody
from service.generation.scoring import Scorer
from service.generation.tokenization import Tokenizer
from service.settings import Settings


def blueprint(tokenizer: Tokenizer, scorer: Scorer, settings: Settings, guard: Guard) -> Blueprint:
    """The routes that read texts."""
    routes = guarded("texts", guard)

    @routes.post("/tokenize")
    @describe(
        "Turn text into token ids",
        body=TokenizeBody,
        errors=(404, 503),
        examples={"a text": {"text": "ROMEO:"}},
    )
    def tokenize() -> JsonResponse[TokenizeReply]:
        body = json_body(TokenizeBody, settings)
        with unknown_in("text"):
            found = tokenizer.encode(body.reference(settings), body.text, skip_unknown=body.unknown == "skip")
        return json_response(tokenize_reply(found))

    @routes.post("/detokenize")
    @describe(
        "Turn token ids into text",
        body=DetokenizeBody,
        errors=(404, 503),
        examples={"some ids": {"ids": [1, 2, 3]}},
    )
    def detokenize() -> JsonResponse[DetokenizeReply]:
        body = json_body(DetokenizeBody, settings)
        with unknown_in("ids"):
            found = tokenizer.decode(body.reference(settings), body.ids)
        return json_response(detokenize_reply(found))

    @routes.post("/score")
    @describe(
        "How likely a model finds a text",
        body=ScoreBody,
        errors=(404, 429, 503),
        description="Several `texts` are read together. `percentile` compares each with the version's held-out "
        "records (lines, for an endless text), `surprising` has the spans that stand out against these.",
        examples={
            "a text": {"text": "ROMEO:\nBut soft!"},
            "several texts": {"texts": ["But soft!", "Tub fost!"], "logprobs": 2},
        },
    )
    def score() -> JsonResponse[ScoreReply | ScoresReply]:
        body = json_body(ScoreBody, settings)
        reference, client = body.reference(settings), client_of(request.environ)
        if body.texts is not None:
            scores = scorer.score_all(reference, body.texts, body.logprobs, client)
            return json_response(scores_reply(scores, body.texts, body.logprobs))
        with unknown_in("text", can_skip=False):
            found = scorer.score(reference, body.text or "", client)
        return json_response(score_reply(found))

    return routes
