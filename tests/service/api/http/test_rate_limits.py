"""Counts of requests in a real Redis, also when its clock was set back."""

from __future__ import annotations

from pathlib import Path

from service.api.http.rate_limits import RateLimit, in_redis
from service.data_dir import DataDir
from service.processes.embedded_redis import embedded_redis
from tests.service.redis_server import running


def test_counts_that_outlast_their_window_are_forgotten(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with running(embedded_redis(DataDir(tmp_path), 1 << 26)) as (redis, _):
        url = f"unix://{tmp_path}/run/redis.sock"
        limit = RateLimit("2/hour", in_redis(url, 5))
        assert [limit.retry_after("client") for _ in range(2)] == [None, None]
        assert limit.retry_after("client") is not None
        for key in redis.keys("charrnn:rate*"):
            redis.pexpire(key, 10 * 3600 * 1000)  # what is left of it after the clock was set back
        assert [limit.retry_after("client") for _ in range(2)] == [None, None]
        assert limit.retry_after("client") is not None
