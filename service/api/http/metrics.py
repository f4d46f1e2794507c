"""Metrics for Prometheus: measured in every web process, and summed by the one that answers GET /metrics.

With PROMETHEUS_MULTIPROC_DIR set before this is imported, as service.processes.gunicorn_config does, the processes
share their values through files in that folder; without it, as in a test, the values are this process's own.
"""

from __future__ import annotations

import platform
import time
from collections import Counter as Counted
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from charrnn import __version__
from service.api.http.shared_metrics import shared_values
from service.generation.observer import GenerationObserver, Lookup, PatternLookup
from service.training.jobs.job import STATUSES, Status
from service.training.queue.figures import Figures

LATENCIES: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
LOST: Final = "charrnn_log_lines_lost"
STORE_REQUESTS: Final = "charrnn_store_requests"
STORE_SECONDS: Final = "charrnn_store_request_seconds"
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


class Jobs(Protocol):
    """The training jobs, counted when the metrics are read."""

    def count_by_status(self) -> Mapping[Status, int]: ...


class Workers(Protocol):
    """The training workers, looked up when the metrics are read."""

    def heartbeats(self) -> Mapping[str, float]: ...
    def figures(self) -> Figures: ...


class Requests(Protocol):
    """How often the store of several machines was asked for something, and how many seconds that took together."""

    @property
    def count(self) -> int: ...
    @property
    def seconds(self) -> float: ...


class Mirror(Protocol):
    """The mirror of that store, looked up when the metrics are read."""

    def ages(self) -> Mapping[str, float]: ...


class Supervisor(Protocol):
    """What the supervisor of all processes has counted, read when the metrics are."""

    def lost_lines(self) -> int: ...


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
        self._training = _Training(jobs, workers)
        self._mirror = _Mirror(mirror)
        self._degraded = _Degraded(degraded)
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
        registry.register(_WithOthers(web, self._supervisor, self._workers))
        registry.register(self._training)
        registry.register(self._mirror)
        registry.register(self._degraded)
        return generate_latest(registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, multiprocess_mode="livesum", registry=self._own)


class _WithOthers(Collector):
    """The metrics of the web processes, with what the supervisor and the workers tell of theirs."""

    def __init__(self, web: Collector, supervisor: Supervisor | None, workers: Workers | None) -> None:
        self._web = web
        self._supervisor = supervisor
        self._workers = workers

    def collect(self) -> Iterable[Metric]:
        """The metric families."""
        worker = Figures() if self._workers is None else self._workers.figures()
        for metric in self._web.collect():
            if metric.name == LOST:
                self._add_lost(metric, worker)
            for each in worker.asked:
                labels = {"by": "worker", "method": each.method, "outcome": each.outcome}
                if metric.name == STORE_REQUESTS:
                    metric.add_sample(f"{STORE_REQUESTS}_total", labels, each.count)
                elif metric.name == STORE_SECONDS:
                    metric.add_sample(f"{STORE_SECONDS}_total", labels, each.seconds)
            yield metric

    def _add_lost(self, metric: Metric, worker: Figures) -> None:
        if self._supervisor is not None:
            metric.add_sample(f"{LOST}_total", {"by": "supervisor"}, self._supervisor.lost_lines())
        if self._workers is not None:
            metric.add_sample(f"{LOST}_total", {"by": "worker"}, worker.lost_lines)


class _Degraded(Collector):
    """How much of what /readyz lists concerns which subject; of one model, corpus or job only that it is one."""

    def __init__(self, degraded: Callable[[], Iterable[str]]) -> None:
        self._degraded = degraded

    def collect(self) -> Iterable[Metric]:
        """The metric families."""
        family = GaugeMetricFamily("charrnn_degraded", "What is degraded, as /readyz says", labels=("subject",))
        for subject, count in sorted(Counted(map(_subject, self._degraded())).items()):
            family.add_metric((subject,), count)
        yield family


def _subject(sentence: str) -> str:
    """What a sentence is about, such as `disk` or `model`."""
    subject = sentence.partition(":")[0].partition(" ")[0]
    return "model" if "@" in subject else subject


class _Mirror(Collector):
    """How old the mirror of a shared store is."""

    def __init__(self, mirror: Mirror | None) -> None:
        self._mirror = mirror

    def collect(self) -> Iterable[Metric]:
        """The metric families."""
        text = "Since when a part of the mirror has not been compared with the shared store"
        family = GaugeMetricFamily("charrnn_mirror_age_seconds", text, labels=("part",))
        for part, age in (self._mirror.ages() if self._mirror else {}).items():
            family.add_metric((part,), age)
        yield family


class _Training(Collector):
    """Metrics that do not depend on the web process: the release, the jobs and the workers."""

    def __init__(self, jobs: Jobs | None, workers: Workers | None) -> None:
        self._jobs = jobs
        self._workers = workers

    def collect(self) -> Iterable[Metric]:
        """The metric families."""
        info = GaugeMetricFamily("charrnn_info", "Version of the service", labels=("version", "python"))
        info.add_metric((__version__, platform.python_version()), 1)
        yield info
        if self._jobs is not None:
            yield _counted(self._jobs)
        if self._workers is not None:
            yield _heartbeats(self._workers)


def _counted(jobs: Jobs) -> Metric:
    family = GaugeMetricFamily("charrnn_jobs", "Training jobs by what became of them", labels=("status",))
    counts = jobs.count_by_status()
    for status in STATUSES:
        family.add_metric((status,), counts.get(status, 0))
    return family


def _heartbeats(workers: Workers) -> Metric:
    text = "When a training worker was last heard of, in seconds since 1970"
    family = GaugeMetricFamily("charrnn_worker_heartbeat_seconds", text, labels=("worker",))
    for worker, moment in workers.heartbeats().items():
        family.add_metric((worker,), moment)
    return family
