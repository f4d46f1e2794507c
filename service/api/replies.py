"""The JSON of every reply, for the document that describes them; a running service validates nothing with these."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel
from pydantic.dataclasses import dataclass

from charrnn.config import Cell, ModelConfig, Part
from model_store.aliases import AliasChange
from service.generation.requests import FinishReason
from service.training.corpora import Corpus
from service.training.job import JobProgress, Status

SVG: Final = "image/svg+xml"
PNG: Final = "image/png"
"""What a picture is sent as."""


class Reply(BaseModel):
    """An object with these fields and no others."""

    model_config = ConfigDict(extra="forbid")


class ErrorBody(BaseModel):
    """What is wrong: `message` names the field, the bound and the value; some errors list more beside it."""

    type: str
    code: str
    message: str
    param: str | None


class ErrorReply(Reply):
    """The one shape of every error."""

    error: ErrorBody


class Usage(Reply):
    """Tokens read and made."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Skipped(Reply):
    """A part of the prompt that the model does not know and that was dropped."""

    position: int
    character: str


class TopLogprob(Reply):
    """One of the likeliest tokens of a position."""

    token: str
    logprob: float


class TokenLogprob(Reply):
    """A token and the natural logarithm of its probability; null: it follows nothing."""

    token: str
    logprob: float | None
    top: list[TopLogprob]


class LikelyToken(Reply):
    """One of the likeliest tokens to follow."""

    token: str
    probability: float


class TracedCell(Reply):
    """A cell's state after reading each token."""

    layer: int
    unit: int
    part: Part
    values: list[float]


class ChoiceTrace(Reply):
    """Lists of one length, a token each: `surprisal` in bits (null: it follows nothing), in `top` the five likeliest to
    follow it."""

    tokens: list[str]
    surprisal: list[float | None]
    top: list[list[LikelyToken]]
    cells: list[TracedCell]


class TraceReply(ChoiceTrace):
    """What a version did while it read a text."""

    model: str
    version: int
    skipped: list[Skipped] = Field(default=[], description='only with `"unknown": "skip"`')


class WithIds(Reply):
    """What `return_token_ids` adds to a choice. In a stream: to the first chunk of each the prompt's, to every chunk
    those that are new; a stop text's are among them."""

    prompt_token_ids: list[int] = Field(default=[], description="only with `return_token_ids`")
    token_ids: list[int] = Field(default=[], description="only with `return_token_ids`")


class ChoiceReply(WithIds):
    """One generated text; its seed gives it again."""

    index: int
    text: str
    seed: int
    finish_reason: FinishReason
    logprobs: list[TokenLogprob] = Field(default=[], description="only when `logprobs` was asked for")
    trace: ChoiceTrace | None = Field(default=None, description="only when `trace` was asked for")


class Timing(Reply):
    """Seconds."""

    total: float


class GenerateReply(Reply):
    """What was generated; `text` is the first choice's."""

    id: str
    model: str
    version: int
    text: str
    choices: list[ChoiceReply]
    usage: Usage
    cached: bool
    timing: Timing
    skipped: list[Skipped] = Field(default=[], description='only with `"unknown": "skip"`')


class GenerateChunk(WithIds):
    """An event of a stream: what is new of one choice; `finish_reason` is null until it ends."""

    id: str
    model: str
    version: int
    index: int
    text: str
    seed: int
    finish_reason: FinishReason | None
    logprobs: list[TokenLogprob] = Field(default=[], description="only when `logprobs` was asked for")
    usage: Usage | None = Field(default=None, description="only with `continuous_usage_stats` of `stream_options`")


class GenerateEnd(Reply):
    """The last event of a stream before `[DONE]`."""

    id: str
    model: str
    version: int
    text: Literal[""]
    usage: Usage
    cached: bool
    timing: Timing
    skipped: list[Skipped] = Field(default=[], description='only with `"unknown": "skip"`')


class CompletionLogprobs(Reply):
    """Lists of one length: a token each."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int]


class CompletionChunkChoice(WithIds):
    """What is new of one choice, in OpenAI's shape, and the seed that gives it again; `finish_reason` is null until it
    ends."""

    index: int
    text: str
    seed: int
    finish_reason: FinishReason | None
    logprobs: CompletionLogprobs | None


class CompletionChoice(CompletionChunkChoice):
    """One generated text, in OpenAI's shape, and the seed that gives it again."""

    finish_reason: FinishReason


class CompletionReply(Reply):
    """OpenAI's text completion; `system_fingerprint` is the version that a seed gives the same text with."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[CompletionChoice]
    usage: Usage


class CompletionChunk(Reply):
    """An event of a stream, in OpenAI's shape; the one with the usage, if it was asked for, has no choices."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[CompletionChunkChoice]
    usage: Usage | None = Field(default=None, description="only with `include_usage` of `stream_options`")


class ModelCard(Reply):
    """A model as OpenAI's clients list it."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    damaged: str = Field(default="", description="only of a damaged model: what is wrong with its version")


class ModelCards(Reply):
    """The models that can be asked by their names."""

    object: Literal["list"]
    data: list[ModelCard]


class TokenizeReply(Reply):
    """The ids of a text and the text of each."""

    model: str
    version: int
    count: int
    ids: list[int]
    tokens: list[str]
    skipped: list[Skipped] = Field(default=[], description='only with `"unknown": "skip"`')


class DetokenizeReply(Reply):
    """The text of the ids."""

    model: str
    version: int
    text: str


class ScoreReply(Reply):
    """Natural logarithms, null for the first token, and their mean as bits a character and as perplexity."""

    model: str
    version: int
    tokens: list[str]
    logprobs: list[float | None]
    bits_per_character: float | None
    perplexity: float | None


class VersionReply(Reply):
    """A version: what network it is, what its training recorded, which aliases stand for it. A damaged one has neither
    digest nor network, unless only what is kept beside it is damaged."""

    model: str
    version: int
    digest: str | None
    bytes: int
    published: str
    aliases: list[str]
    config: ModelConfig | None
    record: dict[str, Any]
    gradients: str | None = Field(description="where its gradients are told, if its record has them")
    cells: str | None = Field(description="where it is told what its cells follow, if that was found out")
    damaged: str = Field(default="", description="only of a damaged version: what is wrong")


class GradientNorms(Reply):
    """After so many steps of training: the norms [layers][k] of a character's loss at the state k steps before it."""

    step: int
    characters: int
    norms: list[list[float]]


