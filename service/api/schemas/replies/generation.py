"""The reply of `/generate`, whole and as the chunks of a stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from charrnn.vocabulary import Ids
from service.api.schemas.replies.common import (
    NewText,
    PatternSkippedField,
    SkippedField,
    Usage,
    WithIds,
    closed,
    new_text,
    prompt_ids,
    usage,
    with_ids,
    with_pattern_skipped,
    with_skipped,
)
from service.api.schemas.replies.cut_off import TokenOf
from service.api.schemas.replies.traces import ChoiceTrace, choice_trace
from service.api.schemas.rows import Rows
from service.generation.logprobs import TextLogprobs
from service.generation.pieces import Piece
from service.generation.requests import Choice, FinishReason, Generation
from service.generation.units.text_trace import TextTrace


@closed
class TopLogprob(TypedDict):
    """One of the most likely tokens at a position."""

    token: str
    logprob: float


@closed
class TokenLogprob(TypedDict):
    """A token and its log probability; null for the first token of a text."""

    token: str
    logprob: float | None
    top: list[TopLogprob]


LogprobsField = Annotated[
    Rows[TokenLogprob] | list[TokenLogprob], Field(default=[], description="only with `logprobs`")
]


ContinuationField = Annotated[
    str | None,
    Field(default=None, description="from where it can go on, for the field `continue`; only with `continuation`"),
]


class ChoiceReply(WithIds):
    """One generated text and the seed that reproduces it."""

    index: int
    text: str
    seed: int
    finish_reason: FinishReason
    logprobs: NotRequired[LogprobsField]
    continuation: NotRequired[ContinuationField]
    trace: NotRequired[Annotated[ChoiceTrace | None, Field(default=None, description="only with `trace`")]]


@closed
class Timing(TypedDict):
    """Seconds."""

    total: float


@closed
class GenerateHead(TypedDict):
    """What a reply and every event of a stream begin with."""

    id: str
    model: str
    version: int


class GenerateReply(GenerateHead):
    """The generated texts; `text` is the first choice's."""

    text: str
    choices: list[ChoiceReply]
    usage: Usage
    cached: bool
    timing: Timing
    skipped: NotRequired[SkippedField]
    pattern_skipped: NotRequired[PatternSkippedField]


class GenerateChunk(WithIds, GenerateHead):
    """An event of a stream: the new text of one choice; `finish_reason` is null until it ends."""

    index: int
    text: str
    seed: int
    finish_reason: FinishReason | None
    logprobs: NotRequired[LogprobsField]
    continuation: NotRequired[ContinuationField]
    usage: NotRequired[
        Annotated[
            Usage | None, Field(default=None, description="only with `continuous_usage_stats` of `stream_options`")
        ]
    ]
    pattern_skipped: NotRequired[PatternSkippedField]


class GenerateSkipped(GenerateHead):
    """An event of a stream before its last one: some of the skipped characters, where one event cannot hold all."""

    text: Literal[""]
    skipped: NotRequired[SkippedField]


class GenerateEnd(GenerateHead):
    """The last event of a stream before `[DONE]`."""

    text: Literal[""]
    usage: Usage
    cached: bool
    timing: Timing
    skipped: NotRequired[SkippedField]


def generate_reply(
    generation: Generation, id: str, seconds: float, token_of: TokenOf, *, with_logprobs: bool
) -> GenerateReply:
    """The whole reply, which took `seconds`."""
    prompt = generation.prompt
    choices = [_choice(index, each, prompt, with_logprobs) for index, each in enumerate(generation.choices)]
    for reply, choice in zip(choices, generation.choices, strict=True):
        if choice.continuation is not None:
            reply["continuation"] = token_of(choice.continuation)
    return {
        "id": id,
        "model": generation.model,
        "version": generation.version,
        "text": generation.choices[0].text,
        "choices": choices,
        "usage": usage(*generation.counts),
        "cached": generation.cached,
        "timing": timing(seconds),
        **with_skipped(generation.skipped),
        **with_pattern_skipped(generation.pattern_skipped),
    }


def add_traces(reply: GenerateReply, traces: list[TextTrace]) -> None:
    """Add a trace to each choice of the reply."""
    for choice, trace in zip(reply["choices"], traces, strict=True):
        choice["trace"] = choice_trace(trace)


class GenerateChunks:
    """Creates the chunks of one choice of a stream; `counted`: the number of the prompt's tokens, if each chunk has the
    usage so far."""

    def __init__(self, head: GenerateHead, index: int, seed: int, counted: int | None, token_of: TokenOf) -> None:
        self._token_of = token_of
        self._empty: GenerateChunk = {
            "id": head["id"],
            "model": head["model"],
            "version": head["version"],
            "index": index,
            "seed": seed,
            "text": "",
            "finish_reason": None,
        }
        self._counted = counted

    def of_pattern(self, skipped: Sequence[str]) -> GenerateChunk:
        """A chunk with the characters of the pattern that were left out."""
        return {**self._empty, **with_pattern_skipped(skipped)}

    def of_prompt(self, ids: Ids) -> GenerateChunk:
        """A chunk with ids of the prompt."""
        return self._chunk(prompt_ids(ids), None, 0)

    def of_piece(self, piece: Piece, _: int = 0) -> GenerateChunk:
        """A chunk from a piece."""
        chunk = self._chunk(new_text(piece), piece.logprobs, piece.tokens.stop)
        if piece.continuation is not None:
            chunk["continuation"] = self._token_of(piece.continuation)
        return chunk

    def _chunk(self, text: NewText, logprobs: TextLogprobs | None, tokens: int) -> GenerateChunk:
        chunk: GenerateChunk = {**self._empty, **text}
        if logprobs is not None:
            chunk["logprobs"] = _token_logprobs(logprobs)
        if self._counted is not None:
            chunk["usage"] = usage(self._counted, tokens)
        return chunk


def timing(seconds: float) -> Timing:
    """Rounded to microseconds."""
    return {"total": round(seconds, 6)}


def _token_logprobs(tokens: TextLogprobs) -> list[TokenLogprob]:
    """Each token with the likeliest ones at its position."""
    return [
        {"token": t.token, "logprob": t.logprob, "top": [{"token": o, "logprob": p} for o, p in t.top]} for t in tokens
    ]


def _choice(index: int, choice: Choice, prompt: Ids, with_logprobs: bool) -> ChoiceReply:
    reply: ChoiceReply = {
        "index": index,
        "text": choice.text,
        "seed": choice.seed,
        "finish_reason": choice.finish_reason,
    }
    if with_logprobs and choice.logprobs is not None:
        tokens = choice.logprobs
        reply["logprobs"] = Rows(len(tokens), lambda start, stop: _token_logprobs(tokens[start:stop]))
    return reply if choice.ids is None else {**reply, **with_ids(choice, prompt)}
