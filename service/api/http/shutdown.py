"""Whether this web process is shutting down: endless streams then close, and their clients reconnect."""

from __future__ import annotations

import threading

from service.generation.errors import ClosedError


class Shutdown:
    """The shutdown of this process, which begins once."""

    def __init__(self) -> None:
        self._begun = threading.Event()

    @property
    def has_begun(self) -> bool:
        """Whether it has begun."""
        return self._begun.is_set()

    def begin(self) -> None:
        """Begin it; may be called by a signal handler."""
        self._begun.set()

    def check(self) -> None:
        """Raises ClosedError once the shutdown has begun."""
        if self.has_begun:
            raise ClosedError("the service is shutting down; ask again for what follows")
