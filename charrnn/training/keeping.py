"""Which weights of a run are kept, as its losses say, and what is to be said of them; knows no network.

Losses are in nats per token; `guessing` is that of a network that knows nothing: the logarithm of the vocabulary size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from charrnn.training.state import Position

RISEN: Final = 1.0
"""Nats per character. A loss that is so far above the best one, on the text that is trained on and on the held-out one,
has risen for good."""

GAP: Final = 0.25
"""Of what guessing costs. A held-out loss that is so far above that of the text that is trained on is worth a word."""

NO_GUIDE: Final = (
    "The network predicts the held-out text no better than guessing, so the best weights cannot be determined:"
    " the latest weights are kept."
)
FAR_ABOVE: Final = (
    "The held-out loss is far above the training loss: the two texts differ in kind, or there is"
    " too little training text."
)
"""What is said of the weights that are kept; without numbers, so that it is the same as long as it holds."""

Evaluations = Sequence[Mapping[str, Any]]


def is_better(validation_loss: float | None, position: Position, guessing: float) -> bool:
    """Whether to keep these weights instead. An untrained network is never as good as a trained one, and a text
    that is predicted no better than by guessing does not tell which weights are better."""
    best = position.best_loss
    if best is None or validation_loss is None or position.best_step == 0:
        return True
    return validation_loss < best or best >= guessing


def has_risen(
    training_loss: float | None,
    validation_loss: float | None,
    evaluations: Evaluations,
    position: Position,
    guessing: float,
) -> bool:
    """Whether the losses are no numbers, worse than guessing, or far above the best ones."""
    if not math.isfinite(validation_loss or 0) or (training_loss or 0) > guessing + 1:
        return True
    losses = [e["training_loss"] for e in evaluations if e["training_loss"] is not None]
    best = position.best_loss
    above_training = bool(losses) and (training_loss or 0) > min(losses) + RISEN
    return above_training and (best is None or validation_loss is None or validation_loss > best + RISEN)


def warnings(evaluations: Evaluations, position: Position, guessing: float) -> list[str]:
    """What whoever asked for the training should know about the weights that are kept."""
    best = position.best_loss
    learned = next((e["training_loss"] for e in evaluations if e["step"] == position.best_step), None)
    if best is None or learned is None:
        return []
    if best >= guessing:
        return [NO_GUIDE]
    return [FAR_ABOVE] if best > learned + GAP * guessing else []
