"""Traces of a text agree with generating and scoring it, with the engine that serves."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.checkpoint import Checkpoint
from charrnn.config import CELLS
from charrnn.engine.tracing import trace
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import UnknownCharactersError, Vocabulary
from charrnn.words import WordVocabulary
from service.generation.cache import GenerationCache
from service.generation.cancellation import Client
from service.generation.engines import build_engine
from service.generation.errors import BusyError, ClientGoneError, DeadlineError
from service.generation.generator import TextGenerator
from service.generation.observer import GenerationObserver
from service.generation.requests import GenerationRequest
from service.generation.resident import ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from service.generation.scoring import Scorer
from service.generation.units.selection import UnitSelection, UnitSelectionError, UnknownUnitError
from service.generation.units.text_trace import TextTrace
from service.generation.units.tracing import NothingToTraceError, Tracer, TraceRequest, traceable
from tests.laws import examples
from tests.networks import random_network
from tests.service.conftest import MemoryRedis
from tests.service.generation.network_store import NetworkStore
from tests.waiting import LONGEST

LETTERS = "\n abcdefg"
WORDS = WordVocabulary(("to", " ", "be", "or", "\n", "not"))
UNITS = 20


def network(name: Any) -> Checkpoint:
    """Of the cell that the name says, or of words."""
    vocabulary = WORDS if name == "words" else Vocabulary(LETTERS)
    made = random_network(vocabulary, "gru" if name == "words" else name, UNITS, layers=2)
    if vocabulary.unknown_id is not None:
        made.weights["output.bias"][vocabulary.unknown_id] = 3
    return made


class Parts:
    def __init__(self, folder: Path, scheduler: Scheduler) -> None:
        self.models = ResidentModels(NetworkStore(network), build_engine("cpu", folder, folder))
        self.tracer = Tracer(self.models)
        self.generator = TextGenerator(self.models, GenerationCache(MemoryRedis(), 60), scheduler)
        self.scorer = Scorer(self.models, scheduler)

    def generated(self, request: GenerationRequest, *cells: UnitSelection) -> tuple[list[str], list[TextTrace]]:
        """The texts without the echoed prompt, and their traces."""
        asked = traceable(request)
        generation = self.generator.generate(asked)
        traces = self.tracer.trace_choices(asked, generation, cells)
        return [choice.text for choice in generation.choices], traces


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    scheduler = Scheduler(max_active=8, max_waiting=8)
    scheduler.start()
    yield Parts(tmp_path_factory.mktemp("packed"), scheduler)
    scheduler.close()


@pytest.mark.parametrize("cell", CELLS)
def test_a_trace_is_what_the_engine_does(parts: Parts, cell: str) -> None:
    text = "abc gab\ncab" * 40
    traced = parts.tracer.trace(TraceRequest(cell, text, (UnitSelection(1, 7), UnitSelection(0))))
    model = parts.models.get(cell)
    expected = trace(model.engine, model.vocabulary.encode(text))
    assert (traced.model, traced.version, "".join(traced.tokens)) == (cell, 1, text)
    assert [(c.layer, c.unit, c.part) for c in traced.cells] == [
        (1, 7, "hidden"),
        *((0, unit, "hidden") for unit in range(UNITS)),
    ]
    np.testing.assert_array_equal(traced.values[0], expected.states[:, 1, 0, 7])
    np.testing.assert_array_equal(traced.values[1:], expected.states[:, 0, 0].T)
    for top, ids in zip(traced.top, expected.top_ids, strict=True):
        assert [token for token, _ in top] == [LETTERS[i] for i in ids]
    scored = parts.scorer.score(cell, text).scores[0].logprobs.chosen
    bits = [None if logprob is None else -logprob / math.log(2) for logprob in scored]
    assert traced.surprisal == tuple(bits)


def test_what_an_lstm_keeps_to_itself(parts: Parts) -> None:
    kept = parts.tracer.trace(TraceRequest("lstm", "abcdef", (UnitSelection(1, 3, "cell"), UnitSelection(1, 3))))
    states = trace(parts.models.get("lstm").engine, parts.models.get("lstm").vocabulary.encode("abcdef")).states
    np.testing.assert_array_equal(kept.values, states[:, 1, ::-1, 3].T)


@examples(30)
@given(
    cell=st.sampled_from([*CELLS, "words"]),
    empty=st.booleans(),
    echo=st.booleans(),
    length=st.integers(1, 40),
    seed=st.integers(0, 2**40),
    temperature=st.sampled_from([0.0, 0.7, 2.0]),
    logprobs=st.sampled_from([None, 0, 3]),
)
def test_a_generated_text_is_traced_as_it_was_generated(
    parts: Parts, cell: str, empty: bool, echo: bool, length: int, seed: int, temperature: float, logprobs: int | None
) -> None:
    prompt = "" if empty else "to be\n" if cell == "words" else "abc\n"
    sampling = SamplingParams(temperature=temperature, logprobs=logprobs)
    request = GenerationRequest(cell, prompt, length, seed, sampling, n=2, echo=echo)
    texts, traces = parts.generated(request, UnitSelection(1, 4))
    untraced = parts.generator.generate(request)
    assert texts == [choice.text for choice in untraced.choices]
    for text, traced, choice in zip(texts, traces, untraced.choices, strict=True):
        assert "".join(traced.tokens) == text.removeprefix(prompt if echo else "")
        assert len(traced.tokens) == len(traced.surprisal) == len(traced.top) == traced.values.shape[1] == length
        if choice.logprobs is not None:
            skipped = len(choice.logprobs) - length
            bits = [-(token.logprob or 0) / math.log(2) for token in choice.logprobs[skipped:]]
            assert traced.surprisal == tuple(bits)
    if cell != "words":  # a text of words can be cut into its words in another way
        whole = parts.tracer.trace(TraceRequest(cell, (prompt or "\n") + texts[1].removeprefix(prompt)[:length]))
        assert whole.surprisal[-length:] == traces[1].surprisal
        assert whole.top[-length:] == traces[1].top


def test_a_text_from_the_cache_and_one_that_stopped(parts: Parts) -> None:
    request = GenerationRequest("gru", "abc", 200, 5, stop=("g",))
    first, again = (parts.generated(request, UnitSelection(0, 0)) for _ in range(2))
    assert first[0] == again[0]
    assert "".join(first[1][0].tokens) == first[0][0]
    np.testing.assert_array_equal(first[1][0].values, again[1][0].values)


def test_a_generated_text_of_nothing(parts: Parts) -> None:
    (text,), (traced,) = parts.generated(
        GenerationRequest("gru", "ab", 50, 1, stop=tuple(LETTERS)), UnitSelection(0, 0)
    )
    assert (text, list(traced.tokens), traced.surprisal, traced.values.shape) == ("", [], (), (1, 0))


def test_words_are_tokens_and_the_unknown_one_is_never_listed(parts: Parts) -> None:
    traced = parts.tracer.trace(TraceRequest("words", "to be\nor not to be", (UnitSelection(1, 0),)))
    assert list(traced.tokens) == ["to", " ", "be", "\n", "or", " ", "not", " ", "to", " ", "be"]
    assert all(len(top) == 5 and "\N{REPLACEMENT CHARACTER}" not in dict(top) for top in traced.top)
    assert traced.values.shape == (1, 11)


def test_probabilities_are_probabilities(parts: Parts) -> None:
    traced = parts.tracer.trace(TraceRequest("rnn", "abcabc"))
    for top in traced.top:
        probabilities = [probability for _, probability in top]
        assert probabilities == sorted(probabilities, reverse=True)
        assert 0 < sum(probabilities) <= 1 + 1e-5


def test_unknown_characters(parts: Parts) -> None:
    with pytest.raises(UnknownCharactersError):
        parts.tracer.trace(TraceRequest("gru", "aÉb"))
    traced = parts.tracer.trace(TraceRequest("gru", "aÉb", skip_unknown=True))
    assert (list(traced.tokens), traced.skipped) == (["a", "b"], ((1, "É"),))
    with pytest.raises(NothingToTraceError, match="at least 1 token"):
        parts.tracer.trace(TraceRequest("gru", "ÉÉ", skip_unknown=True))


def test_cells_that_there_are_not(parts: Parts) -> None:
    with pytest.raises(UnknownUnitError, match=r"cells\[0\].unit must be from 0 to 19, not 20"):
        parts.tracer.trace(TraceRequest("gru", "abc", (UnitSelection(0, 20),)))
    with pytest.raises(UnknownUnitError, match=r"trace.cells\[0\].part must be hidden"):
        parts.tracer.check("gru", [UnitSelection(0, 0, "cell")], "trace.cells")


def test_more_values_than_a_reply_should_have(parts: Parts) -> None:
    whole = tuple(UnitSelection(layer) for layer in (0, 1)) * 32
    with pytest.raises(UnitSelectionError, match=r"at most 4194304 values, not 6400000"):
        parts.tracer.trace(TraceRequest("gru", "abcde" * 1000, whole))


def test_a_disconnected_client_and_an_exceeded_time_limit(parts: Parts) -> None:
    with pytest.raises(ClientGoneError):
        parts.tracer.trace(TraceRequest("gru", "abc" * 1000), client=Client(lambda: False))
    with pytest.raises(DeadlineError):
        Tracer(parts.models, timeout=1e-9).trace(TraceRequest("gru", "abc"))
    parts.tracer.trace(TraceRequest("gru", "abc"))


def test_too_many_at_once_are_refused_and_places_come_back(parts: Parts) -> None:
    asked, go_on = threading.Event(), threading.Event()
    counted: list[int] = []

    class Counting(GenerationObserver):
        def traced(self, tokens: int) -> None:
            counted.append(tokens)

    tracer = Tracer(parts.models, at_once=1, observer=Counting())

    def hold() -> bool:
        asked.set()
        return go_on.wait(LONGEST)

    thread = threading.Thread(target=tracer.trace, args=(TraceRequest("gru", "abc" * 100), Client(hold)))
    thread.start()
    assert asked.wait(LONGEST)
    with pytest.raises(BusyError, match="1 traces are running already: try again in 1 s"):
        tracer.trace(TraceRequest("gru", "abc"))
    go_on.set()
    thread.join()
    tracer.trace(TraceRequest("gru", "abc"))
    assert sum(counted) == 303
