"""The headers with which requests control the cache of texts, and replies report its use."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from flask import request

from service.api.http.auth import accepted_key
from service.generation.requests import GenerationRequest


class FromCache(Protocol):
    """A result, of which all or some tokens may come from the cache."""

    @property
    def cached(self) -> bool: ...
    @property
    def cached_tokens(self) -> int: ...
    @property
    def cached_prompt_tokens(self) -> int: ...


def may_read_cache() -> bool:
    """Whether the request may be answered from the cache."""
    return not ("HTTP_CACHE_CONTROL" in request.environ and request.cache_control.no_cache)


def cache_scope() -> str:
    """Whose texts without a seed this request may be answered with: those of the same key, or all while no key is
    needed."""
    return accepted_key()


def cache_header(asked: GenerationRequest, results: Collection[FromCache]) -> dict[str, str]:
    """The header that says whether a reply came from the cache: all of it, a part (of a text, or the state after some
    of its prompt), or nothing."""
    return {"X-Cache": _found(results) if asked.read_cache else "bypass"}


def _found(results: Collection[FromCache]) -> str:
    if all(each.cached for each in results):
        return "hit"
    return "partial" if any(each.cached_tokens or each.cached_prompt_tokens for each in results) else "miss"
