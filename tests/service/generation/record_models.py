"""Models of every task on the reference engine, and what torch says of the same network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from charrnn.checkpoint import Checkpoint
from charrnn.engine.gpu.reference import ReferenceEngine
from charrnn.model import CharRNN
from charrnn.tasks.arrangement import TEXT, Arrangement
from charrnn.tasks.record import TaskName
from charrnn.vocabulary import Vocabulary
from charrnn.words import WordVocabulary
from service.generation.engines import BuildEngine
from service.generation.resident import ResidentModels
from tests.networks import random_network
from tests.service.conftest import MemoryStore

LETTERS: Final = Vocabulary("\n abcde")
WORDS: Final = WordVocabulary(("one", "two", " ", "."))
MANY: Final = tuple(sorted(f"{first}{second}" for first in "abcde" for second in "xyz"))


def arranged(task: TaskName, labels: tuple[str, ...] = (), delay: int = 0) -> Arrangement:
    return Arrangement(task, "line", "\n", labels, delay)


def less_likely_to_end(network: Checkpoint) -> Checkpoint:
    """The network, so that what it writes is long enough to be looked at."""
    bias = network.weights["output.bias"].copy()
    bias[-1] -= 2
    weights = {**network.weights, "output.bias": bias}
    return Checkpoint(network.config, network.vocabulary, weights, network.record)


NETWORKS: Final = {
    "classifier": random_network(LETTERS, "gru", 9, arrangement=arranged("classify", MANY)),
    "sentiment": random_network(LETTERS, "lstm", 6, 2, arrangement=arranged("classify", ("bad", "good"))),
    "tagger": random_network(LETTERS, "gru", 7, arrangement=arranged("tag", ("a", "b", "c"))),
    "later": random_network(LETTERS, "rnn", 7, arrangement=arranged("tag", ("no", "yes"), 2)),
    "words": random_network(WORDS, "gru", 7, arrangement=arranged("tag", ("no", "yes"), 1)),
    "transducer": less_likely_to_end(random_network(LETTERS, "gru", 8, arrangement=arranged("transduce"))),
    "records": random_network(LETTERS, "gru", 8, arrangement=arranged("generate")),
    "labels": random_network(LETTERS, "lstm", 5, arrangement=arranged("generate", ("x", "y"))),
    "text": random_network(LETTERS, "gru", 6, arrangement=TEXT),
    "ab": random_network(Vocabulary("ab"), "gru", 6, arrangement=arranged("generate")),
}


def record_models(build: BuildEngine = ReferenceEngine) -> ResidentModels:
    memory = MemoryStore()
    for name, network in NETWORKS.items():
        memory.put(name, network)
    return ResidentModels(memory, build)


def log_softmax(name: str, ids: Iterable[int]) -> npt.NDArray[np.float64]:
    """The log-probabilities of a model's outputs after each of the ids, computed by torch."""
    network = NETWORKS[name]
    model = CharRNN(network.config)
    model.load_weights(network.weights)
    with torch.no_grad():
        logits, _ = model(torch.tensor([[int(id_) for id_ in ids]]))
        found: npt.NDArray[Any] = torch.log_softmax(logits[0].double(), -1).numpy()
    return found
