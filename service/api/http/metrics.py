"""Metrics for Prometheus: measured in every web process, and summed by the one that answers GET /metrics, which adds
what `collectors` looks up.

With PROMETHEUS_MULTIPROC_DIR set before this is imported, as service.processes.gunicorn_config does, the processes
share their values through files in that folder; without it, as in a test, the values are this process's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from service.api.http.collectors import (
    LOST,
    STORE_REQUESTS,
    STORE_SECONDS,
    Degraded,
    Jobs,
    JobsAndWorkers,
    Mirror,
    MirrorAges,
    Supervisor,
    WithOthers,
    Workers,
)
from service.api.http.shared_metrics import shared_values
from service.generation.observer import GenerationObserver, Lookup, PatternLookup

LATENCIES: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
FIRSTS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


@dataclass(frozen=True, slots=True)
class Load:
    """The load of a web process: sequences, steps of batches so far, models and bytes of patterns in memory."""

    active: int
    waiting: int
    models: int
    steps: int = 0
    rows: int = 0
    pattern_bytes: int = 0


class Requests(Protocol):
    """How often the store of several machines was asked for something, and how many seconds that took together."""

    @property
    def count(self) -> int: ...
    @property
    def seconds(self) -> float: ...


class Metrics(GenerationObserver):
    """The metrics of this process, and the page with those of all processes."""

    def __init__(
        self,
        jobs: Jobs | None = None,
        workers: Workers | None = None,
        supervisor: Supervisor | None = None,
        clock: Callable[[], float] = time.time,
        *,
        degraded: Callable[[], Iterable[str]] = tuple,
        mirror: Mirror | None = None,
    ) -> None:
        self._own = CollectorRegistry()
        self._shared = shared_values()
        self._training = JobsAndWorkers(jobs, workers)
        self._mirror = MirrorAges(mirror)
        self._degraded = Degraded(degraded)
        self._supervisor, self._workers = supervisor, workers
        self._sampled: Load = Load(0, 0, 0)
        self._sampled_lost = 0
        self._requests = Counter(
            "charrnn_requests", "Requests answered", ("method", "route", "status"), registry=self._own
        )
        self._latency = Histogram(
            "charrnn_request_seconds", "Until a reply was complete", ("route",), buckets=LATENCIES, registry=self._own
        )
        self._first = Histogram(
            "charrnn_first_character_seconds",
            "Until the first piece of a stream",
            buckets=FIRSTS,
            registry=self._own,
        )
        self._characters = Counter(
            "charrnn_generated_characters", "Tokens generated, cached ones not counted", registry=self._own
        )
        self._traced = Counter("charrnn_traced_characters", "Tokens read for traces", registry=self._own)
        lookups = Counter("charrnn_cache_lookups", "What the cache had", ("result",), registry=self._own)
        self._lookups = {result: lookups.labels(result) for result in get_args(Lookup)}
        self._prompts = Counter(
            "charrnn_prefix_cache_queries", "Tokens of long prompts, whose states are kept", registry=self._own
        )
        self._cached = Counter(
            "charrnn_prefix_cache_hits", "Those of them that were not read, since a state was known", registry=self._own
        )
        patterns = Counter(
            "charrnn_pattern_lookups", "Patterns looked for among the compiled ones", ("result",), registry=self._own
        )
        self._pattern_lookups = {result: patterns.labels(result) for result in get_args(PatternLookup)}
        self._compiled = Histogram(
            "charrnn_pattern_compile_seconds",
            "Until a pattern was compiled or refused",
            buckets=FIRSTS,
            registry=self._own,
        )
        searches = Counter(
            "charrnn_completion_searches", "Searches for completions, by whether proven", ("exact",), registry=self._own
        )
        self._searches = {exact: searches.labels(str(exact).lower()) for exact in (True, False)}
        self._nodes = Counter("charrnn_completion_nodes", "Texts that these searches have read", registry=self._own)
        self._steps = Counter("charrnn_batch_steps", "Steps of batches", registry=self._own)
        self._rows = Counter("charrnn_batch_rows", "Sequences advanced, summed over the steps", registry=self._own)
        self._asked = Counter(
            STORE_REQUESTS, "What was asked of the shared store", ("by", "method", "outcome"), registry=self._own
        )
        self._waited = Counter(STORE_SECONDS, "How long that took", ("by", "method", "outcome"), registry=self._own)
        self._sampled_asked: dict[tuple[str, str], Requests] = {}
        self._lost = Counter(LOST, "Lines of the log that could not be written in time", ("by",), registry=self._own)
        self._lost_here = self._lost.labels("web")
        self._active = self._gauge("charrnn_active_sequences", "Sequences being generated")
        self._waiting = self._gauge("charrnn_waiting_sequences", "Sequences waiting to become active")
        self._models = self._gauge("charrnn_models_loaded", "Versions in memory, summed over the web processes")
        self._pattern_bytes = self._gauge("charrnn_pattern_bytes", "Memory of compiled patterns, kept or in use")
        self._processes = self._gauge("charrnn_web_processes", "Web processes")
        self._started = Gauge(
            "charrnn_start_time_seconds",
            "When the oldest web process began, in seconds since 1970",
            multiprocess_mode="livemin",
            registry=self._own,
        )
        self._started.set(clock())
        self._processes.set(1)
        self._answered: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request whose reply was sent completely."""
        key = (method, route, status)
        if key not in self._answered:
            # Threads that do this at the same time get the same two objects.
            self._answered[key] = (self._requests.labels(method, route, str(status)), self._latency.labels(route))
        requests, latency = self._answered[key]
        requests.inc()
        latency.observe(seconds)

    def looked_up(self, result: Lookup) -> None:
        self._lookups[result].inc()

    def generated(self, tokens: int) -> None:
        self._characters.inc(tokens)

    def traced(self, tokens: int) -> None:
        self._traced.inc(tokens)

    def prompt_read(self, tokens: int, cached: int) -> None:
        self._prompts.inc(tokens)
        self._cached.inc(cached)

    def pattern_looked_up(self, result: PatternLookup) -> None:
        self._pattern_lookups[result].inc()

    def pattern_compiled(self, seconds: float) -> None:
        self._compiled.observe(seconds)

    def completed(self, nodes: int, *, exact: bool) -> None:
        self._nodes.inc(nodes)
        self._searches[exact].inc()

    def first_piece(self, seconds: float) -> None:
        self._first.observe(seconds)

    def sample(self, load: Load) -> None:
        """Record the process's current load; called by one thread, about once a second."""
        self._active.set(load.active)
        self._waiting.set(load.waiting)
        self._models.set(load.models)
        self._pattern_bytes.set(load.pattern_bytes)
        self._steps.inc(load.steps - self._sampled.steps)
        self._rows.inc(load.rows - self._sampled.rows)
        self._sampled = load

    def lines_lost(self, lines: int) -> None:
        """Record how many lines of the log this process has lost so far; called by the same thread."""
        self._lost_here.inc(lines - self._sampled_lost)
        self._sampled_lost = lines

    def asked(self, requests: Mapping[tuple[str, str], Requests]) -> None:
        """Record what this process has asked the shared store so far, by method and outcome; called by the same
        thread."""
        for labels, now in requests.items():
            before = self._sampled_asked.get(labels)
            self._asked.labels("web", *labels).inc(now.count - (before.count if before else 0))
            self._waited.labels("web", *labels).inc(now.seconds - (before.seconds if before else 0))
        self._sampled_asked = dict(requests)

    def page(self) -> bytes:
        """The values of all processes in Prometheus' text format."""
        registry = CollectorRegistry()
        web = self._own if self._shared is None else self._shared
        registry.register(WithOthers(web, self._supervisor, self._workers))
        registry.register(self._training)
        registry.register(self._mirror)
        registry.register(self._degraded)
        return generate_latest(registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, multiprocess_mode="livesum", registry=self._own)
