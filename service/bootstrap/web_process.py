"""The life cycle of a web process; knows no server and no signals."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

from flask import Flask

from service.api.http.shutdown import Shutdown
from service.generation.scheduling.scheduler import Scheduler

log = logging.getLogger(__name__)

CHORE_SECONDS: Final = 1.0

Chore = Callable[[], object]


class Background(Protocol):
    """What else has a thread of its own."""

    def start(self) -> None: ...
    def close(self) -> None: ...


class Once:
    """A chore that is done once, as soon as it `may` be, however often it is called."""

    def __init__(self, may: Callable[[], bool], chore: Chore) -> None:
        self._may, self._chore, self._done = may, chore, False

    def __call__(self) -> None:
        if not self._done and self._may():
            self._done = True
            self._chore()


class WebProcess:
    """A WSGI application with its background threads: the scheduler's, those of `background`, and one that runs
    `prepare` once and then the `chores`, in order, every second."""

    def __init__(
        self,
        application: Flask,
        scheduler: Scheduler,
        shutdown: Shutdown,
        prepare: Chore,
        chores: Sequence[Chore],
        *,
        background: Sequence[Background] = (),
    ) -> None:
        self.application = application
        self._scheduler = scheduler
        self._background = background
        self._shutdown = shutdown
        self._prepare = prepare
        self._chores = chores
        self._completed = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request (WSGI)."""
        return self.application(environ, start_response)

    def start(self) -> None:
        """Start the threads; nothing is generated until then."""
        self._scheduler.start()
        for each in self._background:
            each.start()
        threading.Thread(target=self._do_chores, name="chores", daemon=True).start()

    def begin_end(self, seconds: float) -> None:
        """Begin the shutdown: requests may continue for this long and are then ended with an error; endless streams end
        now. Returns at once, may be called by a signal handler, and has an effect only once."""
        if self._shutdown.has_begun:
            return
        self._shutdown.begin()
        timer = threading.Timer(seconds, self._scheduler.give_up)
        timer.daemon = True
        timer.start()

    def complete(self) -> None:
        """Complete the shutdown: end everything that still runs; returns when the scheduler's thread has ended."""
        self._completed.set()
        for each in self._background:
            each.close()
        self._scheduler.give_up()
        self._scheduler.close()

    def _do_chores(self) -> None:
        _do(self._prepare)
        while not self._completed.is_set():
            for chore in self._chores:
                _do(chore)
            self._completed.wait(CHORE_SECONDS)


def _do(chore: Chore) -> None:
    """Run one chore; a failure is logged, and the chore runs again a second later."""
    try:
        chore()
    except Exception:
        log.exception("a task that runs every second failed")
