"""The probabilities of models are the posterior of equal priors, for short texts and for very long ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from charrnn.vocabulary import UnknownCharactersError
from service.generation.comparison import Comparer, Comparison
from service.generation.errors import ItemError
from service.generation.scheduling.scheduler import Scheduler
from service.generation.tasks import WrongTaskError
from tests.service.generation.record_models import LETTERS, log_softmax, record_models

END = len(LETTERS)
START_OF_TEXT = 0


@pytest.fixture
def comparer(scheduler: Scheduler) -> Comparer:
    return Comparer(record_models(), scheduler)


def logprob(name: str, text: str, with_end: bool) -> float:
    start = START_OF_TEXT if name == "text" else END
    ids = [start, *LETTERS.encode(text), *([END] if with_end else [])]
    return float(sum(log_softmax(name, ids[:-1])[range(len(ids) - 1), ids[1:]])) if len(ids) > 1 else 0.0


def agrees(found: Comparison, names: list[str], text: str, with_end: bool) -> None:
    expected = np.array([logprob(name, text, with_end) for name in names])
    posterior = np.exp(expected - np.logaddexp.reduce(expected))
    assert list(found.probabilities) == pytest.approx(posterior.tolist(), abs=1e-4)
    assert sum(found.probabilities) == pytest.approx(1)
    bits = -expected / math.log(2) / (len(text) + with_end)
    assert list(found.bits_per_character) == pytest.approx(bits.tolist(), abs=1e-4)


def test_models_of_records_are_compared_with_the_end(comparer: Comparer) -> None:
    texts = ["abc", "", "e d", "a"]
    for text, found in zip(texts, comparer.compare(["records", "labels"], texts), strict=True):
        agrees(found, ["records", "labels"], text, with_end=True)


def test_an_endless_text_has_no_end(comparer: Comparer) -> None:
    names, texts = ["records", "text", "labels"], ["abc", "e\nd", "a"]
    for text, found in zip(texts, comparer.compare(names, texts), strict=True):
        agrees(found, names, text, with_end=False)


def test_nothing_speaks_for_any_model_without_characters(comparer: Comparer) -> None:
    (found,) = comparer.compare(["records", "text"], [""])
    assert found == Comparison([0.5, 0.5], [None, None])


def test_a_long_text_overflows_nothing(comparer: Comparer) -> None:
    (found,) = comparer.compare(["text", "records"], ["abcde" * 1000])
    assert sum(found.probabilities) == pytest.approx(1) and max(found.probabilities) == pytest.approx(1)
    best, worst = sorted(zip(found.bits_per_character, found.probabilities, strict=True), key=lambda each: -each[1])
    assert best[0] is not None and worst[0] is not None and best[0] < worst[0]


def test_a_character_that_one_of_the_models_does_not_know(comparer: Comparer) -> None:
    says = r"texts\[1\]: ab version 1 cannot read it: 1 character outside the vocabulary: 'c' at 2"
    with pytest.raises(ItemError, match=says) as raised:
        comparer.compare(["records", "ab"], ["ab", "abc"])
    assert isinstance(raised.value.error, UnknownCharactersError) and raised.value.error.unknown == [(2, "c")]


def test_models_that_do_not_write_texts_are_refused(comparer: Comparer) -> None:
    for name in ("classifier", "tagger", "transducer"):
        with pytest.raises(WrongTaskError, match=f"{name} version 1"):
            comparer.compare(["records", name], ["ab"])
