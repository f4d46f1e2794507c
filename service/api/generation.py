"""`POST /generate`."""

from __future__ import annotations

import json
import time
from typing import Any

from flask import Blueprint, Response, g, request

from service.api.auth import Guard
from service.api.connection import client_is_there
from service.api.parsing import json_body
from service.api.schemas import GenerateBody
from service.generation.generator import TextGenerator
from service.generation.requests import Choice, Generation
from service.settings import Settings


def blueprint(generator: TextGenerator, settings: Settings, guard: Guard) -> Blueprint:
    """The routes that generate."""
    routes = Blueprint("generation", __name__)
    routes.before_request(guard)

    @routes.post("/generate")
    def generate() -> Response:
        began = time.perf_counter()
        body = json_body(GenerateBody, settings)
        asked = body.request(settings, read_cache=not request.cache_control.no_cache)
        generation = generator.generate(asked, alive=client_is_there(request.environ))
        response = Response(json.dumps(_reply(generation, time.perf_counter() - began)), mimetype="application/json")
        response.headers["X-Cache"] = "hit" if generation.cached else "miss" if asked.read_cache else "bypass"
        return response

    return routes


def _reply(generation: Generation, seconds: float) -> dict[str, Any]:
    completion = sum(choice.completion_tokens for choice in generation.choices)
    reply: dict[str, Any] = {
        "id": f"gen-{g.request_id}",
        "model": generation.model,
        "version": generation.version,
        "text": generation.choices[0].text,
        "choices": [_choice(index, choice) for index, choice in enumerate(generation.choices)],
        "usage": {
            "prompt_tokens": generation.prompt_tokens,
            "completion_tokens": completion,
            "total_tokens": generation.prompt_tokens + completion,
        },
        "cached": generation.cached,
        "timing": {"total": round(seconds, 6)},
    }
    if generation.skipped:
        reply["skipped"] = [{"position": position, "character": c} for position, c in generation.skipped]
    return reply


def _choice(index: int, choice: Choice) -> dict[str, Any]:
    reply: dict[str, Any] = {
        "index": index,
        "text": choice.text,
        "seed": choice.seed,
        "finish_reason": choice.finish_reason,
    }
    if choice.logprobs is not None:
        reply["logprobs"] = [
            {"token": t.token, "logprob": t.logprob, "top": [{"token": o, "logprob": p} for o, p in t.top]}
            for t in choice.logprobs
        ]
    return reply
