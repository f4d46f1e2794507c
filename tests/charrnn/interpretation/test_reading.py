"""States that are kept of many texts, read at the same time, are those of reading each of them alone."""

from __future__ import annotations

import numpy as np
import pytest

from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.tracing import trace
from charrnn.interpretation.reading import AT_ONCE, kept_of, states_of
from charrnn.tasks.arrangement import Reading
from charrnn.vocabulary import Vocabulary
from tests.networks import random_network

LENGTHS = [*range(1, 2 * AT_ONCE), 700]
TOTAL = sum(LENGTHS)


def readings(first: int) -> list[Reading]:
    random = np.random.default_rng(0)
    ids = [random.integers(0, 7, first + n + 2).astype(np.int32) for n in LENGTHS]
    return [Reading(each, first, n) for each, n in zip(ids, LENGTHS, strict=True)]


@pytest.mark.parametrize("first", [0, 2])
@pytest.mark.parametrize("most", [TOTAL, 200])
def test_they_are_those_of_a_trace(first: int, most: int) -> None:
    engine = CpuEngine(random_network(Vocabulary.of(["abcdefg"]), "lstm", 24), "float32")
    kept = kept_of(readings(first), most)
    asked: list[int] = []
    states = states_of(engine, kept, lambda: asked.append(1))
    expected = [trace(engine, each.reading.ids).states[first + each.tokens] for each in kept]
    assert states.tolist() == np.concatenate(expected).tolist()
    assert len(asked) > 10


def test_all_are_kept_or_about_as_many_as_there_may_be() -> None:
    assert all(each.tokens.tolist() == list(range(each.reading.count)) for each in kept_of(readings(3), TOTAL))
    for most in (200, 500):
        kept = kept_of(readings(3), most)
        assert 0.5 * most < sum(len(each.steps) for each in kept) < 1.2 * most
        assert all(((each.tokens >= 0) & (each.tokens < each.reading.count)).all() for each in kept)
    gaps = np.diff(kept[-1].tokens)
    assert len(set(gaps.tolist())) > 1, "not in step with what returns regularly"
