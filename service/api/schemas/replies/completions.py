"""The reply of `/v1/completions`, in OpenAI's format, whole and as the chunks of a stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal, NotRequired, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import TypedDict

from charrnn.vocabulary import Ids
from service.api.schemas.replies.common import (
    NewText,
    PatternSkippedField,
    Usage,
    WithIds,
    closed,
    new_text,
    prompt_ids,
    top_logprobs,
    usage,
    with_ids,
    with_pattern_skipped,
)
from service.api.schemas.rows import Rows
from service.generation.logprobs import TextLogprobs
from service.generation.pieces import Piece
from service.generation.requests import Choice, FinishReason, Generation

T = TypeVar("T")


@closed
class CompletionLogprobs(TypedDict):
    """Parallel lists with one entry per token."""

    tokens: Rows[str] | list[str]
    token_logprobs: Rows[float | None] | list[float | None]
    top_logprobs: Rows[dict[str, float] | None] | list[dict[str, float] | None]
    text_offset: Rows[int] | list[int]


class _Choice(WithIds):
    index: int
    text: str
    seed: int


class CompletionChunkChoice(_Choice):
    """The new text of one choice, in OpenAI's format, and the seed that reproduces it; `finish_reason` is null until it
    ends."""

    finish_reason: FinishReason | None
    logprobs: CompletionLogprobs | None


class CompletionChoice(_Choice):
    """One generated text, in OpenAI's format, and the seed that reproduces it."""

    finish_reason: FinishReason
    logprobs: CompletionLogprobs | None


@closed
class CompletionHead(TypedDict):
    """What a completion and each of its chunks begin with."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str


class CompletionReply(CompletionHead):
    """OpenAI's text completion; with the same `system_fingerprint` (the version), a seed gives the same text."""

    system_fingerprint: str
    choices: list[CompletionChoice]
    usage: Usage
    pattern_skipped: NotRequired[PatternSkippedField]


class CompletionChunk(CompletionHead):
    """An event of a stream, in OpenAI's format; the one with the usage, if requested, has no choices."""

    system_fingerprint: str
    choices: list[CompletionChunkChoice]
    usage: NotRequired[
        Annotated[Usage | None, Field(default=None, description="only with `include_usage` of `stream_options`")]
    ]
    pattern_skipped: NotRequired[PatternSkippedField]


def completion_reply(head: CompletionHead, made: list[Generation]) -> CompletionReply:
    """The reply with the choices of all prompts, one prompt after the other."""
    choices = [(choice, each.prompt) for each in made for choice in each.choices]
    counts = [each.counts for each in made]
    return {
        **head,
        "system_fingerprint": fingerprint(made[0].model, made[0].version),
        "choices": [_choice(index, choice, prompt) for index, (choice, prompt) in enumerate(choices)],
        "usage": usage(*map(sum, zip(*counts, strict=True))),
        **with_pattern_skipped(made[0].pattern_skipped),
    }


def fingerprint(model: str, version: int) -> str:
    """Identifies the version, with which a seed gives the same text."""
    return f"{model}@{version}"


def _token_starts(tokens: TextLogprobs, first: int = 0) -> npt.NDArray[np.int64]:
    """The offset of each token in its choice's text, and the end of the last one."""
    return np.append(first, first + np.cumsum(tokens.lengths()))


def empty_chunk(head: CompletionHead, system_fingerprint: str, *, with_usage: bool) -> CompletionChunk:
    """A chunk without choices; `with_usage`: it has the field `usage`, which is null in all but the last chunk."""
    empty: CompletionChunk = {
        "id": head["id"],
        "object": head["object"],
        "created": head["created"],
        "model": head["model"],
        "system_fingerprint": system_fingerprint,
        "usage": None,
        "choices": [],
    }
    if not with_usage:
        del empty["usage"]
    return empty


class CompletionChunks:
    """Creates the chunks of one choice of a stream, based on `empty`; `counted`: the number of the prompt's tokens, if
    each chunk has the usage so far."""

    def __init__(self, empty: CompletionChunk, index: int, seed: int, counted: int | None) -> None:
        self._empty = empty
        self._choice: CompletionChunkChoice = {
            "index": index,
            "seed": seed,
            "logprobs": None,
            "text": "",
            "finish_reason": None,
        }
        self._counted = counted

    def of_pattern(self, skipped: Sequence[str]) -> CompletionChunk:
        """A chunk with the characters of the pattern that were left out."""
        return {**self._empty, "choices": [self._choice], **with_pattern_skipped(skipped)}

    def of_prompt(self, ids: Ids) -> CompletionChunk:
        """A chunk with ids of the prompt."""
        return self._chunk(prompt_ids(ids), None, 0)

    def of_piece(self, piece: Piece, start: int) -> CompletionChunk:
        """A chunk from a piece that begins at the character `start` of the text."""
        logprobs = None
        if piece.logprobs is not None:
            logprobs = _logprobs_now(piece.logprobs, _token_starts(piece.logprobs, start + piece.begun))
        return self._chunk(new_text(piece), logprobs, piece.tokens.stop)

    def _chunk(self, text: NewText, logprobs: CompletionLogprobs | None, tokens: int) -> CompletionChunk:
        choice: CompletionChunkChoice = {**self._choice, "logprobs": logprobs, **text}
        chunk: CompletionChunk = {**self._empty, "choices": [choice]}
        if self._counted is not None:
            chunk["usage"] = usage(self._counted, tokens)
        return chunk


def _choice(index: int, choice: Choice, prompt: Ids) -> CompletionChoice:
    logprobs = None if choice.logprobs is None else _logprobs(choice.logprobs, _token_starts(choice.logprobs))
    return {
        "index": index,
        "text": choice.text,
        "seed": choice.seed,
        "finish_reason": choice.finish_reason,
        "logprobs": logprobs,
        **with_ids(choice, prompt),
    }


def _logprobs(tokens: TextLogprobs, starts: npt.NDArray[np.int64]) -> CompletionLogprobs:
    """Four lists of equal length, serialized while they are sent; `starts` are the tokens' offsets in the text."""

    def column(part: Callable[[int, int], list[T]]) -> Rows[T]:
        return Rows(len(tokens), part)

    return {
        "tokens": column(lambda start, stop: list(tokens[start:stop].tokens)),
        "token_logprobs": column(lambda start, stop: tokens[start:stop].chosen),
        "top_logprobs": column(lambda start, stop: [top_logprobs(token) for token in tokens[start:stop]]),
        "text_offset": column(lambda start, stop: starts[start:stop].tolist()),
    }


def _logprobs_now(tokens: TextLogprobs, starts: npt.NDArray[np.int64]) -> CompletionLogprobs:
    """The same as plain lists, for a chunk."""
    return {
        "tokens": list(tokens.tokens),
        "token_logprobs": tokens.chosen,
        "top_logprobs": [top_logprobs(token) for token in tokens],
        "text_offset": starts[: len(tokens)].tolist(),
    }
