"""What a training job is asked to do, checked before anything is kept; knows neither torch nor folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from charrnn.config import Cell, ModelConfig
from charrnn.training.config import Budget, TrainingConfig
from model_store.names import check_name
from model_store.promotion import POLICIES, Promote
from service.training.errors import JobRequestError

DEFAULT_BUDGET: Final = Budget(minutes=5)

SIZES: Final = ("cell", "hidden_size", "layers", "embedding_size")
SETTINGS: Final = ("dropout", "segment_length", "batch_size", "learning_rate", "clip", "validation_fraction", "seed")


@dataclass(frozen=True, slots=True)
class JobRequest:
    """The fields of `POST /jobs`; None: the trainer's choice. Raises JobRequestError, InvalidNameError."""

    corpus: str
    model: str
    cell: Cell | None = None
    hidden_size: int | None = None
    layers: int | None = None
    embedding_size: int | None = None
    dropout: float | None = None
    segment_length: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    clip: float | None = None
    validation_fraction: float | None = None
    budget: Budget = DEFAULT_BUDGET
    seed: int | None = None
    promote: Promote = "if_better"

    def __post_init__(self) -> None:
        check_name(self.model)
        if self.promote not in POLICIES:
            raise JobRequestError("promote", f"promote must be one of {', '.join(POLICIES)}, not {self.promote!r}")
        try:
            ModelConfig(vocabulary_size=1, **self.chosen(SIZES))
            TrainingConfig(self.budget, **self.chosen(SETTINGS))
        except ValueError as error:
            raise JobRequestError(str(error).split(" ", 1)[0], str(error)) from error

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
