"""The replies of `/tokenize`, `/detokenize` and `/score`."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from service.api.schemas.replies.common import SkippedField, closed, with_skipped
from service.api.schemas.rows import Rows, id_rows, rows
from service.generation.scoring import Score
from service.generation.tokenization import Tokens


@closed
class TokenizeReply(TypedDict):
    """The token ids of a text, and the text of each token."""

    model: str
    version: int
    count: int
    ids: Rows[int]
    tokens: Rows[str]
    skipped: NotRequired[SkippedField]


def tokenize_reply(found: Tokens) -> TokenizeReply:
    """The reply for a tokenized text."""
    return {
        "model": found.model,
        "version": found.version,
        "count": found.ids.size,
        "ids": id_rows(found.ids),
        "tokens": rows(found.tokens),
        **with_skipped(found.skipped),
    }


@closed
class DetokenizeReply(TypedDict):
    """The text of the token ids."""

    model: str
    version: int
    text: str


def detokenize_reply(found: Tokens) -> DetokenizeReply:
    """The reply for a detokenized text."""
    return {"model": found.model, "version": found.version, "text": "".join(found.tokens)}


@closed
class ScoreReply(TypedDict):
    """Log probabilities (null for the first token), and their mean as bits per character and as perplexity."""

    model: str
    version: int
    tokens: Rows[str]
    logprobs: Rows[float | None]
    bits_per_character: float | None
    perplexity: float | None


def score_reply(found: Score) -> ScoreReply:
    """The reply for a scored text."""
    return {
        "model": found.model,
        "version": found.version,
        "tokens": rows(found.tokens),
        "logprobs": rows(found.logprobs),
        "bits_per_character": found.bits_per_character,
        "perplexity": found.perplexity,
    }
