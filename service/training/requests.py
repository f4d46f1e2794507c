"""What a training job is asked to do, checked before anything is kept; knows neither torch nor folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, get_args

from charrnn.config import Cell, ModelConfig
from charrnn.training.config import Budget, TrainingConfig, ValidationSplit
from charrnn.vocabulary import Level
from model_store.errors import InvalidNameError
from model_store.names import check_name, parse_reference
from model_store.promotion import POLICIES, Promote
from service.training.errors import JobRequestError

DEFAULT_BUDGET: Final = Budget(minutes=5)

LEVELS: Final[tuple[Level, ...]] = get_args(Level)
SIZES: Final = ("cell", "hidden_size", "layers", "embedding_size")
SETTINGS: Final = (
    "dropout",
    "segment_length",
    "batch_size",
    "learning_rate",
    "clip",
    "validation_fraction",
    "validation_split",
    "seed",
)


@dataclass(frozen=True, slots=True)
class JobRequest:
    """The fields of `POST /jobs`; None: the trainer's choice, or that of the `base` to go on from.

    Raises JobRequestError, InvalidNameError.
    """

    corpus: str
    model: str
    cell: Cell | None = None
    hidden_size: int | None = None
    layers: int | None = None
    embedding_size: int | None = None
    level: Level | None = None
    dropout: float | None = None
    segment_length: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    clip: float | None = None
    validation_fraction: float | None = None
    validation_split: ValidationSplit | None = None
    budget: Budget = DEFAULT_BUDGET
    seed: int | None = None
    base: str | None = None
    promote: Promote = "if_better"

    def __post_init__(self) -> None:
        check_name(self.model)
        if self.promote not in POLICIES:
            raise JobRequestError("promote", f"promote must be one of {', '.join(POLICIES)}, not {self.promote!r}")
        if self.level not in (None, *LEVELS):
            raise JobRequestError("level", f"level must be one of {', '.join(LEVELS)}, not {self.level!r}")
        self._check_base()
        try:
            ModelConfig(vocabulary_size=1, **self.chosen(SIZES))
            TrainingConfig(self.budget, **self.chosen(SETTINGS))
        except ValueError as error:
            raise JobRequestError(str(error).split(" ", 1)[0], str(error)) from error

    def _check_base(self) -> None:
        try:
            if self.base is not None:
                parse_reference(self.base)
        except InvalidNameError as error:
            raise JobRequestError("base", f"base: {error}") from error

    def chosen(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Those of the fields that the request does not leave to the trainer."""
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON; `from_dict` is its inverse."""
        return {**asdict(self), "budget": self.budget.as_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> JobRequest:
        """The request that `as_dict` gave; fields of later versions are passed over."""
        known = {field.name for field in fields(cls)}
        kept = {name: value for name, value in values.items() if name in known}
        return cls(**{**kept, "budget": Budget(**values["budget"])})
