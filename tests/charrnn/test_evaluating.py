"""What is measured on held-out records is what the predictions of the network, in torch, give."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from charrnn.checkpoint import Checkpoint
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.evaluating import MOST_IN_MATRIX, TOGETHER, evaluate_records, macro_f1
from charrnn.model import CharRNN
from charrnn.tasks.arrangement import Arrangement
from charrnn.tasks.record import Record, TaskName
from charrnn.tasks.task import Steps
from charrnn.vocabulary import Vocabulary
from charrnn.words import WordVocabulary
from tests.networks import random_network

LETTERS = Vocabulary("abc")
RANDOM = np.random.default_rng(5)


def network(task: TaskName, labels: tuple[str, ...] = (), delay: int = 0, tokens: Vocabulary = LETTERS) -> Checkpoint:
    return random_network(tokens, "gru", 9, arrangement=Arrangement(task, "line", "\n", labels, delay))


def text(longest: int = 12) -> str:
    return "".join(RANDOM.choice(list("abc"), RANDOM.integers(1, longest)))


def steps_of(checkpoint: Checkpoint, records: list[Record]) -> list[Steps]:
    task = checkpoint.arrangement.bound(checkpoint.vocabulary)
    return [task.steps([record]) for record in records]


MODELS: dict[str, CharRNN] = {}


def torch_model(checkpoint: Checkpoint) -> CharRNN:
    if checkpoint.digest not in MODELS:
        MODELS[checkpoint.digest] = CharRNN(checkpoint.config)
        MODELS[checkpoint.digest].load_weights(checkpoint.weights)
    return MODELS[checkpoint.digest]


def log_softmax(checkpoint: Checkpoint, ids: Any) -> Any:
    with torch.no_grad():
        logits, _ = torch_model(checkpoint)(torch.tensor([[int(id_) for id_ in ids]]))
    return torch.log_softmax(logits[0].double(), -1).numpy()


def evaluated(checkpoint: Checkpoint, records: list[Steps]) -> dict[str, Any]:
    found = evaluate_records(checkpoint, CpuEngine(checkpoint, "float32"), records)
    assert found is not None
    return found


def predictions(checkpoint: Checkpoint, records: list[Steps]) -> Iterator[tuple[int, int]]:
    for steps in records:
        likeliest = log_softmax(checkpoint, steps.inputs).argmax(axis=1)
        for target, found in zip(steps.targets.tolist(), likeliest.tolist(), strict=True):
            if target >= 0:
                yield target, found


@pytest.mark.parametrize(
    ("task", "labels", "delay"),
    [
        ("classify", ("x", "y"), 0),
        ("classify", ("x", "y", "z"), 0),
        ("tag", ("no", "yes"), 2),
        ("tag", tuple("pqr"), 0),
    ],
)
def test_labels_are_compared_with_the_right_ones(task: TaskName, labels: tuple[str, ...], delay: int) -> None:
    checkpoint, texts = network(task, labels, delay), [text() for _ in range(150)]
    some = [tuple(RANDOM.choice(labels, len(each))) for each in texts]
    made = [Record(each, label=tags[0], tags=tags) for each, tags in zip(texts, some, strict=True)]
    records = steps_of(checkpoint, made)
    found, pairs = evaluated(checkpoint, records), Counter(predictions(checkpoint, records))
    numbers = range(len(labels))
    assert found["confusion"] == [[pairs[right, given] for given in numbers] for right in numbers]
    assert (found["task"], found["records"], found["compared"]) == (task, 150, pairs.total())
    assert found["compared"] == (150 if task == "classify" else sum(map(len, texts)))
    assert found["accuracy"] == pytest.approx(sum(pairs[n, n] for n in numbers) / pairs.total())
    f1 = []
    for n in numbers:
        right, given = sum(pairs[n, m] for m in numbers), sum(pairs[m, n] for m in numbers)
        f1 += [2 * pairs[n, n] / (right + given)] if right + given else []
    assert found["macro_f1"] == pytest.approx(sum(f1) / len(f1))


def test_many_labels_have_no_matrix() -> None:
    labels = tuple(sorted(f"label {n:03}" for n in range(MOST_IN_MATRIX + 1)))
    checkpoint = network("classify", labels)
    records = steps_of(checkpoint, [Record(text(), label=label) for label in labels[::20]])
    found = evaluated(checkpoint, records)
    assert found["confusion"] is None and found["records"] == found["compared"] == 11


def test_f1_is_that_of_labels_that_occur() -> None:
    right, given, both = np.array([4, 0, 0, 2]), np.array([5, 0, 1, 0]), np.array([3, 0, 0, 0])
    assert macro_f1(right, given, both) == pytest.approx((6 / 9 + 0 + 0) / 3)
    assert macro_f1(*np.zeros((3, 2), np.int64)) == 0


@pytest.mark.parametrize("labels", [(), ("x", "y")])
def test_the_loss_of_records_has_their_ends(labels: tuple[str, ...]) -> None:
    checkpoint, texts = network("generate", labels), [text() for _ in range(80)]
    records = steps_of(checkpoint, [Record(each, label=labels[0] if labels else None) for each in texts])
    found, tokens = evaluated(checkpoint, records), sum(len(each) + 1 for each in texts)
    nats = 0.0
    for steps in records:
        nats -= log_softmax(checkpoint, steps.inputs)[range(steps.targets.size), steps.targets].sum()
    assert (found["records"], found["tokens"], "exact_match" in found) == (80, tokens, False)
    assert found["loss"] == pytest.approx(nats / tokens, abs=1e-5)
    assert found["bits_per_character"] == pytest.approx(nats / tokens / math.log(2), abs=1e-5)


def test_a_record_is_turned_into_exactly_its_target_or_not() -> None:
    plain = network("transduce")
    bias = plain.weights["output.bias"] + np.array([0, 0, 0, 1.5], np.float32)  # it ends more often
    checkpoint = Checkpoint(plain.config, plain.vocabulary, {**plain.weights, "output.bias": bias}, plain.record)
    boundary, separator = len(LETTERS), len(LETTERS) + 1
    made = [Record(text(6), target=("a", "ab", "c", "")[n % 4]) for n in range(120)]
    records = steps_of(checkpoint, made)
    found = evaluated(checkpoint, records)
    exact = 0
    for record in made:
        read, target = [*LETTERS.encode(record.text), separator], [*LETTERS.encode(record.target or ""), boundary]
        likeliest = log_softmax(checkpoint, [*read, *target])[len(read) - 1 : -1].argmax(axis=1)
        exact += likeliest.tolist() == target
    assert 0 < exact < 120 and found["exact_match"] == pytest.approx(exact / 120)
    assert found["tokens"] == sum(len(record.target or "") + 1 for record in made)


def test_words_that_are_not_known_do_not_count_in_the_loss() -> None:
    words = WordVocabulary(("one", " ", "two"))
    checkpoint = network("generate", tokens=words)
    (steps,) = steps_of(checkpoint, [Record("one three two")])
    found, after = evaluated(checkpoint, [steps]), log_softmax(checkpoint, steps.inputs)
    known = [i for i, target in enumerate(steps.targets.tolist()) if target != words.unknown_id]
    nats = -after[known, steps.targets[known]].sum()
    assert found["tokens"] == 5 and found["loss"] == pytest.approx(nats / 5, abs=1e-5)
    assert found["bits_per_character"] == pytest.approx(nats / math.log(2) / (3 + 1 + 1 + 3 + 1), abs=1e-5)


def test_it_can_be_ended_with_what_there_is_or_stopped() -> None:
    class StopError(Exception):
        pass

    def stop() -> bool:
        raise StopError

    checkpoint = network("classify", ("x", "y"))
    records = steps_of(checkpoint, [Record(text(), label="x") for _ in range(500)])
    engine, left = CpuEngine(checkpoint), iter([True, True])
    found = evaluate_records(checkpoint, engine, records, lambda: next(left, False))
    assert found is not None and 0 < found["records"] < 500
    assert evaluate_records(checkpoint, engine, []) is None
    assert evaluate_records(checkpoint, engine, records, lambda: False) is None
    with pytest.raises(StopError):
        evaluate_records(checkpoint, engine, records, stop)


def test_there_is_time_for_both_measures_of_some_of_many_records() -> None:
    checkpoint, left = network("transduce"), iter([True] * 25)
    records = steps_of(checkpoint, [Record(text(6), target="a") for _ in range(4 * TOGETHER)])
    found = evaluate_records(checkpoint, CpuEngine(checkpoint), records, lambda: next(left, False))
    assert found is not None and TOGETHER <= found["records"] < 4 * TOGETHER
    assert found["exact_match"] is not None
