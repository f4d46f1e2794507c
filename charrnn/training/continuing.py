"""The initial weights of a network that continues from a base with a smaller vocabulary; knows no training."""

from __future__ import annotations

import numpy as np

from charrnn.checkpoint import Checkpoint, Weights
from charrnn.vocabulary import Vocabulary


def continued(base: Checkpoint, vocabulary: Vocabulary, fresh: Weights) -> Weights:
    """The base's weights for `vocabulary`, which has all its tokens; the weights for new tokens come from `fresh`,
    those of a new network of the same sizes."""
    ids = vocabulary.ids_of(base.vocabulary)
    by_row = {"embedding.weight", "output.weight", "output.bias"}
    by_column = set() if base.config.embedding_size else {"rnn.weight_ih_l0"}  # one-hot: a column for each token
    weights: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = {}
    for name, weight in base.weights.items():
        weights[name] = (fresh if name in by_row | by_column else base.weights)[name].copy()
        if name in by_row:
            weights[name][ids] = weight
        elif name in by_column:
            weights[name][:, ids] = weight
    if (
        vocabulary.unknown_id is not None
    ):  # a published network never generates it, but in training it must be predicted
        weights["output.bias"][vocabulary.unknown_id] = fresh["output.bias"][vocabulary.unknown_id]
    return weights
