"""A primary that dies, is told to step down or comes back as a replica: whatever uses Redis follows the Sentinel."""

from __future__ import annotations

from contextlib import closing

import pytest
import redis

from service.api.http.rate_limits import RateLimit, in_redis
from service.generation.redis_link import RedisLink, link_to
from service.redis_servers.hints import MODELS, SUBJECTS, Hints
from service.training.queue.job_queue import JobConsumer, JobQueue
from tests.service.redis_server import WatchedRedis
from tests.waiting import LONGEST, until

PASSWORD = "secret"


def keeps(link: RedisLink, name: str) -> bool:
    try:
        link.set(name, "value", ex=60)
        return bool(link.get(name) == b"value")
    except (redis.RedisError, OSError):
        return False


def test_all_that_uses_redis_follows_the_primary(watched: WatchedRedis) -> None:
    url = watched.url
    taken: list[str] = []
    link, queue, hints = link_to(url, 0.5), JobQueue(url), Hints(url)
    limit = RateLimit("1/day", in_redis(url, 0.5))
    consumer = JobConsumer(url, taken.append)
    consumer.start()
    with closing(link), closing(queue), closing(hints):
        assert hints.wait(LONGEST) == SUBJECTS
        assert keeps(link, "before")
        queue.submit("before")
        until(lambda: taken == ["before"])
        watched.primary.kill()
        assert not keeps(link, "meanwhile")
        until(lambda: keeps(link, "after"))
        assert watched.primary_port() == watched.replica.port
        assert link.get("before") == b"value", "the replica had it"
        until(lambda: not queue.fault())
        queue.submit("after")
        until(lambda: "after" in taken)
        until(lambda: MODELS in hints.wait(0.1))
        limit.retry_after("somebody")
        assert limit.retry_after("somebody") is not None
    consumer.stop(timeout=5)
    assert taken == ["before", "after"], "each once"


@pytest.mark.faults
def test_a_primary_that_steps_down_is_left(watched: WatchedRedis) -> None:
    url = watched.url
    with closing(link_to(url, 0.5)) as link, closing(JobQueue(url)) as queue:
        assert keeps(link, "before")
        queue.submit("before")
        assert watched.switch() == watched.replica.port
        until(lambda: keeps(link, "after"))
        until(lambda: not queue.fault())
        queue.submit("after")
        assert queue.waiting() == {"before", "after"}


def test_what_sentinels_do_not_know_is_said(watched: WatchedRedis) -> None:
    nobody = "Redis has no primary of this name that is up, as far as a Sentinel answers"
    with closing(JobQueue(watched.url.replace("/main/", "/other/"), 1)) as queue:
        assert queue.fault() == nobody
    watched.replica.kill()
    watched.primary.kill()
    with closing(JobQueue(watched.url, 1)) as queue:
        until(lambda: queue.fault() == nobody)
        watched.sentinel.kill()
        assert queue.fault() == nobody
    with closing(JobQueue(watched.url.replace(PASSWORD, "wrong"), 1)) as queue:
        watched.primary.start()
        watched.sentinel.start()
        until(lambda: queue.fault() == "Redis refuses the user or the password")
