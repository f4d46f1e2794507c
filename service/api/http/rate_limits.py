"""Rate limits for keys and addresses, counted in Redis; without Redis no request is refused."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final, cast

from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import RedisStorage, SlidingWindowCounterSupport, Storage
from limits.strategies import SlidingWindowCounterRateLimiter

from service.redis_servers.clients import pool
from service.redis_servers.optional import OptionalRedis

PREFIX: Final = "charrnn:rate"


class RateLimit:
    """A limit such as `60/minute`, or several, `10/second;1000/day`, in sliding windows."""

    def __init__(self, rate: str, storage: Storage, clock: Callable[[], float] = time.monotonic) -> None:
        self._items = parse_many(rate)
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._windows = cast(SlidingWindowCounterSupport, storage)
        self._redis = OptionalRedis("rate limit", "not counting", (StorageError, OSError), clock)

    def retry_after(self, identity: str) -> int | None:
        """Count a request; returns how many seconds to wait if it exceeds the limit. Without Redis there is no
        limit."""
        return self._redis.attempt(lambda: self._count(identity))

    def _count(self, identity: str) -> int | None:
        for item in self._items:
            if not self._limiter.hit(item, identity) and not self._hit_after_step(item, identity):
                reset = self._limiter.get_window_stats(item, identity).reset_time
                return max(1, math.ceil(reset - time.time()))
        return None

    def _hit_after_step(self, item: RateLimitItem, identity: str) -> bool:
        """Whether the clock of Redis was set back since the counts were made, which then last for longer than their
        windows, and there is room if they are forgotten."""
        expiry = item.get_expiry()
        _, previous_seconds, _, current_seconds = self._windows.get_sliding_window(item.key_for(identity), expiry)
        if previous_seconds <= expiry and current_seconds <= 2 * expiry:
            return False
        self._limiter.clear(item, identity)
        return self._limiter.hit(item, identity)


def in_redis(url: str, timeout: float) -> Storage:
    """The storage of the counts, which connects on first use. Raises RedisUrlError."""
    return RedisStorage(
        "redis://", connection_pool=pool(url, timeout, timeout), key_prefix=PREFIX, wrap_exceptions=True
    )