class GradientsReply(Reply):
    """How far back a version learns: at the first evaluation of its training, and with its weights; `told` in words."""

    model: str
    version: int
    cell: Cell
    layers: int
    hidden_size: int
    measured: list[GradientNorms]
    told: str


class ComparedGradientsReply(Reply):
    """Versions beside each other; `missing` has the bodies of `POST /jobs` that train the cells that are not there."""

    versions: list[GradientsReply]
    told: str
    same_text: bool
    missing: list[dict[str, Any]]


class ModelReply(Reply):
    """A model: its versions, what its aliases stand for, and what they stood for before."""

    name: str
    aliases: dict[str, int]
    history: dict[str, list[AliasChange]]
    versions: list[VersionReply]
    damaged: str = Field(default="", description="only of a damaged model: what is wrong with it or its versions")


class VersionSummary(Reply):
    """A version in a list; of one whose file is `damaged` nothing else is known."""

    version: int
    aliases: list[str]
    published: str | None = None
    bytes: int | None = None
    config: ModelConfig | None = None
    bits_per_character: float | None = Field(default=None, description="on text that it was not trained on")
    prompt: str | None = Field(
        default=None, description="a beginning that suits the model: the first words of its text"
    )
    gradients: str | None = Field(default=None, description="where its gradients are told, if its record has them")
    cells: str | None = Field(default=None, description="where it is told what its cells follow, if that was found out")
    damaged: str | None = Field(default=None, description="what is wrong with its file")


class ModelSummary(Reply):
    """A model in a list."""

    name: str
    versions: list[int]
    aliases: dict[str, int]
    details: list[VersionSummary] = Field(default=[], description="only with `details=true`")
    history: dict[str, list[AliasChange]] = Field(default={}, description="only with `details=true`")
    damaged: str = Field(default="", description="only of a damaged model: what is wrong with it or its versions")


class ModelsReply(Reply):
    """All models."""

    models: list[ModelSummary]


class JobReply(Reply):
    """A training job. Of a damaged one it may be unknown what it was asked to do."""

    id: str
    status: Status
    corpus: str | None
    model: str | None
    created: str
    started: str | None
    finished: str | None
    version: int | None = Field(description="the published one")
    promoted: bool | None
    error: str | None
    cancel_requested: bool
    warnings: list[str] = Field(description="what to know about its result, a sentence each; in the record as well")
    progress: JobProgress
    request: dict[str, Any]
    damaged: str = Field(default="", description="only of a damaged job: what is wrong with its files")


class JobMeasurement(BaseModel):
    """What was measured after so many steps: losses in nats per token, the time in seconds; the loss on held-out text
    and `gradient_norms` [layers][k] at evaluations alone."""

    step: int
    characters: int | None = None
    characters_per_second: float | None = None
    loss: float | None = None
    validation_loss: float | None = None
    bits_per_character: float | None = None
    learning_rate: float | None = None
    gradient_norm: float | None = None
    gradient_norms: list[list[float]] | None = None
    seconds: float | None = None
    seconds_left: float | None = None


class Sample(Reply):
    """A text that a network wrote during its training."""

    prompt: str
    seed: int
    temperature: float
    text: str


class JobSamples(BaseModel):
    """Texts of the same prompts and seeds after so much of the training."""

    step: int
    fraction: float
    characters: int
    samples: list[Sample]


class JobWarnings(BaseModel):
    """What to know about the job's result, as far as it can be told after so many steps."""

    step: int
    warnings: list[str]


class JobStatusEvent(BaseModel):
    """What a job has become."""

    status: Status
    version: int | None = None
    promoted: bool | None = None
    error: str | None = None


class JobDetailReply(JobReply):
    """A training job with what was measured and the texts that it wrote."""

    decided: dict[str, Any] = Field(description="the sizes and settings that it trains with; empty until it has begun")
    metrics: list[JobMeasurement]
    samples: list[JobSamples]


class JobsReply(Reply):
    """All jobs."""

    jobs: list[JobReply]


@dataclass(frozen=True, slots=True)
class NewCorpus(Corpus):
    """A text to train on, and the job that was started."""

    job: JobReply | None = Field(default=None, description="only with `model`")


class DamagedCorpus(Reply):
    """A corpus that cannot be used until the same text is uploaded again; it can be deleted."""

    id: str
    damaged: str = Field(description="what is wrong with its files")


class AnyCorpus(RootModel[Corpus | DamagedCorpus]):
    """A text to train on, or one that is damaged."""


class CorporaReply(Reply):
    """All corpora, the damaged ones last."""

    corpora: list[Corpus | DamagedCorpus]


class KeyReply(Reply):
    """What a key is good for; `role` null: there was none."""

    role: Literal["admin", "app"] | None
    needed: bool = Field(description="whether generating needs a key")


class HealthReply(Reply):
    """Alive."""

    status: Literal["ok"]


class ReadyReply(Reply):
    """Able to generate; what is not as it should be is listed."""

    status: Literal["ready"]
    degraded: list[str]
