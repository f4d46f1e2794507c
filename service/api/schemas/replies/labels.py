"""The replies of `/classify`, `/tag`, `/transduce` and `/compare`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from service.api.schemas.replies.common import SkippedField, closed, with_skipped
from service.api.schemas.rows import Rows, rows
from service.generation.comparison import Comparison
from service.generation.labelling import Classification, Classifications, Tagging, Taggings
from service.generation.requests import FinishReason
from service.generation.transducing import Transductions

Probabilities = dict[str, float]


@closed
class ClassifiedText(TypedDict):
    """The likeliest label of a text."""

    label: str
    probability: float
    probabilities: Annotated[Probabilities, Field(description="each label's probability, the likeliest first")]
    skipped: NotRequired[SkippedField]


@closed
class ClassifyReply(TypedDict):
    """The labels of the texts, one a text."""

    model: str
    version: int
    results: list[ClassifiedText]


def classify_reply(found: Classifications) -> ClassifyReply:
    """The reply for classified texts."""
    return {"model": found.model, "version": found.version, "results": [_classified(each) for each in found.results]}


def _classified(found: Classification) -> ClassifiedText:
    return {
        "label": found.label,
        "probability": found.probability,
        "probabilities": dict(found.probabilities),
        **with_skipped(found.skipped),
    }


@closed
class TaggedSpan(TypedDict):
    """Neighbouring tokens with the same tag."""

    start: int
    end: int
    tag: str
    probability: Annotated[float, Field(description="the mean probability of the tag over the span's tokens")]


@closed
class TaggedText(TypedDict):
    """The tags of a text's tokens, and the spans of those with the same one."""

    tags: Rows[str | None]
    spans: Rows[TaggedSpan]
    skipped: NotRequired[SkippedField]


@closed
class TagReply(TypedDict):
    """The tags of the texts."""

    model: str
    version: int
    results: list[TaggedText]


def tag_reply(found: Taggings) -> TagReply:
    """The reply for tagged texts."""
    return {"model": found.model, "version": found.version, "results": [_tagged(each) for each in found.results]}


def _tagged(found: Tagging) -> TaggedText:
    def spans(start: int, stop: int) -> list[TaggedSpan]:
        return [
            {"start": span.start, "end": span.stop, "tag": span.tag, "probability": span.probability}
            for span in found.spans[start:stop]
        ]

    return {"tags": rows(found.tags), "spans": Rows(len(found.spans), spans), **with_skipped(found.skipped)}


@closed
class TransducedText(TypedDict):
    """What a text was turned into."""

    text: str
    logprob: Annotated[float, Field(description="log probability (natural logarithm) of the whole text with its end")]
    finish_reason: FinishReason
    skipped: NotRequired[SkippedField]


@closed
class TransduceReply(TypedDict):
    """What the texts were turned into."""

    model: str
    version: int
    results: list[TransducedText]


def transduce_reply(found: Transductions) -> TransduceReply:
    """The reply for transduced texts."""
    results: list[TransducedText] = [
        {
            "text": each.text,
            "logprob": each.logprob,
            "finish_reason": each.finish_reason,
            **with_skipped(each.skipped),
        }
        for each in found.results
    ]
    return {"model": found.model, "version": found.version, "results": results}


@closed
class ComparedText(TypedDict):
    """Which of the models is likeliest to have written a text."""

    probabilities: Annotated[
        Probabilities, Field(description="by model: the probability that it wrote the text, if all were equally likely")
    ]
    bits_per_character: Annotated[
        dict[str, float | None],
        Field(description="by model: mean negative log2 probability per character; null without characters"),
    ]


@closed
class CompareReply(TypedDict):
    """The comparison of models on texts."""

    results: list[ComparedText]


def compare_reply(models: Sequence[str], found: Sequence[Comparison]) -> CompareReply:
    """The reply for the models as they were named in the request."""
    results: list[ComparedText] = [
        {
            "probabilities": dict(zip(models, each.probabilities, strict=True)),
            "bits_per_character": dict(zip(models, each.bits_per_character, strict=True)),
        }
        for each in found
    ]
    return {"results": results}
