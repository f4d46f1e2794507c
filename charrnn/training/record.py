"""What a checkpoint says about its training: plain JSON without times or speeds, so that the same training gives the
same bytes whatever machine was busy meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from charrnn.measurements import MAX_STEPS_BACK, bits
from charrnn.record import TrainingRecord
from charrnn.training.config import TrainingConfig
from charrnn.training.state import Position


def kept(before: list[dict[str, Any]], position: Position, norms: Sequence[Sequence[float]]) -> list[dict[str, Any]]:
    """What a run keeps of the norms that were just measured: those of the first evaluation, and those of the best
    weights, which a version is made of."""
    counts = {"step": position.step, "characters": position.characters}
    measured = {**counts, "norms": [list(layer[: MAX_STEPS_BACK + 1]) for layer in norms]}
    if before and position.best_step != position.step:
        return before
    return [*before[:1], measured]


def training_record(
    corpus: Mapping[str, Any],
    training: TrainingConfig,
    sizes: Mapping[str, int],
    position: Position,
    *,
    epochs: float,
    evaluations: list[dict[str, Any]],
    gradients: list[dict[str, Any]],
    warnings: list[str],
    prompt: str,
) -> TrainingRecord:
    """The record of a run at `position`. `corpus` is what the caller says about the text; `sizes` counts the characters
    of its parts. `validation_loss` (nats per character, the state carried) is that of the weights that are kept, those
    of `best_step`; null when nothing is held out. `replanned` says when the number of steps was set anew, to how many;
    `gradients` is what `kept` keeps, `prompt` one that suits the model."""
    return TrainingRecord(
        {
            "corpus": dict(corpus),
            "training": training.as_dict(),
            "characters": dict(sizes),
            "steps": position.step,
            "steps_total": position.total,
            "characters_seen": position.characters,
            "replanned": [dict(each) for each in position.replanned],
            "epochs": epochs,
            "retries": position.retries,
            "best_step": position.best_step,
            "validation_loss": position.best_loss,
            "bits_per_character": bits(position.best_loss),
            "evaluations": evaluations,
            "gradients": gradients,
            "warnings": warnings,
            "prompt": prompt,
        }
    )
