"""The plan of a job: what it will do, decided once at its start; workers that continue the job follow the same plan."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from pydantic import TypeAdapter

from charrnn.config import ModelConfig
from charrnn.tasks.record import TaskName
from charrnn.training.config import TrainingConfig
from charrnn.vocabulary import Level
from service.training.jobs.bases import Base
from service.training.jobs.shipped_bases import ShippedBase

_MODEL: Final = {each.name for each in fields(ModelConfig)}
_TRAINING: Final = {each.name for each in fields(TrainingConfig)}


@dataclass(frozen=True, slots=True)
class RecordPlan:
    """What is learned from the records of a corpus, and `format`, the fields of a RecordFormat."""

    task: TaskName
    delay: int
    format: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BaseTrial:
    """What was measured to choose a base: the held-out `loss`, in nats per token, after so many `steps` from this base;
    null: from none."""

    base: str | None
    steps: int
    loss: float


@dataclass(frozen=True, slots=True)
class Plan:
    """`model` has the fields of ModelConfig except those that follow from the corpus, `training` those of
    TrainingConfig, `corpus` what the training record is to say of the text; `records`, if there are any, how the corpus
    is divided; `base` is the version or the shipped base that training continues from, if any; `trials` why, if it was
    chosen; `comparison` what the training record is to say of the text beside the loss
    (`service.training.worker.comparing`)."""

    model: dict[str, Any]
    training: dict[str, Any]
    corpus: dict[str, Any]
    level: Level = "char"
    records: RecordPlan | None = None
    base: Base | ShippedBase | None = None
    trials: tuple[BaseTrial, ...] = ()
    comparison: dict[str, Any] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Whether all its settings are known; a later release may have decided it, before a downgrade."""
        return {*self.model} <= _MODEL and {*self.training} <= _TRAINING

    @property
    def sizes(self) -> dict[str, Any]:
        """`model` if it has the network's sizes; else empty."""
        return self.model if {"cell", "layers", "hidden_size"} <= set(self.model) else {}

    @property
    def decided(self) -> dict[str, Any]:
        """All settings of the trainer except the budget, including those that the request left open; and the shipped
        base."""
        settings = {**self.model, **{name: value for name, value in self.training.items() if name != "budget"}}
        return settings | ({"base": self.base.name} if isinstance(self.base, ShippedBase) else {})

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, as stored."""
        return asdict(self)


PLAN_SHAPE: Final = TypeAdapter(Plan)
