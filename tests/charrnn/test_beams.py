"""A beam search finds the likeliest text: the greedy one with one beam, the very likeliest with enough of them."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from charrnn.beams import BeamSearch
from charrnn.checkpoint import Checkpoint
from charrnn.config import CELLS, Cell
from charrnn.engine.base import Engine, Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.gpu.reference import ReferenceEngine
from charrnn.sampling import SamplingParams
from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import Ids, Vocabulary
from charrnn.words import WordVocabulary
from tests.networks import random_network

END = 2
LENGTH = 4


AB = Vocabulary("ab")


def network(cell: Cell, tokens: Vocabulary = AB) -> Checkpoint:
    return random_network(tokens, cell, 7, 2, arrangement=Arrangement("transduce", "line", "\n"))


@pytest.fixture(params=[*((cell, "int8") for cell in CELLS), ("lstm", "reference")], ids=str)
def engine(request: Any) -> Engine:
    cell, kind = request.param
    return ReferenceEngine(network(cell)) if kind == "reference" else CpuEngine(network(cell))


def ids(*values: int) -> Ids:
    return np.array(values, dtype=np.int32)


PROMPTS = [ids(0, 3), ids(1, 0, 0, 1, 3), ids(1, 3)]
LONG = ids(*[0, 1] * 300, 3)


def scored(engine: Engine, prompt: Ids, text: tuple[int, ...]) -> float:
    """The log-probability of a text after the prompt, read at once."""
    batch = engine.batch(1)
    batch.add(Sequence(np.append(prompt, ids(*text)), 0, score=True))
    (output,) = batch.step(10_000)
    assert output.prompt_logprobs is not None
    return float(np.sum(output.prompt_logprobs.chosen[len(prompt) :], dtype=np.float64))


def all_texts() -> list[tuple[int, ...]]:
    """All texts that end within LENGTH ids, and all beginnings that have as many."""
    ended = [(*text, END) for n in range(LENGTH) for text in product((0, 1), repeat=n)]
    return [*ended, *product((0, 1), repeat=LENGTH)]


def test_enough_beams_find_the_likeliest_of_all_texts(engine: Engine) -> None:
    found = list(BeamSearch(16, LENGTH, END).search(engine, PROMPTS))
    for prompt, best in zip(PROMPTS, found, strict=True):
        every = {text: scored(engine, prompt, text) for text in all_texts()}
        assert sum(np.exp(list(every.values()))) == pytest.approx(1, abs=1e-4), "one of them is written"
        assert best.ids == max(every, key=lambda text: every[text])
        assert best.logprob == pytest.approx(every[best.ids], abs=1e-5)
        assert best.ended == (best.ids[-1] == END)


def test_one_beam_is_greedy(engine: Engine) -> None:
    prompts = [*PROMPTS, LONG]
    found = list(BeamSearch(1, 30, END).search(engine, prompts))
    for prompt, best in zip(prompts, found, strict=True):
        batch = engine.batch(1)
        batch.add(Sequence(prompt, 30, SamplingParams(temperature=0, logprobs=0), end_id=END))
        (output,) = batch.step(10_000)
        assert output.logprobs is not None
        assert best.ids == tuple(output.ids.tolist()) and best.ended == output.ended
        assert best.logprob == pytest.approx(sum(output.logprobs.chosen.tolist()), abs=1e-5)


def test_more_beams_never_find_less_and_neighbours_change_nothing() -> None:
    engine = CpuEngine(network("lstm"))
    prompts = [ids(*np.random.default_rng(seed).integers(0, 2, 1 + seed % 5), 3) for seed in range(12)]
    few, many = (list(BeamSearch(beams, 8, END).search(engine, prompts)) for beams in (1, 300))
    assert all(less.logprob <= more.logprob for less, more in zip(few, many, strict=True))
    assert any(less.logprob < more.logprob for less, more in zip(few, many, strict=True))
    some = list(BeamSearch(3, 8, END).search(engine, prompts))
    assert [next(BeamSearch(3, 8, END).search(engine, [prompt])) for prompt in prompts] == some


def test_words_follow_as_they_may() -> None:
    tokens = WordVocabulary(("one", "two", "'", " ", "."))
    checkpoint = network("lstm", tokens)
    assert checkpoint.following is not None
    end = len(tokens)
    search = BeamSearch(8, 6, end, checkpoint.following)
    for seed in range(6):
        prompt = np.append(np.random.default_rng(seed).permutation(5)[:3], end + 1).astype(np.int32)
        best = next(search.search(CpuEngine(checkpoint), [prompt]))
        text = tuple(id_ for id_ in best.ids if id_ != end)
        assert tuple(tokens.encode(tokens.decode(ids(*text)))) == text


def test_a_search_can_be_stopped_and_names_its_bounds() -> None:
    class StopError(Exception):
        pass

    def stop(_: object) -> None:
        raise StopError

    with pytest.raises(StopError):
        next(BeamSearch(2, 3, END).search(ReferenceEngine(network("rnn")), PROMPTS, stop))
    for beams, length in ((0, 3), (2, 0)):
        with pytest.raises(ValueError, match=f"at least 1, not {beams} and {length}"):
            BeamSearch(beams, length)
