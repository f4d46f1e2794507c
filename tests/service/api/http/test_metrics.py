from __future__ import annotations

import re
from typing import Any

from flask.testing import FlaskClient

from service.api.http.metrics import Load, Metrics
from tests.service.api.http.test_collectors import Training


def values(page: bytes) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"^([^# ]\S*(?: \S+)*) (\S+)$", page.decode(), re.M)}


def test_a_request_is_counted_by_route_and_status(client: FlaskClient) -> None:
    for _ in range(3):
        client.get("/models/letters")
    client.get("/models/nobody")
    client.get("/nowhere/at/all")
    client.open("/healthz", method="BREW")
    seen = values(client.get("/metrics").data)
    shown = {name: value for name, value in seen.items() if name.startswith("charrnn_requests_total")}
    assert shown == {
        'charrnn_requests_total{method="GET",route="/models/<name>",status="200"}': 3,
        'charrnn_requests_total{method="GET",route="/models/<name>",status="404"}': 1,
        'charrnn_requests_total{method="GET",route="(none)",status="404"}': 1,
        'charrnn_requests_total{method="(other)",route="(none)",status="405"}': 1,
    }
    assert seen['charrnn_request_seconds_count{route="/models/<name>"}'] == 4


def test_a_stream_counts_when_it_has_ended(client: FlaskClient) -> None:
    asked = {"prompt": "a", "length": 5, "stream": True}
    with client.post("/generate", json=asked, buffered=False) as reply:
        key = 'charrnn_requests_total{method="POST",route="/generate",status="200"}'
        assert key not in values(client.get("/metrics").data)
        assert b"[DONE]" in reply.data
    assert values(client.get("/metrics").data)[key] == 1


def test_what_a_process_is_busy_with() -> None:
    metrics = Metrics(Training(), Training(), clock=lambda: 7.0)
    metrics.sample(Load(active=3, waiting=2, models=1, steps=10, rows=25))
    metrics.sample(Load(active=4, waiting=0, models=1, steps=30, rows=45, pattern_bytes=2048))
    metrics.pattern_looked_up("miss")
    metrics.pattern_compiled(0.02)
    metrics.completed(10, exact=True)
    metrics.completed(7, exact=False)
    for result in ("hit", "hit", "miss"):
        metrics.looked_up(result)
    metrics.generated(200)
    metrics.first_piece(0.003)
    expected: dict[str, Any] = {
        "charrnn_active_sequences": 4,
        "charrnn_waiting_sequences": 0,
        "charrnn_models_loaded": 1,
        "charrnn_batch_steps_total": 30,
        "charrnn_batch_rows_total": 45,
        'charrnn_cache_lookups_total{result="hit"}': 2,
        'charrnn_cache_lookups_total{result="joined"}': 0,
        "charrnn_generated_characters_total": 200,
        "charrnn_pattern_bytes": 2048,
        'charrnn_pattern_lookups_total{result="miss"}': 1,
        'charrnn_completion_searches_total{exact="true"}': 1,
        'charrnn_completion_searches_total{exact="false"}': 1,
        "charrnn_completion_nodes_total": 17,
        'charrnn_pattern_lookups_total{result="hit"}': 0,
        'charrnn_pattern_compile_seconds_bucket{le="0.01"}': 0,
        'charrnn_pattern_compile_seconds_bucket{le="0.025"}': 1,
        'charrnn_first_character_seconds_bucket{le="0.0025"}': 0,
        'charrnn_first_character_seconds_bucket{le="0.005"}': 1,
        'charrnn_jobs{status="running"}': 2,
        'charrnn_jobs{status="failed"}': 0,
        'charrnn_worker_heartbeat_seconds{worker="host-7"}': 1e9,
        "charrnn_start_time_seconds": 7,
    }
    seen = values(metrics.page())
    assert {name: seen[name] for name in expected} == expected
