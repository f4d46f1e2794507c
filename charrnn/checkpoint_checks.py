"""What a checkpoint must be for its network to be run: sizes, names and shapes that fit, and finite numbers; knows no
files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charrnn.checkpoint_header import CheckpointError
from charrnn.config import ModelConfig
from charrnn.ngrams import NgramTable
from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import Vocabulary

LARGEST_WEIGHT: Final = 1e9
"""The magnitude of the bias of a token that is never generated; sums over the largest network's units stay far from
infinity."""


def check_sizes(
    config: ModelConfig, vocabulary: Vocabulary, arrangement: Arrangement, ngrams: NgramTable | None
) -> None:
    """Raises CheckpointError if vocabulary, task or counts do not fit the network."""
    if len(vocabulary) != config.vocabulary_size:
        raise CheckpointError(f"the vocabulary has {len(vocabulary)} tokens, the network {config.vocabulary_size}")
    if arrangement.output_size(vocabulary) != config.output_size:
        raise CheckpointError(f"the task {arrangement.task} does not fit {config.output_size} outputs")
    if ngrams is not None:
        if arrangement.task != "generate":
            raise CheckpointError(f"the task {arrangement.task} does not fit an n-gram table")
        if (largest := int(ngrams.ids.max())) >= config.outputs:
            raise CheckpointError(f"ids of the n-gram table must be less than {config.outputs}, not {largest}")


def check_shapes(config: ModelConfig, found: Mapping[str, tuple[int, ...]]) -> None:
    """Raises CheckpointError if these are not the names and shapes of the network's weights."""
    if (expected := config.shapes()) != found:
        wrong = sorted(set(expected.items()) ^ set(found.items()))
        raise CheckpointError(f"names or shapes of the weights do not fit the configuration: {wrong[:4]}")


def check_weight(name: str, weight: npt.NDArray[Any]) -> None:
    """Raises CheckpointError if the weight has values that no engine computes with."""
    if weight.dtype != np.float32:
        raise CheckpointError(f"{name} must be float32, not {weight.dtype}")
    largest = max(float(np.max(weight)), -float(np.min(weight)))
    if not math.isfinite(largest):
        raise CheckpointError(f"{name} has values that are not finite")
    if largest > LARGEST_WEIGHT:
        raise CheckpointError(f"{name} must be at most {LARGEST_WEIGHT:g} in size, not {largest:g}")
