"""Small networks for tests of several folders."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from charrnn.checkpoint import Checkpoint
from charrnn.config import Cell, ModelConfig
from charrnn.ngram_counts import count
from charrnn.ngrams import NgramTable
from charrnn.record import TrainingRecord
from charrnn.tasks.arrangement import TEXT, Arrangement
from charrnn.vocabulary import Vocabulary

WATCHING: Final = 3
"""The unit of `quote_watcher` that follows quotes."""


def random_network(
    tokens: Vocabulary,
    cell: Cell,
    hidden_size: int,
    layers: int = 1,
    *,
    arrangement: Arrangement = TEXT,
    **record: Any,
) -> Checkpoint:
    """A network that was never trained: the same one for the same arguments."""
    vocabulary, random = arrangement.vocabulary(tokens), np.random.default_rng(0)
    sizes = {"layers": layers, "output_size": arrangement.output_size(vocabulary)}
    config = ModelConfig(len(vocabulary), cell, hidden_size, **sizes)
    weights = {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in config.shapes().items()}
    return Checkpoint(config, vocabulary, weights, TrainingRecord({**record, **arrangement.as_dict()}))


def quote_watcher(tokens: Vocabulary, *, arrangement: Arrangement = TEXT, **record: Any) -> Checkpoint:
    """An RNN of 5 units, one of which is set by an opening quote, cleared by a closing one, and keeps its sign
    otherwise."""
    vocabulary, noise = arrangement.vocabulary(tokens), np.random.default_rng(0)
    size = arrangement.output_size(vocabulary)
    config = ModelConfig(len(vocabulary), cell="rnn", hidden_size=5, output_size=size)
    weights = {name: noise.normal(0, 0.3, shape).astype(np.float32) for name, shape in config.shapes().items()}
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        weights[f"rnn.{name}_l0"][WATCHING] = 0
    weights["rnn.weight_hh_l0"][WATCHING, WATCHING] = 3
    weights["rnn.weight_ih_l0"][WATCHING, vocabulary.encode("\u201c\u201d")] = 9, -9
    return Checkpoint(config, vocabulary, weights, TrainingRecord({**record, **arrangement.as_dict()}))


def with_counts(checkpoint: Checkpoint, tokens: int = 20_000) -> Checkpoint:
    """The checkpoint with the counts of a random text and random odds: half of the text has two tokens only, so that
    it has long contexts too."""
    random, most = np.random.default_rng(0), min(checkpoint.config.outputs, 1 << 16)
    text = np.concatenate([random.integers(0, size, tokens // 2) for size in (most, min(2, most))])
    counts = count([text], tokens, 1 << 18)
    odds = random.uniform(0.001, 20, len(counts)).astype(np.float16)
    return replace(checkpoint, ngrams=NgramTable(counts.keys, counts.ids, odds))
