"""`POST /classify`, `/tag`, `/transduce` and `/compare`: what models say of whole records, and which model a text is
likeliest by."""

from __future__ import annotations

from flask import Blueprint, request

from service.api.http.auth import Guard, guarded
from service.api.http.client_connection import client_of
from service.api.http.exceptions import fault_in
from service.api.http.large_json import json_response
from service.api.http.parsing import json_body
from service.api.http.responses import JsonResponse
from service.api.openapi.operations import describe
from service.api.schemas.labels import ClassifyBody, CompareBody, TagBody, TransduceBody
from service.api.schemas.replies.labels import (
    ClassifyReply,
    CompareReply,
    TagReply,
    TransduceReply,
    classify_reply,
    compare_reply,
    tag_reply,
    transduce_reply,
)
from service.generation.comparison import Comparer
from service.generation.labelling import Labeller
from service.generation.transducing import Transducer
from service.settings import Settings


def blueprint(
    labeller: Labeller, transducer: Transducer, comparer: Comparer, settings: Settings, guard: Guard
) -> Blueprint:
    """The routes for models of records, and for several models."""
    routes = guarded("labels", guard)

    @routes.post("/classify")
    @describe(
        "The label of a text",
        description="For models trained to classify. Several `texts` are read together.",
        body=ClassifyBody,
        errors=(404, 429, 503),
        examples={
            "a text": {"model": "languages", "text": "But soft!"},
            "several texts, and the likeliest label of each": {
                "model": "languages",
                "texts": ["But soft!", "light"],
                "top": 1,
            },
        },
    )
    def classify() -> JsonResponse[ClassifyReply]:
        body = json_body(ClassifyBody, settings)
        skips, client = body.unknown == "skip", client_of(request.environ)
        with fault_in(body):
            found = labeller.classify(
                body.reference(settings), body.several, top=body.top, skip_unknown=skips, client=client
            )
        return json_response(classify_reply(found))

    @routes.post("/tag")
    @describe(
        "A tag for each token of a text",
        description="For models trained to tag. `tags` has null for what was skipped.",
        body=TagBody,
        errors=(404, 429, 503),
        examples={"a text": {"model": "token-types", "text": "But soft!"}},
    )
    def tag() -> JsonResponse[TagReply]:
        body = json_body(TagBody, settings)
        skips, client = body.unknown == "skip", client_of(request.environ)
        with fault_in(body):
            found = labeller.tag(body.reference(settings), body.several, skip_unknown=skips, client=client)
        return json_response(tag_reply(found))

    @routes.post("/transduce")
    @describe(
        "Turn a text into another",
        description="For models trained to transduce. The same request has the same reply. With more `beams`, likelier"
        " texts are found, in more time.",
        body=TransduceBody,
        errors=(404, 429, 503),
        examples={
            "greedily": {"model": "dates", "text": "But soft!"},
            "with beams": {"model": "dates", "texts": ["But soft!", "light"], "beams": 4, "length": 20},
        },
    )
    def transduce() -> JsonResponse[TransduceReply]:
        body = json_body(TransduceBody, settings)
        with fault_in(body):
            found = transducer.transduce(body.request(settings), client_of(request.environ))
        return json_response(transduce_reply(found))

    @routes.post("/compare")
    @describe(
        "Which of several models a text is likeliest by",
        description="All models must know all characters. Those of records alone compare the text with its end, others"
        " as the beginning of a text.",
        body=CompareBody,
        errors=(404, 429, 503),
        examples={"two models": {"models": ["shakespeare", "poems"], "text": "But soft!"}},
    )
    def compare() -> JsonResponse[CompareReply]:
        body = json_body(CompareBody, settings)
        with fault_in(body, can_skip=False):
            found = comparer.compare(body.models, body.several, client_of(request.environ))
        return json_response(compare_reply(body.models, found))

    return routes
