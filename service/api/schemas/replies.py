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
    """What is wrong: `message` names the field, the bound and the value; some errors have further fields."""

    type: str
    code: str
    message: str
    param: str | None


class ErrorReply(Reply):
    """The shape of every error."""

    error: ErrorBody


class Usage(Reply):
    """Token counts."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Skipped(Reply):
    """A character of the prompt that the model does not know and that was dropped."""

    position: int
    character: str


class TopLogprob(Reply):
    """One of the most likely tokens at a position."""

    token: str
    logprob: float


class TokenLogprob(Reply):
    """A token and its log probability; null for the first token of a text."""

    token: str
    logprob: float | None
    top: list[TopLogprob]


class LikelyToken(Reply):
    """One of the most likely next tokens."""

    token: str
    probability: float


class TracedCell(Reply):
    """A cell's state after reading each token."""

    layer: int
    unit: int
    part: Part
    values: list[float]


class ChoiceTrace(Reply):
    """Parallel lists with one entry per token: `surprisal` in bits (null for the first), and in `top` the five most
    likely next tokens."""

    tokens: list[str]
    surprisal: list[float | None]
    top: list[list[LikelyToken]]
    cells: list[TracedCell]


class TraceReply(ChoiceTrace):
    """What happened in the network while it read a text."""

    model: str
    version: int
    skipped: list[Skipped] = Field(default=[], description='only with `"unknown": "skip"`')


class WithIds(Reply):
    """What `return_token_ids` adds to a choice. In a stream: the prompt's to the first chunk of each, to every chunk
    those that are new, including a stop string's."""

    prompt_token_ids: list[int] = Field(default=[], description="only with `return_token_ids`")
    token_ids: list[int] = Field(default=[], description="only with `return_token_ids`")


class ChoiceReply(WithIds):
    """One generated text and the seed that reproduces it."""

    index: int
    text: str
    seed: int
    finish_reason: FinishReason
    logprobs: list[TokenLogprob] = Field(default=[], description="only with `logprobs`")
    trace: ChoiceTrace | None = Field(default=None, description="only with `trace`")


class Timing(Reply):
    """Seconds."""

    total: float


class GenerateReply(Reply):
    """The generated texts; `text` is the first choice's."""

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
    """An event of a stream: the new text of one choice; `finish_reason` is null until it ends."""

    id: str
    model: str
    version: int
    index: int
    text: str
    seed: int
    finish_reason: FinishReason | None
    logprobs: list[TokenLogprob] = Field(default=[], description="only with `logprobs`")
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
    """Parallel lists with one entry per token."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int]


class CompletionChunkChoice(WithIds):
    """The new text of one choice, in OpenAI's format, and the seed that reproduces it; `finish_reason` is null until it
    ends."""

    index: int
    text: str
    seed: int
    finish_reason: FinishReason | None
    logprobs: CompletionLogprobs | None


class CompletionChoice(CompletionChunkChoice):
    """One generated text, in OpenAI's format, and the seed that reproduces it."""

    finish_reason: FinishReason


class CompletionReply(Reply):
    """OpenAI's text completion; with the same `system_fingerprint` (the version), a seed gives the same text."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[CompletionChoice]
    usage: Usage


class CompletionChunk(Reply):
    """An event of a stream, in OpenAI's format; the one with the usage, if requested, has no choices."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[CompletionChunkChoice]
    usage: Usage | None = Field(default=None, description="only with `include_usage` of `stream_options`")


class ModelCard(Reply):
    """A model, in OpenAI's format."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    damaged: str = Field(default="", description="only if damaged: what is wrong with its version")


class ModelCards(Reply):
    """The models that can be requested by name."""

    object: Literal["list"]
    data: list[ModelCard]


class TokenizeReply(Reply):
    """The token ids of a text, and the text of each token."""

    model: str
    version: int
    count: int
    ids: list[int]
    tokens: list[str]
    skipped: list[Skipped] = Field(default=[], description='only with `"unknown": "skip"`')


class DetokenizeReply(Reply):
    """The text of the token ids."""

    model: str
    version: int
    text: str


class ScoreReply(Reply):
    """Log probabilities (null for the first token), and their mean as bits per character and as perplexity."""

    model: str
    version: int
    tokens: list[str]
    logprobs: list[float | None]
    bits_per_character: float | None
    perplexity: float | None


class VersionReply(Reply):
    """A version: its architecture, its training record, and the aliases that point to it. A damaged one has neither
    digest nor architecture, unless only the files beside it are damaged."""

    model: str
    version: int
    digest: str | None
    bytes: int
    published: str
    aliases: list[str]
    config: ModelConfig | None
    record: dict[str, Any]
    gradients: str | None = Field(description="URL of its gradients, if its record has them")
    cells: str | None = Field(description="URL of what its cells follow, if recorded")
    damaged: str = Field(default="", description="only if damaged: what is wrong")


class GradientNorms(Reply):
    """Gradient norms [layers][k] after some training steps: of a character's loss at the state k steps before it."""

    step: int
    characters: int
    norms: list[list[float]]


