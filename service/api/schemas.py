"""The bodies of requests as JSON has them, and what becomes of them once they are valid."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from charrnn.config import MAX_HIDDEN_SIZE, MAX_LAYERS, Cell, Part
from charrnn.sampling import SamplingParams
from charrnn.training.config import Budget
from charrnn.vocabulary import Level
from model_store.names import REFERENCE_PATTERN
from model_store.promotion import Promote
from service.api.bounds import AtMost
from service.generation.cells import CellSelection, CellSelectionError
from service.generation.requests import GenerationRequest, Prompt
from service.generation.tracing import TraceRequest, traceable
from service.settings import Settings
from service.training.requests import DEFAULT_BUDGET, JobRequest


def _whole(value: Any) -> Any:
    """The value; a whole number that came as 5.0 as the 5 that it is, in JSON as in JSON Schema."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


UNKNOWN: Final = "what becomes of characters that the model does not know: an error, or they are skipped"

Stop = Annotated[str, Field(min_length=1, max_length=256)]
Id = Annotated[int, BeforeValidator(_whole), Field(ge=0, lt=1 << 31)]


class Body(BaseModel):
    """A JSON object whose types are taken as they stand; unknown fields are refused, null stands for the default."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        return {k: _whole(v) for k, v in data.items() if v is not None} if isinstance(data, dict) else data

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        made = handler(schema)
        fields = handler.resolve_ref_schema(made).get("properties", {})
        for name, field in fields.items():
            if not cls.model_fields[name].is_required():
                fields[name] = _or_null(field)
        return made


class ModelBody(Body):
    """A request to a model."""

    model: Annotated[str, Field(json_schema_extra={"pattern": f"^{REFERENCE_PATTERN}$"})] | None = Field(
        None, description="name, name@3 (that version) or name@alias; by default the model that DEFAULT_MODEL names"
    )

    def reference(self, settings: Settings) -> str:
        """The model that is meant."""
        return settings.default_model if self.model is None else self.model


class SamplingBody(ModelBody):
    """How a text is continued, whichever way it was asked for."""

    temperature: float = Field(1.0, ge=0, le=10, description="below 1 plainer, above 1 wilder; 0: always the likeliest")
    seed: int | None = Field(
        None, ge=-(1 << 63), lt=1 << 63, description="the same seed gives the same text; without one it is drawn"
    )
    top_k: int = Field(0, ge=-1, lt=1 << 31, description="choose among the k likeliest tokens; 0 or -1: among all")
    top_p: float = Field(1.0, gt=0, le=1, description="choose among the likeliest tokens that share this probability")
    min_p: float = Field(0.0, ge=0, le=1, description="drop tokens less likely than this share of the likeliest one's")
    repetition_penalty: float = Field(
        1.0, ge=0.01, le=10, description="above 1 makes the last 64 tokens less likely, below 1 likelier"
    )
    stop: Stop | Annotated[list[Stop], Field(max_length=8)] = Field(
        default_factory=list, description="the text ends before this one; up to 8 of them"
    )
    n: int = Field(1, ge=1, le=16, description="how many texts")
    logprobs: int | None = Field(
        None, ge=0, le=20, description="tell each token's natural logarithm, and so many of the likeliest"
    )
    echo: bool = Field(False, description="begin each text with the prompt")
    unknown: Literal["error", "skip"] = Field("error", description=UNKNOWN)
    stream: bool = Field(False, description="send the text in pieces, as it is made")
    cache: bool = Field(True, description="false: neither take the text from the cache nor put it there")
    timeout: float | None = Field(
        None, gt=0, le=86_400, description="seconds that it may take; REQUEST_TIMEOUT holds as well"
    )

    @field_validator("seed", mode="before")
    @classmethod
    def _seed_is_no_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError("seed is the integer of the random stream, not a text: the text to go on from is `prompt`")
        return value

    def continuing(self, prompt: Prompt, length: int, model: str, *, read_cache: bool) -> GenerationRequest:
        """The request for going on from the prompt, with every default filled in."""
        return GenerationRequest(
            model=model,
            prompt=prompt,
            length=length,
            seed=self.seed,
            sampling=SamplingParams(
                temperature=self.temperature,
                top_k=max(self.top_k, 0),
                top_p=self.top_p,
                min_p=self.min_p,
                repetition_penalty=self.repetition_penalty,
                logprobs=self.logprobs,
            ),
            stop=(self.stop,) if isinstance(self.stop, str) else tuple(self.stop),
            n=self.n,
            echo=self.echo,
            skip_unknown=self.unknown == "skip",
            read_cache=read_cache and self.cache,
            write_cache=self.cache,
            timeout=self.timeout,
        )


class CellBody(Body):
    """A cell, or without `unit` all units of a layer."""

    layer: int = Field(ge=0, lt=1 << 31)
    unit: int | None = Field(None, ge=0, lt=1 << 31)
    part: Part = "hidden"

    def selection(self) -> CellSelection:
        """The cell as the network is asked for it."""
        return CellSelection(self.layer, self.unit, self.part)


class CellsBody(Body):
    """Cells to be watched."""

    cells: list[CellBody] = Field(default_factory=list, max_length=64)

    def selections(self) -> tuple[CellSelection, ...]:
        """The cells as the network is asked for them."""
        return tuple(cell.selection() for cell in self.cells)


class GenerateBody(SamplingBody):
    """`POST /generate`."""

    prompt: Annotated[str, AtMost("max_prompt_length", "characters")] | None = Field(
        None, description="the text to go on from; it may be empty"
    )
    seed_text: Annotated[str, AtMost("max_prompt_length", "characters")] | None = Field(
        None, description="another name of prompt"
    )
    length: Annotated[int, AtMost("max_length", "tokens")] = Field(
        200, ge=1, description="how many tokens: characters, or words for a model of words"
    )
    trace: CellsBody | None = Field(None, description="tell what cells do along each text")

    @model_validator(mode="after")
    def _one_prompt(self) -> GenerateBody:
        if None not in (self.prompt, self.seed_text) and self.prompt != self.seed_text:
            raise ValueError("prompt and seed_text are two names of one field: give one of them")
        return self

    @model_validator(mode="after")
    def _can_be_traced(self, info: ValidationInfo) -> GenerateBody:
        if self.trace is None:
            return self
        if self.stream:
            raise ValueError("trace must be left out of a stream: it is told with the whole text")
        limit = (info.context or {})["settings"].max_trace_length
        if (size := self.n * (len(self.text_before) + self.length)) > limit:
            asked = "n times the prompt's characters and length"
            raise ValueError(f"trace: {asked} must be at most {limit} (MAX_TRACE_LENGTH), not {size}")
        return self

    @property
    def text_before(self) -> str:
        """The text to go on from, by whichever name it came."""
        return self.prompt or self.seed_text or ""

    def request(self, settings: Settings, *, read_cache: bool = True) -> GenerationRequest:
        """The request with every default filled in."""
        made = self.continuing(self.text_before, self.length, self.reference(settings), read_cache=read_cache)
        return made if self.trace is None else traceable(made)


class ScoreBody(ModelBody):
    """`POST /score`; the text may be as long as a prompt."""

    text: Annotated[str, AtMost("max_prompt_length", "characters")]


class TokenizeBody(ScoreBody):
    """`POST /tokenize`."""

    unknown: Literal["error", "skip"] = Field("error", description=UNKNOWN)


class TraceBody(ModelBody, CellsBody):
    """`POST /trace`."""

    text: Annotated[str, Field(min_length=1), AtMost("max_trace_length", "characters")]
    unknown: Literal["error", "skip"] = Field("error", description=UNKNOWN)

    def request(self, settings: Settings) -> TraceRequest:
        """The request with every default filled in."""
        return TraceRequest(self.reference(settings), self.text, self.selections(), self.unknown == "skip")

    def check_one_cell(self) -> None:
        """Raises CellSelectionError when more than one cell is asked for."""
        if len(self.cells) > 1 or any(cell.unit is None for cell in self.cells):
            asked = f"{len(self.cells)} cells" if len(self.cells) > 1 else f"all of layer {self.cells[0].layer}"
            bound = "must be at most one cell, with layer and unit, for a picture"
            raise CellSelectionError("cells", f"{bound}, not {asked}")


class DetokenizeBody(ModelBody):
    """`POST /detokenize`."""

    ids: Annotated[list[Id], AtMost("max_prompt_length", "ids")]


class AliasBody(Body):
    """`PUT /models/{name}/aliases/{alias}`."""

    version: int = Field(ge=1)


class BudgetBody(Body):
    """How long to train: exactly one of the three."""

    minutes: float | None = Field(None, gt=0, le=100_000)
    epochs: float | None = Field(None, gt=0, le=1_000_000)
    steps: int | None = Field(None, ge=1, le=1_000_000_000)

    @model_validator(mode="after")
    def _exactly_one(self) -> BudgetBody:
        if len(given := self.model_dump(exclude_none=True)) != 1:
            raise ValueError(f"budget must be exactly one of minutes, epochs and steps, not {given or 'nothing'}")
        return self


class JobBody(Body):
    """`POST /jobs`; what is left out is chosen by the trainer."""

    corpus: str = Field(description="the id of the text to learn from")
    model: str = Field(description="the name of the model; one that exists gets a new version")
    cell: Cell | None = Field(None, description="the kind of recurrent cell")
    hidden_size: int | None = Field(None, ge=1, le=MAX_HIDDEN_SIZE, description="units in each layer")
    layers: int | None = Field(None, ge=1, le=MAX_LAYERS, description="recurrent layers, one on top of the other")
    embedding_size: int | None = Field(
        None, ge=0, le=MAX_HIDDEN_SIZE, description="width of the embedding; 0: tokens go in one-hot"
    )
    level: Level | None = Field(None, description="what a token is: a character or a word")
    dropout: float | None = Field(
        None, ge=0, le=0.95, description="share of values left out at random, against overfitting"
    )
    segment_length: int | None = Field(
        None, ge=1, le=4096, description="tokens that the gradient goes back (truncated backpropagation through time)"
    )
    batch_size: int | None = Field(None, ge=1, le=4096, description="segments that are read side by side")
    learning_rate: float | None = Field(None, ge=1e-8, le=100, description="the highest; it rises to it, then falls")
    clip: float | None = Field(None, ge=0, le=1e6, description="largest norm of the gradient; 0: not clipped")
    validation_fraction: float | None = Field(
        None, ge=0, le=0.5, description="share of the text that is held out to measure the loss on"
    )
    budget: BudgetBody | None = Field(None, description="how long to train; by default 5 minutes")
    seed: int | None = Field(None, ge=0, lt=1 << 63, description="of the first weights and the dropout")
    base: str | None = Field(None, description="a version of the same sizes to go on from, such as plays@3")
    promote: Promote = Field("if_better", description="whether `current` is to stand for the new version")

    def request(self) -> JobRequest:
        """The request as the job store keeps it."""
        values = self.model_dump(exclude_unset=True, exclude={"budget"})
        budget = DEFAULT_BUDGET if self.budget is None else Budget(**self.budget.model_dump(exclude_none=True))
        return JobRequest(**values, budget=budget)


def _or_null(field: dict[str, Any]) -> dict[str, Any]:
    """The schema of a field that may be null as well; what is said of the field stays where it is looked for."""
    about = {name: field[name] for name in ("title", "description", "default") if name in field}
    kinds = {name: value for name, value in field.items() if name not in about}
    alternatives = kinds["anyOf"] if list(kinds) == ["anyOf"] else [kinds]
    if {"type": "null"} not in alternatives:
        alternatives = [*alternatives, {"type": "null"}]
    return {"anyOf": alternatives, **{name: value for name, value in about.items() if name != "title"}}
