"""The types of what a training run measures, as stored in resume points and training records; knows no files and needs
no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

MAX_STEPS_BACK: Final = 128
"""How many steps back gradient norms are kept: further back little is left of any gradient, and a record must stay
small."""

LARGEST: Final = 1e38
"""About the largest float32; larger measurements are rejected."""


def bits(nats: float | None) -> float | None:
    """Nats per token as bits per token."""
    return None if nats is None else nats / math.log(2)


def number(value: Any) -> float | None:
    """The value if it is a number; None for anything else, true and false included."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The losses after `step` steps and `characters` tokens, in nats per token: the mean over the steps since the
    previous evaluation (None without any), and on the held-out text (None where nothing is held out, or where it is not
    finite)."""

    step: int
    characters: int
    training_loss: float | None
    validation_loss: float | None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def read(cls, value: Any) -> Self | None:
        """The evaluation that plain JSON describes; None when the number of characters is missing. Other missing fields
        become None."""
        if not isinstance(value, Mapping) or type(value.get("characters")) is not int:
            return None
        step = value.get("step")
        losses = number(value.get("training_loss")), number(value.get("validation_loss"))
        return cls(step if type(step) is int else 0, value["characters"], *losses)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far back a network learns: the norms [layers, k + 1] of the loss's gradient at the state k steps back, after
    `step` steps of training."""

    step: int
    characters: int
    norms: tuple[tuple[float, ...], ...]

    @property
    def steps(self) -> int:
        """How many steps back it was measured."""
        return len(self.norms[0]) - 1

    def share(self, k: int, layer: int = -1) -> float:
        """The norm k steps back as a share of that at k = 0; of the top layer by default."""
        norms = self.norms[layer]
        return norms[k] / norms[0] if norms[0] else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON; `from_dict` is its inverse."""
        return {"step": self.step, "characters": self.characters, "norms": [list(layer) for layer in self.norms]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `as_dict`. Raises KeyError, TypeError for anything else."""
        return cls(values["step"], values["characters"], tuple(tuple(layer) for layer in values["norms"]))

    @classmethod
    def read(cls, value: Any) -> Self | None:
        """The measurement that plain JSON describes; None for anything that could not be plotted."""
        if not isinstance(value, Mapping):
            return None
        step, characters, norms = value.get("step"), value.get("characters"), value.get("norms")
        if type(step) is not int or type(characters) is not int or not _are_norms(norms):
            return None
        return cls.from_dict(value)


def _are_norms(layers: Any) -> bool:
    if not isinstance(layers, list) or not layers or not all(isinstance(layer, list) and layer for layer in layers):
        return False
    same = all(len(layer) == len(layers[0]) <= MAX_STEPS_BACK + 1 for layer in layers)
    return same and all(type(norm) in (int, float) and 0 <= norm < LARGEST for layer in layers for norm in layer)
