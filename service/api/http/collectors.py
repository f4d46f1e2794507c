"""Metrics that are looked up when they are read, and not measured by a web process: the jobs, the workers, the mirror,
what is degraded, and what the supervisor and the workers report of themselves."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from charrnn import __version__
from service.training.jobs.job import STATUSES, Status
from service.training.queue.figures import Figures

LOST: Final = "charrnn_log_lines_lost"
STORE_REQUESTS: Final = "charrnn_store_requests"
STORE_SECONDS: Final = "charrnn_store_request_seconds"


class Jobs(Protocol):
    """The training jobs, counted when the metrics are read."""

    def count_by_status(self) -> Mapping[Status, int]: ...


class Workers(Protocol):
    """The training workers, looked up when the metrics are read."""

    def heartbeats(self) -> Mapping[str, float]: ...
    def figures(self) -> Figures: ...


class Mirror(Protocol):
    """The mirror of that store, looked up when the metrics are read."""

    def ages(self) -> Mapping[str, float]: ...


class Supervisor(Protocol):
    """What the supervisor of all processes has counted, read when the metrics are."""

    def lost_lines(self) -> int: ...


class WithOthers(Collector):
    """The metrics of the web processes, with those of the supervisor and the workers."""

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


class Degraded(Collector):
    """How much of what /readyz lists concerns which subject; of one model, corpus or job only that it is one."""

    def __init__(self, degraded: Callable[[], Iterable[str]]) -> None:
        self._degraded = degraded

    def collect(self) -> Iterable[Metric]:
        """The metric families."""
        family = GaugeMetricFamily("charrnn_degraded", "What is degraded, as /readyz says", labels=("subject",))
        for subject, count in sorted(Counter(map(_subject, self._degraded())).items()):
            family.add_metric((subject,), count)
        yield family


def _subject(sentence: str) -> str:
    """What a sentence is about, such as `disk` or `model`."""
    subject = sentence.partition(":")[0].partition(" ")[0]
    return "model" if "@" in subject else subject


class MirrorAges(Collector):
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


class JobsAndWorkers(Collector):
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
