"""A short training, which shows whether a base helps with a text; a function of its arguments, not of the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import torch

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.training.config import TrainingConfig
from charrnn.training.continuing import continued
from charrnn.training.data import TrainingData, TrainingText
from charrnn.training.evaluation import evaluation
from charrnn.training.precision import fastest_precision
from charrnn.training.schedule import Schedule
from charrnn.training.shards import Shards, usual_count
from charrnn.training.steps import Learner

LEAST_HELD_OUT: Final = 0.1
"""The share that is held out at least, for the trial alone."""


def trial_loss(
    config: ModelConfig,
    training: TrainingConfig,
    text: TrainingText,
    base: Checkpoint | None,
    steps: int,
    *,
    device: str,
    check: Callable[[], None] = lambda: None,
) -> float | None:
    """The held-out loss, in nats per token, after this many steps from the weights of `base`, which must have tokens of
    the text alone, or from new ones; None if the text is too short to hold anything out. `check` is called before each
    step and may raise."""
    data = TrainingData(text, replace(training, validation_fraction=max(training.validation_fraction, LEAST_HELD_OUT)))
    if not len(data.held_out):
        return None
    streams, on = data.streams, torch.device(device)
    shards = Shards(usual_count(streams.streams, on))
    precision = fastest_precision(config, on)
    learner = Learner(config, training, streams.streams, device=on, precision=precision, shards=shards)
    if base is not None:
        learner.start_again(continued(base, data.vocabulary, learner.model.weights()))
    schedule = Schedule.of(max(1, steps), *data.sizes)
    for step in range(steps):
        check()
        if step and step % streams.segments == 0:
            learner.begin_epoch()
        rate = schedule.learning_rate(step, step * schedule.rise) * training.learning_rate
        learner.step(streams.segment(step % streams.segments), step, rate)
    found = None  # until all is read
    for loss in evaluation(learner.average.model, data.held_out, shards=shards):
        check()
        found = loss
    return found
