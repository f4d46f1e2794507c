"""The initial weights of a network that continues from a base with another vocabulary; knows no training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from charrnn.checkpoint import Checkpoint, Weights
from charrnn.vocabulary import Vocabulary


def continued(base: Checkpoint, vocabulary: Vocabulary, fresh: Weights) -> Weights:
    """The base's weights for `vocabulary`, which has all its tokens and as many marks; the weights for new tokens, and
    those for training alone, come from `fresh`, those of a new network of the same sizes and the same task."""
    ids, writes_labels = vocabulary.ids_of(base.vocabulary), base.arrangement.writes_labels
    weights = {name: np.array(weight) for name, weight in {**fresh, **base.weights}.items()}
    for name in _by_row(base):
        weight = base.weights[name]
        weights[name] = np.array(fresh[name])
        weights[name][ids[: len(weight)]] = weight  # the ids that are only read are the last, and have no output
    for name in _by_column(base):
        weights[name] = np.array(fresh[name])
        weights[name][:, ids] = base.weights[name]
    if vocabulary.unknown_id is not None and not writes_labels:  # never generated, but predicted in training
        weights["output.bias"][vocabulary.unknown_id] = fresh["output.bias"][vocabulary.unknown_id]
    return weights


def cut(base: Checkpoint, vocabulary: Vocabulary) -> Checkpoint:
    """The base, of texts of characters, without those that are not in `vocabulary`. Raises ValueError when it has
    none of them."""
    known = set(vocabulary.characters)
    kept = [i for i, character in enumerate(base.vocabulary.characters) if character in known]
    weights = dict(base.weights)
    for name in _by_row(base):
        weights[name] = weights[name][kept]
    for name in _by_column(base):
        weights[name] = weights[name][:, kept]
    remaining = Vocabulary("".join(base.vocabulary.characters[i] for i in kept))
    return Checkpoint(replace(base.config, vocabulary_size=len(kept)), remaining, weights, base.record)


def _by_row(base: Checkpoint) -> set[str]:
    """The weights that have a row for each token."""
    outputs = set() if base.arrangement.writes_labels else {"output.weight", "output.bias"}
    return {"embedding.weight", *outputs} & base.weights.keys()


def _by_column(base: Checkpoint) -> set[str]:
    """The weights that have a column for each token: those that read a one-hot input."""
    return set() if base.config.embedding_size else {"rnn.weight_ih_l0"}