class GradientsReply(Reply):
    """How far back a version's gradients reach: before training, and with its own weights; `told` in words."""

    model: str
    version: int
    cell: Cell
    layers: int
    hidden_size: int
    measured: list[GradientNorms]
    told: str


class ComparedGradientsReply(Reply):
    """Several versions compared; `missing` has bodies for `POST /jobs` that train the missing cell types."""

    versions: list[GradientsReply]
    told: str
    same_text: bool
    missing: list[dict[str, Any]]


class ModelReply(Reply):
    """A model: its versions, its aliases, and their history."""

    name: str
    aliases: dict[str, int]
    history: dict[str, list[AliasChange]]
    versions: list[VersionReply]
    damaged: str = Field(default="", description="only if damaged: what is wrong with it or its versions")


class VersionSummary(Reply):
    """A version in a list; if its file is `damaged`, nothing else is known."""

    version: int
    aliases: list[str]
    published: str | None = None
    bytes: int | None = None
    config: ModelConfig | None = None
    bits_per_character: float | None = Field(default=None, description="measured on held-out text")
    prompt: str | None = Field(default=None, description="a suitable prompt: the first words of its corpus")
    gradients: str | None = Field(default=None, description="URL of its gradients, if its record has them")
    cells: str | None = Field(default=None, description="URL of what its cells follow, if recorded")
    damaged: str | None = Field(default=None, description="what is wrong with its file")


class ModelSummary(Reply):
    """A model in a list."""

    name: str
    versions: list[int]
    aliases: dict[str, int]
    details: list[VersionSummary] = Field(default=[], description="only with `details=true`")
    history: dict[str, list[AliasChange]] = Field(default={}, description="only with `details=true`")
    damaged: str = Field(default="", description="only if damaged: what is wrong with it or its versions")


class ModelsReply(Reply):
    """All models."""

    models: list[ModelSummary]


class JobReply(Reply):
    """A training job. If it is damaged, the original request may be unknown."""

    id: str
    status: Status
    corpus: str | None
    model: str | None
    created: str
    started: str | None
    finished: str | None
    version: int | None = Field(description="number of the published version")
    promoted: bool | None
    error: str | None
    cancel_requested: bool
    warnings: list[str] = Field(description="warnings about the result, one sentence each; also in the record")
    progress: JobProgress
    request: dict[str, Any]
    damaged: str = Field(default="", description="only if damaged: what is wrong with its files")


class JobMeasurement(BaseModel):
    """What was measured after a number of steps: losses in nats per token, times in seconds; the held-out loss
    and `gradient_norms` [layers][k] only at evaluations."""

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
    """A text that the network generated during training."""

    prompt: str
    seed: int
    temperature: float
    text: str


class JobSamples(BaseModel):
    """Samples from the same prompts with the same seeds, at one moment of the training."""

    step: int
    fraction: float
    characters: int
    samples: list[Sample]


class JobWarnings(BaseModel):
    """Warnings about the job's result, as far as known after a number of steps."""

    step: int
    warnings: list[str]


class JobStatusEvent(BaseModel):
    """A job's new state."""

    status: Status
    version: int | None = None
    promoted: bool | None = None
    error: str | None = None


class JobDetailReply(JobReply):
    """A training job with its measurements and samples."""

    decided: dict[str, Any] = Field(description="the sizes and settings in use; empty until training has started")
    metrics: list[JobMeasurement]
    samples: list[JobSamples]


class JobsReply(Reply):
    """All jobs."""

    jobs: list[JobReply]


@dataclass(frozen=True, slots=True)
class NewCorpus(Corpus):
    """An uploaded corpus, and the job that was started."""

    job: JobReply | None = Field(default=None, description="only with `model`")


class DamagedCorpus(Reply):
    """A corpus that cannot be used until the same text is uploaded again; it can be deleted."""

    id: str
    damaged: str = Field(description="what is wrong with its files")


class AnyCorpus(RootModel[Corpus | DamagedCorpus]):
    """A corpus, intact or damaged."""


class CorporaReply(Reply):
    """All corpora, the damaged ones last."""

    corpora: list[Corpus | DamagedCorpus]


class KeyReply(Reply):
    """What a key permits; `role` null: no key was sent."""

    role: Literal["admin", "app"] | None
    needed: bool = Field(description="whether generating needs a key")


class HealthReply(Reply):
    """Alive."""

    status: Literal["ok"]


class ReadyReply(Reply):
    """Able to generate; what is degraded is listed."""

    status: Literal["ready"]
    degraded: list[str]
