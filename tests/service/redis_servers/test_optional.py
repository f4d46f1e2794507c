from __future__ import annotations

import logging

import pytest

from service.redis_servers.optional import PAUSE_SECONDS, OptionalRedis


def test_after_a_failure_it_is_not_used_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    redis = OptionalRedis("purpose", "going on", (OSError,), lambda: now)
    uses: list[int] = []

    def failing() -> int:
        uses.append(1)
        raise ConnectionRefusedError

    with caplog.at_level(logging.WARNING):
        assert redis.attempt(lambda: 7) == 7
        assert redis.attempt(failing) is redis.attempt(failing) is None
        assert (redis.available(), len(uses)) == (False, 1)
        now = PAUSE_SECONDS
        assert redis.available()
        assert redis.attempt(lambda: 7) == 7
    assert caplog.messages == ["purpose: Redis is not available (ConnectionRefusedError); going on"]


def test_other_errors_are_not_its_business() -> None:
    with pytest.raises(ZeroDivisionError):
        OptionalRedis("purpose", "going on", (OSError,)).attempt(lambda: 1 // 0)
