"""What a continuation costs: its token's size, the processor time to make and check one, and 100 characters more of a
text of 10,000 beside 100 from nothing, in this process and over HTTP. Run: python -m benchmarks.continuations."""

from __future__ import annotations

import http.client
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from benchmarks.http import service
from benchmarks.networks import network
from charrnn.config import Cell
from charrnn.engine.base import Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.instructions import Precision
from charrnn.engine.state_bytes import packed
from charrnn.sampling import SamplingParams
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from service.generation.cache import GenerationCache
from service.generation.continuations.continuation import Continuation
from service.generation.continuations.tokens import Continuations
from service.generation.generator import TextGenerator
from service.generation.requests import GenerationRequest
from service.generation.resident import ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from tests.service.conftest import MemoryRedis
from tests.service.generation.network_store import NetworkStore

NETWORKS: tuple[tuple[Cell, int, int], ...] = (
    *(("lstm", 1, 256), ("lstm", 1, 512), ("lstm", 3, 512)),
    *(("gru", 1, 512), ("rnn", 1, 512)),
)
PRECISIONS: tuple[Precision, ...] = ("int8", "float32")
OVER_HTTP = 200
"""Requests of each kind."""
SAMPLING = SamplingParams(seed=7, temperature=0.8)
TOKENS = Continuations(lambda: ("k" * 43,))


def microseconds(call: Callable[[], object], repeats: int, rounds: int = 20) -> float:
    """Of this thread's processor time, for one call: the best of the rounds, because others use the machine."""
    best = float("inf")
    for _ in range(rounds):
        began = time.thread_time()
        for _ in range(repeats):
            call()
        best = min(best, (time.thread_time() - began) / repeats)
    return 1e6 * best


def of_a_token(cell: Cell, layers: int, units: int, precision: Precision) -> dict[str, float]:
    """Its characters, and the time to make one from a batch's state and to get the state back from it."""
    checkpoint = network(cell, units, layers)
    batch = CpuEngine(checkpoint, precision).batch(1)
    handle = batch.add(Sequence(np.array([1], dtype=np.int32), 1000, SAMPLING))
    batch.step(300)

    def make() -> str:
        state = packed(batch.state(handle))
        return TOKENS.token(Continuation("shakespeare", 3, "d" * 64, precision, state, SAMPLING))

    token = make()
    check = microseconds(lambda: TOKENS.read(token).state_for("d" * 64, precision, checkpoint.config), 200)
    return {"characters": len(token), "make_us": microseconds(make, 200), "check_us": check}


def of_more() -> dict[str, float]:
    """100 characters from nothing, and after 10,000 through a token, which is made in both."""
    scheduler = Scheduler(max_active=8, max_waiting=0)
    scheduler.start()
    models = ResidentModels(NetworkStore(lambda _: network("lstm", 512, 1)), CpuEngine)
    generator = TextGenerator(models, GenerationCache(MemoryRedis(), ttl=60), scheduler)
    plain: dict[str, Any] = {"seed": 7, "with_continuation": True, "read_cache": False, "write_cache": False}

    def token(request: GenerationRequest) -> str:
        (choice,) = generator.generate(request).choices
        assert choice.continuation is not None
        return TOKENS.token(choice.continuation)

    long = token(GenerationRequest("m", length=10_000, **plain))
    calls = {
        "nothing_us": lambda: token(GenerationRequest("m", length=100, **plain)),
        "more_us": lambda: token(GenerationRequest("m@1", length=100, start=TOKENS.read(long), **plain)),
    }
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(40):
        for name, call in calls.items():
            best[name] = min(best[name], microseconds(call, 20, rounds=1))
    scheduler.close()
    return best


def over_http() -> dict[str, float]:
    """The median milliseconds of replies with 100 characters from nothing, 100 more from the token of 10,000, and 100
    more of a text of 10,000 and more in the cache, whose whole text is in the reply, beside that text again as it
    is; asked for in turn on one connection."""
    with tempfile.TemporaryDirectory() as folder:
        publish_and_promote(ModelStore(Path(folder) / "models"), "m", network("lstm", 512, 1), "always")
        with service(Path(folder), MAX_LENGTH=str(20_000 + 100 * OVER_HTTP), WEB_WORKERS="1") as url:
            connection = http.client.HTTPConnection(urlsplit(url).netloc)
            times: dict[str, list[float]] = {}

            def asked(kind: str, **fields: Any) -> dict[str, Any]:
                body = json.dumps(fields)
                began = time.perf_counter()
                connection.request("POST", "/generate", body, {"Content-Type": "application/json"})
                reply = connection.getresponse()
                text = reply.read()
                times.setdefault(kind, []).append(1000 * (time.perf_counter() - began))
                assert reply.status == 200, text
                answer: dict[str, Any] = json.loads(text)
                return answer

            first = {"model": "m", "seed": 7, "continuation": True}
            token = asked("10,000", length=10_000, **first)["choices"][0]["continuation"]
            for more in range(1, OVER_HTTP + 1):
                asked("nothing", model="m", length=100, seed=more, cache=False, continuation=True)
                asked("token", length=100, cache=False, continuation=True, **{"continue": token})
                length = 10_000 + 100 * more
                part = asked("cache", length=length, **first)
                assert part["usage"]["cached_tokens"] == length - 100
                assert asked("again", length=length, **first)["cached"]
    return {kind: statistics.median(each) for kind, each in times.items()}


def main() -> None:
    found: dict[str, dict[str, float]] = {}
    print("| network | precision | characters | make, µs | check, µs |\n|---|---|---|---|---|")
    for cell, layers, units in NETWORKS:
        for precision in PRECISIONS:
            row = found[f"{cell} {layers}x{units} {precision}"] = of_a_token(cell, layers, units, precision)
            cells = f"{row['characters']:,} | {row['make_us']:.0f} | {row['check_us']:.0f}"
            print(f"| {cell.upper()} {layers}x{units} | {precision} | {cells} |", flush=True)
    more = found["more"] = of_more()
    print(f"\n100 characters: {more['nothing_us']:,.0f} µs from nothing, {more['more_us']:,.0f} µs after 10,000")
    web = found["over_http_ms"] = over_http()
    print("over HTTP, ms: " + ", ".join(f"{kind} {each:.2f}" for kind, each in web.items()))
    Path(__file__).with_name("continuations.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
