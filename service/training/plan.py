"""What a job will do, decided once, when it is first begun; whoever goes on with the job follows the same plan."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from pydantic import TypeAdapter

from charrnn.vocabulary import Level
from service.training.bases import Base


@dataclass(frozen=True, slots=True)
class Plan:
    """`model` has the fields of ModelConfig but the vocabulary's size, `training` those of TrainingConfig, `corpus`
    what the training record is to say of the text; `base` is the version that training goes on from, if any."""

    model: dict[str, Any]
    training: dict[str, Any]
    corpus: dict[str, Any]
    level: Level = "char"
    base: Base | None = None

    @property
    def sizes(self) -> dict[str, Any]:
        """`model`, when it says what the network is made of; else empty."""
        return self.model if {"cell", "layers", "hidden_size"} <= set(self.model) else {}

    @property
    def decided(self) -> dict[str, Any]:
        """All that the trainer goes by but the budget, the fields that the request left open included."""
        return {**self.model, **{name: value for name, value in self.training.items() if name != "budget"}}

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, as it is kept."""
        return asdict(self)


PLAN_SHAPE: Final = TypeAdapter(Plan)
