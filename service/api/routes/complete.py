"""`POST /complete`: what most likely comes next."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, request

from service.api.http.auth import Guard, guarded
from service.api.http.client_connection import client_of
from service.api.http.exceptions import unknown_in
from service.api.http.large_json import json_response
from service.api.http.parsing import json_body
from service.api.http.pattern_errors import pattern_in
from service.api.http.responses import JsonResponse
from service.api.openapi.operations import describe
from service.api.schemas.complete import CompleteBody
from service.api.schemas.replies.complete import CompleteReply, complete_reply
from service.generation.completing import Completer
from service.settings import Settings

EXAMPLES: Final = {
    "the rest of a word": {"prompt": "But soft! What li"},
    "the rest of the line": {"prompt": "But soft! What ", "until": "\n", "length": 10, "n": 3},
    "only what fits": {"prompt": "But soft! What li", "choice": ["light", "ght", "fe"]},
}


def blueprint(completer: Completer, settings: Settings, guard: Guard) -> Blueprint:
    """The route that completes prompts."""
    routes = guarded("complete", guard)

    @routes.post("/complete")
    @describe(
        "Complete a text while it is typed",
        description="The likeliest texts that may come next, up to where one of `until` ends them, which may be at once"
        " (an empty text), or up to `length` tokens. The probabilities are the model's own; those of all ways in which"
        " a text ends are summed up. Beside a pattern, only texts that fit are completions, and whatever cannot follow"
        " where a text may end ends it. A prompt that goes on from an earlier one is read only from there. The same"
        " request has the same reply.",
        body=CompleteBody,
        errors=(404, 429, 503),
        examples=EXAMPLES,
    )
    def complete_text() -> JsonResponse[CompleteReply]:
        body = json_body(CompleteBody, settings)
        with unknown_in("prompt"), pattern_in(body.pattern_field):
            found = completer.complete(body.request(settings), client_of(request.environ))
        return json_response(complete_reply(found))

    return routes
