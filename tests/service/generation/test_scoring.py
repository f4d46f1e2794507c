"""Scores of a text equal the log-probabilities reported when it was generated, with the engine that serves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.checkpoint import Checkpoint
from charrnn.config import CELLS
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import UnknownCharactersError, Vocabulary
from service.generation.cache import GenerationCache
from service.generation.engines import build_engine
from service.generation.generator import TextGenerator
from service.generation.requests import GenerationRequest
from service.generation.resident import ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from service.generation.scoring import Score, Scorer
from tests.networks import random_network
from tests.service.conftest import MemoryRedis
from tests.service.generation.network_store import NetworkStore

LETTERS = "\n abcdefg"


def network(cell: Any) -> Checkpoint:
    return random_network(Vocabulary(LETTERS), cell, 20, layers=2)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TextGenerator, Scorer]]:
    folder: Path = tmp_path_factory.mktemp("packed")
    models = ResidentModels(NetworkStore(network), build_engine("cpu", folder, folder))
    scheduler = Scheduler(max_active=8, max_waiting=8)
    scheduler.start()
    yield TextGenerator(models, GenerationCache(MemoryRedis(), 60), scheduler), Scorer(models, scheduler)
    scheduler.close()


@settings(max_examples=30)
@given(
    cell=st.sampled_from(CELLS),
    prompt=st.text(LETTERS, min_size=1, max_size=40),
    length=st.integers(1, 40),
    seed=st.integers(0, 2**40),
    temperature=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
)
def test_a_score_is_what_generating_reported(
    parts: tuple[TextGenerator, Scorer], cell: str, prompt: str, length: int, seed: int, temperature: float
) -> None:
    generator, scorer = parts
    sampling = SamplingParams(temperature=temperature, logprobs=0)
    asked = GenerationRequest(cell, prompt, length, seed, sampling, echo=True)
    choice = generator.generate(asked).choices[0]
    scored = scorer.score(cell, choice.text)
    assert choice.logprobs is not None
    assert "".join(scored.tokens) == choice.text
    assert scored.logprobs == tuple(token.logprob for token in choice.logprobs)
    assert scored.logprobs[0] is None


def test_bits_and_perplexity() -> None:
    score = Score("m", 1, 4, ("a", "b", "cd"), (None, math.log(0.5), math.log(0.25)))
    assert score.bits_per_character == pytest.approx(1)
    assert score.perplexity == pytest.approx(8**0.5)


def test_a_perplexity_beyond_all_numbers_is_none() -> None:
    score = Score("m", 1, 2, ("a", "b"), (None, -1e6))
    assert score.perplexity is None
    assert score.bits_per_character == pytest.approx(1e6 / math.log(2))


def test_unknown_characters(parts: tuple[TextGenerator, Scorer]) -> None:
    with pytest.raises(UnknownCharactersError):
        parts[1].score("gru", "aÉ")
