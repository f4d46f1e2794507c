"""What a checkpoint says about its training: plain JSON without times or speeds, so that the same training gives the
same bytes whatever machine was busy meanwhile."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from charrnn.training.config import TrainingConfig
from charrnn.training.state import Position


def bits(nats: float | None) -> float | None:
    """Nats per character as bits per character."""
    return None if nats is None else nats / math.log(2)


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
) -> dict[str, Any]:
    """The record of a run at `position`. `corpus` is what the caller says about the text; `sizes` counts the characters
    of its parts. `validation_loss` (nats per character, the state carried) is that of the weights that are kept, those
    of `best_step`; null when nothing is held out. `replanned` says when the number of steps was set anew, to how many;
    `gradients` is what `reach.kept` keeps, `prompt` one that suits the model."""
    return {
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
