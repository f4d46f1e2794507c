"""Scores of a text equal the log-probabilities reported when it was generated, with the engine that serves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.checkpoint import Checkpoint
from charrnn.config import CELLS
from charrnn.engine.base import Logprobs
from charrnn.held_out_scores import HeldOutScores
from charrnn.sampling import SamplingParams
from charrnn.surprise import Threshold
from charrnn.tasks.arrangement import Arrangement
from charrnn.vocabulary import UnknownCharactersError, Vocabulary
from charrnn.words import WordVocabulary
from service.generation.cache import GenerationCache
from service.generation.engines import build_engine
from service.generation.errors import ItemError, ReplyTooLargeError
from service.generation.generator import TextGenerator
from service.generation.logprobs import TextLogprobs
from service.generation.requests import GenerationRequest
from service.generation.resident import ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from service.generation.scoring import Score, Scorer, Scores, SurprisingSpan
from service.generation.tasks import WrongTaskError
from tests.laws import examples
from tests.networks import random_network
from tests.service.conftest import MemoryRedis
from tests.service.generation.network_store import NetworkStore

LETTERS = "\n abcdefg"


RECORDS = Arrangement("generate", "line", "\n")


def network(name: Any) -> Checkpoint:
    letters = Vocabulary(LETTERS)
    if name == "records":
        return random_network(Vocabulary(LETTERS.replace("\n", "")), "gru", 20, arrangement=RECORDS)
    if name == "classifier":
        return random_network(letters, "gru", 20, arrangement=Arrangement("classify", "line", "\n", ("x", "y")))
    return random_network(letters, name, 20, layers=2)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TextGenerator, Scorer]]:
    folder: Path = tmp_path_factory.mktemp("packed")
    models = ResidentModels(NetworkStore(network), build_engine("cpu", folder, folder))
    scheduler = Scheduler(max_active=8, max_waiting=8)
    scheduler.start()
    yield (
        TextGenerator(models, GenerationCache(MemoryRedis(), 60), scheduler),
        Scorer(models, scheduler, max_values=300),
    )
    scheduler.close()


@examples(30)
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
    (scored,) = scorer.score(cell, choice.text).scores
    assert scored.logprobs == choice.logprobs
    assert scored.logprobs.chosen[0] is None


def score_of(vocabulary: Vocabulary, ids: list[int], *logprobs: float) -> Score:
    none = np.empty((len(ids), 0))
    found = Logprobs(np.array(logprobs, np.float32), none.astype(np.int32), none.astype(np.float32))
    return Score(TextLogprobs(vocabulary, np.array(ids, np.int32), found))


def spans(found: list[SurprisingSpan]) -> list[Any]:
    return [(span.start, span.stop, span.bits) for span in found]


def test_bits_and_perplexity() -> None:
    score = score_of(WordVocabulary(("a", " ", "cd")), [0, 1, 2], math.nan, math.log(0.5), math.log(0.25))
    assert [score.total, score.bits_per_character] == pytest.approx([3, 1])
    assert score.perplexity == pytest.approx(8**0.5)


def test_the_end_of_a_record_counts_as_a_token_and_a_character() -> None:
    names = RECORDS.vocabulary(Vocabulary("ab"))
    score = score_of(names, [0, 1, 2], *[math.log(0.5)] * 3)
    assert [score.total, score.bits_per_character, score.perplexity] == pytest.approx([3, 1, 2])
    assert spans(score.surprising(Threshold(0.9, 0.2))) == [(0, 2, pytest.approx(3))]
    late = score_of(names, [0, 1, 2], -0.1, -0.1, -9)
    assert spans(late.surprising(Threshold())) == [(2, 2, pytest.approx(9 / math.log(2)))]


def test_nothing_to_score() -> None:
    letters = Vocabulary("ab")
    for score in (score_of(letters, []), score_of(letters, [0], math.nan)):
        assert (score.total, score.bits_per_character, score.perplexity) == (0, None, None)
        assert score.surprising(Threshold()) == []


def test_a_perplexity_beyond_all_numbers_is_none() -> None:
    score = score_of(Vocabulary("ab"), [0, 1], math.nan, -1e6)
    assert score.perplexity is None
    assert score.bits_per_character == pytest.approx(1e6 / math.log(2))


@pytest.mark.parametrize("model", ["gru", "records"])
def test_several_texts_are_scored_as_each_alone_in_any_number(parts: tuple[TextGenerator, Scorer], model: str) -> None:
    texts = ["", "a", *(LETTERS[1 + at % 7 :] for at in range(8))]
    together = parts[1].score_all(model, texts, logprobs=2)
    for text, score in zip(texts, together.scores, strict=True):
        (alone,) = parts[1].score_all(model, [text], logprobs=2).scores
        assert score.logprobs == alone.logprobs
        assert score.logprobs.chosen == parts[1].score(model, text).scores[0].logprobs.chosen
        assert "".join(score.logprobs.tokens) == text
        assert len(score.logprobs) == len(text) + (model == "records")
    assert together.scores[2].logprobs[-1].top
    assert together.percentile(together.scores[2]) is None


def test_percentiles_are_those_of_the_held_out_records(parts: tuple[TextGenerator, Scorer]) -> None:
    held_out = HeldOutScores(9, (0.0, 2.0, 4.0, 100.0), Threshold(0.0, 0.0))
    scores = Scores("m", 1, (score_of(Vocabulary("ab"), [0, 1], math.nan, -3 * math.log(2)),), held_out)
    assert scores.percentile(scores.scores[0]) == pytest.approx(0.5)
    assert spans(scores.surprising(scores.scores[0])) == [(1, 2, pytest.approx(3))]


def test_a_fault_in_one_of_several_texts_names_it(parts: tuple[TextGenerator, Scorer]) -> None:
    with pytest.raises(ItemError, match=r"texts\[1\]: it has the separator"):
        parts[1].score_all("records", ["a", "a\nb"])
    with pytest.raises(ItemError, match=r"texts\[2\]: 1 character outside the vocabulary: 'É' at 1"):
        parts[1].score_all("gru", ["a", "b", "aÉ", "É"])


def test_a_model_of_another_task(parts: tuple[TextGenerator, Scorer]) -> None:
    with pytest.raises(WrongTaskError, match="classify"):
        parts[1].score_all("classifier", ["a"])


def test_the_log_probabilities_of_all_texts_together_are_bounded(parts: tuple[TextGenerator, Scorer]) -> None:
    texts = ["ab"] * 75
    assert len(parts[1].score_all("gru", texts * 5).scores) == 375
    assert len(parts[1].score_all("gru", texts, logprobs=1).scores) == 75
    with pytest.raises(
        ReplyTooLargeError, match=r"tokens of all texts x \(1 \+ logprobs\), must be at most 300 .* 302"
    ):
        parts[1].score_all("gru", [*texts, "b"], logprobs=1)


def test_unknown_characters(parts: tuple[TextGenerator, Scorer]) -> None:
    with pytest.raises(UnknownCharactersError):
        parts[1].score("gru", "aÉ")
