"""Every engine generates texts of words that are read again as the ids that they were made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.engine.base import Engine, Output, Sequence, State
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.gpu.reference import ReferenceEngine
from charrnn.sampling import SamplingParams
from charrnn.tasks.arrangement import TEXT
from charrnn.training.result import never_unknown
from charrnn.word_tokens import LONGEST
from charrnn.words import WordVocabulary
from tests.charrnn.engine.engines import BUILD as ENGINES

LETTERS = "abcdefghijkl"
WORDS = WordVocabulary((*LETTERS, "x" * (LONGEST - 1), "'", "\u2019", "\r", "\n", " ", "."))
BUILD: dict[str, Callable[[Checkpoint], Engine]] = ENGINES | {
    "portable": lambda checkpoint: CpuEngine(checkpoint, isa="portable")
}
SAMPLING = [
    SamplingParams(seed=3),
    SamplingParams(seed=4, temperature=3),
    SamplingParams(temperature=0),
    SamplingParams(seed=5, top_k=5, top_p=0.9, min_p=0.01, repetition_penalty=1.3),
    SamplingParams(seed=6, logit_bias=((0, 5.0),), presence_penalty=0.5),
    SamplingParams(seed=7, logprobs=2),
]


def network(words: WordVocabulary = WORDS) -> Checkpoint:
    config, random = ModelConfig(len(words), "gru", 12), np.random.default_rng(1)
    weights = {name: random.normal(0, 0.7, shape).astype(np.float32) for name, shape in config.shapes().items()}
    return Checkpoint(config, words, never_unknown(weights, words, TEXT))


@pytest.fixture(scope="module", params=BUILD)
def engine(request: pytest.FixtureRequest) -> Engine:
    return BUILD[request.param](network())


def generated(engine: Engine, *sequences: Sequence) -> list[list[Output]]:
    batch = engine.batch(len(sequences))
    outputs: dict[int, list[Output]] = {batch.add(sequence): [] for sequence in sequences}
    while not all(found and found[-1].done for found in outputs.values()):
        for output in batch.step(7):
            outputs[output.handle].append(output)
    return list(outputs.values())


def ids_of(outputs: list[Output]) -> list[int]:
    ids: list[int] = np.concatenate([output.ids for output in outputs]).tolist()
    return ids


@pytest.mark.parametrize("prompt", ["a", "\n", "c'", "' a\u2019", "\r"])
def test_a_text_is_read_as_it_was_made(engine: Engine, prompt: str) -> None:
    read = WORDS.encode(prompt)
    for outputs in generated(engine, *[Sequence(read, 120, params) for params in SAMPLING]):
        made = ids_of(outputs)
        assert WORDS.encode(prompt + WORDS.decode(made)).tolist() == [*read.tolist(), *made]
        assert WORDS.encode(WORDS.decode(made)).tolist() == made


def test_engines_agree(engine: Engine) -> None:
    greedy = Sequence(WORDS.encode("a"), 60, SamplingParams(temperature=0))
    (found,) = generated(engine, greedy)
    exact = ReferenceEngine(network())
    if isinstance(engine, CpuEngine) and engine.model.precision == "int8":
        exact = CpuEngine(network(), isa="portable")  # type: ignore[assignment]  # the logits of int8 are its own
    (expected,) = generated(exact, greedy)
    assert ids_of(found) == ids_of(expected)


def test_a_sequence_that_goes_on_knows_what_it_follows(engine: Engine) -> None:
    params = SamplingParams(seed=9, temperature=2)
    (whole,) = generated(engine, Sequence(WORDS.encode("a"), 40, params))
    batch = engine.batch(1)
    made: list[int] = []
    state: State | None = None
    for _ in range(20):
        handle = batch.add(Sequence(np.empty(0, np.int32) if state else WORDS.encode("a"), 2, params, state))
        found: list[Output] = []
        while not (found and found[-1].done):
            found += batch.step(1)
        state = batch.state(handle)
        batch.remove(handle)
        made += ids_of(found)
    assert made == ids_of(whole)


@pytest.mark.parametrize("params", [SamplingParams(seed=2), SamplingParams(temperature=0)])
def test_where_words_alone_are_allowed_they_follow_one_another(engine: Engine, params: SamplingParams) -> None:
    allowed = tuple(range(3, len(LETTERS)))
    (outputs,) = generated(engine, Sequence(WORDS.encode("a"), 30, replace(params, allowed_token_ids=allowed)))
    assert set(ids_of(outputs)) <= set(allowed)


def test_logarithms_are_the_models_own(engine: Engine) -> None:
    """What generating reports of a text is what scoring it reports."""
    (made,) = generated(engine, Sequence(WORDS.encode("a"), 30, SamplingParams(seed=1, logprobs=0)))
    text = np.append(WORDS.encode("a"), np.array(ids_of(made), np.int32))
    (scored,) = generated(engine, Sequence(text, 0, SamplingParams(logprobs=0), score=True))
    prompt_logprobs = next(output.prompt_logprobs for output in scored if output.prompt_logprobs is not None)
    reported = np.concatenate([output.logprobs.chosen for output in made if output.logprobs is not None])
    np.testing.assert_array_equal(prompt_logprobs.chosen[1:], reported)


@pytest.mark.parametrize("build", BUILD.values(), ids=BUILD)
def test_a_vocabulary_of_words_alone_is_no_dead_end(build: Callable[[Checkpoint], Engine]) -> None:
    sequence = Sequence(np.zeros(1, np.int32), 20, SamplingParams(seed=1))
    (outputs,) = generated(build(network(WordVocabulary(("to", "be")))), sequence)
    assert set(ids_of(outputs)) <= {0, 1}
