"""Hints from process to process that something has changed, through Redis; a process that gets none looks at intervals.

Nothing depends on a hint: without Redis, or after a lost one, a change is seen at the next look.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Set
from typing import Final

from redis.client import PubSub
from redis.exceptions import RedisError

from service.redis_servers.clients import client
from service.redis_servers.faults import in_words

log = logging.getLogger(__name__)

CHANNEL: Final = "charrnn:changes"
MODELS: Final = "models"
CORPORA: Final = "corpora"
RUNS: Final = "runs"
KEYS: Final = "keys"
SUBJECTS: Final = frozenset({MODELS, CORPORA, RUNS, KEYS})
"""What can change; there are no other messages."""

SENDER: Final = "hints to Redis"
LISTENER: Final = "hints from Redis"

CONNECT_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 2.0
PAUSE_SECONDS: Final = 1.0
"""Between two attempts to listen."""
PING_SECONDS: Final = 3.0
SILENT_SECONDS: Final = 8.0
"""A connection from which not even the answer to a ping has come for so long is given up."""


class Hints:
    """Sends hints and hears those of all processes that use the same Redis, its own included; with an empty `url` there
    are none. Threads start at the first use, so that a process may fork before. May be used by any number of threads.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._threads: dict[str, threading.Thread] = {}
        self._to_send: set[str] = set()
        self._heard: set[str] = set()
        self._send = threading.Event()
        self._news = threading.Event()
        self._closed = threading.Event()
        self._fault = ""

    def publish(self, subject: str) -> None:
        """Tell all that this one of SUBJECTS has changed. Returns at once; what Redis does not take is lost."""
        if subject not in SUBJECTS:
            raise ValueError(f"a hint is one of {', '.join(sorted(SUBJECTS))}, not {subject!r}")
        with self._lock:
            self._to_send.add(subject)
        self._send.set()
        self._begin(SENDER, self._send_all)

    def wait(self, seconds: float) -> frozenset[str]:
        """Wait until something has changed, at most so long; returns what, since the last call. Everything may have
        changed when listening begins, also after an interruption."""
        self._begin(LISTENER, self._listen)
        self._news.wait(seconds)
        with self._lock:
            self._news.clear()
            heard, self._heard = frozenset(self._heard), set()
        return heard

    def wake(self) -> None:
        """End `wait` now."""
        self._news.set()

    def close(self) -> None:
        """End the threads, and `wait` now; returns when what was published is sent, within seconds."""
        self._closed.set()
        self._send.set()
        self._news.set()
        if sender := self._threads.get(SENDER):
            sender.join(CONNECT_SECONDS + ANSWER_SECONDS)

    def _begin(self, name: str, work: Callable[[], None]) -> None:
        with self._lock:
            if not self._url or name in self._threads or self._closed.is_set():
                return
            self._threads[name] = threading.Thread(target=work, name=name, daemon=True)
            self._threads[name].start()

    def _send_all(self) -> None:
        with client(self._url, CONNECT_SECONDS, ANSWER_SECONDS, retries=1) as redis:
            is_last = False
            while not is_last:
                self._send.wait()
                self._send.clear()
                is_last = self._closed.is_set()
                with self._lock:
                    due, self._to_send = self._to_send, set()
                try:
                    for subject in sorted(due):
                        redis.publish(CHANNEL, subject)
                except (RedisError, OSError) as error:
                    log.debug("hints of changes are not sent: %s", in_words(error))

    def _listen(self) -> None:
        with client(self._url, CONNECT_SECONDS, ANSWER_SECONDS) as redis:
            while not self._closed.is_set():
                try:
                    with redis.pubsub(ignore_subscribe_messages=True) as channel:
                        channel.subscribe(CHANNEL)
                        channel.ping()
                        self._hear_from(channel)
                    self._failed("it is silent")
                except (RedisError, OSError) as error:
                    self._failed(in_words(error))
                self._closed.wait(PAUSE_SECONDS)

    def _hear_from(self, channel: PubSub) -> None:
        """Until the connection is silent or no longer wanted. Raises RedisError, OSError when it breaks."""
        heard_at = pinged_at = time.monotonic()
        is_new = True
        while not self._closed.is_set() and (now := time.monotonic()) - heard_at < SILENT_SECONDS:
            if now - pinged_at >= PING_SECONDS:
                channel.ping()
                pinged_at = now
            message = channel.get_message(timeout=1.0)
            if message is None:
                continue
            heard_at, self._fault = time.monotonic(), ""
            if is_new:
                self._hear(SUBJECTS)
                is_new = False
            elif message["type"] == "message":
                self._hear({message["data"].decode("ascii", "replace")} & SUBJECTS)

    def _hear(self, subjects: Set[str]) -> None:
        with self._lock:
            self._heard |= subjects
        if subjects:
            self._news.set()

    def _failed(self, fault: str) -> None:
        """A fault is logged once."""
        if fault != self._fault and not self._closed.is_set():
            log.info("hints of changes are not heard (%s): looking at intervals", fault)
        self._fault = fault
