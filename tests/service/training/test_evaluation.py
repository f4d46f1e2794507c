"""An evaluation is that of the held-out records, in the engine that serves, or of as many as there is time for."""

from __future__ import annotations

import numpy as np

from charrnn.engine.cpu.batch import CpuEngine
from charrnn.evaluating import evaluate_records
from charrnn.tasks.arrangement import Arrangement
from charrnn.tasks.record import Record
from charrnn.tasks.task import Steps
from charrnn.training.batches import RecordSteps
from charrnn.vocabulary import Vocabulary
from service.training.evaluation import evaluation
from tests.networks import random_network

NETWORK = random_network(Vocabulary("abc"), "gru", 8, arrangement=Arrangement("classify", "line", "\n", ("x", "y")))
RANDOM = np.random.default_rng(1)
TEXTS = ["".join(RANDOM.choice(list("abc"), RANDOM.integers(1, 9))) for _ in range(90)]
HELD_OUT = np.arange(len(TEXTS)) % 3 == 0


def some() -> list[Steps]:
    task = NETWORK.arrangement.bound(NETWORK.vocabulary)
    return [task.steps([Record(text, "xy"[len(text) % 2])]) for text in TEXTS]


def stored(made: list[Steps]) -> RecordSteps:
    """The steps as they are in files: of narrow types, -1 for a target that does not count."""
    inputs, targets = (np.concatenate([getattr(each, name) for each in made]) for name in ("inputs", "targets"))
    bounds = np.cumsum([0, *(each.inputs.size for each in made)])
    return RecordSteps(
        inputs.astype(np.uint8), np.maximum(targets, -1).astype(np.int8), bounds, np.ones(len(made), np.int8)
    )


def test_the_held_out_records_are_measured() -> None:
    made = some()
    expected = evaluate_records(NETWORK, CpuEngine(NETWORK), [each for i, each in enumerate(made) if HELD_OUT[i]])
    assert expected is not None and expected["records"] == 30
    assert evaluation(NETWORK, stored(made), HELD_OUT) == {**expected, "held_out": 30}
    assert evaluation(NETWORK, stored(made), np.zeros(len(made), np.bool_)) is None


def test_of_too_many_some_are_measured_always_the_same() -> None:
    one, other = (evaluation(NETWORK, stored(some()), HELD_OUT, most=7) for _ in range(2))
    assert one == other and one is not None
    assert (one["records"], one["held_out"]) == (7, 30)
