"""What can be asked of a training run; knows neither torch nor the text."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, get_args

ValidationSplit = Literal["blocks", "end"]

VALIDATION_SPLITS: Final[tuple[ValidationSplit, ...]] = get_args(ValidationSplit)
MAX_SEED: Final = 2**63 - 1
MAX_MINUTES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to train: exactly one of minutes (of work, not of waiting), epochs and steps.

    Raises ValueError, naming the field, the bound and the value.
    """

    minutes: float | None = None
    epochs: float | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        given = self.as_dict()
        if len(given) != 1:
            raise ValueError(f"budget must be exactly one of minutes, epochs and steps, not {given or 'nothing'}")
        for name, high in (("minutes", MAX_MINUTES), ("epochs", 1_000_000), ("steps", 1_000_000_000)):
            value = getattr(self, name)
            kinds = (int,) if name == "steps" else (int, float)
            if value is not None and (type(value) not in kinds or not 0 < value <= high):
                raise ValueError(f"budget.{name} must be more than 0 and at most {high}, not {value!r}")

    def as_dict(self) -> dict[str, float]:
        """The one field that is given, as in the HTTP contract: {"minutes": 5}."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How to train.

    `segment_length` characters are read between two steps, and gradients reach back no further; `batch_size` streams
    are read at once (fewer when the text is too short for so many). `learning_rate` is the peak, `clip` the largest
    norm of all gradients together (0: not clipped), `validation_fraction` the share of the text that is held out,
    `validation_split` which part of it: blocks spread over the text, or its end, as nanoGPT does; `dropout` the share
    of elements left out, `weight_decay` AdamW's, on matrices alone. Whatever is random follows from `seed`. Raises
    ValueError, naming the field, the bounds and the value.
    """

    budget: Budget
    segment_length: int = 64
    batch_size: int = 32
    learning_rate: float = 6e-3
    clip: float = 1.0
    validation_fraction: float = 0.1
    validation_split: ValidationSplit = "blocks"
    dropout: float = 0.0
    weight_decay: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        for name, kinds, low, high in (
            ("segment_length", (int,), 1, 4096),
            ("batch_size", (int,), 1, 4096),
            ("learning_rate", (int, float), 1e-8, 100),
            ("clip", (int, float), 0, 1e6),
            ("validation_fraction", (int, float), 0, 0.5),
            ("dropout", (int, float), 0, 0.95),
            ("weight_decay", (int, float), 0, 10),
            ("seed", (int,), 0, MAX_SEED),
        ):
            value = getattr(self, name)
            if type(value) not in kinds or not low <= value <= high:
                kind = "an integer" if kinds == (int,) else "a number"
                raise ValueError(f"{name} must be {kind} from {low} to {high}, not {value!r}")

        if self.validation_split not in VALIDATION_SPLITS:
            known = " or ".join(VALIDATION_SPLITS)
            raise ValueError(f"validation_split must be {known}, not {self.validation_split!r}")

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON; `from_dict` is its inverse."""
        return {**asdict(self), "budget": self.budget.as_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainingConfig:
        """The configuration that `as_dict` gave; one from before there was `validation_split` held out the end. Raises
        ValueError, TypeError, KeyError."""
        return cls(**{"validation_split": "end", **values, "budget": Budget(**values["budget"])})
