"""The parameters of a training run; knows neither torch nor the text."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any, Final, Literal, get_args

from charrnn.parameters import Parameter, check

ValidationSplit = Literal["blocks", "end"]
Mix = Literal["auto", "on", "off"]

VALIDATION_SPLITS: Final[tuple[ValidationSplit, ...]] = get_args(ValidationSplit)
FORMER_SPLIT: Final[ValidationSplit] = "end"
"""How text was held out before runs and training records said how."""
DEFAULT_MIX: Final[Mix] = "auto"
MAX_MINUTES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to train: exactly one of minutes (of work, without waiting), epochs and steps.

    Raises ValueError, naming the field, the bound and the value.
    """

    minutes: Annotated[
        float | None,
        Parameter("minutes from the start of the job until publication, kept to within a tenth", gt=0, le=MAX_MINUTES),
    ] = None
    epochs: Annotated[float | None, Parameter("number of passes over the text", gt=0, le=1_000_000)] = None
    steps: Annotated[int | None, Parameter("number of weight updates", ge=1, le=1_000_000_000)] = None

    def __post_init__(self) -> None:
        given = self.as_dict()
        if len(given) != 1:
            raise ValueError(f"budget must be exactly one of minutes, epochs and steps, not {given or 'nothing'}")
        check(self, "budget.")

    def as_dict(self) -> dict[str, float]:
        """The field that is set, as in the HTTP API: {"minutes": 5}."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How to train: `segment_length` tokens are read between two steps, in `batch_size` streams at once (fewer if the
    text is too short). All randomness is derived from `seed`. Raises ValueError, naming the field, the bounds and the
    value.
    """

    budget: Budget
    segment_length: Annotated[
        int, Parameter("length of a segment of truncated backpropagation through time", unit="tokens", ge=1, le=4096)
    ] = 64
    batch_size: Annotated[int, Parameter("number of segments trained on in parallel", ge=1, le=4096)] = 32
    learning_rate: Annotated[
        float, Parameter("peak learning rate, after warm-up and before decay", ge=1e-8, le=100)
    ] = 6e-3
    clip: Annotated[float, Parameter("maximum norm of all gradients together; 0: no clipping", ge=0, le=1e6)] = 1.0
    validation_fraction: Annotated[
        float, Parameter("share of the text that is held out to measure the loss", ge=0, le=0.5)
    ] = 0.1
    validation_split: Annotated[
        ValidationSplit,
        Parameter("what to hold out: `blocks` spread over the text (default), or its `end`, as nanoGPT does"),
    ] = "blocks"
    dropout: Annotated[float, Parameter("dropout probability, to reduce overfitting", ge=0, le=0.95)] = 0.0
    weight_decay: Annotated[
        float, Parameter("AdamW's weight decay, on matrices alone, to reduce overfitting", ge=0, le=10)
    ] = 0.01
    seed: Annotated[int, Parameter("seed for initial weights and dropout", ge=0, lt=1 << 63)] = 0
    mix: Annotated[
        Mix,
        Parameter(
            "mix counts of which tokens follow which few others in the text with what the network predicts: `on`,"
            " `off`, or `auto` (default): if that lowers the validation loss and copies few more lines of the text"
        ),
    ] = DEFAULT_MIX

    def __post_init__(self) -> None:
        check(self)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, without `mix` if it is the default, as before it could be chosen; `from_dict` is its inverse."""
        values = {**asdict(self), "budget": self.budget.as_dict()}
        if self.mix == DEFAULT_MIX:
            del values["mix"]
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainingConfig:
        """The inverse of `as_dict`; without `validation_split`, as in earlier releases, the end was held out. Raises
        ValueError, TypeError, KeyError."""
        return cls(**{"validation_split": FORMER_SPLIT, **values, "budget": Budget(**values["budget"])})
