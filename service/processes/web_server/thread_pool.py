"""The threads that answer requests; knows no connections."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue

log = logging.getLogger(__name__)


class ThreadPool:
    """Runs tasks in order of arrival, at most `size` at once.

    A task that has to wait for a client lets another one run meanwhile (`lent`), so that slow clients do not delay
    others. When it continues, more than `size` tasks may run until some end.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._tasks: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = threading.Lock()
        self._count = 0
        self._lent = 0
        self._spare = 0  # idle threads minus waiting tasks

    @property
    def count(self) -> int:
        """The number of threads."""
        return self._count

    def submit(self, task: Callable[[], None]) -> None:
        """Run the task as soon as fewer than `size` are running. It must not raise."""
        self._tasks.put(task)
        with self._lock:
            self._spare -= 1
            self._grow()

    @contextmanager
    def lent(self) -> Iterator[None]:
        """A context in which a task waits, and another task may run."""
        with self._lock:
            self._lent += 1
            self._grow()
        try:
            yield
        finally:
            with self._lock:
                self._lent -= 1

    def _grow(self) -> None:
        if self._spare >= 0 or self._count - self._lent >= self.size:
            return
        thread = threading.Thread(target=self._run, name="request", daemon=True)
        self._count += 1
        self._spare += 1
        try:
            thread.start()
        except RuntimeError as error:  # the system's limit is reached: the task waits for one of the existing threads
            self._count -= 1
            self._spare -= 1
            log.warning("no thread could be started beside %d others: %s", self._count, error)

    def _run(self) -> None:
        while True:
            self._tasks.get()()
            with self._lock:
                if self._count - self._lent > self.size:
                    self._count -= 1
                    return
                self._spare += 1
