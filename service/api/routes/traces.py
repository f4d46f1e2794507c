"""`POST /trace`: what a model's cells do along a text, as JSON or as a coloured text."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, request

from service.api.http.auth import Guard, guarded
from service.api.http.client_connection import client_of
from service.api.http.exceptions import unknown_in
from service.api.http.large_json import json_response
from service.api.http.parsing import json_body
from service.api.http.responses import PNG, SVG, JsonResponse, Png, Svg
from service.api.openapi.operations import describe
from service.api.schemas.replies.traces import TraceReply, trace_reply
from service.api.schemas.texts import TraceBody
from service.generation.units.selection import UnitSelectionError
from service.generation.units.text_trace import TextTrace
from service.generation.units.tracing import Tracer
from service.pictures.coloured_text import ColouredText, coloured_text
from service.pictures.scales import signed, surprisal
from service.settings import Settings

JSON: Final = "application/json"
KINDS: Final = (JSON, SVG, PNG)
"""The content types of a trace; the first is the default."""

VARY: Final = {"Vary": "Accept"}

EXAMPLES: Final = {
    "surprisal": {"text": "ROMEO:\nBut soft!"},
    "a cell, and all units of a layer": {"text": "ROMEO:", "cells": [{"layer": 0, "unit": 5}, {"layer": 0}]},
}


def blueprint(tracer: Tracer, settings: Settings, guard: Guard) -> Blueprint:
    """The route that traces."""
    routes = guarded("traces", guard)

    @routes.post("/trace")
    @describe(
        "What a model's cells do along a text",
        description="With `Accept: image/svg+xml` or `image/png`: the text coloured by one cell, or by surprisal.",
        body=TraceBody,
        errors=(404, 429, 503),
        examples=EXAMPLES,
    )
    def trace() -> JsonResponse[TraceReply] | Svg | Png:
        body = json_body(TraceBody, settings)
        kind = request.accept_mimetypes.best_match(KINDS, JSON)
        if kind != JSON:
            body.check_one_cell()
        with unknown_in("text"):
            found = tracer.trace(body.request(settings), client_of(request.environ))
        if kind == JSON:
            return json_response(trace_reply(found), VARY)
        picture = _picture(found)
        return Svg(picture.svg(), headers=VARY) if kind == SVG else Png(picture.png(), headers=VARY)

    return routes


def _picture(trace: TextTrace) -> ColouredText:
    version = f"{trace.model}@{trace.version}"
    if not trace.cells:
        if not trace.is_scored:
            raise UnitSelectionError("cells", f"must name a cell: {version} writes no text, so none is surprising")
        return coloured_text(version, trace.tokens, trace.surprisal, surprisal())
    cell, values = trace.cells[0], trace.values[0].tolist()
    title = f"{version} \N{MIDDLE DOT} layer {cell.layer} \N{MIDDLE DOT} unit {cell.unit}"
    return coloured_text(title, trace.tokens, values, signed(f"{cell.part} state", values))
