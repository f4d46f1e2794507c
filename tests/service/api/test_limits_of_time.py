"""How long a request may take, what happens to it at the end of the process, and when to come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.api.http.shutdown import Shutdown
from service.bootstrap.web_process import WebProcess
from service.generation.cache import GenerationCache
from service.generation.cancellation import Client
from service.generation.errors import BusyError, ClosedError, DeadlineError
from service.generation.generator import TextGenerator
from service.generation.requests import GenerationRequest
from service.generation.scoring import Scorer
from service.generation.units.tracing import Tracer, TraceRequest
from tests.service.generation.arrivals import Arrivals
from tests.waiting import LONGEST, until

ENDLESS = {"prompt": "a", "length": 1000, "timeout": 0.05}


@pytest.fixture
def slow(engine: Any) -> None:
    engine.gate = lambda: time.sleep(0.01)


def test_a_request_that_takes_too_long_ends_with_an_error_and_frees_its_slot(
    client: FlaskClient, scheduler: Any, slow: None
) -> None:
    reply = client.post("/generate", json=ENDLESS)
    assert reply.status_code == 503
    assert reply.headers["Retry-After"]
    assert reply.headers["X-Should-Retry"] == "false"
    assert reply.json["error"]["code"] == "deadline_exceeded"  # type: ignore[index]
    assert "0.05 s" in reply.json["error"]["message"]  # type: ignore[index]
    until(lambda: scheduler.active == 0)


def test_a_stream_that_takes_too_long_ends_with_an_error(client: FlaskClient, slow: None) -> None:
    text = client.post("/generate", json={**ENDLESS, "stream": True}).text
    assert '"code": "deadline_exceeded"' in text
    assert text.endswith("data: [DONE]\n\n")


def test_no_request_may_wish_for_more_time_than_there_is(models: Any, redis: Any, scheduler: Any, slow: None) -> None:

    generator = TextGenerator(models, GenerationCache(redis, ttl=60), scheduler, timeout=0.05)
    with pytest.raises(DeadlineError):
        generator.generate(GenerationRequest("letters", "a", length=1000, timeout=60))


def test_scoring_has_no_more_time_than_generating(
    new_client: Callable[..., FlaskClient], engine: Any, scheduler: Any
) -> None:
    opened = threading.Event()
    engine.gate = lambda: opened.wait(0.2)  # a step, which nothing interrupts
    reply = new_client(request_timeout=0.05).post("/score", json={"text": "abc"})
    assert reply.status_code == 503
    assert reply.json["error"]["code"] == "deadline_exceeded"  # type: ignore[index]
    assert "0.05 s" in reply.json["error"]["message"]  # type: ignore[index]
    opened.set()
    until(lambda: scheduler.active == 0)


LATE: dict[str, Callable[[Any, Any, TextGenerator, Client], object]] = {
    "scored": lambda models, scheduler, _, late: Scorer(models, scheduler, 5).score("letters", "abc", late),
    "traced": lambda models, _, __, late: Tracer(models, 5).trace(TraceRequest("letters", "abc"), late),
    "another prompt": lambda _, __, generator, late: generator.generate_all(
        [GenerationRequest("letters", each, timeout=5) for each in "ab"], late
    ),
}


@pytest.mark.parametrize("use", LATE.values(), ids=LATE)
def test_all_that_is_done_for_a_request_shares_its_time(
    models: Any, scheduler: Any, generator: TextGenerator, slow: None, use: Callable[..., object]
) -> None:
    """A picture of a cell takes several texts and a trace, say."""
    with pytest.raises(DeadlineError, match="5 s"):
        use(models, scheduler, generator, Client(asked_at=time.monotonic() - 10))


@pytest.mark.parametrize("timeout", [0, -1, "5", 1e9])
def test_bounds_of_the_timeout(client: FlaskClient, timeout: object) -> None:
    reply = client.post("/generate", json={"timeout": timeout})
    assert (reply.status_code, reply.json["error"]["param"]) == (422, "timeout")  # type: ignore[index]


def test_identical_requests_at_the_same_moment_are_computed_once(generator: TextGenerator, engine: Any) -> None:
    generator.generate(GenerationRequest("letters", "b", length=5))
    added = engine.added
    made = Arrivals(engine).together([(generator, GenerationRequest("letters", "a", length=5))] * 6)
    assert engine.added == added + 1
    assert len({each.choices for each in made}) == 1
    assert sum(not each.cached for each in made) == 1


def test_unfinished_requests_get_an_error_at_the_end(generator: TextGenerator, engine: Any, scheduler: Any) -> None:
    engine.gate = lambda: time.sleep(0.01)
    stream = generator.stream(GenerationRequest("letters", "a", length=100_000))
    assert next(piece for piece in stream.pieces if piece is not None)
    shutdown = Shutdown()
    process = WebProcess(Flask("none"), scheduler, shutdown, prepare=int, chores=[])
    shutdown.check()
    process.begin_end(seconds=0.01)
    with pytest.raises(ClosedError):
        shutdown.check()
    with pytest.raises(ClosedError):
        list(stream.pieces)
    process.complete()
    with pytest.raises(ClosedError):
        generator.generate(GenerationRequest("letters", "a"))


def test_a_request_that_is_not_admitted_gets_a_retry_after(generator: TextGenerator, engine: Any) -> None:
    opened = threading.Event()
    engine.gate = lambda: opened.wait(0.01)
    generator.generate(GenerationRequest("letters", "a", length=3, read_cache=False))
    engine.gate = lambda: opened.wait(LONGEST)
    generator.stream(GenerationRequest("letters", "a", length=60, n=8))
    with pytest.raises(BusyError) as caught:
        generator.stream(GenerationRequest("letters", "a", n=8))
    opened.set()
    assert 1 <= caught.value.retry_after <= 60
