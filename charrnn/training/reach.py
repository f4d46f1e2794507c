"""How far back a network learned, as a version's record keeps it: plain JSON, written by a run and read by whoever has
the version; measures nothing and needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from charrnn.training.state import Position

STEPS: Final = 128
"""Steps back that are kept: further back little is left of any gradient, and a record is to stay small."""

LARGEST: Final = 1e38
"""What float32 has; no measurement is larger."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The norms [layers, k + 1] of the loss's gradient at the state k steps back, after so many steps of training."""

    step: int
    characters: int
    norms: tuple[tuple[float, ...], ...]

    @property
    def steps(self) -> int:
        """How many steps back it was measured."""
        return len(self.norms[0]) - 1

    def share(self, k: int, layer: int = -1) -> float:
        """What is left k steps back of the gradient at k = 0, of the top layer unless another is meant."""
        norms = self.norms[layer]
        return norms[k] / norms[0] if norms[0] else 0.0


def kept(before: list[dict[str, Any]], position: Position, norms: Sequence[Sequence[float]]) -> list[dict[str, Any]]:
    """What a run keeps of the norms that were just measured: those of the first evaluation, and those of the best
    weights, which a version is made of."""
    counts = {"step": position.step, "characters": position.characters}
    measured = {**counts, "norms": [list(layer[: STEPS + 1]) for layer in norms]}
    if before and position.best_step != position.step:
        return before
    return [*before[:1], measured]


def recorded(record: Mapping[str, Any]) -> tuple[Reach, ...]:
    """What a version's record has of it, the first measurement and that of its weights; nothing when it has none, or
    none that could be shown: a version may come from anywhere."""
    given = record.get("gradients")
    if not isinstance(given, list) or not 0 < len(given) <= 2 or not all(map(_is_measurement, given)):
        return ()
    return tuple(Reach(each["step"], each["characters"], tuple(map(tuple, each["norms"]))) for each in given)


def _is_measurement(value: Any) -> bool:
    if not isinstance(value, Mapping) or not all(type(value.get(name)) is int for name in ("step", "characters")):
        return False
    layers = value.get("norms")
    if not isinstance(layers, list) or not layers or not all(isinstance(layer, list) and layer for layer in layers):
        return False
    same = all(len(layer) == len(layers[0]) <= STEPS + 1 for layer in layers)
    return same and all(type(norm) in (int, float) and 0 <= norm < LARGEST for layer in layers for norm in layer)
