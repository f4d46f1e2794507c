"""How fast this machine trains, relative to the one on which the defaults were measured; knows no defaults."""

from __future__ import annotations

import time
from typing import Final

import numpy as np
import torch

from charrnn.config import ModelConfig
from charrnn.training.config import MAX_MINUTES, Budget, TrainingConfig
from charrnn.training.precision import fastest_precision
from charrnn.training.shards import Shards, usual_count
from charrnn.training.steps import Learner
from charrnn.training.text import Streams

REFERENCE: Final = 120_000
"""How many characters per second two cores of an AMD Zen 4 train an LSTM of PROBE's size on, in bfloat16."""

PROBE: Final = ModelConfig(vocabulary_size=96, cell="lstm", hidden_size=256, layers=1, embedding_size=64)
SECONDS: Final = 1.0


def reference_budget(budget: Budget, device: str) -> Budget:
    """The budget in which the machine of REFERENCE gets as far as this one does in `budget`, for `defaults_for`. Steps
    and epochs are the same on any machine."""
    if budget.minutes is None:
        return budget
    return Budget(minutes=min(MAX_MINUTES, budget.minutes * relative_speed(device)))


def relative_speed(device: str, seconds: float = SECONDS) -> float:
    """This machine's characters per second, divided by REFERENCE, measured by training a network of a common size for
    `seconds`: the current speed, so that a slow or busy machine gets a network that it can train in the time."""
    place = torch.device(device)
    training = TrainingConfig(Budget(steps=1))
    ids = np.arange(4 * training.batch_size * training.segment_length, dtype=np.uint8) % PROBE.vocabulary_size
    streams = Streams(ids, training.batch_size, training.segment_length)
    shards = Shards(usual_count(streams.streams, place))
    learner = Learner(
        PROBE, training, streams.streams, device=place, precision=fastest_precision(PROBE, place), shards=shards
    )
    segment = streams.segment(0)
    learner.step(segment, 0, 0.0)  # the first step includes initialization
    tokens, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        learner.step(segment, 1, 0.0)
        tokens += segment.tokens
    return tokens / took / REFERENCE
