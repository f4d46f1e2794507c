"""The plan of a job: what it will do, decided once at its start; workers that continue the job follow the same plan."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from pydantic import TypeAdapter

from charrnn.vocabulary import Level
from service.training.jobs.bases import Base


@dataclass(frozen=True, slots=True)
class Plan:
    """`model` has the fields of ModelConfig except the vocabulary's size, `training` those of TrainingConfig, `corpus`
    what the training record is to say of the text; `base` is the version that training continues from, if any."""

    model: dict[str, Any]
    training: dict[str, Any]
    corpus: dict[str, Any]
    level: Level = "char"
    base: Base | None = None

    @property
    def sizes(self) -> dict[str, Any]:
        """`model` if it has the network's sizes; else empty."""
        return self.model if {"cell", "layers", "hidden_size"} <= set(self.model) else {}

    @property
    def decided(self) -> dict[str, Any]:
        """All settings of the trainer except the budget, including those that the request left open."""
        return {**self.model, **{name: value for name, value in self.training.items() if name != "budget"}}

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, as stored."""
        return asdict(self)


PLAN_SHAPE: Final = TypeAdapter(Plan)
