"""The replies of `/tokenize`, `/detokenize` and `/score`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from service.api.schemas.replies.common import SkippedField, closed, top_logprobs, with_skipped
from service.api.schemas.rows import Rows, id_rows, rows
from service.generation.scoring import Score, Scores
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


def score_reply(found: Scores) -> ScoreReply:
    """The reply for a scored text."""
    (score,) = found.scores
    return {
        "model": found.model,
        "version": found.version,
        "tokens": rows(score.logprobs.tokens),
        "logprobs": rows(score.logprobs.chosen),
        "bits_per_character": score.bits_per_character,
        "perplexity": score.perplexity,
    }


@closed
class SurprisingText(TypedDict):
    """A span of a text that is less likely than is usual of the version's held-out records; without a text if it is the
    end of a record."""

    start: int
    end: int
    text: str
    bits: float


Top = dict[str, float]


@closed
class ScoredText(TypedDict):
    """How likely the model finds one of several texts."""

    bits_per_character: float | None
    bits: float
    tokens: int
    percentile: float | None
    surprising: list[SurprisingText]
    logprobs: NotRequired[Annotated[Rows[float | None], Field(default=[], description="only with `logprobs`")]]
    top_logprobs: NotRequired[
        Annotated[Rows[Top | None], Field(default=[], description="only with `logprobs` of at least 1")]
    ]


@closed
class ScoresReply(TypedDict):
    """The scores of several texts."""

    model: str
    version: int
    results: list[ScoredText]


def scores_reply(found: Scores, texts: Sequence[str], logprobs: int | None) -> ScoresReply:
    """The reply for several scored texts, with as many of the likeliest tokens as were asked for."""
    scored = zip(found.scores, texts, strict=True)
    results = [_scored_text(found, score, text, logprobs) for score, text in scored]
    return {"model": found.model, "version": found.version, "results": results}


def _scored_text(found: Scores, score: Score, text: str, logprobs: int | None) -> ScoredText:
    reply: ScoredText = {
        "bits_per_character": score.bits_per_character,
        "bits": score.total,
        "tokens": len(score.logprobs),
        "percentile": found.percentile(score),
        "surprising": [
            {"start": span.start, "end": span.stop, "text": text[span.start : span.stop], "bits": span.bits}
            for span in found.surprising(score)
        ],
    }
    if logprobs is not None:
        reply["logprobs"] = rows(score.logprobs.chosen)
    if logprobs:
        reply["top_logprobs"] = Rows(
            len(score.logprobs), lambda start, stop: [top_logprobs(each) for each in score.logprobs[start:stop]]
        )
    return reply
