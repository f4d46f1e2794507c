"""Completions are the same whatever was asked before and whatever is generated meanwhile."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from charrnn.engine.cpu.batch import CpuEngine
from charrnn.patterns.compiling import Pattern
from charrnn.vocabulary import UnknownCharactersError
from service.generation.cache import GenerationCache
from service.generation.cancellation import Client
from service.generation.completing import Completed, Completer, CompletionRequest
from service.generation.errors import BusyError, ClientGoneError, DeadlineError, LengthTooShortError
from service.generation.generator import TextGenerator
from service.generation.observer import GenerationObserver
from service.generation.requests import GenerationRequest
from service.generation.scheduling.scheduler import Scheduler
from service.generation.tasks import WrongTaskError
from tests.service.conftest import MemoryRedis
from tests.service.generation.record_models import record_models

ASKED = CompletionRequest("text", "abc de", 5, 6, (" ", "\n"))


@pytest.fixture
def completer(scheduler: Scheduler) -> Completer:
    return Completer(record_models(CpuEngine), scheduler)


def shown(found: Completed) -> tuple[object, ...]:
    return found.completions, found.exact, found.prompt_tokens, found.completion_tokens


def test_what_was_typed_before_is_not_read_again(completer: Completer, scheduler: Scheduler) -> None:
    text = "a bc de\nda cab"
    for end in range(len(text) + 1):
        asked = replace(ASKED, prompt=text[:end])
        typed, fresh = completer.complete(asked), Completer(record_models(CpuEngine), scheduler).complete(asked)
        assert shown(typed) == shown(fresh)
        assert typed.cached_prompt_tokens == (end - 1 if end > 1 else 0) and fresh.cached_prompt_tokens == 0
        assert typed.exact and len(typed.completions) == 5
    again = completer.complete(replace(ASKED, prompt=text))
    assert again.cached_prompt_tokens == len(text) and shown(again) == shown(typed)


def test_an_observer_hears_what_a_search_has_read_and_whether_it_has_proven_it(scheduler: Scheduler) -> None:
    heard = []

    class Observer(GenerationObserver):
        def completed(self, nodes: int, *, exact: bool) -> None:
            heard.append((nodes > 0, exact))

    completer = Completer(record_models(CpuEngine), scheduler, observer=Observer())
    found = completer.complete(ASKED)
    many = completer.complete(replace(ASKED, n=20, length=100, until=()))
    assert heard == [(True, found.exact), (True, many.exact)] and not many.exact


def test_nothing_depends_on_what_is_generated_meanwhile(
    completer: Completer, scheduler: Scheduler, redis: MemoryRedis
) -> None:
    asked = [replace(ASKED, model=name, n=n) for name in ("text", "records") for n in (3, 20)]
    alone = [shown(completer.complete(each)) for each in asked]
    generator = TextGenerator(record_models(CpuEngine), GenerationCache(redis, 60), scheduler)
    done = threading.Event()

    def load() -> None:
        while not done.is_set():
            generator.generate(GenerationRequest("text", "ab", 300, n=8, write_cache=False))

    with ThreadPoolExecutor(5) as pool:
        busy = pool.submit(load)
        found = [shown(each) for each in pool.map(completer.complete, asked)]
        done.set()
        busy.result()
    assert found == alone


def test_a_record_ends(completer: Completer) -> None:
    found = completer.complete(replace(ASKED, model="records", prompt="", until=(), length=1, n=20))
    assert math.fsum(math.exp(each.logprob) for each in found.completions) == pytest.approx(1, abs=1e-5)
    assert {each.text: each.finish_reason for each in found.completions}[""] == "end"
    assert found.prompt_tokens == 0 and found.completion_tokens == len(found.completions) - 1


def test_only_what_fits(completer: Completer) -> None:
    choice = Pattern("choice", ("ab", "abe", "d?", "e"))
    found = completer.complete(replace(ASKED, until=(), pattern=choice))
    assert {each.text for each in found.completions} == {"ab", "abe", "e"} and found.exact
    with pytest.raises(LengthTooShortError):
        completer.complete(replace(ASKED, pattern=Pattern("regex", "a{9}")))


def test_what_cannot_be_completed(completer: Completer) -> None:
    with pytest.raises(UnknownCharactersError):
        completer.complete(replace(ASKED, prompt="a?"))
    skipped = completer.complete(replace(ASKED, prompt="a?", skip_unknown=True))
    assert skipped.skipped == ((1, "?"),) and skipped.prompt_tokens == 1
    with pytest.raises(WrongTaskError):
        completer.complete(replace(ASKED, model="tagger"))


def test_limits(scheduler: Scheduler) -> None:
    models = record_models(CpuEngine)
    with pytest.raises(BusyError, match="0 completions are being searched for already"):
        Completer(models, scheduler, at_once=0).complete(ASKED)
    with pytest.raises(DeadlineError):
        Completer(models, scheduler, timeout=0).complete(ASKED)
    with pytest.raises(ClientGoneError):
        Completer(models, scheduler).complete(ASKED, Client(lambda: False))
