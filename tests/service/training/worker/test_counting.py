"""When a network gets the counts of its text, and what its training record says of it."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from charrnn.ngrams import MAX_PAIRS
from charrnn.training.config import Budget, Mix, TrainingConfig
from charrnn.training.data import TrainingText
from charrnn.vocabulary import Vocabulary
from service.training.worker.counting import LEAST_GAIN, MOST_COPIED, with_counts
from tests.networks import random_network


def text_of(text: str) -> TrainingText:
    vocabulary = Vocabulary.of([text])
    return TrainingText(vocabulary.encode(text), vocabulary)


def config(mix: Mix = "auto") -> TrainingConfig:
    return TrainingConfig(Budget(steps=1), validation_split="end", mix=mix)


def words(count: int) -> TrainingText:
    rng = random.Random(0)
    known = ["".join(rng.choices("abcdefgh", k=6)) for _ in range(300)]
    return text_of(" ".join(rng.choices(known, k=count)))


def lines(count: int) -> TrainingText:
    """A text of 8 lines, again and again."""
    rng = random.Random(0)
    known = ["".join(rng.choices("abcdefgh", k=60)) for _ in range(8)]
    return text_of("\n".join(rng.choices(known, k=count)))


def test_counts_that_gain_are_mixed_in_and_the_loss_is_theirs() -> None:
    source = words(4000)
    network = random_network(source.vocabulary, "rnn", 5, validation_loss=3.0, training=config().as_dict())
    found = with_counts(network, source, config())
    mix = found.record.json["mix"]
    assert mix["is_mixed"] and "reason" not in mix
    assert found.ngrams is not None and found.ngrams.nbytes == mix["bytes"] <= 8 * MAX_PAIRS
    gain = mix["network_loss"] - mix["loss"]
    assert gain > LEAST_GAIN and 0 < mix["share"] < 1
    assert found.record.validation_loss == pytest.approx(3.0 - gain)
    assert found.record.bits_per_character == pytest.approx((3.0 - gain) / np.log(2))
    assert mix["generated_lines"]["mixture"] == {"lines": 0, "copied": 0}, "the text has no lines"


def test_counts_that_gain_too_little_are_left_out() -> None:
    source = text_of("".join(random.Random(0).choices("abcdefgh", k=3000)))
    network = random_network(source.vocabulary, "rnn", 5, validation_loss=3.0, training=config().as_dict())
    even = {name: 0 * weight for name, weight in network.weights.items()}
    network = replace(network, weights=even)
    found = with_counts(network, source, config())
    assert found.ngrams is None and found.record.validation_loss == 3.0
    assert not found.record.json["mix"]["is_mixed"]
    assert found.record.json["mix"]["reason"] == "the gain is less than 0.01 nats per token"
    assert with_counts(network, source, config("on")).ngrams is not None


def test_counts_that_only_copy_are_left_out_unless_they_are_asked_for() -> None:
    source = lines(300)
    network = random_network(source.vocabulary, "rnn", 5, training=config().as_dict())
    found = with_counts(network, source, config())
    copies = found.record.json["mix"]["generated_lines"]
    assert copies["mixture"]["copied"] > 2 * MOST_COPIED * copies["mixture"]["lines"] > 0 == copies["network"]["copied"]
    assert found.ngrams is None and "the share of generated lines" in found.record.json["mix"]["reason"]
    asked = with_counts(network, source, config("on"))
    assert asked.ngrams is not None and asked.record.json["mix"]["is_mixed"]


def test_nothing_is_measured_where_counts_are_off_or_there_are_none() -> None:
    source = words(4000)
    network = random_network(source.vocabulary, "rnn", 5, training=config().as_dict())
    assert with_counts(network, source, config("off")) is network
    short = text_of("abcdefgh" * 3)
    assert with_counts(random_network(short.vocabulary, "rnn", 5), short, config("on")).ngrams is None
