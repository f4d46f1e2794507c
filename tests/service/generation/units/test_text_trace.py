"""A trace of a record has an entry for each token of its text, and says what the task predicts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from charrnn.engine.gpu.reference import ReferenceEngine
from charrnn.engine.tracing import trace
from charrnn.sampling import SamplingParams
from service.generation.cache import GenerationCache
from service.generation.generator import TextGenerator
from service.generation.requests import GenerationRequest
from service.generation.scheduling.scheduler import Scheduler
from service.generation.units.selection import UnitSelection
from service.generation.units.text_trace import TOP, TextTrace
from service.generation.units.tracing import Tracer, TraceRequest, traceable
from tests.service.conftest import MemoryRedis
from tests.service.generation.record_models import LETTERS, NETWORKS, log_softmax, record_models

END = len(LETTERS)
TEXT = "abcab\ne" * 40
UNIT = UnitSelection(0, 3)


@pytest.fixture(scope="module")
def tracer() -> Tracer:
    return Tracer(record_models())


def states(name: str, ids: list[int]) -> list[float]:
    found = trace(ReferenceEngine(NETWORKS[name]), np.array(ids, np.int32)).states
    return list(found[:, 0, 0, 3].tolist())


def traced(tracer: Tracer, name: str, text: str = TEXT) -> TextTrace:
    found = tracer.trace(TraceRequest(name, text, (UNIT,)))
    assert "".join(found.tokens) == text
    assert len(found.surprisal) == len(found.top) == found.values.shape[1] == len(text)
    return found


@pytest.mark.parametrize(("name", "delay"), [("classifier", 0), ("tagger", 0), ("later", 2)])
def test_labels_are_those_of_each_token(tracer: Tracer, name: str, delay: int) -> None:
    found, labels = traced(tracer, name), NETWORKS[name].arrangement.labels
    read = [*LETTERS.encode(TEXT).tolist(), *[END] * delay]
    expected = np.exp(log_softmax(name, read))[delay:]
    for top, probabilities in zip(found.top, expected, strict=True):
        best = np.argsort(-probabilities, kind="stable")[:TOP]
        assert [label for label, _ in top] == [labels[i] for i in best]
        assert [p for _, p in top] == pytest.approx(probabilities[best].tolist(), abs=1e-5)
    assert found.surprisal == (None,) * len(TEXT) and not found.is_scored
    assert found.values[0].tolist() == states(name, read)[: len(TEXT)], "the state after the token itself"


def test_a_record_begins_with_something(tracer: Tracer) -> None:
    text = TEXT.replace("\n", "d")
    found, read = traced(tracer, "records", text), [END, *LETTERS.encode(text).tolist()]
    after = log_softmax("records", read)
    bits = -after[range(len(text)), read[1:]] / math.log(2)
    assert found.surprisal == pytest.approx(bits.tolist(), abs=1e-4)
    likeliest = [LETTERS.characters[i] if i < END else "" for i in after[1:].argmax(axis=1)]
    assert [top[0][0] for top in found.top] == likeliest
    assert found.values[0].tolist() == states("records", read)[1:]


def test_a_record_that_is_to_be_turned_into_another_is_only_read(tracer: Tracer) -> None:
    found = traced(tracer, "transducer")
    assert found.top == ((),) * len(TEXT) and found.surprisal == (None,) * len(TEXT)
    assert found.values[0].tolist() == states("transducer", LETTERS.encode(TEXT).tolist())


@pytest.mark.parametrize(("name", "label"), [("records", None), ("labels", None), ("labels", "x")])
def test_a_generated_record_is_traced_with_its_end(
    tracer: Tracer, scheduler: Scheduler, name: str, label: str | None
) -> None:
    generator = TextGenerator(record_models(), GenerationCache(MemoryRedis(), 60), scheduler)
    request = traceable(
        GenerationRequest(name, "ab", 50, 3, SamplingParams(logprobs=0), label=label, n=4, echo=label is None)
    )
    generation = generator.generate(request)
    assert {choice.finish_reason for choice in generation.choices} == {"end"}
    for choice, found in zip(generation.choices, tracer.trace_choices(request, generation, [UNIT]), strict=True):
        assert choice.logprobs is not None
        bits = [-(token.logprob or 0) / math.log(2) + 0.0 for token in choice.logprobs]
        assert list(found.surprisal) == pytest.approx(bits[-choice.completion_tokens :], abs=1e-5)
        assert "".join(found.tokens) == choice.text.removeprefix("ab" if request.echo else "")
        assert found.tokens[-1] == "" and found.values.shape[1] == choice.completion_tokens
