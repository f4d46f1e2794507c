from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from charrnn.engine.base import Engine
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.scoring import scored
from charrnn.mixing import WARM_UP, mixture
from charrnn.ngram_counts import count
from charrnn.vocabulary import Vocabulary
from tests.networks import random_network

TOKENS = Vocabulary("abcdefgh")


@pytest.fixture(scope="module")
def engine() -> Engine:
    return CpuEngine(random_network(TOKENS, "rnn", 5))


def words(n: int, seed: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """A text of n words, of which there are 40."""
    random = np.random.default_rng(seed)
    known = [np.random.default_rng(word).integers(0, 8, 7).astype(np.uint8) for word in range(40)]
    return np.concatenate([known[word] for word in random.integers(0, 40, n)])


def test_what_repeats_itself_gains_and_the_table_keeps_what_was_said(engine: Engine) -> None:
    text, held_out = words(12_000, 1), words(600, 2)
    counts = count([text], text.size, 1 << 18)
    table, gain = mixture(counts, engine, [held_out])
    assert gain.nats > 1 and 0.8 < gain.share < 1
    assert gain.tokens == held_out.size - WARM_UP
    from_table = CpuEngine(replace(random_network(TOKENS, "rnn", 5), ngrams=table))
    (found,) = [each for some in scored(from_table, [held_out.astype(np.int32)]) for each in some]
    assert found[1][WARM_UP:].mean() * np.log(2) == pytest.approx(gain.loss, abs=0.05)


def test_chance_gains_nothing_and_the_loss_says_so() -> None:
    random = np.random.default_rng(0)
    text, held_out = (random.integers(0, 8, n).astype(np.uint8) for n in (3000, 6000))
    network = random_network(TOKENS, "rnn", 5)
    even = replace(network, weights={name: 0 * weight for name, weight in network.weights.items()})
    _, gain = mixture(count([text], text.size, 1 << 18), CpuEngine(even), [held_out])
    assert -0.02 < gain.nats < 0.002, "half of the text tells whether the weights from the other half are any good"


def test_the_same_texts_give_the_same_table(engine: Engine) -> None:
    text, held_out = words(2000, 1), words(300, 2)
    made = [mixture(count([text], text.size, 1 << 18), engine, [held_out])[0] for _ in range(2)]
    assert all(np.array_equal(a, b) for a, b in zip(made[0].arrays().values(), made[1].arrays().values(), strict=True))


def test_too_little_is_refused(engine: Engine) -> None:
    with pytest.raises(ValueError, match="at least 1 pair"):
        mixture(count([np.arange(8)], 8, 100), engine, [words(300, 2)])
    with pytest.raises(ValueError, match="at least 202 tokens in a row"):
        mixture(count([words(3000, 1)], 21_000, 1 << 18), engine, [words(20, 2), words(20, 3)])
