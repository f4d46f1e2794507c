"""The initial weights of a network that continues from a base with a smaller vocabulary; knows no training."""

from __future__ import annotations

import numpy as np

from charrnn.checkpoint import Checkpoint, Weights
from charrnn.vocabulary import Vocabulary


def continued(base: Checkpoint, vocabulary: Vocabulary, fresh: Weights) -> Weights:
    """The base's weights for `vocabulary`, which has all its tokens and as many marks; the weights for new tokens, and
    those for training alone, come from `fresh`, those of a new network of the same sizes and the same task."""
    ids, writes_labels = vocabulary.ids_of(base.vocabulary), base.arrangement.writes_labels
    by_row = {"embedding.weight"} if writes_labels else {"embedding.weight", "output.weight", "output.bias"}
    by_column = set() if base.config.embedding_size else {"rnn.weight_ih_l0"}  # one-hot: a column for each token
    weights = {name: np.array(weight) for name, weight in {**fresh, **base.weights}.items()}
    for name in by_row & base.weights.keys():
        weight = base.weights[name]
        weights[name] = np.array(fresh[name])
        weights[name][ids[: len(weight)]] = weight  # the ids that are only read are the last, and have no output
    for name in by_column:
        weights[name] = np.array(fresh[name])
        weights[name][:, ids] = base.weights[name]
    if vocabulary.unknown_id is not None and not writes_labels:  # never generated, but predicted in training
        weights["output.bias"][vocabulary.unknown_id] = fresh["output.bias"][vocabulary.unknown_id]
    return weights
