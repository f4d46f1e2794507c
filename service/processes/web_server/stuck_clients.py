"""Bounds how many clients threads wait for, and how much memory their replies hold meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from service.processes.web_server.connection import Connection
from service.processes.web_server.memory import give_back, resident_bytes

STUCK_SECONDS: Final = 1.0
"""A client that a thread has waited for this long is stuck: it may be disconnected where others need its place."""

WAITING_BYTES: Final = 1 << 28
"""By how much the process's memory may grow while clients are stuck. What a reply holds until it is sent, such as
arrays and texts that are still being generated, only the application knows; so the process's memory is judged."""

AT_ONCE: Final = 4
"""One in so many stuck clients is given up at a time."""


class StuckClients:
    """Gives up those of the clients stuck for more than `seconds` that have been so for the longest, when there are
    more than `most` of them or the process's memory, as `resident` says, has grown by more than `most_bytes`."""

    def __init__(
        self,
        most: int,
        most_bytes: int = WAITING_BYTES,
        resident: Callable[[], int] = resident_bytes,
        seconds: float = STUCK_SECONDS,
    ) -> None:
        self._most, self._most_bytes, self._resident, self._seconds = most, most_bytes, resident, seconds
        self._calm = resident()

    def relieve(self, served: Iterable[Connection]) -> None:
        """Look at the connections that have a thread; called about every second."""
        stuck = [each.client for each in served if each.client.waited_for > self._seconds]
        if not stuck:
            self._calm = self._resident()
            return
        count = max(len(stuck) - self._most, 0)
        if self._holds_too_much():
            count = max(count, -(-len(stuck) // AT_ONCE))
        for client in sorted(stuck, key=lambda each: each.waited_for, reverse=True)[:count]:
            client.give_up()

    def _holds_too_much(self) -> bool:
        if self._resident() - self._calm <= self._most_bytes:
            return False
        give_back()
        return self._resident() - self._calm > self._most_bytes
