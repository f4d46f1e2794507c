"""The result of a run: weights that never generate the unknown token, and a training record without times or speeds, so
that the same training gives the same bytes, however busy the machine was."""

from __future__ import annotations

from typing import Final

import numpy as np

from charrnn.checkpoint import Weights
from charrnn.measurements import bits
from charrnn.record import TrainingRecord
from charrnn.tasks.arrangement import Arrangement
from charrnn.training.config import TrainingConfig
from charrnn.training.data import TrainingData
from charrnn.training.keeping import BestWeights
from charrnn.training.record_data import RecordData
from charrnn.training.state import Position
from charrnn.vocabulary import Vocabulary

NEVER: Final = np.float32(-1e9)
"""An output bias that gives its token a probability of 0 at any temperature, and yet is finite."""


def never_unknown(weights: Weights, vocabulary: Vocabulary, arrangement: Arrangement) -> Weights:
    """The weights of a network that never generates the vocabulary's unknown token, if it has one."""
    if vocabulary.unknown_id is None or arrangement.writes_labels:
        return weights
    bias = weights["output.bias"].copy()
    bias[vocabulary.unknown_id] = NEVER
    return {**weights, "output.bias": bias}


def training_record(
    data: TrainingData | RecordData,
    training: TrainingConfig,
    position: Position,
    best: BestWeights,
) -> TrainingRecord:
    """The training record of a run at `position`. `characters` counts the tokens of each part of the text.
    `validation_loss` (nats per token, with the state carried) is that of the kept weights, those of `best_step`; null
    if nothing is held out. `replanned` says at which steps the number of steps was adjusted, and to how many."""
    return TrainingRecord(
        {
            "corpus": dict(data.corpus),
            "training": training.as_dict(),
            "characters": {"training": data.training_tokens, "validation": data.held_out_tokens},
            "steps": position.step,
            "steps_total": position.schedule.total,
            "characters_seen": position.characters,
            "replanned": [dict(each) for each in position.replanned],
            "epochs": position.characters / max(1, data.streams.tokens),
            "retries": position.retries,
            "best_step": position.best_step,
            "validation_loss": position.best_loss,
            "bits_per_character": None if data.arrangement.writes_labels else bits(position.best_loss),
            "evaluations": [each.as_dict() for each in best.evaluations],
            "gradients": [each.as_dict() for each in best.gradients],
            "warnings": [*data.warnings, *best.warnings],
            "prompt": data.prompt,
            **data.arrangement.as_dict(),
            **data.counts,
        }
    )
