"""How a web process comes to its end: what runs may finish for a while, then it is told; streams without end stop."""

from __future__ import annotations

import threading
from collections.abc import Callable

from service.generation.errors import ClosedError


class Ending:
    """The end of this process; `give_up` ends what still runs, `close` waits until nothing does."""

    def __init__(self, give_up: Callable[[], None] = lambda: None, close: Callable[[], None] = lambda: None) -> None:
        self._give_up = give_up
        self._close = close
        self._begun = threading.Event()

    def begin(self, seconds: float) -> None:
        """Let what runs go on for so long, then give it up; returns at once and may be called by a signal's handler."""
        if self._begun.is_set():
            return
        self._begun.set()
        timer = threading.Timer(seconds, self._give_up)
        timer.daemon = True
        timer.start()

    def check(self) -> None:
        """For a stream that would go on for hours. Raises ClosedError once the end has begun."""
        if self._begun.is_set():
            raise ClosedError("the service is shutting down; ask again for what follows")

    def complete(self) -> None:
        """End now, whatever still runs."""
        self._give_up()
        self._close()
