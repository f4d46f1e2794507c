"""The worker class for gunicorn, with its own handling of connections, so that slow clients do not delay others."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import time
from types import FrameType
from typing import Any, Final

from gunicorn.errors import ConfigError
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker

from service.processes.web_server.event_loop import EventLoop
from service.processes.web_server.memory import FreeMemory
from service.processes.web_server.request_handler import RequestHandler
from service.processes.web_server.thread_pool import ThreadPool
from service.settings import Settings

LINGERING: Final = 64
"""Up to this many open connections, threads wait for the next request of theirs. With more, connections that have a
thread would be served repeatedly before those that wait for one: of 256 clients, some would wait more than a second."""

LOOK_SECONDS: Final = 0.5
"""How soon a process that waits for its turn notices that it is to end."""

OTHER_FILES: Final = 256
"""File descriptors reserved for other uses than connections."""


class GunicornWorker(Worker):  # type: ignore[misc]  # gunicorn has no types
    """However slow a client is, others are served: connections wait in one event loop, and a request gets a thread when
    its head has arrived."""

    not_before = 0.0
    """When it may begin, by time.monotonic."""

    @classmethod
    def check_config(cls, configuration: Any, _log: Any) -> None:
        """Refuse unsupported options. Raises gunicorn's ConfigError."""
        if configuration.is_ssl:
            raise ConfigError("TLS is left to a proxy in front of the service")

    def handle_exit(self, _signal: int, _frame: FrameType | None) -> None:
        """At SIGTERM, which may arrive before the application is loaded: end when the running requests have ended."""
        self.alive = False
        if self.booted:
            self._loop.wake()

    def load_wsgi(self) -> None:
        """Create the application, and what serves it."""
        self._await_turn()
        self._load_application()
        handler = RequestHandler(
            self.cfg,
            self.wsgi,
            self.log,
            explain=self.handle_error,
            may_stay=lambda: self.alive and self._loop.count <= self._stay_with,
            alive=lambda: self.alive,
        )
        self._stay_with = min(LINGERING, self.cfg.threads // 2)
        self._loop = EventLoop(
            self.cfg,
            self.sockets,
            ThreadPool(self.cfg.threads),
            handler.handle,
            most=_connection_limit(self.cfg.worker_connections),
            patience=Settings().client_timeout,
            siblings=self.cfg.workers > 1,
        )

    def _await_turn(self) -> None:
        while self.alive and self.ppid == os.getppid() and (seconds := self.not_before - time.monotonic()) > 0:
            self.notify()
            time.sleep(min(seconds, LOOK_SECONDS))
        if self.not_before > time.monotonic():
            sys.exit(0)

    def _load_application(self) -> None:
        """Where the first ones cannot start, gunicorn ends; one that takes another's place does not end the others."""
        try:
            super().load_wsgi()
        except Exception:
            if self.age <= self.cfg.workers:
                raise
            self.log.exception("a web process could not start")
            sys.exit(1)

    def run(self) -> None:
        """Serve until a signal, or until the parent process has died."""
        memory = FreeMemory()
        while self.alive and self.ppid == os.getppid():
            self.notify()
            self._loop.run_once()
            memory.look()
        self._loop.stop_accepting()
        latest = time.monotonic() + self.cfg.graceful_timeout
        while self._loop.count and time.monotonic() < latest:
            self.notify()
            self._loop.run_once(0.1)


class Log(Logger):  # type: ignore[misc]
    """Logs gunicorn's own messages only: the application logs requests, and gunicorn would format a line for every
    request and discard it if its log were configured."""

    @property
    def access_log_enabled(self) -> bool:
        """Never."""
        return False


def _connection_limit(wanted: int) -> int:
    """How many connections the process may have, after raising the limit of open files as far as possible."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(
                resource.RLIMIT_NOFILE, (needed if hard == resource.RLIM_INFINITY else min(needed, hard), hard)
            )
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - OTHER_FILES))
