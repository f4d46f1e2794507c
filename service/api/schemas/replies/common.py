"""What replies of several groups have in common: errors, counts of tokens, ids, skipped characters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, NotRequired, TypeVar

from pydantic import Field, with_config
from typing_extensions import TypedDict

from charrnn.vocabulary import Ids
from service.api.schemas.rows import Rows, id_rows, rows
from service.generation import requests
from service.generation.logprobs import TokenLogprobs
from service.generation.pieces import Piece

T = TypeVar("T")

OrNull = Annotated[T | None, Field(default=None)]
"""A field that may be omitted or null."""

closed = with_config(extra="forbid")
"""An object without further fields."""

extensible = with_config(extra="allow")
"""An object that may have further fields. Without this, an object inside a closed one would be closed too."""


@extensible
class ErrorBody(TypedDict):
    """What is wrong: `message` names the field, the bound and the value; some errors have further fields."""

    type: str
    code: str
    message: str
    param: str | None


@closed
class ErrorReply(TypedDict):
    """The shape of every error."""

    error: ErrorBody


@closed
class Paged(TypedDict):
    """A page of a list, the newest first; `after` asks for the next one."""

    has_more: bool
    last_id: str | None


@closed
class PromptTokensDetails(TypedDict):
    """Of the prompts' tokens, how many had been read for earlier requests."""

    cached_tokens: int


@closed
class Usage(TypedDict):
    """Token counts."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: NotRequired[
        Annotated[
            int, Field(default=0, description="tokens that were neither read nor generated anew, if any were not")
        ]
    ]
    prompt_tokens_details: NotRequired[
        Annotated[PromptTokensDetails | None, Field(default=None, description="only if tokens of a prompt were cached")]
    ]


def usage(prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0, cached_prompt_tokens: int = 0) -> Usage:
    """The token counts of a request, of which so many generated tokens and prompt tokens were cached."""
    counts: Usage = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }
    if cached_tokens or cached_prompt_tokens:
        counts["cached_tokens"] = cached_tokens + cached_prompt_tokens
    if cached_prompt_tokens:
        counts["prompt_tokens_details"] = {"cached_tokens": cached_prompt_tokens}
    return counts


@closed
class Skipped(TypedDict):
    """A character of the prompt that the model does not know and that was dropped."""

    position: int
    character: str


SkippedField = Annotated[Rows[Skipped] | list[Skipped], Field(default=[], description='only with `"unknown": "skip"`')]


class WithSkipped(TypedDict):
    """What is added to a reply where characters were skipped."""

    skipped: NotRequired[SkippedField]


def with_skipped(skipped: requests.Skipped) -> WithSkipped:
    """The dropped characters of a text with their positions; empty if none were dropped."""
    return {"skipped": Rows(len(skipped), lambda start, stop: _skipped(skipped[start:stop]))} if skipped else {}


def with_skipped_now(skipped: requests.Skipped) -> WithSkipped:
    """The same for an event of a stream, which is serialized at once."""
    return {"skipped": _skipped(skipped)} if skipped else {}


def _skipped(skipped: requests.Skipped) -> list[Skipped]:
    return [{"position": position, "character": character} for position, character in skipped]


MOST_PATTERN_SKIPPED: Final = 1000
"""So many characters fit in a line of a stream."""

PatternSkippedField = Annotated[
    list[str],
    Field(
        default=[],
        description="characters of the pattern that the model does not know, and that the pattern can do without, if"
        f" there are any; at most {MOST_PATTERN_SKIPPED}; in a stream: of the first event",
    ),
]


class WithPatternSkipped(TypedDict):
    """What is added to a reply where characters of the pattern were left out."""

    pattern_skipped: NotRequired[PatternSkippedField]


def with_pattern_skipped(skipped: Sequence[str]) -> WithPatternSkipped:
    """The characters of the pattern that were left out; empty if none were."""
    return {"pattern_skipped": list(skipped[:MOST_PATTERN_SKIPPED])} if skipped else {}


IdsField = Annotated[Rows[int] | list[int], Field(default=[], description="only with `return_token_ids`")]


@closed
class WithIds(TypedDict):
    """What `return_token_ids` adds to a choice. In a stream: the prompt's to the first chunk of each, to every chunk
    those that are new, including a stop string's."""

    prompt_token_ids: NotRequired[IdsField]
    token_ids: NotRequired[IdsField]


def with_ids(choice: requests.Choice, prompt: Ids) -> WithIds:
    """What `return_token_ids` adds to a choice."""
    return {} if choice.ids is None else {"prompt_token_ids": id_rows(prompt), "token_ids": rows(choice.ids)}


def top_logprobs(token: TokenLogprobs) -> dict[str, float] | None:
    """The log-probabilities of the likeliest tokens, by their text, and of the token itself, as OpenAI writes them."""
    return None if token.logprob is None else {**dict(token.top), token.token: token.logprob}


class NewText(WithIds):
    """What a chunk says of a choice, in every format."""

    text: str
    finish_reason: requests.FinishReason | None


def new_text(piece: Piece) -> NewText:
    """The content of a chunk: a piece of a choice, or a part of one."""
    new: NewText = {"text": piece.text, "finish_reason": piece.finish_reason}
    if piece.ids is not None:
        new["token_ids"] = list(piece.ids)
    return new


def prompt_ids(ids: Ids) -> NewText:
    """The chunk content before a choice if ids are requested: all or some of the prompt's ids."""
    return {"text": "", "finish_reason": None, "token_ids": [], "prompt_token_ids": ids.tolist()}
