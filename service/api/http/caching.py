"""The headers with which requests control the cache of texts, and replies report its use."""

from __future__ import annotations

from flask import request

from service.generation.requests import GenerationRequest


def may_read_cache() -> bool:
    """Whether the request may be answered from the cache."""
    return not ("HTTP_CACHE_CONTROL" in request.environ and request.cache_control.no_cache)


def cache_header(asked: GenerationRequest, cached: bool) -> dict[str, str]:
    """The header that says whether a reply came from the cache."""
    return {"X-Cache": "hit" if cached else "miss" if asked.read_cache else "bypass"}
