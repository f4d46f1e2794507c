"""What the metrics look up when they are read."""

from __future__ import annotations

from collections.abc import Mapping

from service.api.http.metrics import Metrics
from service.mirror.counted import Requests
from service.training.jobs.job import Status
from service.training.queue.figures import Figures, StoreRequests


class Training:
    def count_by_status(self) -> Mapping[Status, int]:
        return {"running": 2}

    def heartbeats(self) -> Mapping[str, float]:
        return {"host-7": 1e9}

    def figures(self) -> Figures:
        return Figures(3, (StoreRequests("get", "done", 4, 0.5),))


def test_lines_of_the_log_that_were_lost_are_counted_here_by_the_workers_and_by_the_supervisor() -> None:
    class Supervisor:
        def lost_lines(self) -> int:
            return 7

    metrics = Metrics(workers=Training(), supervisor=Supervisor())
    metrics.lines_lost(2)
    metrics.lines_lost(5)
    page = metrics.page().decode()
    assert 'charrnn_log_lines_lost_total{by="web"} 5.0\n' in page
    assert 'charrnn_log_lines_lost_total{by="supervisor"} 7.0\n' in page
    assert 'charrnn_log_lines_lost_total{by="worker"} 3.0\n' in page


def test_what_was_asked_of_the_store_is_counted_here_and_by_the_workers() -> None:
    metrics = Metrics(workers=Training())
    metrics.asked({("get", "done"): Requests(1, 0.25)})
    metrics.asked({("get", "done"): Requests(3, 0.75)})
    page = metrics.page().decode()
    for by, count, seconds in (("web", 3, 0.75), ("worker", 4, 0.5)):
        labels = f'by="{by}",method="get",outcome="done"'
        assert f"charrnn_store_requests_total{{{labels}}} {count:.1f}\n" in page
        assert f"charrnn_store_request_seconds_total{{{labels}}} {seconds}\n" in page


def test_what_is_degraded_is_counted_by_subject() -> None:
    found = ["cache: Redis is not available", "model a: damaged", "model b: damaged", "a@3: damaged", "job 1: waits"]
    lines = Metrics(degraded=lambda: found).page().decode().splitlines()
    assert [line.removeprefix("charrnn_degraded") for line in lines if line.startswith("charrnn_degraded")] == [
        '{subject="cache"} 1.0',
        '{subject="job"} 1.0',
        '{subject="model"} 3.0',
    ]
