from __future__ import annotations

import math

import numpy as np
import pytest

from charrnn.engine.base import Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.scoring import WIDTH, scored
from charrnn.vocabulary import Vocabulary
from tests.networks import random_network

LETTERS = Vocabulary("abcd")


@pytest.fixture(scope="module")
def engine() -> CpuEngine:
    return CpuEngine(random_network(LETTERS, "gru", 8), "float32")


def alone(engine: CpuEngine, text: str) -> list[float]:
    batch = engine.batch(1)
    batch.add(Sequence(LETTERS.encode(text), length=0, score=True))
    (output,) = batch.step(len(text))
    assert output.prompt_logprobs is not None
    bits: list[float] = (output.prompt_logprobs.chosen[1:].astype(np.float64) / -math.log(2)).tolist()
    return bits


def test_every_text_is_scored_once_as_alone(engine: CpuEngine) -> None:
    texts = ["ab" * (1 + at % 7) + "abcd"[at % 4] * (at % 90) for at in range(3 * WIDTH)]
    found = [each for ended in scored(engine, map(LETTERS.encode, texts)) for each in ended]
    assert sorted(LETTERS.decode(ids) for ids, _ in found) == sorted(texts)
    for ids, bits in found[::20]:
        assert bits.tolist() == alone(engine, LETTERS.decode(ids))


def test_texts_are_taken_as_there_are_places(engine: CpuEngine) -> None:
    taken = []

    def source() -> object:
        for at in range(1000):
            taken.append(at)
            yield LETTERS.encode("abc")

    assert len(next(scored(engine, source()))) == WIDTH  # type: ignore[arg-type]
    assert len(taken) == WIDTH
    assert list(scored(engine, [])) == []
